"""What the units of a recurrent core do over a part of the data, as a report keeps it.

What is measured, and what counts as found, is said in :mod:`rnncli.inspection.units`. Layers and units count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rnncli.report.numbers import plain


@dataclass(frozen=True)
class GateUse:
    """A gate of all units of a layer and direction: its mean, and the shares of steps where it is all but shut or open.

    Of a gate from 0 to 1 ``low`` is the share below 0.1 and ``high`` that above 0.9; of what lies between -1 and 1 the
    same of its magnitude.
    """

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Detected:
    """What goes along best with a unit's h: chosen on one half of the examples, the correlation is that of the other.

    ``found`` says that it is beyond what chance explains; ``bound`` is what chance may come to.
    """

    what: str
    correlation: float
    bound: float
    found: bool


@dataclass(frozen=True)
class UnitUse:
    """A unit: mean and deviation of its h, its memory in steps, and the names of steps where it is high and low.

    ``state`` is ``dead`` where h never leaves 0, ``constant`` where it hardly changes, else empty. ``memory`` is None
    of a cell without a gate that keeps.
    """

    unit: int
    mean: float
    deviation: float
    memory: float | None
    state: str = ""
    detects: Detected | None = None
    high: tuple[str, ...] = ()
    low: tuple[str, ...] = ()


@dataclass(frozen=True)
class DirectionUse:
    """One direction of a layer."""

    layer: int
    direction: str
    gates: tuple[GateUse, ...]
    units: tuple[UnitUse, ...]

    @property
    def memories(self) -> tuple[float, float, float] | None:
        """The memory in steps that a tenth, half and nine tenths of the units do not exceed; None without any."""
        known = sorted(unit.memory for unit in self.units if unit.memory is not None)
        return tuple(known[round(share * (len(known) - 1))] for share in (0.1, 0.5, 0.9)) if known else None  # pyright: ignore[reportReturnType] - three of them

    def count(self, state: str) -> int:
        """How many units are in a state."""
        return sum(unit.state == state for unit in self.units)


@dataclass(frozen=True)
class StepPicture:
    """An example through one direction of a layer: the names of its ``steps``, and by name a row of a value for each.

    Values lie between -1 and 1.
    """

    title: str
    place: str
    steps: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class InsideUse:
    """What a core does over ``examples`` of the ``of`` of a split, ``steps`` of what ``step`` names in all.

    ``off`` is the largest difference between what was rebuilt and what the core wrote; ``pictures`` are of examples.
    """

    split: str
    core: str
    cell: str
    step: str
    examples: int
    of: int
    steps: int
    off: float
    directions: tuple[DirectionUse, ...]
    pictures: tuple[StepPicture, ...] = ()

    @classmethod
    def of_dict(cls, values: Mapping[str, Any] | None) -> InsideUse | None:
        """From JSON's values; None of none."""
        if values is None:
            return None
        pictures = tuple(map(_picture, values["pictures"]))
        return cls(**{**values, "directions": tuple(map(_direction, values["directions"])), "pictures": pictures})

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return plain(asdict(self))

    def found(self) -> list[tuple[DirectionUse, UnitUse, Detected]]:
        """The units that detect something, the surest first."""
        units = [(one, unit, unit.detects) for one in self.directions for unit in one.units]
        known = [(one, unit, told) for one, unit, told in units if told is not None and told.found]
        return sorted(known, key=lambda each: -abs(each[2].correlation))


def _picture(values: Mapping[str, Any]) -> StepPicture:
    rows = {name: tuple(row) for name, row in values["rows"].items()}
    return StepPicture(values["title"], values["place"], tuple(values["steps"]), rows)


def _direction(values: Mapping[str, Any]) -> DirectionUse:
    gates = tuple(GateUse(**gate) for gate in values["gates"])
    return DirectionUse(values["layer"], values["direction"], gates, tuple(map(_unit, values["units"])))


def _unit(values: Mapping[str, Any]) -> UnitUse:
    detects = values["detects"] and Detected(**values["detects"])
    lists = {name: tuple(values[name]) for name in ("high", "low")}
    return UnitUse(**{**values, "detects": detects, **lists})
