"""A trained model whose recurrent core can be looked into, at one input or batch by batch over a part."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from torch import nn

from rnncli import tasks
from rnncli.core.cells import Cell
from rnncli.core.contract import Core
from rnncli.core.device import placed
from rnncli.core.inside import Inside, observed, rebuilt
from rnncli.core.reach import DIRECTIONS, named_stacks, topmost
from rnncli.core.recurrent import Recurrent
from rnncli.data import progress
from rnncli.errors import DataError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.tasks.base import Examples, Fitted
from rnncli.tasks.inspecting import Inspecting, ReadBatch, ReadSteps, StepReader

MOST_STEPS = 20_000
"""Of a part that are looked at: as many examples as have so many steps, drawn by the seed."""
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

    def __init__(
        self, recipe: Recipe, fitted: Fitted[Any], model: nn.Module, device: torch.device, core: str | None = None
    ):
        task = tasks.load(recipe.task)
        if not isinstance(task, Inspecting):
            able = [name for name in tasks.names() if isinstance(tasks.load(name), Inspecting)]
            raise UsageError(
                f"inspect does not know what a model of task {recipe.task} reads at each step",
                f"it looks into models of {', '.join(able)}",
            )
        self.recipe, self.fitted, self.model, self.device = recipe, fitted, model, device
        self.reader: StepReader = task.step_reader(fitted, model, device)
        self._core = core

    def typed(self, text: str) -> Look:
        """What the core does at each step of one input; raises DataError, UsageError where it reads several things."""
        look = self._look(lambda: self.reader.typed(text))
        if len(look.steps) > 1:
            first = look.gap.join(look.steps[0].names)
            raise UsageError(
                f"{look.core.name} reads each of these apart, and there are {len(look.steps)}",
                f"give it a single one, such as {shlex.quote(first)}",
            )
        return look

    def of_part(self, part: Any, examples: Examples, most_steps: int = MOST_STEPS) -> Iterator[Look]:
        """The same of the examples of a part, batch by batch; drawn ones where there are more than ``most_steps``."""
        for indices in self._batches(examples, most_steps):
            batch = placed(examples.batch(indices), self.device)
            yield self._look(lambda i=indices, b=batch: self.reader.of_part(part, examples, i, b))

    def _look(self, read: Callable[[], ReadBatch]) -> Look:
        found: list[ReadBatch] = []
        every = [module for modules in named_stacks(self.model, Recurrent).values() for module in modules]
        passes = observed(every, lambda: found.append(read()))
        (batch,) = found
        core, steps = self._chosen(batch)
        if not steps or core.modules[0] not in passes:
            raise DataError(f"{core.name} reads nothing of it", "give something that it reads")
        layers = [parts for module in core.modules for parts in rebuilt(module, passes[module])]
        assert [len(one.names) for one in steps] == passes[core.modules[0]].lengths_B.tolist()
        return Look(core, layers, steps, *self._called(steps, batch))

    def _chosen(self, batch: ReadBatch) -> tuple[Inner, Sequence[ReadSteps]]:
        """The core that was asked for, by its name or the end of it, else the first at the top; and what it reads."""
        by_name, main = named_stacks(self.model, Recurrent), main_cores(self.model)
        known: dict[str, Sequence[ReadSteps]] = {}
        for name in by_name:
            inner = next((steps for end, steps in batch.inner.items() if name.endswith(end)), None)
            if name in main and inner is None:
                known[name] = batch.steps
            elif inner is not None:
                known[name] = inner
        if not known:
            raise UsageError(
                "the model has no recurrent core to look into",
                "train one with model.core=recurrent or model.core=transformer+gru",
            )
        if self._core is None and not main:
            raise UsageError(
                "the main core is a Transformer, which has neither gates nor units to look into",
                f"look into another with --core {next(iter(known))}",
            )
        name = next((one for one in known if self._core is None or f".{one}".endswith(f".{self._core}")), "")
        if not name or self._core == "":
            raise UsageError(f"--core {self._core}: there is no such core", f"there are: {', '.join(known)}")
        return Inner(name, by_name[name]), known[name]

    def _called(self, steps: Sequence[ReadSteps], batch: ReadBatch) -> tuple[str, str]:
        """What a step is, and what stands between the names of steps."""
        return (self.reader.unit, self.reader.gap) if steps is batch.steps else (batch.inner_unit, "")

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


def main_cores(model: nn.Module) -> set[str]:
    """The names of the recurrent cores nearest to the top of a model, or on a Transformer that is; of no others."""
    every = named_stacks(model, *get_args(Core))
    top = topmost(every)
    names = [name for name, layers in every.items() if layers in top]
    return {one for one in named_stacks(model, Recurrent) if any(f"{one}.".startswith(f"{name}.") for name in names)}
