"""Classical forecasters as rivals, series by series, by ``statsforecast`` (the extra ``forecast``).

They work in a process of their own, which is ended at a time limit, since one of their fits may take minutes. What
cannot do all windows by then is left out: its figures would be those of other windows.
Run as a module, this file is that process: a line of JSON in, a line out.

Shape letters: W windows, H steps ahead, Q levels of quantiles.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Timer
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.windows import WindowPart

Array = NDArray[Any]

MODELS = ("AutoTheta", "AutoETS", "AutoARIMA")
LIMIT = 120.0
"""Seconds that each of them has."""
MOST_STEPS = 1_000
"""Of a history that they are fitted to."""
TRIED = 3
"""Windows after which it is foreseen how long all will take."""


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What one of them forecast: points (W, H) and quantiles (W, H, Q) of the levels :data:`LEVELS`."""

    point_WH: Array
    quantile_WHQ: Array


def is_installed() -> bool:
    """Whether statsforecast can be imported."""
    return importlib.util.find_spec("statsforecast") is not None


def classical(
    part: WindowPart, season: int, non_negative: bool, limit: float = LIMIT
) -> tuple[dict[str, Forecasts], tuple[str, ...]]:
    """By name what classical forecasters say of all windows, within ``limit`` seconds each; and what is to be said."""
    if not is_installed() or not len(part):
        return {}, ()
    found, notes = {}, []
    for name in MODELS:
        one = _Attempt(name, part, season).made(limit)
        if isinstance(one, str):
            notes.append(one)
            continue
        rows_WHC, failed = one
        if failed:
            notes.append(f"{name}: {failed:,} windows that it could not fit are forecast as their last value")
        values_WHC = np.maximum(rows_WHC, 0.0) if non_negative else rows_WHC
        found[name] = Forecasts(values_WHC[..., 0], np.sort(values_WHC[..., 1:], axis=-1))
    if found and int((part.origin_W - part.panel.start_S[part.series_W]).max()) >= MOST_STEPS:
        notes.append(f"{', '.join(found)}: fitted to the last {MOST_STEPS:,} steps before each origin")
    return found, tuple(notes)


class _Attempt:
    """One of them, all windows of a part."""

    def __init__(self, name: str, part: WindowPart, season: int) -> None:
        self.name, self.part, self.season = name, part, season

    def made(self, limit: float) -> tuple[Array, int] | str:
        """Points and quantiles (W, H, 1 + Q) and how many windows it could not fit; or why there are none."""
        process = _process(self.name)
        assert process.stdin
        assert process.stdout
        timer = Timer(limit, process.kill)
        timer.start()
        try:
            return self._asked(process.stdin, process.stdout, limit)
        except (BrokenPipeError, EOFError):
            return self._left_out(
                f"not done within {limit:g} seconds"
                if not timer.is_alive()
                else "statsforecast ended early; python -c 'import statsforecast.models'"
            )
        finally:
            timer.cancel()
            process.kill()
            process.communicate()

    def _asked(self, asks: IO[str], answers: IO[str], limit: float) -> tuple[Array, int] | str:
        part, failed = self.part, 0
        found_WHC = np.empty((len(part), part.horizon, 1 + len(LEVELS)))
        begun = 0.0
        for number, row in enumerate(_spread(len(part))):
            asks.write(json.dumps(self._question(row)) + "\n")
            asks.flush()
            line = answers.readline()
            if not line:
                raise EOFError
            found_HC = np.array(json.loads(line), np.float64)[part.gap :]
            is_sound = found_HC.shape == found_WHC[row].shape and bool(np.isfinite(found_HC).all())
            found_WHC[row] = found_HC if is_sound else part.panel.y_N[part.origin_W[row]]
            failed += not is_sound
            if not number:
                begun = time.monotonic()  # what the first one took is mostly the import
            elif number == TRIED and (all_of_it := (time.monotonic() - begun) / TRIED * len(part)) > limit:
                return self._left_out(f"all would take about {all_of_it:,.0f} seconds, more than {limit:g}")
        return found_WHC, failed

    def _question(self, row: int) -> dict[str, Any]:
        part = self.part
        origin, start = int(part.origin_W[row]), int(part.panel.start_S[part.series_W[row]])
        known = part.panel.y_N[max(start, origin + 1 - MOST_STEPS) : origin + 1]
        season = self.season if len(known) > 2 * self.season else 1
        return {"y": known.tolist(), "season": season, "steps": part.gap + part.horizon}

    def _left_out(self, why: str) -> str:
        return f"{self.name} left out of {len(self.part):,} windows: {why}"


def _spread(count: int) -> Iterator[int]:
    """All numbers below ``count`` in an order whose first ones lie far apart."""
    return iter(np.random.default_rng(0).permutation(count).tolist())


def _process(name: str) -> subprocess.Popen[str]:
    places = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "rnncli.tasks.forecast.extras.classical", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | places,
        text=True,
    )


def _answer(model: Any, question: dict[str, Any]) -> list[list[float]]:
    """Point and quantiles of each step; an empty list for a series that the model cannot fit."""
    upper = sorted({round(100 * (2 * level - 1)) for level in LEVELS if level > 0.5})
    try:
        found = model.forecast(y=np.array(question["y"], np.float64), h=question["steps"], level=upper)
    except Exception:  # of any kind, for a series that is constant, too short or too odd
        return []
    columns = [found["mean"]]
    for level in LEVELS:
        share = round(100 * abs(2 * level - 1))
        columns.append(found[f"{'lo' if level < 0.5 else 'hi'}-{share}"] if share else found["mean"])
    return np.column_stack(columns).tolist()


def _work(name: str) -> None:
    """Answer questions until there are no more."""
    from statsforecast import models  # type: ignore[reportMissingImports]

    for line in sys.stdin:
        question = json.loads(line)
        model = getattr(models, name)(season_length=question["season"])
        sys.stdout.write(json.dumps(_answer(model, question)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _work(sys.argv[1])
