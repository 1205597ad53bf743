"""Labels for new texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.cells import list_in, written
from rnncli.data.tables.live import USUAL
from rnncli.data.tables.sheet import Sheet, Sought, is_tabular
from rnncli.errors import DataError
from rnncli.tasks.classify.scoring import cells, columns_of
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.predictors import Missing
from rnncli.tasks.sentiment.columns import joined_texts
from rnncli.tasks.sentiment.data import LABEL_NAMES, TEXT_NAMES
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier

MAX_SHOWN = 1000
"""Characters of a text that a table is given, which is more than a terminal is wide."""
DOCUMENT = re.compile(r"\s*(\[\s*(\{.*)?|\{\s*)", re.DOTALL)
"""The first line of JSON that goes on in the next ones, or is a list."""


class TextPredictor:
    """Texts in, one row each out: ``text``, ``label``, ``probabilities``."""

    formats = ("jsonl", "text", "csv")
    sought = Sought("text_column", TEXT_NAMES, "texts", (*USUAL, *LABEL_NAMES))
    other_forms, own_columns = (), ("text",)
    together = 256
    example = "not half bad , and funnier than its trailer"

    def __init__(self, fitted: FittedSentiment, model: TextClassifier, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.tables = fitted.tables

    def parse(self, text: str) -> str:
        """A line of text as it is, or the ``text`` of a JSON object."""
        return self.tables.parse(text)

    def read(self, path: Path, form: str = "") -> Iterator[str]:
        """The lines of a file, in a form if one is named, else as they are."""
        with open_text(path, detect(path, "auto")) as lines:
            yield from self._texts(lines, str(path), form, parse=bool(form))

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[str]:
        """A text a line, plain or in a JSON object."""
        return self._texts(lines, name, form, parse=True)

    def is_table(self, path: Path) -> bool:
        """Whether a file is a table by its name."""
        return is_tabular(path)

    def rows(self, sheet: Sheet) -> Iterator[str | Missing]:
        """The text of each row, those of several columns joined as in training; blank ones are missing."""
        columns = sheet.several(self.sought)
        for _, values in sheet.rows:
            text = joined_texts([_text(values.get(column)) for column in columns])
            yield text if text.strip() else Missing("empty text", text)

    def _texts(self, lines: Iterable[str], name: str, form: str, *, parse: bool) -> Iterator[str]:
        """The texts of lines in a form."""
        first, *_ = head = list(islice(lines := iter(lines), 1)) or [""]
        if not form and DOCUMENT.fullmatch(first):
            hint = "jq -c '.[]' makes such lines; --format text takes them as they are"
            raise DataError(f"{name}: a JSON document over several lines, where a line is an object", hint)
        for number, line in enumerate(chain(head if first else (), lines), start=1):
            try:
                text = line.rstrip("\r\n")
                yield self.parse(text) if parse and form != "text" else text
            except DataError as error:
                raise DataError(f"{name}:{number}: {error.message}", error.hint) from error

    @torch.no_grad()
    def predict(self, examples: Sequence[str]) -> list[dict[str, Any]]:
        """One row a text, in order; batch mates do not matter."""
        inputs = self.tables.inputs(examples)
        given = {name: torch.from_numpy(one).to(self.device) for name, one in inputs.items()}
        logits_BK = self.model(given["ids"], given["lengths"].cpu(), given.get("figures"), given.get("scores"))
        return self.tables.rows(examples, logits_BK.double().cpu().numpy())

    def text(self, example: str, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def blank(self, example: str) -> dict[str, Any]:
        """The row of a text without a prediction."""
        named = "labels" if self.fitted.labels.several else "label"
        return {"text": example, named: None, "probabilities": None}

    def added(self, sheet: Sheet | None) -> dict[str, type]:
        """The label and how probable it is, or all labels of a text; and where they are not many that of each."""
        return columns_of(self.fitted.labels.names, several=self.fitted.labels.several)

    def cells(self, example: str, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is added to the row of a text."""
        return [cells(row)]

    def own(self, example: str) -> dict[str, Any]:
        """The text."""
        return {"text": example}

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Label, its probability, the text."""
        cells = []
        for one in rows:
            label = one["label"] if "label" in one else ", ".join(one["labels"]) or "-"
            sure = max(one["probabilities"].values())
            cells.append([label, f"{100 * sure:.1f} %", one["text"][:MAX_SHOWN]])
        return ["label", "probability", "text"], cells


def _text(value: object) -> str:
    """A cell as the text that training reads in it: of a list in words, be it saved as text, its words."""
    found = list_in(value) if isinstance(value, str) and value.lstrip().startswith("[") else None
    return written(value if found is None else found)
