"""Answers to new sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from rnncli.errors import DataError
from rnncli.tasks.common.predicting import json_line, lines_of, require_characters
from rnncli.tasks.memory.examples import padded
from rnncli.tasks.memory.fitted import FittedMemory
from rnncli.tasks.memory.metrics import ADDING
from rnncli.tasks.memory.model import Rememberer

MAX_SHOWN = 1000
"""Characters of a sequence that a table is given."""


class MemoryPredictor:
    """A sequence a line in, a row each out: ``sequence``, ``answer`` and, of symbols, ``probability``."""

    formats = ("jsonl",)
    together = 64

    def __init__(self, fitted: FittedMemory, model: Rememberer, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        sums = fitted.problem.name == ADDING
        self.example = "0.41* 0.87 0.12* 0.55 0.93" if sums else "c - . = ~ . - ?"

    def parse(self, text: str) -> str:
        """A sequence as it is written; raises DataError for none."""
        require_characters(text, "input")
        try:
            self.fitted.problem.steps(text)
        except DataError as error:
            raise DataError(f"input {text[:60]!r}: {error.message}", error.hint) from None
        return text

    def read(self, path: Path, form: str = "") -> Iterator[str]:
        """The lines of a file."""
        return self.listen(lines_of(path), str(path), form)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[str]:
        """A sequence a line."""
        for number, line in enumerate(lines, start=1):
            try:
                yield self.parse(line.strip())
            except DataError as error:
                raise DataError(f"{name}:{number}: {error.message}", error.hint) from None

    @torch.no_grad()
    def predict(self, examples: Sequence[str]) -> list[dict[str, Any]]:
        """One row a sequence, in order; batch mates do not matter."""
        x_BTI, lengths_B = padded([self.fitted.problem.steps(text) for text in examples])
        outputs_BK = self.model(x_BTI.to(self.device), lengths_B).cpu().numpy()
        answers = self.fitted.problem.answers(outputs_BK)
        return [{"sequence": text} | _rounded(one) for text, one in zip(examples, answers, strict=True)]

    def text(self, example: str, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """The answer, how probable it is if it is a symbol, the sequence."""
        cells = []
        for row in rows:
            sure = [f"{100 * row['probability']:.1f} %"] if "probability" in row else []
            answer = row["answer"] if sure else f"{row['answer']:.2f}"
            cells.append([answer, *sure, row["sequence"][:MAX_SHOWN]])
        sums = self.fitted.problem.name == ADDING
        return ["answer", *([] if sums else ["probability"]), "sequence"], cells


def _rounded(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in answer.items()}
