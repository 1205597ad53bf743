"""What was learnt before the network, as files: names and plain values as JSON, arrays beside it."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import load_file, save_file

from rnncli.data.jsonfile import read_json, write_json
from rnncli.metrics.conformal import Conformal
from rnncli.tasks.forecast.extras.learnt import LearntSeries, from_plain, plain_of

KIND, FILE, ARRAYS = "forecaster", "series.json", "series.safetensors"


def save(folder: Path, learnt: LearntSeries, conformal: Conformal | None, share: float) -> None:
    """Write all of it."""
    body, arrays = plain_of(learnt, conformal, share)
    write_json(folder / FILE, KIND, body)
    save_file(arrays, folder / ARRAYS)


def load(folder: Path) -> tuple[LearntSeries, Conformal | None, float]:
    """What ``save`` wrote; KeyError, TypeError, ValueError or OSError where that is damaged."""
    return from_plain(read_json(folder / FILE, KIND), load_file(folder / ARRAYS))
