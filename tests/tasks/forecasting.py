"""Small forecasters for tests: tables of series, what is fitted to them, what a model makes of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.data.tables.sources import ALL
from rnncli.data.tables.table import Table
from rnncli.runs import start
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.tables import table_of
from rnncli.tasks.forecast import task
from rnncli.tasks.forecast.data import corpus_of
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.forecast.schema import RECIPE, ForecastRecipe

SMALL: dict[str, Any] = {"hidden": 4, "identity": 2, "dropout": 0.0}


def recipe_of(
    evaluation: dict[str, Any] | None = None, model: dict[str, Any] | None = None, **data: Any
) -> ForecastRecipe:
    """A recipe whose model is small."""
    return RECIPE.model_validate({"data": data, "evaluation": evaluation or {}, "model": SMALL | (model or {})})


def days(count: int, start: str = "2025-01-01") -> list[str]:
    """So many days as texts."""
    return pd.date_range(start, periods=count, freq="D").strftime("%Y-%m-%d").tolist()


def sales(lengths: list[int], seed: int = 0) -> dict[str, np.ndarray]:
    """Series above 0 with a week, a trend and noise, of so many days."""
    random = np.random.default_rng(seed)
    found = {}
    for number, length in enumerate(lengths):
        day = np.arange(length)
        found[f"s{number}"] = 20 + 5 * np.sin(2 * np.pi * day / 7) + 0.05 * day + random.gamma(2, 2, length)
    return found


def table(series: dict[str, np.ndarray], whole: bool = False, **columns: dict[str, np.ndarray]) -> Table:
    """Long rows of series by name, which begin behind leading NaN; another NaN is a value that is absent.

    ``columns`` are further ones, by series.
    """
    rows = []
    for name, values in series.items():
        stamps = [str(number) for number in range(len(values))] if whole else days(len(values))
        more = [one[name].tolist() for one in columns.values()]
        begin = int(np.flatnonzero(~np.isnan(values))[0])
        for at, (stamp, value) in list(enumerate(zip(stamps, values.tolist(), strict=True)))[begin:]:
            rows.append((name, stamp, None if np.isnan(value) else value, *(one[at] for one in more)))
    return table_of("sales.csv", ("unique_id", "ds", "y", *columns), rows)


def corpus(recipe: ForecastRecipe, data: Table) -> Corpus:
    """The windows of a table."""
    return corpus_of(recipe, {ALL: data})


def fit(recipe: ForecastRecipe, found: Corpus) -> FittedForecast:
    """A forecaster fitted to the train part."""
    return task.fit(recipe.having(found.chosen), found)


def model_of(fitted: FittedForecast, seed: int = 1) -> Forecaster:
    """A model whose network says something, which a new one does not."""
    torch.manual_seed(seed)
    model = fitted.build().eval()
    with torch.no_grad():
        torch.nn.init.normal_(model.linear.weight, std=0.3)
        torch.nn.init.normal_(model.linear.bias, std=0.3)
    return model


def batches_of(examples: Any, size: int = 10**6) -> Any:
    """The windows in their order, so many at a time."""
    every = np.arange(len(examples))
    groups = [every[at : at + size] for at in range(0, len(every), size)]
    return lambda: [(group, examples.batch(group)) for group in groups]


@torch.no_grad()
def rows_of(fitted: FittedForecast, model: Forecaster, part: Any, size: int = 10**6) -> list[dict[str, Any]]:
    """The rows of a part."""
    examples = fitted.encode(part)
    return fitted.predictions(model, part, examples, batches_of(examples, size))


@torch.no_grad()
def settled(fitted: FittedForecast, model: Forecaster, found: Corpus) -> None:
    """Correct the intervals by dev, and keep all that the network adds, of which dev would leave nothing."""
    dev = fitted.encode(found.parts["dev"])
    fitted.settle(model, dev, batches_of(dev))
    fitted.share = 1.0


def uninterrupted(folder: Path, keys: Any) -> Path:
    """A run in ``folder``, on the data there, that nobody interrupts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        start.start(load_recipe("forecast/own-data", keys), out=Path("peace"))
    return folder / "peace"
