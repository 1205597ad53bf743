"""What the units of a recurrent core do over a part of the data: saturation, memory, what single ones detect.

**Saturation.** A gate that is below 0.1 or above 0.9 hardly passes a gradient on; of a candidate and of an rnn's h it
is the magnitude that is counted.

**Memory.** An lstm keeps f of its c at each step, a gru 1 - z of its h. What is left after n steps is the product of
these, so that a share 1/e is left after -1 / mean(ln f) steps, with the mean over all steps: the memory of a unit in
steps (with a constant f it is -1/ln f; Tallec and Ollivier, 2018, "Can recurrent neural networks warp time?").

**Detection.** Karpathy, Johnson and Fei-Fei (2015, "Visualizing and understanding recurrent networks") found units
that count the line or open at a quote by looking; here each unit's h is held to all features of
:mod:`rnncli.inspection.features`. The one with the largest correlation is chosen on half of the examples, and told is
its correlation on the other half, which had no part in the choice. It counts as found where it has the same sign there,
is at least ``LEAST``, and beyond the bound of chance: a t test whose error is that of whole examples, since the steps
of one are not independent (the sandwich estimate of a correlation, clustered), at a level of 5 % for all units of the
core together (Bonferroni).

Shape letters: N steps, H units, F features, E examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnncli.core.cells import Cell
from rnncli.core.inside import KEEPS
from rnncli.inspection.features import MIN_EXAMPLES, Feature, StepsRead, features
from rnncli.metrics.student import student_quantile
from rnncli.report.inside import Detected, DirectionUse, GateUse, UnitUse

LEAST = 0.2
"""Correlations below are never told as found."""
LEVEL = 0.05
SHUT, OPEN = 0.1, 0.9
STILL = 0.01
"""The largest |h| of a dead unit, and the largest deviation of a constant one."""
MOST_MEMORY = 1e6
SMALLEST = 1e-12
SHOWN_NAMES = 3
MIN_COUNT = 3
"""Of each half, how often a name must be there to be told."""
CLEARLY = 0.5
"""Deviations from the mean at which a unit is high or low."""


@dataclass(frozen=True)
class DirectionStates:
    """One direction of a layer over many steps: gates and h by name, each (N, H) float32."""

    layer: int
    direction: str
    cell: Cell
    values: Mapping[str, np.ndarray]


class _Half(NamedTuple):
    """Standardised h and features of half of the examples, and the example of each step, numbered without gaps."""

    h_NH: np.ndarray
    feature_NF: np.ndarray
    example_N: np.ndarray
    raw_NF: np.ndarray

    @property
    def correlation_FH(self) -> np.ndarray:
        return self.feature_NF.T @ self.h_NH / max(1, len(self.h_NH))

    @property
    def examples(self) -> int:
        return int(self.example_N.max(initial=-1)) + 1

    def by_example(self, value_N: np.ndarray) -> np.ndarray:
        """Sums of a value over each example, (E,)."""
        return np.bincount(self.example_N, value_N, self.examples)


def direction_use(states: DirectionStates, read: StepsRead, seed: int, tests: int) -> DirectionUse:
    """What the units of one direction do; ``tests`` are the units of all directions and layers that are looked at."""
    gates = tuple(_gate(name, states.values[name]) for name in states.cell.gates)
    h_NH = states.values["h"]
    found = features(read, states.direction)
    halves = _halves(h_NH, found, read, seed)
    detected = _detected(halves, found, tests)
    high, low = _names(halves, found)
    memory_H = memories(states.cell, states.values)
    units = tuple(
        UnitUse(
            unit=k + 1,
            mean=float(h_NH[:, k].mean()) if len(h_NH) else 0.0,
            deviation=float(h_NH[:, k].std()) if len(h_NH) else 0.0,
            memory=None if memory_H is None else float(memory_H[k]),
            state=_state(h_NH[:, k]),
            detects=detected[k],
            high=high[k],
            low=low[k],
        )
        for k in range(h_NH.shape[1])
    )
    return DirectionUse(states.layer, states.direction, gates, units)


def memories(cell: Cell, values: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The memory of each unit in steps, (H,); None of a cell without a gate that keeps."""
    name = KEEPS.get(cell.kind)
    if name is None or not len(values[name]):
        return None
    kept_NH = values[name].astype(np.float64) if cell.kind == "lstm" else 1 - values[name].astype(np.float64)
    lost_H = -np.log(np.maximum(kept_NH, SMALLEST)).mean(0)
    return np.minimum(1 / np.maximum(lost_H, 1 / MOST_MEMORY), MOST_MEMORY)


def _gate(name: str, value_NH: np.ndarray) -> GateUse:
    size_NH = np.abs(value_NH) if name in ("candidate", "hidden") else value_NH
    if not size_NH.size:
        return GateUse(name, 0.0, 0.0, 0.0)
    return GateUse(name, float(value_NH.mean()), float((size_NH < SHUT).mean()), float((size_NH > OPEN).mean()))


def _state(h_N: np.ndarray) -> str:
    if not len(h_N) or np.abs(h_N).max() < STILL:
        return "dead"
    return "constant" if h_N.std() < STILL else ""


def _halves(h_NH: np.ndarray, found: Sequence[Feature], read: StepsRead, seed: int) -> tuple[_Half, _Half]:
    """The steps of examples that are drawn, as many as there are others, and those of the others."""
    bounds = read.bounds
    examples = len(bounds) - 1
    example_N = np.repeat(np.arange(examples), np.diff(bounds))
    first_E = np.zeros(examples, bool)
    first_E[np.random.default_rng(seed).permutation(examples)[: examples // 2]] = True
    raw_NF = np.stack([one.value_N for one in found], 1) if found else np.zeros((len(h_NH), 0), np.float32)

    def half(is_N: np.ndarray) -> _Half:
        number_N = np.unique(example_N[is_N], return_inverse=True)[1]
        return _Half(_standard(h_NH[is_N]), _standard(raw_NF[is_N]), number_N, raw_NF[is_N])

    return half(first_E[example_N]), half(~first_E[example_N])


def _standard(x_NX: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 of each column, a constant one all 0."""
    if not len(x_NX):
        return x_NX
    mean_X, deviation_X = x_NX.mean(0, dtype=np.float64), x_NX.std(0, dtype=np.float64)
    scale_X = np.where(deviation_X > 1e-9, 1 / np.maximum(deviation_X, 1e-9), 0)
    return ((x_NX - mean_X) * scale_X).astype(np.float32)


def _detected(halves: tuple[_Half, _Half], found: Sequence[Feature], tests: int) -> list[Detected | None]:
    """Of each unit the feature chosen by the first half, with its correlation in the second."""
    choosing, telling = halves
    units = choosing.h_NH.shape[1]
    there_HF = [_examples_with(half) for half in halves]
    usable_F = np.flatnonzero(np.minimum(*there_HF) >= MIN_EXAMPLES) if found else np.zeros(0, np.int64)
    if not len(usable_F):
        return [None] * units
    chosen_FH = choosing.correlation_FH[usable_F]
    best_H = usable_F[np.abs(chosen_FH).argmax(0)]
    told: list[Detected | None] = []
    for k, f in enumerate(best_H.tolist()):
        sign = float(np.sign(choosing.feature_NF[:, f] @ choosing.h_NH[:, k]))
        r, bound = _held_out(telling, k, f, int(there_HF[1][f]), tests)
        found_so = sign * r >= max(bound, LEAST)
        told.append(Detected(found[f].name, r, bound, bool(found_so)))
    return told


def _examples_with(half: _Half) -> np.ndarray:
    """In how many examples each feature is anything but its usual value, (F,)."""
    usual_F = np.median(half.raw_NF, axis=0) if len(half.raw_NF) else np.zeros(half.raw_NF.shape[1])
    unusual_NF = half.raw_NF != usual_F
    counts = [(half.by_example(unusual_NF[:, f]) > 0).sum() for f in range(half.raw_NF.shape[1])]
    return np.array(counts, np.int64)


def _held_out(half: _Half, k: int, f: int, there: int, tests: int) -> tuple[float, float]:
    """The correlation of unit k with feature f, and how large chance makes it at most."""
    h_N, x_N = half.h_NH[:, k].astype(np.float64), half.feature_NF[:, f].astype(np.float64)
    r = float((h_N * x_N).mean())
    # What each step does to r: the influence function of a correlation (Devlin, Gnanadesikan and Kettenring, 1975).
    influence_E = half.by_example(h_N * x_N - r * (h_N**2 + x_N**2) / 2)
    examples = half.examples
    error = float(np.sqrt((influence_E**2).sum() * examples / max(1, examples - 1)) / len(h_N))
    return r, student_quantile(1 - LEVEL / tests, max(1, min(there, examples) - 1)) * error


def _names(
    halves: tuple[_Half, _Half], found: Sequence[Feature]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Of each unit the names of steps where h is clearly high and clearly low in both halves."""
    at = [f for f, one in enumerate(found) if one.word]
    units = halves[0].h_NH.shape[1]
    means = []
    for half in halves:
        is_NF = half.raw_NF[:, at]
        count_F1 = is_NF.sum(0)[:, None]
        mean_FH = is_NF.T @ half.h_NH / np.maximum(count_F1, 1)
        means.append(np.where(count_F1 >= MIN_COUNT, mean_FH, 0))
    if not at:
        return [()] * units, [()] * units
    low_FH, high_FH = np.minimum(*means), np.maximum(*means)
    names = [found[f].word for f in at]
    high = [_first(names, low_FH[:, k]) for k in range(units)]
    return high, [_first(names, -high_FH[:, k]) for k in range(units)]


def _first(names: list[str], value_F: np.ndarray) -> tuple[str, ...]:
    order: list[int] = np.argsort(-value_F, kind="stable")[:SHOWN_NAMES].tolist()
    return tuple(names[f] for f in order if value_F[f] > CLEARLY)
