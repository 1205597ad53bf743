"""Look into the recurrent core of a trained model: at one input, at a split, at spans that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rnncli import tasks
from rnncli.core.inside import named
from rnncli.core.reach import DIRECTIONS
from rnncli.errors import DataError, UsageError
from rnncli.inspection.features import StepsRead
from rnncli.inspection.matching import LitUnit, SpanMatch, matches
from rnncli.inspection.units import DirectionStates, direction_use
from rnncli.inspection.views import LayerView, layer_view, picture
from rnncli.report.inside import InsideUse, StepPicture
from rnncli.runs.apart import require_new
from rnncli.runs.directory import make_folder, written_whole
from rnncli.runs.looking import Inner, Look, Looker, main_cores
from rnncli.runs.predicting import require_single
from rnncli.runs.score import Model
from rnncli.runs.use import Trained, load, predictor_of, require_run, split_of
from rnncli.tasks.base import Examples
from rnncli.tasks.inspecting import Inspecting, ReadSteps

MOST_DRAWN = 40
"""Steps of an example that is drawn."""


class PartInside(NamedTuple):
    """What a core does over a part: the states of each direction, layer by layer, and the steps that they are of."""

    core: Inner
    states: list[DirectionStates]
    read: StepsRead
    unit: str
    off: float
    examples: int
    pictures: list[StepPicture]


@dataclass(frozen=True)
class InsideAsked:
    """What of a core is to be looked at, None for none in particular; layers and units count from 1."""

    core: str | None = None
    layer: int | None = None
    direction: str | None = None
    unit: int | None = None
    gate: str | None = None

    def require(self, core: Inner) -> None:
        """UsageError for a layer, direction, unit or gate that the core has not."""
        require_layer(core, self.layer)
        _require("--direction", self.direction, core.directions)
        states = ("h", "c")[: core.cell.states]
        if self.unit is None and self.gate in states:
            there = ", ".join(core.cell.gates)
            raise UsageError(f"--gate {self.gate} is of a single unit", f"name one with --unit; there are: {there}")
        _require("--gate", self.gate, core.cell.gates if self.unit is None else (*core.cell.gates, *states))
        hidden = core.modules[0].hidden_size
        if self.unit is not None and not 1 <= self.unit <= hidden:
            raise UsageError(f"--unit {self.unit}: there is no such unit", f"there are: 1 to {hidden}")

    def directions(self, core: Inner) -> list[int]:
        """The numbers of the directions that are wanted."""
        return [d for d, name in enumerate(core.directions) if self.direction in (None, name)]


ALL = InsideAsked()


@dataclass(frozen=True)
class Looked:
    """One input through one layer, by direction."""

    core: Inner
    layer: int
    names: Sequence[str]
    unit: str
    gap: str
    off: float
    views: Sequence[LayerView]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "core": self.core.name,
            "cell": str(self.core.cell),
            "layers": self.core.layers,
            "units": self.core.modules[0].hidden_size,
            "layer": self.layer,
            "step": self.unit,
            "steps": list(self.names),
            "off": self.off,
            "directions": {view.direction: view.to_dict() for view in self.views},
        }


def look_at(path: Path, asked: InsideAsked, text: str, npz: Path | None = None) -> Looked:
    """One input through the core of a run's best model, all of it also into the file ``npz``; raises UserError."""
    if npz is not None:
        require_new(npz, "--npz")
    trained, looking = _looker(path, asked)
    require_single(predictor_of(trained), text)
    look = looking.typed(text)
    asked.require(look.core)
    layer = asked.layer or look.core.layers
    names = look.steps[0].names
    if npz is not None:
        _write(npz, look)
    views = [
        layer_view(look.core.directions[d], look.layers[layer - 1][d], len(names), asked.unit, asked.gate)
        for d in asked.directions(look.core)
    ]
    return Looked(look.core, layer, names, look.unit, look.gap, look.off, views)


def _write(path: Path, look: Look) -> None:
    """Every gate and state of a batch's first example as arrays (T, H), and the names of its steps."""
    names = look.steps[0].names
    arrays = {name: value[0, : len(names)].float().cpu().numpy() for name, value in named(look.layers).items()}
    make_folder(path.parent)
    with written_whole(path) as file:
        np.savez(file, steps=np.array(names, dtype=np.str_), **arrays)  # pyright: ignore[reportArgumentType]


def _looker(path: Path, asked: InsideAsked) -> tuple[Trained, Looker]:
    """The best model of a run, to be looked into; raises RunError."""
    require_run(path, "inspect")
    trained = load(path, exact=True)
    placement = trained.placement
    return trained, Looker(trained.recipe, trained.fitted, trained.model, placement.device, asked.core)


def part_inside(looking: Looker, part: Any, examples: Examples, asked: InsideAsked) -> PartInside:
    """What the core does over a part, the layers and directions asked for; raises DataError for a part of no steps."""
    pieces: dict[tuple[int, int], dict[str, list[np.ndarray]]] = {}
    steps: list[ReadSteps] = []
    pictures: list[StepPicture] = []
    off, core, unit = 0.0, None, ""
    for look in looking.of_part(part, examples):
        unit, core, off = look.unit, look.core, max(off, look.off)
        asked.require(core)
        pictures = pictures or _pictures(look, asked)
        lengths = [len(one.names) for one in look.steps]
        steps += look.steps
        for at, parts in enumerate(look.layers, start=1):
            for direction in asked.directions(core) if asked.layer in (None, at) else ():
                kept = pieces.setdefault((at, direction), {})
                for name, value_BTH in parts[direction].values().items():
                    kept.setdefault(name, []).append(_flat(value_BTH, lengths))
    if core is None or not sum(len(one.names) for one in steps):
        raise DataError("the split has no steps to look at")
    states = [
        DirectionStates(at, DIRECTIONS[direction], core.cell, {name: np.concatenate(v) for name, v in kept.items()})
        for (at, direction), kept in pieces.items()
    ]
    # Of a core that reads each word apart an example is a word, and all there are have been looked at.
    of = len(examples) if unit == looking.reader.unit else len(steps)
    return PartInside(core, states, StepsRead(steps, looking.reader.lexical), unit, off, of, pictures)


def units_of(looking: Looker, part: Any, examples: Examples, split: str, asked: InsideAsked = ALL) -> InsideUse:
    """What the units of the core do over a part."""
    found = part_inside(looking, part, examples, asked)
    tests = sum(states.values["h"].shape[1] for states in found.states)
    seed = looking.recipe.seed
    return InsideUse(
        split=split,
        core=found.core.name,
        cell=found.core.describe(),
        step=found.unit,
        examples=len(found.read.steps),
        of=found.examples,
        steps=int(found.read.bounds[-1]),
        off=found.off,
        directions=tuple(direction_use(states, found.read, seed, tests) for states in found.states),
        pictures=tuple(found.pictures),
    )


def inside_of_dev(model: Model, part: Any, examples: Examples) -> InsideUse | None:
    """What units do over dev; None where there is no recurrent core, or nobody tells what it reads at each step."""
    told = isinstance(tasks.load(model.recipe.task), Inspecting) and examples.lengths.any()
    if not told or not main_cores(model.module):
        return None
    looking = Looker(model.recipe, model.fitted, model.module, model.placement.device)
    return units_of(looking, part, examples, "dev")


def _pictures(look: Look, asked: InsideAsked) -> list[StepPicture]:
    """The first example of a batch that is short enough to be drawn, through each direction of a layer."""
    number = next((k for k, one in enumerate(look.steps) if 1 < len(one.names) <= MOST_DRAWN), None)
    if number is None:
        return []
    steps, layer = look.steps[number], asked.layer or look.core.layers
    found = []
    for d in asked.directions(look.core):
        direction = look.core.directions[d]
        view = layer_view(direction, look.layers[layer - 1][d], len(steps.names), row=number)
        found.append(picture(view, f"layer {layer}, {direction}", steps.place, steps.names))
    return found


def units(path: Path, asked: InsideAsked = ALL, split: str = "dev", places: Sequence[str] = ()) -> InsideUse:
    """What the units of the best model of a run do over a split of its data; raises UserError."""
    trained, looking = _looker(path, asked)
    part = split_of(trained, split, places)
    return units_of(looking, part, trained.fitted.encode(part), split, asked)


class Matched(NamedTuple):
    """The units that steps ``span`` of an input light up, by direction and number from 1, and where else they do."""

    look: Look
    layer: int
    span: tuple[int, int]
    lit: list[tuple[str, LitUnit]]
    found: list[tuple[ReadSteps, SpanMatch]]

    def to_dict(self, text: str) -> dict[str, Any]:
        """For JSON; steps count from 1."""
        return {
            "text": text,
            "core": self.look.core.name,
            "layer": self.layer,
            "begin": self.span[0],
            "end": self.span[1],
            "units": [{"direction": name, "unit": one.unit, "deviations": one.deviations} for name, one in self.lit],
            "matches": [
                {
                    "place": steps.place,
                    "begin": one.begin + 1,
                    "end": one.end,
                    "strength": one.strength,
                    "steps": list(steps.names[one.begin : one.end]),
                }
                for steps, one in self.found
            ],
        }


def matched(
    path: Path, asked: InsideAsked, text: str, span: tuple[int, int], split: str, places: Sequence[str] = ()
) -> Matched:
    """Where in a split the units of a layer light up as at steps ``span`` of ``text``, from 1, the last included."""
    trained, looking = _looker(path, asked)
    require_single(predictor_of(trained), text)
    look = looking.typed(text)
    asked.require(look.core)
    layer = asked.layer or look.core.layers
    begin, end = span
    count = len(look.steps[0].names)
    if not 1 <= begin <= end <= count:
        if begin > end:
            raise UsageError(
                f"--match {begin}:{end}: the last step lies before the first", f"--match TEXT {end}:{begin}"
            )
        there = f"the text has {look.unit}s 1 to {count}" if count else f"no {look.unit} is read of the text"
        raise UsageError(f"--match {begin}:{end}: {there}", "such as --match TEXT 1:2")
    part = split_of(trained, split, places)
    whole = part_inside(looking, part, trained.fitted.encode(part), replace(asked, layer=layer))
    h_NE = np.concatenate([states.values["h"] for states in whole.states], 1)
    wanted = asked.directions(look.core)
    here = [look.layers[layer - 1][d].h_BTH[0, begin - 1 : end].float().cpu().numpy() for d in wanted]
    lit, found = matches(h_NE, whole.read, np.concatenate(here, 1))
    hidden = here[0].shape[1]
    numbered = [
        (look.core.directions[wanted[one.unit // hidden]], LitUnit(one.unit % hidden + 1, one.deviations))
        for one in lit
    ]
    return Matched(look, layer, span, numbered, [(whole.read.steps[one.example], one) for one in found])


def _require(option: str, given: str | None, known: Sequence[str]) -> None:
    if given is not None and given not in known:
        raise UsageError(f"{option} {given}: there is none of that name", f"there are: {', '.join(known)}")


def require_layer(core: Inner, layer: int | None) -> None:
    """UsageError for a layer that the core has not; None is none in particular."""
    if layer is not None and not 1 <= layer <= core.layers:
        there = "1" if core.layers == 1 else f"1 to {core.layers}, 1 next to the input"
        raise UsageError(f"--layer {layer}: there is no such layer", f"there are: {there}")


def _flat(value_BTH: torch.Tensor, lengths: Sequence[int]) -> np.ndarray:
    """The valid steps of all examples one behind the other, (N, H) float32."""
    rows = [value_TH[:length] for value_TH, length in zip(value_BTH, lengths, strict=True)]
    return torch.cat(rows).float().cpu().numpy()
