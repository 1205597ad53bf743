"""What texts cost under a model, and texts that it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.cells import written
from rnncli.data.tables.sheet import Sheet, Sought, is_tabular
from rnncli.data.text.documents import Document
from rnncli.data.text.encoded import encode
from rnncli.data.text.reading import with_line_end
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.predictors import Missing, Prompt
from rnncli.tasks.text.data import TEXT_NAMES, read_part
from rnncli.tasks.text.extras.writing import Writer
from rnncli.tasks.text.fitted import FittedText
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.portable import document_of, prompt_of, row_of, rows, text_of_json
from rnncli.tasks.write.sampling import Drawing
from rnncli.tasks.write.stepping import Stepper

COSTS: dict[str, type] = {
    "nats": float,
    "tokens": int,
    "characters": int,
    "unknown": int,
    "bits_per_character": float,
    "perplexity": float,
}
"""What is said of a text, and the type of each."""


class DocumentPredictor:
    """Texts in, one row each out: ``nats``, ``tokens``, ``bits_per_character``, ``perplexity``; or texts to go on with.

    A text begins anew: nothing stands before it. Of a file each document is a text, as it was in training.
    """

    formats = ("jsonl", "text")
    sought = Sought("text_column", TEXT_NAMES, "texts")
    other_forms, own_columns = (), ("text",)
    example = "It was a bright cold day in April."
    together = 64

    def __init__(self, fitted: FittedText, model: TextModel, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.usual_length = fitted.recipe.evaluation.sample_length

    def parse(self, text: str) -> Document:
        """A line of text as it is, or the ``text`` of a JSON object."""
        return self._document(text_of_json(text), "")

    def read(self, path: Path, form: str = "") -> Iterator[Document]:
        """The documents of a file, or where a form says how, its lines."""
        if not form:
            yield from read_part(self.fitted.recipe, path).parts["test"].documents
            return
        with open_text(path, detect(path, self.fitted.recipe.data.encoding)) as lines:
            yield from self.listen(lines, str(path), form)

    def is_table(self, path: Path) -> bool:
        """Whether a file is a table by its name."""
        return is_tabular(path)

    def rows(self, sheet: Sheet) -> Iterator[Document | Missing]:
        """The text of each row as training reads it; blank ones are missing."""
        column = sheet.column(self.sought)
        for number, values in sheet.rows:
            text = written(values.get(column))
            document = self._document(with_line_end(text, self.fitted.codec.form), sheet.place(number))
            yield document if text.strip() else Missing("empty text", document)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Document]:
        """A text a line, plain or in a JSON object."""
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\r\n")
            yield self._document(text if form == "text" else text_of_json(text, f"{name}:{number}"), f"{name}:{number}")

    @torch.no_grad()
    def predict(self, examples: Sequence[Document]) -> list[dict[str, Any]]:
        """One row a text, in order; batch mates do not matter."""
        encoded = encode(self.fitted.codec, examples)
        return rows(self.fitted.codec, examples, encoded.steps, self.fitted.nats(self.model, encoded))

    def text(self, example: Document, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def blank(self, example: Document) -> dict[str, Any]:
        """The row of a document that costs nothing, since it is none."""
        return row_of(example, np.zeros(0), 0) | dict.fromkeys(COSTS)

    def added(self, sheet: Sheet | None) -> dict[str, type]:
        """What a text costs."""
        return COSTS

    def cells(self, example: Document, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is added to the row of a text."""
        return [{name: row[name] for name in COSTS}]

    def own(self, example: Document) -> dict[str, Any]:
        """The text."""
        return {"text": example.text()}

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Bits per character, perplexity, tokens, the text or where it stands."""
        cells = [
            [_shown(row["bits_per_character"]), _shown(row["perplexity"]), f"{row['tokens']:,}", row["text"]]
            for row in rows
        ]
        return ["bits per character", "perplexity", "tokens", "text"], cells

    def prompt(self, text: str) -> Prompt:
        """A text to go on behind, what the model never learnt left out; raises DataError where nothing is left."""
        symbols_N, unknown = prompt_of(self.fitted.codec, text)
        return Prompt(self.fitted.codec.text(symbols_N.tolist()), tuple(unknown), self._writer.begin(symbols_N))

    def go_on(self, prompt: Prompt, sampling: Drawing, number: int, length: int) -> Iterator[str]:
        """Sample ``number`` behind a prompt, of ``length`` symbols, piece by piece."""
        return self._writer.text(prompt.behind, sampling, number, length)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self.fitted.codec, Stepper(self.model.networks))

    def _document(self, text: str, place: str) -> Document:
        return document_of(self.fitted.codec, text, place)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"
