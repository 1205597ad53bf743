"""Heads of a forecaster: what the numbers that a model gives for a step ahead say of the value there.

Truth and forecasts are in scaled units: less the level of their window, over its scale. Channel 0 of what a model gives
is always the location, in scaled units: a simple forecast that the model begins with is added to it, ``raw[..., 0]``,
before a head reads it. Shape letters: B windows, H steps ahead, C channels, Q levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import huber_loss, softplus

from rnncli.heads.counts import count_quantiles

LOSSES = ("mae", "mse", "huber")
SMALLEST_SPREAD = 1e-3
"""Of a Student's t, in scaled units: a constant series would make its density infinite."""
SOFTNESS = 0.1
"""Of the bend that keeps a mean of counts above 0, in scales of the window."""
SMALLEST_DISPERSION = 1e-6


class WindowUnits(NamedTuple):
    """What takes scaled units back to those of the user: ``value = level + scale * scaled``."""

    level_B: Tensor
    scale_B: Tensor

    def restore(self, scaled_BH: Tensor) -> Tensor:
        """In the user's units, float64."""
        return self.level_B.double()[:, None] + self.scale_B.double()[:, None] * scaled_BH.double()

    def scaled(self, value_BH: Tensor) -> Tensor:
        """In scaled units, float64."""
        return (value_BH.double() - self.level_B.double()[:, None]) / self.scale_B.double()[:, None]


class Head(Protocol):
    """A head; it has no weights of its own.

    ``point`` is what the loss asks for: the median for ``mae`` and ``huber``, the mean for ``mse``.
    """

    @property
    def size(self) -> int:
        """Channels of a step, C."""
        ...

    def loss(self, raw_BHC: Tensor, truth_BH: Tensor, weight_BH: Tensor, units: WindowUnits) -> Tensor:
        """The weighted mean over steps, a scalar; truth of weight 0 may be NaN; 0 where all weights are."""
        ...

    def point(self, raw_BHC: Tensor, units: WindowUnits) -> Tensor:
        """One value a step, (B, H)."""
        ...

    def quantiles(self, raw_BHC: Tensor, levels: Sequence[float], units: WindowUnits) -> Tensor:
        """(B, H, Q), ascending along ascending levels."""
        ...


def make_head(name: str, loss: str, levels: Sequence[float]) -> Head:
    """The head called ``point``, ``quantiles``, ``student`` or ``counts``; ValueError for another one."""
    if loss not in LOSSES:
        raise ValueError(f"no loss {loss!r}, only {', '.join(LOSSES)}")
    if name == "point":
        return PointHead(loss)
    if name == "quantiles":
        return QuantileHead(tuple(levels), loss)
    if name == "student":
        return StudentHead()
    if name == "counts":
        return CountHead(loss)
    raise ValueError(f"no head {name!r}, only point, quantiles, student, counts")


@dataclass(frozen=True)
class PointHead:
    """A value and nothing of how far it may be off: all its quantiles are that value.

    >>> PointHead("mae").quantiles(torch.ones(1, 1, 1), [0.1, 0.9], WindowUnits(torch.zeros(1), torch.ones(1))).tolist()
    [[[1.0, 1.0]]]
    """

    kind: str

    @property
    def size(self) -> int:
        """The value."""
        return 1

    def loss(self, raw_BHC: Tensor, truth_BH: Tensor, weight_BH: Tensor, units: WindowUnits) -> Tensor:
        """Absolute, squared or Huber's error, the last with its bend at 1 scaled unit."""
        point_BH = self.point(raw_BHC, units)
        error_BH = _known(truth_BH, weight_BH, point_BH) - point_BH
        if self.kind == "mae":
            return _mean(error_BH.abs(), weight_BH)
        if self.kind == "mse":
            return _mean(error_BH.square(), weight_BH)
        return _mean(huber_loss(error_BH, torch.zeros_like(error_BH), reduction="none"), weight_BH)

    def point(self, raw_BHC: Tensor, units: WindowUnits) -> Tensor:
        """The value itself."""
        return _precise(raw_BHC)[..., 0]

    def quantiles(self, raw_BHC: Tensor, levels: Sequence[float], units: WindowUnits) -> Tensor:
        """The value at each level."""
        return self.point(raw_BHC, units)[..., None].expand(-1, -1, len(levels))


@dataclass(frozen=True)
class QuantileHead:
    """Quantiles that cannot cross: the middle one, and from it outwards what each has more than the one before.

    ``levels`` ascend. A channel of 0 makes a gap that a normal distribution of deviation log 2 has there.

    >>> head, units = QuantileHead((0.1, 0.5, 0.9), "mae"), WindowUnits(torch.zeros(1), torch.ones(1))
    >>> head.quantiles(torch.zeros(1, 1, 3), [0.1, 0.5, 0.9], units)
    tensor([[[-0.8883,  0.0000,  0.8883]]])
    """

    levels: tuple[float, ...]
    kind: str

    def __post_init__(self) -> None:
        if not self.levels or list(self.levels) != sorted({level for level in self.levels if 0 < level < 1}):
            raise ValueError(f"levels are between 0 and 1 and ascend, not {self.levels}")

    @property
    def size(self) -> int:
        """The middle quantile and a gap for each other one."""
        return len(self.levels)

    def loss(self, raw_BHC: Tensor, truth_BH: Tensor, weight_BH: Tensor, units: WindowUnits) -> Tensor:
        """Twice the pinball loss (Koenker & Bassett 1978), mean over levels: that of the median is the absolute error.

        Where the mean is asked for, its squared error is added.
        """
        quantile_BHQ = self._all(raw_BHC)
        truth_BH = _known(truth_BH, weight_BH, quantile_BHQ[..., 0])
        level_Q = quantile_BHQ.new_tensor(self.levels)
        error_BHQ = truth_BH[..., None] - quantile_BHQ
        # That is 2 max(l e, (l - 1) e).
        cost_BH = (error_BHQ.abs() + (2 * level_Q - 1) * error_BHQ).mean(-1)
        if self.kind == "mse":
            cost_BH = cost_BH + (truth_BH - self._center(quantile_BHQ)).square()
        return _mean(cost_BH, weight_BH)

    def point(self, raw_BHC: Tensor, units: WindowUnits) -> Tensor:
        """The quantile nearest to the median, or the mean of the distribution that the quantiles outline."""
        return self._center(self._all(raw_BHC))

    def quantiles(self, raw_BHC: Tensor, levels: Sequence[float], units: WindowUnits) -> Tensor:
        """Those of ``levels``; ValueError for a level that is not learnt."""
        if unknown := [level for level in levels if level not in self.levels]:
            raise ValueError(f"no quantile of level {unknown[0]}, only {', '.join(map(str, self.levels))}")
        return self._all(raw_BHC)[..., [self.levels.index(level) for level in levels]]

    @property
    def middle(self) -> int:
        """The number of the level that is nearest to 1/2."""
        return int(np.abs(np.array(self.levels) - 0.5).argmin())

    def _all(self, raw_BHC: Tensor) -> Tensor:
        """All quantiles (B, H, Q): channels 1 .. are the gaps, the lowest first."""
        raw_BHC, middle = _precise(raw_BHC), self.middle
        # All channels, though the first is no gap: softplus takes torch five times as long for a slice.
        wide_BHG = softplus(raw_BHC)[..., 1:] * raw_BHC.new_tensor(normal_gaps(self.levels))
        below_BHG = wide_BHG[..., :middle].flip(-1).cumsum(-1).flip(-1)
        above_BHG, location_BH1 = wide_BHG[..., middle:].cumsum(-1), raw_BHC[..., :1]
        return torch.cat([location_BH1 - below_BHG, location_BH1, location_BH1 + above_BHG], -1)

    def _center(self, quantile_BHQ: Tensor) -> Tensor:
        if self.kind != "mse":
            return quantile_BHQ[..., self.middle]
        return quantile_BHQ @ quantile_BHQ.new_tensor(shares(self.levels))


@dataclass(frozen=True)
class StudentHead:
    """Student's t: location, spread and degrees of freedom, of which there are more than 2.

    >>> raw = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> StudentHead().point(raw, WindowUnits(torch.zeros(1), torch.ones(1))).item()
    1.0
    """

    @property
    def size(self) -> int:
        """Location, spread, degrees of freedom."""
        return 3

    def loss(self, raw_BHC: Tensor, truth_BH: Tensor, weight_BH: Tensor, units: WindowUnits) -> Tensor:
        """Minus the log density."""
        location_BH, spread_BH, freedom_BH = self.parameters(raw_BHC)
        z_BH = (_known(truth_BH, weight_BH, location_BH) - location_BH) / spread_BH
        half_BH = (freedom_BH + 1) / 2
        constant_BH = torch.lgamma(half_BH) - torch.lgamma(freedom_BH / 2) - 0.5 * torch.log(torch.pi * freedom_BH)
        density_BH = constant_BH - spread_BH.log() - half_BH * torch.log1p(z_BH.square() / freedom_BH)
        return _mean(-density_BH, weight_BH)

    def point(self, raw_BHC: Tensor, units: WindowUnits) -> Tensor:
        """The location, which is median and mean."""
        return _precise(raw_BHC)[..., 0]

    def quantiles(self, raw_BHC: Tensor, levels: Sequence[float], units: WindowUnits) -> Tensor:
        """Location and spreads, read from a table of one over the degrees of freedom, to about 5 digits."""
        location_BH, spread_BH, freedom_BH = self.parameters(raw_BHC)
        table_NQ = location_BH.new_tensor(student_table(tuple(levels)))
        at_BH = 2 * (len(table_NQ) - 1) / freedom_BH
        below_BH = at_BH.long().clamp(0, len(table_NQ) - 2)
        share_BH1 = (at_BH - below_BH)[..., None]
        z_BHQ = torch.lerp(table_NQ[below_BH], table_NQ[below_BH + 1], share_BH1)
        return location_BH[..., None] + spread_BH[..., None] * z_BHQ

    def parameters(self, raw_BHC: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Location, spread and degrees of freedom, (B, H) each."""
        location_BH, spread_BH, freedom_BH = _precise(raw_BHC).unbind(-1)
        return location_BH, softplus(spread_BH) + SMALLEST_SPREAD, 2 + softplus(freedom_BH)


@dataclass(frozen=True)
class CountHead:
    """Counts, negative binomial: their mean, in scaled units, and a dispersion: variance = mean + dispersion * mean².

    Computed in float64, in the user's units. Truth must not be negative. Far above 0 the mean is the location itself.

    >>> units = WindowUnits(torch.tensor([10.0]), torch.tensor([2.0]))
    >>> CountHead("mse").point(torch.tensor([[[1.5, 0.0]]]), units).item()
    1.5
    """

    kind: str

    @property
    def size(self) -> int:
        """Mean and dispersion."""
        return 2

    def loss(self, raw_BHC: Tensor, truth_BH: Tensor, weight_BH: Tensor, units: WindowUnits) -> Tensor:
        """Minus the log probability, continued between whole numbers."""
        mean_BH, dispersion_BH = self.parameters(raw_BHC, units)
        count_BH = _known(units.restore(truth_BH).clamp(min=0), weight_BH, mean_BH)
        number_BH = 1 / dispersion_BH
        odds_BH = torch.log(mean_BH * dispersion_BH)
        ways_BH = torch.lgamma(count_BH + number_BH) - torch.lgamma(number_BH) - torch.lgamma(count_BH + 1)
        # number * -log(1 - p) + count * -log p, where p = m / (m + number): stable where either is nearly 0.
        cost_BH = (number_BH + count_BH) * softplus(odds_BH) - count_BH * odds_BH
        return _mean(cost_BH - ways_BH, weight_BH).to(_precise(raw_BHC).dtype)

    def point(self, raw_BHC: Tensor, units: WindowUnits) -> Tensor:
        """Median or mean."""
        if self.kind != "mse":
            return self.quantiles(raw_BHC, [0.5], units)[..., 0]
        return units.scaled(self.parameters(raw_BHC, units)[0]).to(_precise(raw_BHC).dtype)

    def quantiles(self, raw_BHC: Tensor, levels: Sequence[float], units: WindowUnits) -> Tensor:
        """Of each level the least whole number that is not exceeded with at least its probability; no gradient."""
        mean_BH, dispersion_BH = (one.detach().cpu().numpy() for one in self.parameters(raw_BHC, units))
        found_NQ = count_quantiles(mean_BH.ravel(), dispersion_BH.ravel(), np.array(levels))
        found_QBH = torch.from_numpy(found_NQ.T.reshape(-1, *mean_BH.shape)).to(raw_BHC.device)
        scaled = [units.scaled(count_BH) for count_BH in found_QBH]
        return torch.stack(scaled, -1).to(_precise(raw_BHC).dtype)

    def parameters(self, raw_BHC: Tensor, units: WindowUnits) -> tuple[Tensor, Tensor]:
        """Mean and dispersion in the user's units, float64, (B, H) each."""
        soft_B1 = SOFTNESS * units.scale_B.double()[:, None]
        mean_BH = soft_B1 * softplus(units.restore(raw_BHC[..., 0]) / soft_B1, threshold=50)
        tiny = torch.finfo(torch.float64).tiny
        return mean_BH + tiny, softplus(raw_BHC[..., 1].double()) + SMALLEST_DISPERSION


def _precise(raw: Tensor) -> Tensor:
    """At least float32: losses and cumulated gaps want it also where a model computes with less."""
    return raw.to(torch.promote_types(raw.dtype, torch.float32))


def _known(truth_BH: Tensor, weight_BH: Tensor, other_BH: Tensor) -> Tensor:
    """The truth where it counts; elsewhere, where it may be NaN, something finite, so that gradients are 0 there."""
    return torch.where(weight_BH > 0, truth_BH.to(other_BH.dtype), other_BH.detach())


def _mean(cost_BH: Tensor, weight_BH: Tensor) -> Tensor:
    weight_BH = weight_BH.to(cost_BH.dtype)
    return (cost_BH * weight_BH).sum() / weight_BH.sum().clamp(min=torch.finfo(cost_BH.dtype).tiny)


@lru_cache
def normal_gaps(levels: tuple[float, ...]) -> list[float]:
    """How far apart neighbouring quantiles of the standard normal distribution lie."""
    from scipy.special import ndtri

    return np.diff(ndtri(np.array(levels))).tolist()


@lru_cache
def shares(levels: tuple[float, ...]) -> list[float]:
    """What each quantile adds to the mean: up to halfway between the levels, the outermost to 0 and 1."""
    inner = np.array(levels)
    return np.diff(np.concatenate([[0.0], (inner[1:] + inner[:-1]) / 2, [1.0]])).tolist()


@lru_cache
def student_table(levels: tuple[float, ...], rows: int = 2049) -> list[list[float]]:
    """Quantiles of Student's t for one over the degrees of freedom from 0 (the normal distribution) to 1/2."""
    from scipy.special import ndtri, stdtrit

    level_1Q = np.array(levels)[None]
    freedom_N1 = 1 / np.linspace(0, 0.5, rows)[1:, None]
    return np.concatenate([ndtri(level_1Q), stdtrit(freedom_N1, level_1Q)]).tolist()
