"""Labelled texts: which columns, which rows, which part each row goes to.

A row as it comes, of a csv, and as it is learnt from, words by their numbers and the label by its::

    text,stars                          ->  ids [34, 7, 512, 9]  (not half bad !)
    "Not half bad!",4                       truth 3
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data import splits
from rnncli.data.tables.sources import ALL, read
from rnncli.data.tables.table import Table, did_you_mean
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.classify.labels import require_known
from rnncli.tasks.common.columns import guess
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.common.tables import (
    TablePart,
    is_builtin,
    is_repository,
    source_of,
    source_used,
    table_of,
    with_given_parts,
)
from rnncli.tasks.sentiment import builtin as generated
from rnncli.tasks.sentiment.schema import SentimentRecipe, TextData

TEXT_NAMES = (
    "text",
    "sentence",
    "review",
    "content",
    "comment",
    "message",
    "tweet",
    "body",
    "document",
    "utterance",
)
LABEL_NAMES = (
    "label",
    "labels",
    "sentiment",
    "class",
    "category",
    "polarity",
    "target",
    "stars",
    "rating",
    "topic",
)
MOST_LABELS = 1000
"""That a classifier tells apart."""


@dataclass(frozen=True)
class TextPart(TablePart):
    """One part of the corpus: rows of a table and the two columns that matter.

    Where a text may have ``several`` labels, what is between them in text form is the ``separator``.
    """

    text_column: str
    label_column: str
    several: bool = False
    separator: str = "|"

    def texts(self) -> Iterator[str]:
        """The texts, a few thousand in memory at a time."""
        return self.table.texts(self.text_column)

    def labels(self) -> Iterator[list[str]]:
        """The labels of each text: one of them, or as many as it has."""
        for label in self.written():
            yield [one for name in label.split(self.separator) if (one := name.strip())] if self.several else [label]

    def written(self) -> Iterator[str]:
        """The label of each text as the source writes it."""
        return (_label(value, self.separator) for value in self.table.values(self.label_column))


def read_corpus(recipe: SentimentRecipe) -> Corpus:
    """Read, clean and split the data of a recipe; raises DataError."""
    data = recipe.data
    tables, notes = _tables(data)
    text, label, guessed = find_columns(next(iter(tables.values())), data)
    dropped: Counter[str] = Counter()
    parts = {
        name: _clean(_part(table, text, label, data), data.drop_duplicates, dropped) for name, table in tables.items()
    }
    rows = sum(len(table) for table in tables.values())
    names = sorted({table.name for table in tables.values()})
    headline = f"{', '.join(names)}: {rows:,} rows, {guessed}"
    _require_classes(parts.get(ALL) or parts.get("train") or next(iter(parts.values())))
    cut, how = Parting(data, recipe.seed, _stratum)(parts)
    notes = [*notes, *(note for table in tables.values() for note in table.notes), how]
    for table in tables.values():
        dropped.update(table.dropped)
    _require_classes(cut["train"])
    known = label_names(count_labels(cut["train"]))
    for part in (part for name, part in cut.items() if name != "train"):
        require_known(part, part.labels(), known)
    chosen = {"data.source": source_used(data), "data.text_column": text, "data.label_column": label}
    return Corpus(cut, headline, tuple(notes), +dropped, chosen)


def read_part(recipe: SentimentRecipe, path: Path) -> Corpus:
    """A further labelled file, all of it as the part ``test``."""
    data = recipe.data
    tables = read(path, encoding=data.encoding)
    if len(tables) > 1 and "test" not in tables:
        raise DataError(f"{path}: holds {', '.join(tables)}, no test", "name one file")
    table = tables.get("test") or next(iter(tables.values()))
    own = data.model_copy(update={"text_column": "", "label_column": ""})
    known = {data.text_column, data.label_column} <= set(table.columns) and data.text_column
    text, label, guessed = find_columns(table, data if known else own)
    dropped: Counter[str] = Counter(table.dropped)
    part = _clean(_part(table, text, label, data), False, dropped)
    return Corpus({"test": part}, f"{path}: {len(table):,} rows, {guessed}", table.notes, +dropped)


def find_columns(table: Table, data: TextData) -> tuple[str, str, str]:
    """The columns of texts and labels, named or guessed, and a sentence that says which; raises DataError."""
    text, label = data.text_column, data.label_column
    for name, key in ((text, "data.text_column"), (label, "data.label_column")):
        if name:
            table.require(name, key)
    rest = [name for name in table.columns if name not in (text, label, data.split_column, data.fold_column)]
    guesses = []
    if not text:
        text = guess(table, TEXT_NAMES, "texts", "--text-column NAME", among=rest)
        rest = [name for name in rest if name != text]
        guesses.append("text")
    if not label:
        label = guess(table, LABEL_NAMES, "labels", "--label-column NAME", among=rest)
        guesses.append("label")
    how = f" ({' and '.join(guesses)} guessed by name)" if guesses else ""
    return text, label, f'text column "{text}", label column "{label}"{how}'


def label_names(labels: Iterable[str]) -> tuple[str, ...]:
    """All labels that occur, numbers in their order, else by code point."""
    return tuple(sorted(set(labels), key=lambda name: (_number(name), name)))


def count_labels(part: TextPart) -> Counter[str]:
    """How often each label occurs."""
    return Counter(one for labels in part.labels() for one in labels)


def _tables(data: TextData) -> tuple[dict[str, Table], list[str]]:
    if is_builtin(data, "reviews.csv"):
        table = table_of("built-in corpus", ("text", "label"), generated.generate())
        return {ALL: table}, ["the corpus is generated by a grammar: its figures say nothing about real texts"]
    place = data.train if is_repository(data) else str(Path(data.root) / data.train)
    splits, config = data.splits or None, data.config or None
    tables = read(place, source=source_of(data), encoding=data.encoding, splits=splits, config=config)
    return with_given_parts(tables, data, lambda path: read(path, encoding=data.encoding)), []


def _part(table: Table, text: str, label: str, data: TextData) -> TextPart:
    return TextPart(table, text, label, data.multi_label, data.label_separator)


def _clean(part: TextPart, distinct: bool, dropped: Counter[str]) -> TextPart:
    """The rows that can be learnt from; counts the others by reason."""
    keep = np.ones(len(part), dtype=bool)
    prints = splits.fingerprints(
        f"{text.strip()}\0{label}" for text, label in zip(part.texts(), part.written(), strict=True)
    )
    empty = np.fromiter((not text.strip() for text in part.texts()), bool, len(part))
    bare = np.fromiter((not label and not part.several for label in part.written()), bool, len(part)) & ~empty
    keep[empty | bare] = False
    dropped["empty text"] += int(empty.sum())
    dropped["no label"] += int(bare.sum())
    if distinct:
        rows = np.flatnonzero(keep)
        again = rows[splits.duplicates(prints[rows])]
        keep[again] = False
        dropped["duplicate"] += len(again)
    if not keep.any():
        raise DataError(f"{part.table.name}: no row has both a text and a label", "is this the right column?")
    return part if keep.all() else part.take(np.flatnonzero(keep))


def _stratum(part: TextPart) -> np.ndarray | None:
    """The label of each row, each distinct one in memory once."""
    if part.several:
        return None
    known: dict[str, str] = {}
    labels = np.empty(len(part), dtype=object)
    for row, label in enumerate(part.written()):
        labels[row] = known.setdefault(label, label)
    return labels


def _require_classes(part: TextPart) -> None:
    counts = count_labels(part)
    if len(counts) < (1 if part.several else 2):
        only = f'only the label "{next(iter(counts))}"' if counts else "no label"
        raise DataError(
            f'{part.table.name}: the training part has {only} in column "{part.label_column}"; two are needed',
            "is this the right --label-column?",
        )
    if len(counts) > MOST_LABELS:
        near = did_you_mean("label", part.table.columns)
        raise DataError(
            f'{part.table.name}: column "{part.label_column}" has {len(counts):,} different labels{near}',
            f"a classifier takes at most {MOST_LABELS:,}; is this the right --label-column?",
        )


def _label(value: object, separator: str) -> str:
    if isinstance(value, list):
        return separator.join(map(str, value))
    return "" if value is None or value != value else str(value).strip()  # NaN alone differs from itself


def _number(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return float("inf")
