"""Labels for new texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.live import USUAL, Header, cut_header, find_header, records
from rnncli.data.tables.sentences import with_lists
from rnncli.data.tables.sources import READERS, read_file
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.sentiment.data import LABEL_NAMES, TEXT_NAMES, as_columns, joined, joined_texts
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier

MAX_SHOWN = 1000
"""Characters of a text that a table is given, which is more than a terminal is wide."""
DOCUMENT = re.compile(r"\s*(\[\s*(\{.*)?|\{\s*)", re.DOTALL)
"""The first line of JSON that goes on in the next ones, or is a list."""


class TextPredictor:
    """Texts in, one row each out: ``text``, ``label``, ``probabilities``."""

    formats = ("jsonl", "text", "csv")
    together = 256
    example = "not half bad , and funnier than its trailer"

    def __init__(self, fitted: FittedSentiment, model: TextClassifier, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device

    def parse(self, text: str) -> str:
        """A line of text as it is, or the ``text`` of a JSON object."""
        return self.fitted.tables.parse(text)

    def read(self, path: Path, form: str = "") -> Iterator[str]:
        """The texts of a csv, tsv, jsonl or parquet file by its text column; of any other file the lines."""
        suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
        if form or not suffixes or suffixes[-1] not in READERS:
            with open_text(path, detect(path, "auto")) as lines:
                yield from self._texts(lines, str(path), form, parse=bool(form))
            return
        data = self.fitted.recipe.data
        table = read_file(path, data.encoding, data.header)
        columns = next((names for names in self._choices() if {*names} <= set(table.columns)), None)
        if columns is None:
            raise DataError(f"{path}: no column of texts", f'name one "text"; there are: {", ".join(table.columns)}')
        yield from joined(with_lists(table, columns), columns)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[str]:
        """A text a line, plain or in a JSON object; or of csv with a header the column of texts."""
        by_name = "csv" if Path(name).suffix.lower() in (".csv", ".tsv") else ""
        return self._texts(lines, name, form or by_name, parse=True)

    def _choices(self) -> list[tuple[str, ...]]:
        """The columns that hold the texts of a table: as in training, or one of the usual names."""
        given = as_columns(self.fitted.recipe.data.text_column)
        return [*([given] if given else []), *((name,) for name in TEXT_NAMES)]

    def _texts(self, lines: Iterable[str], name: str, form: str, *, parse: bool) -> Iterator[str]:
        """The texts of lines in a form, which the first line tells where it is not given."""
        first, *_ = head = list(islice(lines := iter(lines), 1)) or [""]
        choices = self._choices()
        header = cut_header(first) if form == "csv" else None
        if not form:
            header = find_header(first, [name for names in choices for name in names], (*USUAL, *LABEL_NAMES))
        if header is not None:
            yield from _columns(records(lines, header, name), header, choices, name)
            return
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
        tables = self.fitted.tables
        given = {name: torch.from_numpy(one).to(self.device) for name, one in tables.inputs(examples).items()}
        logits_BK = self.model(given["ids"], given["lengths"].cpu(), given.get("figures"), given.get("scores"))
        return tables.rows(examples, logits_BK.double().cpu().numpy())

    def text(self, example: str, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Label, its probability, the text."""
        cells = []
        for one in rows:
            label = one["label"] if "label" in one else ", ".join(one["labels"]) or "-"
            sure = max(one["probabilities"].values())
            cells.append([label, f"{100 * sure:.1f} %", one["text"][:MAX_SHOWN]])
        return ["label", "probability", "text"], cells


def _columns(
    rows: Iterable[tuple[int, list[str]]], header: Header, choices: Sequence[Sequence[str]], name: str
) -> Iterator[str]:
    """The texts in the rows of csv; raises DataError where no column is one of texts."""
    places = ([header.index([column]) for column in columns] for columns in choices)
    at = next((found for found in places if min(found) >= 0), None)
    if at is None:
        names = ", ".join(header.names)
        hint = f'name one "text"; there are: {names}; --format text takes each line as it is'
        raise DataError(f"{name}: csv without a column of texts", hint)
    return (joined_texts([row[i] for i in at]) for _, row in rows)
