"""Labelled texts: which columns, which rows, which part each row goes to.

A row as it comes, of a csv, and as it is learnt from, words by their numbers and the label by its::

    text,stars                          ->  ids [34, 7, 512, 9]  (not half bad !)
    "Not half bad!",4                       truth 3
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from rnncli.data import splits
from rnncli.data.tables.cells import is_other_list, label_text, list_in, written
from rnncli.data.tables.sentences import with_lists
from rnncli.data.tables.sources import ALL, read
from rnncli.data.tables.table import Table
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.classify.labels import require_known
from rnncli.tasks.common.columns import guess, named, own_columns
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
from rnncli.tasks.sentiment.columns import as_columns, joined_texts
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
TITLE_NAMES = ("title", "headline", "heading", "subject", "summary", "description", "question", "answer")
"""Columns whose texts may belong to the text."""
MOST_LABELS = 1000
"""That a classifier tells apart."""
LOOKED_AT = 200
"""Rows by which columns are judged."""


MEMORISED = 10_000
"""Different labels whose reading is remembered."""


@dataclass(frozen=True)
class TextPart(TablePart):
    """One part of the corpus: rows of a table and the columns that matter, those of the text joined by a blank.

    Where a text may have ``several`` labels, what is between them in text form is the ``separator``.
    """

    text_columns: tuple[str, ...]
    label_column: str
    several: bool = False
    separator: str = "|"

    def texts(self) -> Iterator[str]:
        """The texts, a few thousand in memory at a time."""
        return joined(self.table, self.text_columns)

    def labels(self) -> Iterator[list[str]]:
        """The labels of each text: one of them, empty for none, or as many as it has."""
        known: dict[str, list[str]] = {}
        for value in self.table.values(self.label_column):
            if type(value) is not str:
                yield self._labels(value)
                continue
            found = known.get(value)
            if found is None:
                found = self._labels(value)
                if len(known) < MEMORISED:
                    known[value] = found
            yield found

    def written(self) -> Iterator[str]:
        """The label of each text as one string."""
        return map(self.separator.join, self.labels())

    def _labels(self, value: object) -> list[str]:
        """The labels in a cell, of a list or the text of one as many as it has."""
        names = value if isinstance(value, list) else list_in(value) if isinstance(value, str) else None
        if names is None:
            names = written(value).split(self.separator) if self.several else [value]
        found = [label for name in names if (label := label_text(name))]
        return found if found or self.several else [""]


def joined(table: Table, columns: Sequence[str]) -> Iterator[str]:
    """The texts of a table's rows, those of several columns with a blank between them."""
    if len(columns) == 1:
        return table.texts(columns[0])
    return map(joined_texts, zip(*(table.texts(column) for column in columns), strict=True))


def read_corpus(recipe: SentimentRecipe) -> Corpus:
    """Read, clean and split the data of a recipe; raises DataError."""
    data = recipe.data
    tables, notes = _tables(data)
    text, label, guessed = find_columns(next(iter(tables.values())), data)
    tables = {name: with_lists(table, text) for name, table in tables.items()}
    notes += _column_notes(tables, text, label, data)
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
    columns = text[0] if len(text) == 1 else list(text)
    chosen = {"data.source": source_used(data), "data.text_column": columns, "data.label_column": label}
    return Corpus(cut, headline, tuple(notes), +dropped, chosen)


def read_part(recipe: SentimentRecipe, path: Path) -> Corpus:
    """A further labelled file, all of it as the part ``test``."""
    data = recipe.data
    tables = read(path, encoding=data.encoding, header=data.header)
    if len(tables) > 1 and "test" not in tables:
        raise DataError(f"{path}: holds {', '.join(tables)}, no test", "name one file")
    table = tables.get("test") or next(iter(tables.values()))
    own = data.model_copy(update={"text_column": "", "label_column": ""})
    known = data.text_column and {*as_columns(data.text_column), data.label_column} <= set(table.columns)
    text, label, guessed = find_columns(table, data if known else own)
    table = with_lists(table, text)
    dropped: Counter[str] = Counter(table.dropped)
    part = _clean(_part(table, text, label, data), False, dropped)
    return Corpus({"test": part}, f"{path}: {len(table):,} rows, {guessed}", table.notes, +dropped)


def find_columns(table: Table, data: TextData) -> tuple[tuple[str, ...], str, str]:
    """The columns of texts and of labels, named or guessed, and a sentence that says which; raises DataError."""
    text = tuple(named(table, name, "data.text_column") for name in as_columns(data.text_column))
    label = named(table, data.label_column, "data.label_column") if data.label_column else ""
    rest = [name for name in own_columns(table) if name not in (*text, label, data.split_column, data.fold_column)]
    guesses = []
    if not text:
        how = "--text-column NAME, or data.text_column=[NAME,NAME] to join several"
        text = (guess(table, TEXT_NAMES, "texts", how, among=rest),)
        rest = [name for name in rest if name not in text]
        guesses.append("text")
    if not label:
        label = guess(table, LABEL_NAMES, "labels", "--label-column NAME", among=rest)
        guesses.append("label")
    how = f" ({' and '.join(guesses)} guessed by name)" if guesses else ""
    named_text = " and ".join(f'"{name}"' for name in text)
    several = ", several labels a text" if data.multi_label else ""
    return text, label, f'text column{"s" * (len(text) > 1)} {named_text}, label column "{label}"{several}{how}'


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
    form = {"encoding": data.encoding, "header": data.header}
    tables = read(place, source=source_of(data), splits=splits, config=config, **form)
    return with_given_parts(tables, data, lambda path: read(path, **form)), []


def _column_notes(tables: Mapping[str, Table], text: tuple[str, ...], label: str, data: TextData) -> list[str]:
    """What to say of further columns of texts, which are not read, and of labels that look other in the source."""
    table = next(iter(tables.values()))
    rest = [name for name in own_columns(table) if name not in (*text, label)]
    more = [name for name in rest if _holds_texts(table, name)]
    found = []
    numbers = [name for name in (*as_columns(data.text_column), data.label_column) if name.isdecimal()]
    if data.header == "auto" and not {*numbers} <= {*own_columns(table)} and not table.place(0).endswith(":1"):
        first = ", ".join(f'"{name}"' for name in own_columns(table)[:5])
        found.append(f"the first row is taken for names, {first}: data.header=false reads it as data")
    if more and not data.text_column:
        order = [name for name in own_columns(table) if name in (*text, *more)]
        also = ", ".join(f'"{name}"' for name in more)
        found.append(f'only column "{text[0]}" is read, not {also}: data.text_column=[{",".join(order)}] joins them')
    doubles = sorted({name for one in tables.values() for name in _doubles(one, label)})
    if doubles:
        read_as = ", ".join(map(label_text, doubles[:3]))
        found.append(f"labels that are whole numbers are read as such: {', '.join(doubles[:3])} as {read_as}")
    return found


def _part(table: Table, text: tuple[str, ...], label: str, data: TextData) -> TextPart:
    return TextPart(table, text, label, data.multi_label, data.label_separator)


def _holds_texts(table: Table, name: str) -> bool:
    """Whether a column holds texts by its first rows: different ones of four words, of one where it is a title."""
    values = [one for one in islice(table.values(name), LOOKED_AT) if isinstance(one, str) and one.strip()]
    if not values or 2 * len(set(values)) < len(values):
        return False
    words = sum(sum(map(str.isalpha, one.split())) if one.isascii() else len(one) / 3 for one in values)
    return words / len(values) >= (1 if name.strip().lower() in (*TITLE_NAMES, *TEXT_NAMES) else 4)


def _doubles(table: Table, label: str) -> Iterator[str]:
    """The labels that are whole numbers as doubles."""
    column = table.store.column(label)
    if pa.types.is_string(column.type) or pa.types.is_floating(column.type):
        values = (str(value).strip() for value in column.unique().to_pylist()[:MEMORISED])
        yield from (value for value in values if label_text(value) != value)


def _clean(part: TextPart, distinct: bool, dropped: Counter[str]) -> TextPart:
    """The rows that can be learnt from; counts the others by reason, and raises DataError for several labels of one."""
    _require_labels(part)
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


def _require_labels(part: TextPart) -> None:
    """Raise DataError for several labels of a text that has one, and for lists of a manner that cannot be read."""
    for row, labels in enumerate(part.labels()):
        if unread := next(filter(is_other_list, labels), ""):
            shown = unread if len(unread) <= 40 else f"{unread[:40]}..."
            raise DataError(
                f"{part.place(row)}: the label {shown} is an object, or no list as JSON or Python writes one",
                "a label is a word, a number, or with data.multi_label=true a list of them as json.dumps writes it",
            )
        if len(labels) > 1 and not part.several:
            shown = ", ".join(f'"{label}"' for label in labels[:5])
            raise DataError(
                f"{part.place(row)}: a list of {len(labels)} labels, {shown}, where a text has one",
                "data.multi_label=true learns several labels a text",
            )


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


def _number(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return float("inf")
