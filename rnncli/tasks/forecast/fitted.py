"""A forecaster fitted to its training part: units, the regression over lags, scales of errors, and its intervals.

Shape letters: S series, W windows, B batch, L steps back, H steps ahead, C channels of the head, Q levels of quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.errors import RunError
from rnncli.heads.forecasts import make_head
from rnncli.metrics.conformal import Conformal
from rnncli.metrics.forecasts import LEVELS, scores, window_sums
from rnncli.recipe.schema import AUTO
from rnncli.tasks.base import About, Axes, Batches, Metrics, Rivals
from rnncli.tasks.common.core import build_core
from rnncli.tasks.forecast.examples import ForecastBatch, ForecastExamples
from rnncli.tasks.forecast.extras import fitting, saving
from rnncli.tasks.forecast.extras.classical import classical
from rnncli.tasks.forecast.extras.fitting import LearntSeries
from rnncli.tasks.forecast.extras.rivals import choices, fitted_rivals
from rnncli.tasks.forecast.extras.rows import Kept, counted_rows, rows
from rnncli.tasks.forecast.model import Forecaster, Sizes
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.windows import WindowPart

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of what the network adds to the regression, of which dev chooses one: 0 is the regression alone."""
MOST_CALIBRATED = 20_000_000
"""Quantiles of dev windows that intervals are corrected by, evenly chosen ones where there are more."""


class FittedForecast:
    """See :class:`rnncli.tasks.base.Fitted`."""

    def __init__(
        self, recipe: ForecastRecipe, learnt: LearntSeries, conformal: Conformal | None = None, share: float = 1.0
    ) -> None:
        self.recipe, self.learnt, self.conformal, self.share = recipe, learnt, conformal, share
        self.head_name = "quantiles" if recipe.model.head == AUTO else recipe.model.head
        self.head = make_head(self.head_name, recipe.model.loss, LEVELS)
        self.best_by = "mase" if np.isfinite(learnt.scales.mase_S).any() else "mae"
        self.notes: tuple[str, ...] = learnt.notes

    @property
    def about(self) -> About:
        """How windows lie, and what quantiles there are."""
        return {**self.learnt.about, "levels": list(LEVELS)}

    def save(self, folder: Path) -> None:
        """Write names, units, regression, scales and intervals."""
        saving.save(folder, self.learnt, self.conformal, self.share)

    @classmethod
    def load(cls, recipe: ForecastRecipe, folder: Path) -> FittedForecast:
        """What ``save`` wrote; raises RunError."""
        try:
            return cls(recipe, *saving.load(folder))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise RunError(f"{folder}: cannot be read: {error}", "take it from a copy of the run") from error

    def encode(self, part: WindowPart, *, training: bool = False) -> ForecastExamples:
        """Windows in units of their own; in training what an error counts follows what it is scored by."""
        learnt, form = self.learnt, self.learnt.form
        part = replace(part, panel=part.panel.having(form.known, form.past, form.static))
        numbers = {name: number for number, name in enumerate(learnt.names, 1)}
        series_S = np.array([numbers.get(name, 0) for name in part.panel.names], np.int64)
        weight_W = np.ones(len(part))
        if training:
            power = 2 if self.recipe.model.loss == "mse" else 1
            weight_W = fitting.weights(learnt.transform.of(part), learnt.scaling, power)
        ridge = learnt.ridge if self.recipe.model.linear else None
        segments = np.full(len(part), learnt.scaling.lookback // learnt.segment, np.int64)
        return ForecastExamples(
            part, learnt.transform, learnt.scaling, ridge, series_S[part.series_W], weight_W, segments
        )

    def build(self) -> Forecaster:
        """A new forecaster."""
        learnt, settings = self.learnt, self.recipe.model
        core = build_core(settings.hidden, settings)
        known, past, static = (one.shape[1] for one in learnt.scaling.tables)
        sizes = Sizes(
            segment=learnt.segment,
            horizon=learnt.horizon,
            inputs=1 + known + past,
            known=known,
            static=static,
            series=len(learnt.names),
            channels=self.head.size,
        )
        return Forecaster(core, sizes, settings)

    def axes(self) -> Axes:
        """Series, behind the one that was never seen."""
        return {"identity.weight": ((0, *self.learnt.names),)}

    def loss(self, model: Forecaster, batch: ForecastBatch) -> Tensor:
        """That of the head, the mean over steps."""
        return self.head.loss(model(batch), batch.truth_BH, batch.weight_BH, batch.units)

    def validate(self, model: Forecaster, examples: ForecastExamples, batches: Batches) -> Metrics:
        """Metrics of the points that are forecast, and ``loss``."""
        total = weight = 0.0
        sums_C: Any = 0
        for indices, batch in batches():
            raw_BHC = model(batch)
            known = float(batch.weight_BH.sum())
            total += known * float(self.head.loss(raw_BHC, batch.truth_BH, batch.weight_BH, batch.units))
            weight += known
            point_BH = self._points(raw_BHC, batch)
            sums_C = sums_C + self._sums(examples.part.take(indices), point_BH, None).sum(0)
        found = {name: float(value) for name, value in scores(sums_C).items() if np.isfinite(value)}
        return found | {"loss": total / max(weight, 1e-30)}

    def settle(self, model: Forecaster, dev: ForecastExamples, batches: Batches) -> None:
        """Choose how much of the network is added to the regression, then correct the intervals, both by dev."""
        self.share = self._best_share(model, dev, batches) if self.recipe.model.linear else 1.0
        most = max(1, MOST_CALIBRATED // (dev.part.horizon * len(LEVELS)))
        every = -(-len(dev) // most)
        errors: list[tuple[np.ndarray, ...]] = []
        for indices, batch in batches():
            some = np.flatnonzero(indices % every == 0)
            if len(some):
                quantile_BHQ = self._raw_quantiles(self._channels(model, batch), batch)[some]
                spread_B = batch.spread_B.cpu().numpy()[some]
                truth_BH, scored_BH = dev.part.take(indices[some]).truth_WH()
                truth_BH = self.learnt.transform.ahead(truth_BH)
                errors.append((truth_BH, quantile_BHQ, spread_B, scored_BH))
        joined = [np.concatenate(parts) for parts in zip(*errors, strict=True)]
        truth_WH, quantile_WHQ, spread_W, scored_WH = joined
        self.conformal = Conformal.fit(truth_WH, quantile_WHQ, spread_W, scored_WH, LEVELS)
        windows, steps = scored_WH.any(1).sum(), int(self.conformal.errors_H.min())
        note = f"intervals corrected by {windows:,} windows of dev, at least {steps:,} errors a step (conformal)"
        added = [] if self.share == 1 else [f"dev is forecast best with {self.share:.0%} of what the network adds"]
        self.notes = (*self.notes, *added, note)

    def forecast(self, model: Forecaster, batch: ForecastBatch) -> tuple[np.ndarray, np.ndarray]:
        """Points (B, H) and quantiles (B, H, Q) in the user's units."""
        raw_BHC = self._channels(model, batch)
        quantile_BHQ = self._raw_quantiles(raw_BHC, batch)
        if self.conformal is not None:
            quantile_BHQ = self.conformal.apply(quantile_BHQ, batch.spread_B.cpu().numpy())
        quantile_BHQ = self.learnt.transform.back(quantile_BHQ)
        return self._points(raw_BHC, batch), self.floored(quantile_BHQ)

    def floored(self, values: np.ndarray) -> np.ndarray:
        """Values in the user's units, none below 0 where that cannot be."""
        return np.maximum(values, 0.0) if self.learnt.non_negative else values

    def predictions(
        self, model: Forecaster, part: WindowPart, examples: ForecastExamples, batches: Batches
    ) -> list[dict[str, Any]]:
        """A row for each window; see :mod:`rnncli.tasks.forecast.metrics`."""
        every: list[dict[str, Any]] = [{}] * len(part)
        kept = Kept(part, self.recipe.evaluation.keep, self.learnt.scaling.longest)
        for indices, batch in batches():
            point_BH, quantile_BHQ = self.forecast(model, batch)
            some = part.take(indices)
            sums_BC = self._sums(some, point_BH, quantile_BHQ)
            found = rows(kept, indices, sums_BC, point_BH, quantile_BHQ)
            for index, one in zip(indices.tolist(), found, strict=True):
                every[index] = one
        return every

    def baselines(self, parts: Mapping[str, WindowPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Naive forecasts, the regression over lags, and classical forecasters where they are installed."""
        learnt, part = self.learnt, parts[split]
        rivals = fitted_rivals(parts, learnt.seasons, learnt.ridge, learnt.non_negative)
        found = {name: counted_rows(part, rival.sums(part, self._sums)) for name, rival in rivals.items()}
        others, notes = classical(part, min(learnt.seasons), learnt.non_negative)
        for name, one in others.items():
            found[name] = counted_rows(part, self._sums(part, one.point_WH, one.quantile_WHQ))
        return found, (*choices(rivals), *notes)

    def _sums(self, part: WindowPart, point_WH: np.ndarray, quantile_WHQ: np.ndarray | None) -> np.ndarray:
        """The counts of windows, (W, C)."""
        mase_W, deviation_W = self.learnt.scales_of(part)
        truth_WH, scored_WH = part.truth_WH()
        return window_sums(truth_WH, point_WH, quantile_WHQ, LEVELS, scored_WH, mase_W, deviation_W)

    def _best_share(self, model: Forecaster, dev: ForecastExamples, batches: Batches) -> float:
        """The share of the network's part whose points are best on dev by the metric that names the best epoch."""
        sums_SC: Any = 0
        for indices, batch in batches():
            raw_BHC, part = model(batch), dev.part.take(indices)
            found = [self._points(_shared(raw_BHC, batch, share), batch) for share in SHARES]
            sums_SC = sums_SC + np.stack([self._sums(part, point_BH, None).sum(0) for point_BH in found])
        name = self.recipe.train.best_by or self.best_by
        error_S = np.nan_to_num(scores(sums_SC).get(name, scores(sums_SC)["mae"]), nan=np.inf)
        return SHARES[int(error_S.argmin())]

    def _channels(self, model: Forecaster, batch: ForecastBatch) -> Tensor:
        return _shared(model(batch), batch, self.share)

    def _points(self, raw_BHC: Tensor, batch: ForecastBatch) -> np.ndarray:
        scaled_BH = batch.units.restore(self.head.point(raw_BHC, batch.units)).cpu().numpy()
        return self.floored(self.learnt.transform.back(scaled_BH))

    def _raw_quantiles(self, raw_BHC: Tensor, batch: ForecastBatch) -> np.ndarray:
        """Quantiles (B, H, Q) before they are corrected, in the units that are learnt."""
        scaled_BHQ = self.head.quantiles(raw_BHC, LEVELS, batch.units).double().cpu().numpy()
        level_B, scale_B = (one.double().cpu().numpy()[:, None, None] for one in batch.units)
        return level_B + scale_B * scaled_BHQ


def _shared(raw_BHC: Tensor, batch: ForecastBatch, share: float) -> Tensor:
    """The channels (B, H, C) with that share of what lies between the regression and the location."""
    if share == 1:
        return raw_BHC
    base_BH1 = batch.base_BH[..., None]
    return torch.cat([base_BH1 + share * (raw_BHC[..., :1] - base_BH1), raw_BHC[..., 1:]], -1)
