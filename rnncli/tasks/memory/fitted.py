"""A problem fitted to its training part: see :class:`rnncli.tasks.base.Fitted`. Shape letters: N rows, K outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from rnncli.data.jsonfile import read_json, write_json
from rnncli.errors import DataError, RunError
from rnncli.tasks.base import About, Axes, Batches, Metrics, Names, Rivals
from rnncli.tasks.common.pooled import pooled_axes
from rnncli.tasks.memory.data import MemoryPart
from rnncli.tasks.memory.examples import MemoryBatch, MemoryExamples
from rnncli.tasks.memory.metrics import ADDING, statistics
from rnncli.tasks.memory.model import Rememberer
from rnncli.tasks.memory.problems import Adding, Copying
from rnncli.tasks.memory.schema import MemoryRecipe

KIND, FILE = "memory", "problem.json"


class FittedMemory:
    """See :class:`rnncli.tasks.base.Fitted`."""

    best_by = "loss"
    notes: tuple[str, ...] = ()

    def __init__(self, recipe: MemoryRecipe, problem: Adding | Copying) -> None:
        self.recipe, self.problem = recipe, problem

    @property
    def about(self) -> About:
        """Which problem it is."""
        return {"problem": self.problem.name}

    core_names = ("core",)

    def output_axes(self, model: Rememberer, outputs: Mapping[str, Names]) -> Axes:
        """What the linear layer reads."""
        return pooled_axes("last", outputs["core"])

    def save(self, folder: Path) -> None:
        """Write the symbols and the answers."""
        known = [self.problem.symbols, self.problem.names] if isinstance(self.problem, Copying) else [(), ()]
        write_json(folder / FILE, KIND, {"symbols": list(known[0]), "answers": list(known[1])})

    @classmethod
    def load(cls, recipe: MemoryRecipe, folder: Path) -> FittedMemory:
        """What ``save`` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        if recipe.data.problem == ADDING:
            return cls(recipe, Adding())
        try:
            symbols, names = (tuple(map(str, body[key])) for key in ("symbols", "answers"))
        except (KeyError, TypeError) as error:
            raise RunError(f"{folder / FILE}: its symbols are damaged", "take it from a copy of the run") from error
        return cls(recipe, Copying(symbols, names))

    def encode(self, part: MemoryPart, *, training: bool = False) -> MemoryExamples:
        """Sequences to numbers; raises DataError naming the row."""
        sequences, truth = [], []
        for row, (text, answer) in enumerate(zip(part.sequences(), part.answers(), strict=True)):
            try:
                sequences.append(self.problem.steps(text))
                truth.append(self.problem.truth(answer))
            except DataError as error:
                raise DataError(f"{part.place(row)}: {error.message}", error.hint) from None
        lengths = np.array([len(one) for one in sequences], np.int64)
        return MemoryExamples(part, sequences, np.array(truth, np.float32), lengths)

    def build(self) -> Rememberer:
        """A new model."""
        return Rememberer(self.problem.inputs, self.problem.outputs, self.recipe.model)

    def loss(self, model: Rememberer, batch: MemoryBatch) -> Tensor:
        """The mean squared error of sums, the cross-entropy of symbols."""
        return self.problem.loss(model(batch.x_BTI, batch.lengths_B), batch.truth_B)

    def validate(self, model: Rememberer, examples: MemoryExamples, batches: Batches) -> Metrics:
        """The metrics, and ``loss``, which is that of training."""
        total = 0.0
        outputs_NK = np.zeros((len(examples), self.problem.outputs), np.float32)
        for indices, batch in batches():
            outputs_BK = model(batch.x_BTI, batch.lengths_B)
            outputs_NK[indices] = outputs_BK.cpu().numpy()
            total += float(self.problem.loss(outputs_BK, batch.truth_B)) * len(indices)
        rows = list(self._rows(examples.part, outputs_NK))
        return statistics(rows, self.about).values() | {"loss": total / max(1, len(examples))}

    def predictions(
        self, model: Rememberer, part: MemoryPart, examples: MemoryExamples, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """The answer to each sequence, and the sequence."""
        outputs_NK = np.zeros((len(examples), self.problem.outputs), np.float32)
        for indices, batch in batches():
            outputs_NK[indices] = model(batch.x_BTI, batch.lengths_B).cpu().numpy()
        for text, row in zip(part.sequences(), self._rows(part, outputs_NK), strict=True):
            yield row | {"sequence": text}

    def baselines(self, parts: Mapping[str, MemoryPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Who remembers nothing: the mean sum of training always, or its most frequent answer."""
        known = list(parts["train"].answers())
        mean = self.problem.name == ADDING
        guess = float(np.mean([float(one) for one in known])) if mean else Counter(known).most_common(1)[0][0]
        rows = [row | {"answer": guess} for row in self._truths(parts[split])]
        return {"constant": statistics(rows, self.about)}, ()

    def _rows(self, part: MemoryPart, outputs_NK: np.ndarray) -> Iterator[dict[str, Any]]:
        answers: Sequence[dict[str, Any]] = self.problem.answers(outputs_NK)
        return (row | answer for row, answer in zip(self._truths(part), answers, strict=True))

    def _truths(self, part: MemoryPart) -> Iterator[dict[str, Any]]:
        sums = self.problem.name == ADDING
        for row, answer in enumerate(part.answers()):
            yield {"place": part.place(row), "truth": float(answer) if sums else answer}
