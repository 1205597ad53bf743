"""What the core of a forecaster reads: a segment of the past at each step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.errors import DataError
from rnncli.tasks.forecast.examples import ForecastBatch, ForecastExamples
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.forecast.predictor import SeriesPredictor
from rnncli.tasks.inspecting import ReadBatch, ReadSteps


class SegmentSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; a step bears the stamp with which its segment ends.

    Its ``value`` is the mean of the segment in units of the window: what the model is shown.
    """

    unit, gap, lexical = "segment", " ", False

    def __init__(self, fitted: FittedForecast, model: Forecaster, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.predictor = SeriesPredictor(fitted, model, device)

    def typed(self, text: str) -> ReadBatch:
        """A table of a history, of which the first series is looked at."""
        path = Path(text)
        if not path.is_file():
            self.predictor.parse(text)
        ahead = next(self.predictor.read(path), None)
        if ahead is None:
            raise DataError(f"{path}: no series to look at")
        examples, first = self.fitted.encode(ahead.forecasts.part), np.array([ahead.series])
        return self.of_part(None, examples, first, placed(examples.batch(first), self.device))

    def of_part(self, part: object, examples: ForecastExamples, indices: np.ndarray, batch: ForecastBatch) -> ReadBatch:
        """Windows of a part."""
        self.model(batch)
        own, segment = examples.part.take(indices), self.fitted.learnt.segment
        at_BL, _ = own.back_WL(self.fitted.learnt.scaling.lookback)
        value_BM = batch.x_BLI[..., 0].reshape(len(at_BL), -1, segment).mean(-1).tolist()
        found = []
        for row, (series, at_L) in enumerate(zip(own.series_W.tolist(), at_BL[:, segment - 1 :: segment], strict=True)):
            names = own.panel.grid.texts(own.panel.number(np.full(len(at_L), series), at_L))
            found.append(ReadSteps(list(names), own.place(row), numbers={"value": value_BM[row]}))
        return ReadBatch(found)
