"""Labels for new texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from rnncli.core.device import placed
from rnncli.data.encodings import detect, open_text
from rnncli.data.ragged import Ragged
from rnncli.data.tables.sources import READERS, read_file
from rnncli.data.text.evidence import Heard
from rnncli.errors import DataError
from rnncli.tasks.classify.scoring import row
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.sentiment.data import TEXT_NAMES
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier

SHOWN = 60
"""Characters of a text that a table shows."""


class TextPredictor:
    """Texts in, one row each out: ``text``, ``label``, ``probabilities``."""

    formats = ("jsonl",)
    together = 256
    example = "not half bad , and funnier than its trailer"

    def __init__(self, fitted: FittedSentiment, model: TextClassifier, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device

    def parse(self, text: str) -> str:
        """A line of text as it is, or the ``text`` of a JSON object."""
        if not text.lstrip().startswith("{"):
            return text
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            return text
        found = row.get("text", row.get(self.fitted.recipe.data.text_column))
        if not isinstance(found, str):
            raise DataError(
                f'input {text[:60]!r}: a JSON object without a "text"', 'for example {"text": "not half bad"}'
            )
        return found

    def read(self, path: Path, form: str = "") -> Iterator[str]:
        """The texts of a csv, tsv, jsonl or parquet file by its text column; of any other file the lines."""
        suffixes = [suffix.lower() for suffix in path.suffixes if suffix != ".gz"]
        if not suffixes or suffixes[-1] not in READERS:
            with open_text(path, detect(path, "auto")) as lines:
                yield from (line.rstrip("\r\n") for line in lines)
            return
        table = read_file(path, self.fitted.recipe.data.encoding)
        names = [self.fitted.recipe.data.text_column, *TEXT_NAMES]
        column = next((name for name in names if name in table.columns), None)
        if column is None:
            raise DataError(f"{path}: no column of texts", f'name one "text"; there are: {", ".join(table.columns)}')
        yield from table.texts(column)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[str]:
        """A text a line."""
        for number, line in enumerate(lines, start=1):
            try:
                yield self.parse(line.rstrip("\r\n"))
            except DataError as error:
                raise DataError(f"{name}:{number}: {error.message}", error.hint) from error

    @torch.no_grad()
    def predict(self, examples: Sequence[str]) -> list[dict[str, Any]]:
        """One row a text, in order; batch mates do not matter."""
        fitted = self.fitted
        ids = Ragged.from_iterable(map(fitted.vocabulary.encode, fitted.cut_up(examples)))
        indices = range(len(ids))
        ids_BT, lengths_B = ids.pad(indices)
        told = fitted.tell(examples)
        heard = placed(told.of_batch(ids, indices, ids_BT), self.device) if told else Heard(None, None)
        logits_BK = self.model(ids_BT.to(self.device), lengths_B, heard.figures_BTF, heard.scores_BC)
        labels = fitted.labels
        found = zip(examples, labels.probabilities(logits_BK), strict=True)
        return [row(text, shares_K, labels.names, several=labels.several) for text, shares_K in found]

    def text(self, example: str, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Label, its probability, the text."""
        cells = []
        for one in rows:
            label = one["label"] if "label" in one else ", ".join(one["labels"]) or "-"
            sure = max(one["probabilities"].values())
            cells.append([label, f"{100 * sure:.1f} %", one["text"][:SHOWN] + "…" * (len(one["text"]) > SHOWN)])
        return ["label", "probability", "text"], cells
