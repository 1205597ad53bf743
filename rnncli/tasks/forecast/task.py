"""Forecasting: all steps ahead of many series by one recurrent model: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from pathlib import Path

import torch

from rnncli.tasks.base import Corpus
from rnncli.tasks.exporting import Exported
from rnncli.tasks.forecast import builtin, data
from rnncli.tasks.forecast.extras import checks, fitting, further
from rnncli.tasks.forecast.extras.learnt import LearntSeries
from rnncli.tasks.forecast.extras.steps import SegmentSteps
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.forecast.predictor import SeriesPredictor
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.source import seasons_of

load = FittedForecast.load
predictor = SeriesPredictor
findings = checks.findings


def read(recipe: ForecastRecipe) -> Corpus:
    """Series of a user, or those built in, as windows."""
    return data.read_corpus(recipe, builtin.builtin)


def read_more(recipe: ForecastRecipe, path: Path) -> Corpus:
    """A further file, its last origins as the part ``test``."""
    return data.read_part(recipe, path)


def fit(recipe: ForecastRecipe, corpus: Corpus) -> FittedForecast:
    """Units, regression and scales of the training part."""
    train, dev = corpus.parts["train"], corpus.parts["dev"]
    return _fitted(recipe, fitting.learn(recipe, train, dev, seasons_of(recipe.data, train.panel.grid)))


def fit_further(recipe: ForecastRecipe, corpus: Corpus, known: FittedForecast) -> FittedForecast:
    """The look-back, the columns' units and the series of a run; the regression and scales of the training part."""
    return _fitted(recipe, further.learn_further(recipe, corpus.parts["train"], corpus.parts["dev"], known.learnt))


check = checks.tables


def export(fitted: FittedForecast, model: Forecaster, *, stream: bool) -> Exported:
    """The forecaster as an ONNX graph with its tables."""
    from rnncli.tasks.forecast.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def step_reader(fitted: FittedForecast, model: Forecaster, device: torch.device) -> SegmentSteps:
    """What the core reads at each step."""
    return SegmentSteps(fitted, model, device)


def _fitted(recipe: ForecastRecipe, learnt: LearntSeries) -> FittedForecast:
    fitted = FittedForecast(recipe, learnt)
    fitted.recipe = recipe.having(
        {
            "model.segment": learnt.segment,
            "data.transform": learnt.transform.kind,
            "data.non_negative": learnt.non_negative,
            "model.head": fitted.head_name,
        }
    )
    return fitted
