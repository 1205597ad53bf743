"""Texts to the inputs of a classifier, and its scores to rows: for the program and for exported models.

Shape letters: B batch, T units, F figures and C scores of evidence, K classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.ragged import Ragged
from rnncli.data.tables.cells import written
from rnncli.data.text import units as text_units
from rnncli.data.text.evidence import Evidence, Heard, Told
from rnncli.data.text.units import Cut, Units
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import DataError
from rnncli.tasks.classify.answers import probabilities, row
from rnncli.tasks.common.predicting import lines_of, require_characters
from rnncli.tasks.portable import Arrays, Run
from rnncli.tasks.sentiment.columns import joined_texts

KIND = "text classifier"


@dataclass(frozen=True)
class TextTables:
    """All but the weights: how texts are cut and numbered, what n-grams say of them, the labels.

    ``columns`` are those of the texts in training; of a text the first ``most`` units are read, 0 for all.
    """

    units: Units
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    several: bool
    most: int
    columns: tuple[str, ...] = ()
    evidence: Evidence | None = None

    def inputs(self, texts: Sequence[str]) -> Arrays:
        """What the model is given: ids (B, T), lengths (B,) and of evidence figures (B, T, F) and scores (B, C)."""
        ids = Ragged.from_iterable(map(self.vocabulary.encode, self.cut_up(texts)))
        indices = range(len(ids))
        ids_BT, lengths_B = ids.padded(indices)
        told = self.tell(texts)
        heard = told.of_batch(ids, indices, ids_BT) if told else Heard(None, None)
        found = {"ids": ids_BT, "lengths": lengths_B, "figures": heard.figures_BTF, "scores": heard.scores_BC}
        return {name: array for name, array in found.items() if array is not None}

    def rows(self, texts: Sequence[str], logits_BK: np.ndarray) -> list[dict[str, Any]]:
        """A row a text by the scores of the model."""
        found = zip(texts, probabilities(logits_BK, several=self.several), strict=True)
        return [row(text, shares_K, self.labels, several=self.several) for text, shares_K in found]

    def tell(self, texts: Iterable[str]) -> Told | None:
        """What n-grams say of texts, read whole, and of the units that the core reads."""
        return self.evidence.describe(map(self.units.split, texts), self.most) if self.evidence else None

    def cut_up(self, texts: Iterable[str]) -> Iterator[Sequence[str]]:
        """The units of each text that are read."""
        cut = Cut(self.most)
        return (cut(self.units.split(text)) for text in texts)

    def parse(self, text: str) -> str:
        """A line of text as it is, or the text of a JSON object; raises DataError."""
        require_characters(text, "input")
        if not text.lstrip().startswith("{"):
            return text
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            return text
        parts = [row.get(name) for name in self.columns]
        own = joined_texts(list(map(written, parts))) if parts and all(map(_is_text, parts)) else None
        found = row.get("text") if own is None else own
        found = written(found) if _is_text(found) else found
        if not isinstance(found, str):
            raise DataError(
                f'input {text[:60]!r}: a JSON object without a "text"', 'for example {"text": "not half bad"}'
            )
        require_characters(found, "input")
        return found

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        self.vocabulary.save(folder / "vocabulary.json")
        text_units.save(self.units, folder / "units.json")
        body = {"labels": self.labels, "several": self.several, "max_length": self.most, "columns": self.columns}
        write_json(folder / "labels.json", KIND, body)
        if self.evidence:
            self.evidence.grams.save(folder / "evidence.json")
            np.savez(folder / "evidence.npz", **self.evidence.arrays())  # pyright: ignore[reportArgumentType]

    @classmethod
    def load(cls, folder: Path) -> TextTables:
        """What :meth:`save` wrote; raises RunError."""
        body = read_json(folder / "labels.json", KIND)
        evidence = None
        if (folder / "evidence.npz").exists():
            with np.load(folder / "evidence.npz") as arrays:
                evidence = Evidence.of(Vocabulary.load(folder / "evidence.json"), dict(arrays))
        return cls(
            text_units.load(folder / "units.json"),
            Vocabulary.load(folder / "vocabulary.json"),
            tuple(body["labels"]),
            body["several"],
            body["max_length"],
            tuple(body["columns"]),
            evidence,
        )


class PortableTexts:
    """See :class:`rnncli.tasks.portable.Portable`; an example is a text."""

    together = 256

    def __init__(self, tables: TextTables, run: Run) -> None:
        self.tables, self.run = tables, run

    def parse(self, text: str) -> str:
        """A line of text as it is, or the text of a JSON object; raises DataError."""
        return self.tables.parse(text)

    def read(self, path: Path) -> Iterator[str]:
        """A text a line as it is, or in the lines of a .jsonl file."""
        lines = lines_of(path)
        return self.listen(lines) if path.suffix.lower() in (".jsonl", ".ndjson") else map(_as_it_is, lines)

    def listen(self, lines: Iterable[str]) -> Iterator[str]:
        """A text a line, plain or in a JSON object."""
        return (self.parse(line.rstrip("\r\n")) for line in lines)

    def predict(self, examples: Sequence[str]) -> list[dict[str, Any]]:
        """One row a text, in order; batch mates do not matter."""
        return self.tables.rows(examples, self.run("model", self.tables.inputs(examples))["logits"])


def open_model(folder: Path, run: Run) -> PortableTexts:
    """The classifier whose tables lie in ``folder``."""
    return PortableTexts(TextTables.load(folder), run)


def _as_it_is(line: str) -> str:
    require_characters(line, "input")
    return line


def _is_text(value: object) -> bool:
    """Whether a value of JSON is a text, or one in words."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
