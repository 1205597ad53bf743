"""Labelled texts: which columns, which rows, which part each row goes to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from rnncli.data import splits
from rnncli.data.sources import ALL, read
from rnncli.data.table import Table, TableWriter, did_you_mean, with_place
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.sentiment import corpus as generated
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


@dataclass(frozen=True)
class TextPart:
    """One part of the corpus: rows of a table and the two columns that matter."""

    table: Table
    text_column: str
    label_column: str
    separator: str = "|"

    def __len__(self) -> int:
        return len(self.table)

    def texts(self) -> Iterator[str]:
        """The texts, a few thousand in memory at a time."""
        return self.table.texts(self.text_column)

    def labels(self) -> Iterator[str]:
        """The labels as the source writes them."""
        return (_label(value, self.separator) for value in self.table.values(self.label_column))

    def column(self, name: str) -> list[str]:
        """A further column of the source; raises DataError."""
        self.table.require(name, "evaluation.groups")
        return list(self.table.texts(name))

    def take(self, rows: np.ndarray) -> TextPart:
        """Some of the rows."""
        return replace(self, table=self.table.take(rows))


def read_corpus(recipe: SentimentRecipe) -> Corpus:
    """Read, clean and split the data of a recipe; raises DataError."""
    data = recipe.data
    tables, notes = _tables(data)
    text, label, guessed = find_columns(next(iter(tables.values())), data)
    dropped: Counter[str] = Counter()
    parts = {
        name: _clean(TextPart(table, text, label, data.label_separator), data, dropped)
        for name, table in tables.items()
    }
    rows = sum(len(table) for table in tables.values())
    names = sorted({table.name for table in tables.values()})
    headline = f"{', '.join(names)}: {rows:,} rows, {guessed}"
    _require_classes(parts.get(ALL) or parts.get("train") or next(iter(parts.values())), data)
    cut, how = _split(parts, data, recipe.seed)
    notes = [*notes, *(note for table in tables.values() for note in table.notes), how]
    for table in tables.values():
        dropped.update(table.dropped)
    _require_classes(cut["train"], data)
    known = label_names(cut["train"].labels(), data)
    for part in (part for name, part in cut.items() if name != "train"):
        require_known(part, known, data)
    return Corpus(cut, headline, tuple(notes), +dropped)


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
    part = _clean(
        TextPart(table, text, label, data.label_separator),
        data.model_copy(update={"drop_duplicates": False}),
        dropped,
    )
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
        text = _guess(table, rest, TEXT_NAMES, "texts", "--text-column")
        rest = [name for name in rest if name != text]
        guesses.append("text")
    if not label:
        label = _guess(table, rest, LABEL_NAMES, "labels", "--label-column")
        guesses.append("label")
    how = f" ({' and '.join(guesses)} guessed by name)" if guesses else ""
    return text, label, f'text column "{text}", label column "{label}"{how}'


def label_names(labels: Iterable[str], data: TextData) -> tuple[str, ...]:
    """All labels that occur, numbers in their order, else by code point."""
    found = {one for label in labels for one in split_label(label, data)}
    return tuple(sorted(found, key=lambda name: (_number(name), name)))


def split_label(label: str, data: TextData) -> list[str]:
    """The labels of one text."""
    if not data.multi_label:
        return [label]
    return [one for part in label.split(data.label_separator) if (one := part.strip())]


def count_labels(part: TextPart, data: TextData) -> Counter[str]:
    """How often each label occurs."""
    return Counter(one for label in part.labels() for one in split_label(label, data))


def require_known(part: TextPart, known: Sequence[str], data: TextData) -> None:
    """DataError for the first label of ``part`` that is none of ``known``."""
    numbered = set(known)
    for row, label in enumerate(part.labels()):
        for one in split_label(label, data):
            if one not in numbered:
                raise DataError(
                    f'{part.table.place(row)}: label "{one}" does not occur in training',
                    f"known: {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}",
                )


def _tables(data: TextData) -> tuple[dict[str, Table], list[str]]:
    if data.source == "builtin" or not data.train:
        if data.source not in ("builtin", "auto"):
            raise DataError(f"data.train names no {data.source}", "for example data.train=reviews.csv")
        return {ALL: _builtin()}, ["the corpus is generated by a grammar: its figures say nothing about real texts"]
    root, source = Path(data.root), data.source
    where = root / data.train
    hub = source == "datasets" or (source == "auto" and not where.exists() and data.train.count("/") == 1)
    place = str(where) if where.exists() or not hub else data.train
    tables = read(place, source=source, encoding=data.encoding, splits=data.splits or None, config=data.config or None)
    for name, file in (("dev", data.dev), ("test", data.test)):
        if file:
            more = read(root / file, source="auto", encoding=data.encoding)
            tables[name] = more.get(name) or next(iter(more.values()))
    if ALL in tables and len(tables) > 1:
        tables = {"train": tables.pop(ALL)} | tables
    below_root = (
        f"{root}{os.sep}"  # a row's place is shorter, and no less clear, below the folder that the recipe names
    )
    return {part: replace(table, name=table.name.removeprefix(below_root)) for part, table in tables.items()}, []


def _builtin() -> Table:
    rows = generated.generate()
    schema = with_place(pa.schema([("text", pa.string()), ("label", pa.string())]))
    texts, labels = zip(*rows, strict=True)
    with TableWriter("built-in corpus", schema) as writer:
        writer.write(
            pa.record_batch([pa.array(texts), pa.array(labels), pa.array(range(1, len(rows) + 1))], schema=schema)
        )
        return writer.finish()


def _guess(table: Table, columns: list[str], known: tuple[str, ...], what: str, option: str) -> str:
    found = [name for name in columns if name.strip().lower() in known]
    if len(found) == 1:
        return found[0]
    if not found and len(columns) == 1:
        return columns[0]
    why = f"several may be it: {', '.join(found)}" if found else "no name tells"
    raise DataError(
        f"{table.name}: which column holds the {what}? {why}",
        f"{option} NAME, one of: {', '.join(table.columns)}",
    )


def _clean(part: TextPart, data: TextData, dropped: Counter[str]) -> TextPart:
    """The rows that can be learnt from; counts the others by reason."""
    keep = np.ones(len(part), dtype=bool)
    prints = splits.fingerprints(
        f"{text.strip()}\0{label}" for text, label in zip(part.texts(), part.labels(), strict=True)
    )
    empty = np.fromiter((not text.strip() for text in part.texts()), bool, len(part))
    bare = np.fromiter((not label for label in part.labels()), bool, len(part)) & ~empty
    if data.multi_label:
        bare[:] = False
    keep[empty | bare] = False
    dropped["empty text"] += int(empty.sum())
    dropped["no label"] += int(bare.sum())
    if data.drop_duplicates:
        rows = np.flatnonzero(keep)
        again = rows[splits.duplicates(prints[rows])]
        keep[again] = False
        dropped["duplicate"] += len(again)
    if not keep.any():
        raise DataError(f"{part.table.name}: no row has both a text and a label", "is this the right column?")
    return part if keep.all() else part.take(np.flatnonzero(keep))


def _split(parts: dict[str, TextPart], data: TextData, seed: int) -> tuple[dict[str, TextPart], str]:
    """The parts train, dev and perhaps test, and a sentence that says how they came about."""
    if data.folds:
        return _fold(_only(parts, "data.folds"), data, seed)
    if data.split_column:
        whole = _only(parts, "data.split_column")
        whole.table.require(data.split_column, "data.split_column")
        named = splits.by_name(whole.table.texts(data.split_column), whole.table.place)
        parts, how = (
            {name: whole.take(rows) for name, rows in named.items()},
            f'split by column "{data.split_column}"',
        )
    elif ALL in parts:
        return _carve(parts[ALL], {"dev": data.dev_fraction, "test": data.test_fraction}, data, seed)
    else:
        how = "split as given"
    if "train" not in parts:
        raise DataError(
            f"there is no train part, only {', '.join(parts)}",
            "data.train and data.splits say what to train on",
        )
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in parts.items())
    if "dev" not in parts:
        carved, said = _carve(parts["train"], {"dev": data.dev_fraction}, data, seed)
        return parts | carved, f"{how}: {sizes}; dev of train: {said}"
    if "test" not in parts:
        how += "; no test part, so the figures are of dev, which also chose the epoch"
    return parts, f"{how}: {sizes}"


def _fold(whole: TextPart, data: TextData, seed: int) -> tuple[dict[str, TextPart], str]:
    number = data.fold or 0
    if data.fold_column:
        whole.table.require(data.fold_column, "data.fold_column")
        fold = splits.by_number(whole.table.texts(data.fold_column), whole.table.place)
        fold = np.searchsorted(np.unique(fold), fold)
    else:
        fold = splits.folds(data.folds, seed=seed, labels=_stratum(whole, data), size=len(whole))
    there = int(fold.max()) + 1
    if there != data.folds:
        raise DataError(
            f'column "{data.fold_column}" has {there} folds, data.folds says {data.folds}',
            f"data.folds={there}",
        )
    if not 0 <= number < there:
        raise DataError(f"data.fold: there is no fold {number} of {there}", f"they count from 0 to {there - 1}")
    rest, _ = _carve(whole.take(np.flatnonzero(fold != number)), {"dev": data.dev_fraction}, data, seed)
    parts = rest | {"test": whole.take(np.flatnonzero(fold == number))}
    by = f'column "{data.fold_column}"' if data.fold_column else f"seed {seed}, stratified"
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in parts.items())
    return parts, f"fold {number} of {there} by {by}: {sizes}"


def _carve(whole: TextPart, shares: dict[str, float], data: TextData, seed: int) -> tuple[dict[str, TextPart], str]:
    if not shares["dev"]:
        raise DataError(
            "data.dev_fraction is 0 and no dev part is given: nothing to choose the best epoch by",
            "data.dev_fraction=0.1",
        )
    wanted = {"train": 1 - sum(shares.values())} | {name: share for name, share in shares.items() if share}
    if wanted["train"] <= 0:
        raise DataError(
            "data.dev_fraction and data.test_fraction leave nothing to train on",
            "let them add up to less than 1",
        )
    rows = splits.split(wanted, seed=seed, labels=_stratum(whole, data), size=len(whole))
    percent = "/".join(f"{100 * share:.3g}" for share in wanted.values())
    how = f"split {percent} by seed {seed}{'' if data.multi_label else ', stratified'}: "
    parts = {name: whole.take(found) for name, found in rows.items()}
    return parts, how + ", ".join(f"{name} {len(part):,}" for name, part in parts.items())


def _stratum(part: TextPart, data: TextData) -> np.ndarray | None:
    """The label of each row, each distinct one in memory once."""
    if data.multi_label:
        return None
    known: dict[str, str] = {}
    labels = np.empty(len(part), dtype=object)
    for row, label in enumerate(part.labels()):
        labels[row] = known.setdefault(label, label)
    return labels


def _only(parts: dict[str, TextPart], key: str) -> TextPart:
    if len(parts) > 1:
        raise DataError(
            f"{key} cuts one source, but there are {', '.join(parts)}", f"leave out {key}, or the other parts"
        )
    return next(iter(parts.values()))


def _require_classes(part: TextPart, data: TextData) -> None:
    counts = count_labels(part, data)
    if len(counts) < (1 if data.multi_label else 2):
        only = f'only the label "{next(iter(counts))}"' if counts else "no label"
        raise DataError(
            f'{part.table.name}: the training part has {only} in column "{part.label_column}"; two are needed',
            "is this the right --label-column?",
        )
    if len(counts) > 1000:
        near = did_you_mean("label", part.table.columns)
        raise DataError(
            f'{part.table.name}: column "{part.label_column}" has {len(counts):,} different labels{near}',
            "a classifier takes at most 1,000; is this the right --label-column?",
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
