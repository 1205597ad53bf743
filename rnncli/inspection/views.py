"""One example through one layer of a core, as it is shown: how far h moves, the gates on average, the liveliest units.

Shape letters: T steps, H units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.core.inside import Inside
from rnncli.report.inside import StepPicture

LIVELIEST = 8
"""Units that are shown where none is named: those whose h moves most in all."""


@dataclass(frozen=True)
class UnitView:
    """A unit, from 1, with each of its gates, h and c by name, a value a step."""

    unit: int
    values: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class LayerView:
    """One direction of a layer: by step how far h moves, the mean of |h_t - h_(t-1)| over the units, and mean gates.

    ``units`` are those that were asked for, or the liveliest.
    """

    direction: str
    moved: Sequence[float]
    means: Mapping[str, Sequence[float]]
    units: Sequence[UnitView]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        units = [{"unit": one.unit, "values": dict(one.values)} for one in self.units]
        return {"moved": list(self.moved), "means": dict(self.means), "units": units}


def layer_view(
    direction: str, inside: Inside, steps: int, unit: int | None = None, gate: str | None = None, row: int = 0
) -> LayerView:
    """The ``steps`` of the example in a ``row`` of the batch; ``unit`` counts from 1.

    Of a ``gate`` that is named, or a state of the unit, there are the values of nothing else.
    """
    values = {name: one[row, :steps].float().cpu().numpy() for name, one in inside.values().items()}
    moved_TH = _moved(values["h"], inside.begin_BH[row].float().cpu().numpy(), back=direction == "reverse")
    liveliest = np.argsort(-moved_TH.sum(0), kind="stable")[:LIVELIEST]
    units = liveliest.tolist() if unit is None else [unit - 1]
    shown = values if gate is None or unit is None else {gate: values[gate]}
    return LayerView(
        direction,
        _numbers(moved_TH.mean(1)),
        {name: _numbers(values[name].mean(1)) for name in inside.gates if gate in (None, name)},
        [UnitView(k + 1, {name: _numbers(value[:, k]) for name, value in shown.items()}) for k in units],
    )


def picture(view: LayerView, title: str, place: str, steps: Sequence[str]) -> StepPicture:
    """An example as a page draws it: how far h moves, of the most, the mean gates, and h of the liveliest units."""
    most = max(view.moved, default=0.0) or 1.0
    rows = {"h moves, of the most": tuple(round(value / most, 3) for value in view.moved)}
    rows |= {f"mean {name}": tuple(values) for name, values in view.means.items() if name != "hidden"}
    # The h of an rnn of relu has no bound.
    highest = max((abs(h) for one in view.units for h in one.values["h"]), default=0.0)
    scale = max(1.0, highest)
    rows |= {f"h of unit {one.unit}": tuple(h / scale for h in one.values["h"]) for one in view.units}
    return StepPicture(title, place, tuple(steps), rows)


def _moved(h_TH: np.ndarray, begin_H: np.ndarray, *, back: bool) -> np.ndarray:
    """How far each unit's h is from what it was at the step that was read before, (T, H)."""
    read_TH = h_TH[::-1] if back else h_TH
    moved_TH = np.abs(np.diff(read_TH, axis=0, prepend=begin_H[None]))
    return moved_TH[::-1] if back else moved_TH


def _numbers(value_T: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in value_T.tolist()]
