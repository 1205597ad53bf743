"""Look into the recurrent core of a trained model: at one input, at a split, at spans that are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from rnncli import tasks
from rnncli.core.cells import Cell
from rnncli.core.device import placed
from rnncli.core.inside import Inside, observed, rebuilt
from rnncli.core.reach import DIRECTIONS, named_stacks, stacks
from rnncli.core.recurrent import Recurrent
from rnncli.data import progress
from rnncli.errors import DataError, UsageError
from rnncli.inspection.features import StepsRead
from rnncli.inspection.matching import LitUnit, Match, matches
from rnncli.inspection.units import DirectionStates, direction_use
from rnncli.recipe.schema import Recipe
from rnncli.report.inside import InsideUse
from rnncli.runs.use import Trained, load, split_of
from rnncli.tasks.base import Examples, Fitted
from rnncli.tasks.inspecting import Inspecting, ReadBatch, ReadSteps, StepReader

MOST_STEPS = 20_000
"""Of a split that are looked at: as many examples as have so many steps, drawn by the seed."""
MOST_AT_ONCE = 64


class Inner(NamedTuple):
    """A core by its name in the model, and its modules, whose layers count on from each to the next."""

    name: str
    modules: list[Recurrent]

    @property
    def cell(self) -> Cell:
        """That of all layers."""
        return self.modules[0].cell

    @property
    def layers(self) -> int:
        """Of all modules."""
        return sum(module.layers for module in self.modules)

    @property
    def directions(self) -> tuple[str, ...]:
        """Those that each layer reads in."""
        return DIRECTIONS[: self.modules[0].directions]

    def describe(self) -> str:
        """Such as ``gru(before), 2 layers of 128 units, forward and reverse``."""
        layers = f"{self.layers} layer{'s'[: self.layers != 1]} of {self.modules[0].hidden_size} units"
        return f"{self.cell}, {layers}, {' and '.join(self.directions)}"


@dataclass(frozen=True)
class Look:
    """What a core does at each step of a batch: ``layers`` from the lowest, each by direction; who reads what."""

    core: Inner
    layers: list[list[Inside]]
    steps: Sequence[ReadSteps]
    unit: str
    gap: str

    @property
    def off(self) -> float:
        """How far what was rebuilt is from what the core wrote, at most."""
        return max((part.off for parts in self.layers for part in parts), default=0.0)


class Looker:
    """A trained model whose core can be looked into; UsageError for a task that has none, or no core of that name."""

    def __init__(self, recipe: Recipe, fitted: Fitted[Any], model: nn.Module, device: torch.device, core: str = ""):
        task = tasks.load(recipe.task)
        if not isinstance(task, Inspecting):
            raise UsageError(f"inspect does not know what a model of task {recipe.task} reads at each step")
        self.recipe, self.fitted, self.model, self.device = recipe, fitted, model, device
        self.reader: StepReader = task.step_reader(fitted, model, device)
        self._core = core

    def typed(self, text: str) -> Look:
        """What the core does at each step of one input; raises DataError."""
        return self._look(lambda: self.reader.typed(text))

    def of_part(self, part: Any, examples: Examples, most_steps: int = MOST_STEPS) -> Iterator[Look]:
        """The same of the examples of a part, batch by batch; drawn ones where there are more than ``most_steps``."""
        for indices in self._batches(examples, most_steps):
            batch = placed(examples.batch(indices), self.device)
            yield self._look(lambda i=indices, b=batch: self.reader.of_part(part, examples, i, b))

    def _look(self, read: Callable[[], ReadBatch]) -> Look:
        found: list[ReadBatch] = []
        stacked = named_stacks(self.model)
        every = [module for modules in stacked.values() for module in modules]
        with torch.no_grad():
            passes = dict(zip(map(id, every), observed(every, lambda: found.append(read())), strict=True))
        (batch,) = found
        core, steps = self._chosen(batch)
        layers = [parts for module in core.modules for parts in rebuilt(module, passes[id(module)])]
        return Look(core, layers, steps, self.reader.unit, self.reader.gap)

    def _chosen(self, batch: ReadBatch) -> tuple[Inner, Sequence[ReadSteps]]:
        """The core that was asked for, the first of those nearest to the top if none was, and what it reads."""
        named = named_stacks(self.model)
        top = {id(modules[0]) for modules in stacks(self.model)}
        known: dict[str, Sequence[ReadSteps]] = {}
        for name, modules in named.items():
            inner = next((steps for end, steps in batch.inner.items() if name.endswith(end)), None)
            if id(modules[0]) in top and inner is None:
                known[name] = batch.steps
            elif inner:
                known[name] = inner
        if not known:
            raise UsageError("the model has no recurrent core to look into")
        name = self._core or next(iter(known))
        if name not in known:
            raise UsageError(f"--core {name}: there is no such core", f"there are: {', '.join(known)}")
        return Inner(name, named[name]), known[name]

    def _batches(self, examples: Examples, most_steps: int) -> Iterator[np.ndarray]:
        """The numbers of examples, those of like length together."""
        order = np.random.default_rng(self.recipe.seed).permutation(len(examples))
        lengths = np.asarray(examples.lengths)
        chosen = order[: int(np.searchsorted(np.cumsum(lengths[order]), most_steps)) + 1]
        chosen = chosen[np.argsort(-lengths[chosen], kind="stable")]
        done, whole = 0, len(chosen)
        while len(chosen):
            longest = max(1, int(lengths[chosen[0]]))
            some = max(1, min(MOST_AT_ONCE, 4 * self.recipe.train.batch_tokens // longest))
            yield chosen[:some]
            chosen, done = chosen[some:], done + len(chosen[:some])
            progress.tell("examples", done, whole)


class PartInside(NamedTuple):
    """What a core does over a part: the states of each direction, layer by layer, and the steps that they are of."""

    core: Inner
    states: list[DirectionStates]
    read: StepsRead
    off: float
    examples: int


def looker(path: Path, core: str = "") -> tuple[Trained, Looker]:
    """The best model of the run at ``path``, to be looked into; raises RunError."""
    trained = load(path)
    return trained, Looker(trained.recipe, trained.fitted, trained.model, trained.placement.device, core)


def part_inside(looking: Looker, part: Any, examples: Examples, layer: int = 0) -> PartInside:
    """What the core does over a part, of one ``layer`` from 1, or 0 for all; raises DataError for a part of no steps."""
    pieces: dict[tuple[int, int], dict[str, list[np.ndarray]]] = {}
    steps: list[ReadSteps] = []
    off, core = 0.0, None
    for look in looking.of_part(part, examples):
        core, off = look.core, max(off, look.off)
        require_layer(core, layer)
        lengths = [len(one.names) for one in look.steps]
        steps += look.steps
        for at, parts in enumerate(look.layers, start=1):
            for direction, one in enumerate(parts if layer in (0, at) else ()):
                kept = pieces.setdefault((at, direction), {})
                for name, value_BTH in one.values().items():
                    kept.setdefault(name, []).append(_flat(value_BTH, lengths))
    if core is None or not sum(len(one.names) for one in steps):
        raise DataError("the split has no steps to look at")
    states = [
        DirectionStates(at, DIRECTIONS[direction], core.cell, {name: np.concatenate(v) for name, v in kept.items()})
        for (at, direction), kept in pieces.items()
    ]
    return PartInside(core, states, StepsRead(steps, looking.reader.lexical), off, len(examples))


def units_of(looking: Looker, part: Any, examples: Examples, split: str, layer: int = 0) -> InsideUse:
    """What the units of the core do over a part."""
    found = part_inside(looking, part, examples, layer)
    tests = sum(states.values["h"].shape[1] for states in found.states)
    seed = looking.recipe.seed
    return InsideUse(
        split=split,
        core=found.core.name,
        cell=found.core.describe(),
        step=looking.reader.unit,
        examples=len(found.read.steps),
        of=found.examples,
        steps=int(found.read.bounds[-1]),
        off=found.off,
        directions=tuple(direction_use(states, found.read, seed, tests) for states in found.states),
    )


def units(path: Path, split: str = "dev", core: str = "", layer: int = 0, places: Sequence[str] = ()) -> InsideUse:
    """What the units of the best model of a run do over a split of its data; raises UserError."""
    trained, looking = looker(path, core)
    part = split_of(trained, split, places)
    return units_of(looking, part, trained.fitted.encode(part), split, layer)


class Matched(NamedTuple):
    """The units that a span lights up, by layer, direction and number from 1, and where else they do."""

    look: Look
    layer: int
    lit: list[tuple[str, LitUnit]]
    found: list[tuple[ReadSteps, Match]]


def matched(
    path: Path, text: str, span: tuple[int, int], *, split: str, core: str, layer: int, places: Sequence[str]
) -> Matched:
    """Where in a split the same units of a layer light up as at steps ``span`` of ``text``, from 1, the last included."""
    trained, looking = looker(path, core)
    look = looking.typed(text)
    layer = layer or look.core.layers
    require_layer(look.core, layer)
    begin, end = span
    count = len(look.steps[0].names)
    if not 1 <= begin <= end <= count:
        raise UsageError(f"--match {begin}:{end}: the text has steps 1 to {count}", f"such as --match TEXT 1:{count}")
    part = split_of(trained, split, places)
    whole = part_inside(looking, part, trained.fitted.encode(part), layer)
    h_NE = np.concatenate([states.values["h"] for states in whole.states], 1)
    here = [one.h_BTH[0, begin - 1 : end].float().cpu().numpy() for one in look.layers[layer - 1]]
    lit, found = matches(h_NE, whole.read, np.concatenate(here, 1))
    hidden = here[0].shape[1]
    named = [(look.core.directions[one.unit // hidden], LitUnit(one.unit % hidden + 1, one.deviations)) for one in lit]
    return Matched(look, layer, named, [(whole.read.steps[one.example], one) for one in found])


def require_layer(core: Inner, layer: int) -> None:
    """UsageError for a layer that the core has not; 0 is none in particular."""
    if not 0 <= layer <= core.layers:
        there = "1" if core.layers == 1 else f"1 to {core.layers}, 1 next to the input"
        raise UsageError(f"--layer {layer}: there is no such layer", f"there are: {there}")


def _flat(value_BTH: torch.Tensor, lengths: Sequence[int]) -> np.ndarray:
    """The valid steps of all examples one behind the other, (N, H) float32."""
    rows = [value_TH[:length] for value_TH, length in zip(value_BTH, lengths, strict=True)]
    return torch.cat(rows).float().cpu().numpy()
