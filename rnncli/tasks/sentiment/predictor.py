"""Labels for new texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch

from rnncli.core.device import placed
from rnncli.data.encodings import detect, open_text
from rnncli.data.ragged import Ragged
from rnncli.data.tables.cells import list_in, written
from rnncli.data.tables.live import USUAL
from rnncli.data.tables.sheet import Sheet, Sought, is_tabular
from rnncli.data.text.evidence import Heard
from rnncli.errors import DataError
from rnncli.tasks.classify.scoring import cells, columns_of, row
from rnncli.tasks.common.predicting import json_line, require_characters
from rnncli.tasks.predictors import Missing
from rnncli.tasks.sentiment.data import LABEL_NAMES, TEXT_NAMES, as_columns, joined_texts
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

    def parse(self, text: str) -> str:
        """A line of text as it is, or the ``text`` of a JSON object."""
        require_characters(text, "input")
        if not text.lstrip().startswith("{"):
            return text
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            return text
        parts = [row.get(name) for name in as_columns(self.fitted.recipe.data.text_column)]
        own = joined_texts(list(map(written, parts))) if parts and all(map(_is_text, parts)) else None
        found = row.get("text") if own is None else own
        found = written(found) if _is_text(found) else found
        if not isinstance(found, str):
            raise DataError(
                f'input {text[:60]!r}: a JSON object without a "text"', 'for example {"text": "not half bad"}'
            )
        require_characters(found, "input")
        return found

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


def _is_text(value: object) -> bool:
    """Whether a value of JSON is a text, or one in words."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
