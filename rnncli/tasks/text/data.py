"""Running texts: where they lie, what a document is, which of it trains, chooses and tests.

A document as it comes, of a text file, and as it is learnt from, a number for each character, 0 for an unknown one::

    First Citizen:           ->  [38, 10, 9, 7, 3, 1, 45, ...]
    Before we proceed ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rnncli.data.tables.sources import ALL
from rnncli.data.tables.table import Table
from rnncli.data.text.codec import TextForm
from rnncli.data.text.documents import Documents
from rnncli.data.text.reading import Kind, TextReading, read_rows, read_texts
from rnncli.data.wording import counted
from rnncli.errors import DataError, RecipeError
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.columns import guess, named, own_columns
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.common.tables import is_builtin, source_used
from rnncli.tasks.text import builtin as generated
from rnncli.tasks.text.extras import cutting, files
from rnncli.tasks.text.schema import RunningTextData, TextRecipe

TEXT_NAMES = (
    "text",
    "content",
    "document",
    "article",
    "story",
    "body",
    "sentence",
    "review",
    "comment",
    "message",
    "tweet",
    "abstract",
    "lyrics",
    "poem",
    "code",
)
FEW = 10
"""Documents fewer than which are cut by place."""


@dataclass(frozen=True, eq=False)
class DocumentPart:
    """One part of the corpus: documents one behind the other."""

    documents: Documents

    def __len__(self) -> int:
        return len(self.documents)

    @property
    def characters(self) -> int:
        """Characters of all documents."""
        return self.documents.characters

    def take(self, rows: np.ndarray) -> DocumentPart:
        """Some of the documents."""
        return DocumentPart(self.documents.take(rows))

    def place(self, row: int) -> str:
        """Where a document stands in the user's data."""
        return self.documents.origin.place(row)

    def column(self, name: str, key: str) -> Iterator[str]:
        """A further column of the table that the documents are rows of; DataError where there is none."""
        table = self.documents.origin
        if not isinstance(table, Table):
            raise DataError(
                f'{self.place(0)}: no column "{name}" ({key}): texts of files have no columns',
                "a csv, jsonl or parquet file has",
            )
        table.require(name, key)
        return table.texts(name)


@dataclass
class _Sources:
    """What was read by part, and what is said of it."""

    data: RunningTextData
    kind: Kind
    parts: dict[str, DocumentPart] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    column: str = ""
    guessed: bool = False

    def add(self, part: str, found: files.Found) -> None:
        """Read a part; raises DataError."""
        data, form = self.data, TextForm.asked(self.data)
        if isinstance(found, Table):
            reading = read_rows(found, self._column(found), form)
            self.names.append(found.name)
        else:
            shown = [(files.shown(path, data), path) for path in found]
            if data.text_column:
                raise DataError(
                    f"{shown[0][0]}: a text without columns, though data.text_column names one", "leave it out"
                )
            name = shown[0][0] if len(shown) == 1 else f"{shown[0][0]} and {len(shown) - 1:,} more"
            reading = read_texts(name, shown, self.kind, form, data.encoding)
            self.names.append(name)
        self._take(part, reading)

    def _column(self, table: Table) -> str:
        if self.kind != "file":
            raise RecipeError(
                f"data.document: {self.kind} parts the text of files, and {table.name} is a table",
                "data.document=auto: each row is a document",
            )
        given, self.guessed = self.data.text_column, not self.data.text_column
        self.column = (
            named(table, given, "data.text_column")
            if given
            else guess(table, TEXT_NAMES, "texts", "--text-column NAME", among=own_columns(table), first=True)
        )
        return self.column

    def _take(self, part: str, reading: TextReading) -> None:
        self.parts[part] = DocumentPart(reading.documents)
        self.notes += reading.notes
        self.dropped.update(reading.dropped)


def read_corpus(recipe: TextRecipe) -> Corpus:
    """Read and split the texts of a recipe; raises DataError."""
    data = recipe.data
    _require_sense(data)
    sources = _Sources(data, _kind(data))
    if is_builtin(data, "book.txt"):
        sources.parts[ALL] = DocumentPart(generated.documents(TextForm.asked(data)))
        sources.names.append("built-in text")
        sources.notes.append("the text is generated by a grammar: its figures say nothing about real texts")
    else:
        found, notes = files.parts(data)
        sources.notes += notes
        for part, one in found.items():
            sources.add(part, one)
    parts, manner, how = _split(sources.parts, recipe)
    cut = {name: parts[name] for name in ("train", "dev", "test") if name in parts}
    chosen = {"data.source": source_used(data), "data.document": sources.kind, "data.split": manner}
    if sources.column:
        chosen["data.text_column"] = sources.column
    return Corpus(cut, _headline(sources), (*sources.notes, how), +sources.dropped, chosen)


def read_part(recipe: TextRecipe, path: Path) -> Corpus:
    """Further texts, all of them as the part ``test``."""
    data = recipe.data
    notes: list[str] = []
    found = files.at_place(path, data.model_copy(update={"root": str(path.parent), "splits": {}}), notes)
    if len(found) > 1 and "test" not in found:
        raise DataError(f"{path}: holds {', '.join(found)}, no test", "name one file")
    one = found.get("test") or next(iter(found.values()))
    table = isinstance(one, Table)
    column = data.text_column if table and data.text_column in one.columns else ""
    own = data.model_copy(update={"root": "", "text_column": column})
    sources = _Sources(own, "file" if table else _kind(data))
    sources.add("test", one)
    return Corpus(sources.parts, _headline(sources), (*notes, *sources.notes), +sources.dropped)


def _kind(data: RunningTextData) -> Kind:
    return "file" if data.document == "auto" else data.document


def _require_sense(data: RunningTextData) -> None:
    """RecipeError for a key that means nothing with the unit that is asked for."""
    if data.vocabulary and data.unit in ("byte", "subword"):
        instead = "data.pieces says how many are learnt" if data.unit == "subword" else "there are 256 of them"
        raise RecipeError(f"data.vocabulary: limits kinds of unit, and the unit is {data.unit}", instead)


def _headline(sources: _Sources) -> str:
    count = sum(map(len, sources.parts.values()))
    characters = sum(part.characters for part in sources.parts.values())
    guessed = " (guessed by name)" if sources.guessed else ""
    column = f', text column "{sources.column}"{guessed}' if sources.column else ""
    names = ", ".join(dict.fromkeys(sources.names))
    return f"{names}: {counted(count, 'document')}, {counted(characters, 'character')}{column}"


def _split(parts: Mapping[str, DocumentPart], recipe: TextRecipe) -> tuple[dict[str, DocumentPart], str, str]:
    """The parts, ``place`` or ``documents`` for how they are carved, and a sentence on it."""
    data = recipe.data
    whole = parts.get(ALL) or (None if "dev" in parts else parts.get("train"))
    asked_otherwise = data.folds or data.split_column
    manner = data.split
    if manner == "auto":
        manner = "place" if whole is not None and len(whole) < FEW and not asked_otherwise else "documents"
    if manner == "place" and asked_otherwise:
        key = "data.folds" if data.folds else "data.split_column"
        raise RecipeError(f"data.split: place cuts running text, {key} deals out documents", "leave out one of them")
    if whole is None or manner == "documents":
        if whole is not None and not data.split_column and len(whole) < (data.folds or 3):
            parted = f"{data.folds} folds" if data.folds else "train, dev and test"
            instead = "" if data.folds else "data.split=place cuts the running text, "
            raise DataError(
                f"{whole.place(0)}: {counted(len(whole), 'document')} cannot be dealt out to {parted}",
                f"{instead}data.document=line makes each line a document",
            )
        cut, how = Parting(data, recipe.seed)(parts)
        return cut, manner, f"{how} documents, {_sizes(cut)}"
    return _by_place(dict(parts), whole, recipe)


def _by_place(
    parts: dict[str, DocumentPart], whole: DocumentPart, recipe: TextRecipe
) -> tuple[dict[str, DocumentPart], str, str]:
    data = recipe.data
    if not data.dev_fraction:
        raise DataError(
            "data.dev_fraction is 0 and no dev part is given: nothing to choose the best epoch by",
            "data.dev_fraction=0.1",
        )
    rest = {"dev": data.dev_fraction} | ({"test": data.test_fraction} if ALL in parts and data.test_fraction else {})
    if sum(rest.values()) >= 1:
        raise DataError(
            "data.dev_fraction and data.test_fraction leave nothing to train on", "let them add up to less than 1"
        )
    shares = {"train": 1 - sum(rest.values())} | rest
    exactly = data.unit in ("character", "byte")
    carved = cutting.by_place(whole.documents, shares, exactly=exactly)
    found = {name: part for name, part in parts.items() if name not in (ALL, "train")}
    found = {name: DocumentPart(documents) for name, documents in carved.items()} | found
    percent = "/".join(f"{100 * share:.3g}" for share in shares.values())
    of = "" if ALL in parts else " of train"
    where = "" if exactly else " at line ends"
    return found, "place", f"split{of} by place {percent}{where}: {_sizes(found)}"


def _sizes(parts: Mapping[str, DocumentPart]) -> str:
    return ", ".join(f"{name} {part.characters:,}" for name, part in parts.items()) + " characters"
