"""Tagged sentences: which columns, in which scheme, which part each sentence goes to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from rnncli.data import splits
from rnncli.data.conll import feature, read_conll
from rnncli.data.sources import ALL, READERS, read
from rnncli.data.table import Table, TableWriter, did_you_mean, with_place
from rnncli.data.tagschemes import INTERNAL, Scheme, named, read_spans, recognise
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.tagging import corpus as generated
from rnncli.tasks.tagging.schema import TaggedData, TaggingRecipe

TOKEN_NAMES = ("tokens", "words", "form", "token", "word")
TAG_NAMES = ("tags", "ner_tags", "pos_tags", "chunk_tags", "upos", "labels", "ner", "tag", "label")
SNIFFED = 20_000
"""Sentences that the scheme is recognised by."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold words, tags and further knowledge; ``tag_key`` is a key within FEATS."""

    token: str
    tag: str
    features: tuple[str, ...] = ()
    tag_key: str = ""

    @property
    def tag_name(self) -> str:
        """The column of tags as the user writes it."""
        return f"{self.tag}.{self.tag_key}" if self.tag_key else self.tag


@dataclass(frozen=True)
class SentencePart:
    """One part of the corpus: rows of a table, a sentence each; ``scheme`` None says that tags are no spans."""

    table: Table
    columns: Columns
    scheme: Scheme | None

    def __len__(self) -> int:
        return len(self.table)

    def tokens(self) -> Iterator[list[str]]:
        """The words of each sentence."""
        return (_strings(value) for value in self.table.values(self.columns.token))

    def features(self) -> Iterator[tuple[list[str], ...]]:
        """The further columns of each sentence."""
        if not self.columns.features:
            return iter([()] * len(self))
        return zip(*(map(_strings, self.table.values(name)) for name in self.columns.features), strict=True)

    def raw_tags(self) -> Iterator[list[str]]:
        """The tags as the source writes them."""
        for value in self.table.values(self.columns.tag):
            tags = _strings(value)
            yield feature(tags, self.columns.tag_key) if self.columns.tag_key else tags

    def tags(self) -> Iterator[list[str]]:
        """The tags in the internal scheme, invalid ones repaired."""
        for tags in self.raw_tags():
            yield tags if self.scheme is None else INTERNAL.write(read_spans(tags, self.scheme)[0], len(tags))

    def repaired(self) -> int:
        """How many tags break the rules of the scheme."""
        return 0 if self.scheme is None else sum(read_spans(tags, self.scheme)[1] for tags in self.raw_tags())

    def take(self, rows: np.ndarray) -> SentencePart:
        """Some of the sentences."""
        return replace(self, table=self.table.take(rows))


def read_corpus(recipe: TaggingRecipe) -> Corpus:
    """Read, check and split the data of a recipe; raises DataError."""
    data = recipe.data
    tables, notes = _tables(data)
    first = tables.get(ALL) or tables.get("train") or next(iter(tables.values()))
    columns, how = find_columns(first, data)
    scheme = _scheme(SentencePart(first, columns, None), data)
    dropped: Counter[str] = Counter()
    parts = {name: _clean(SentencePart(table, columns, scheme), dropped) for name, table in tables.items()}
    sentences = sum(map(len, parts.values()))
    headline = f"{', '.join(sorted({t.name for t in tables.values()}))}: {sentences:,} sentences, {how}"
    cut, said = _split(parts, data, recipe.seed)
    for name, part in cut.items():
        if scheme and (broken := part.repaired()):
            notes.append(f"{name}: {broken:,} tags break the rules of {scheme.name} and were read as conlleval does")
    notes = [_scheme_note(scheme), *notes, *(note for table in tables.values() for note in table.notes), said]
    return Corpus(cut, headline, tuple(notes), +dropped)


def read_part(recipe: TaggingRecipe, path: Path) -> Corpus:
    """A further labelled file, all of it as the part ``test``."""
    table = next(iter(_read(path, recipe.data).values()))
    columns, how = find_columns(table, recipe.data)
    scheme = _scheme(SentencePart(table, columns, None), recipe.data)
    dropped: Counter[str] = Counter()
    part = _clean(SentencePart(table, columns, scheme), dropped)
    return Corpus(
        {"test": part}, f"{path}: {len(part):,} sentences, {how}", (_scheme_note(scheme), *table.notes), +dropped
    )


def find_columns(table: Table, data: TaggedData) -> tuple[Columns, str]:
    """The columns that are named or guessed, and a sentence that says which; raises DataError."""
    plain = table.columns == [str(n) for n in range(1, len(table.columns) + 1)]
    token = _named(table, data.token_column, "data.token_column") if data.token_column else ""
    features = tuple(_named(table, name, "data.feature_columns") for name in data.feature_columns)
    tag, _, key = data.tag_column.partition(".")
    tag = _named(table, tag, "data.tag_column") if tag else ""
    guessed = [what for what, known in (("words", token), ("tags", tag)) if not known]
    token = token or ("1" if plain else _guess(table, TOKEN_NAMES, "words", "--token-column"))
    if not tag:
        tag = table.columns[-1] if plain else _guess(table, TAG_NAMES, "tags", "--tag-column")
    if tag == token:
        raise DataError(f"{table.name}: column {token} cannot hold both words and tags", "--tag-column NUMBER or NAME")
    columns = Columns(token, tag, features, key)
    also = f", also read: {', '.join(features)}" if features else ""
    how = f" ({' and '.join(guessed)} guessed)" if guessed else ""
    return columns, f'words in column "{token}", tags in column "{columns.tag_name}"{how}{also}'


def _tables(data: TaggedData) -> tuple[dict[str, Table], list[str]]:
    if data.source == "builtin" or not data.train:
        if data.source not in ("builtin", "auto"):
            raise DataError(f"data.train names no {data.source}", "for example data.train=train.conll")
        return {ALL: _builtin()}, ["the corpus is generated by a grammar: its figures say nothing about real texts"]
    root = Path(data.root)
    where = root / data.train
    hub = data.source == "datasets" or (data.source == "auto" and not where.exists() and data.train.count("/") == 1)
    if hub and not where.exists():
        found = read(data.train, source="datasets", splits=data.splits or None, config=data.config or None)
    else:
        found = _read(where, data)
    for name, file in (("dev", data.dev), ("test", data.test)):
        if file:
            more = _read(root / file, data)
            found[name] = more.get(name) or next(iter(more.values()))
    if ALL in found and len(found) > 1:
        found = {"train": found.pop(ALL)} | found
    below = f"{root}{os.sep}"
    return {part: replace(table, name=table.name.removeprefix(below)) for part, table in found.items()}, []


def _read(path: Path, data: TaggedData) -> dict[str, Table]:
    """A file by its suffix, CoNLL where no other reader knows it; a folder of either."""
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if path.is_file() and (f".{suffix}" not in READERS or suffix in ("tsv", "tab")):
        return {ALL: read_conll(path, data.encoding)}
    if path.is_dir():
        named_files = {splits.split_name(_stem(file)): file for file in sorted(path.iterdir()) if file.is_file()}
        if "train" in named_files:
            return {name: next(iter(_read(file, data).values())) for name, file in named_files.items() if name}
    source = "auto" if data.source == "builtin" else data.source
    return read(path, source=source, encoding=data.encoding, splits=data.splits or None, config=data.config or None)


def _stem(file: Path) -> str:
    """The word of a file's name that may be a split's: ``train`` of ``en_ewt-ud-train.conllu``, ``train.char.bmes``."""
    words = file.name.replace("-", ".").replace("_", ".").split(".")
    return next((word for word in words if splits.split_name(word)), file.name)


def _builtin() -> Table:
    kind = pa.list_(pa.string())
    schema = with_place(pa.schema([("tokens", kind), ("tags", kind)]))
    tokens, tags = zip(*generated.generate(), strict=True)
    places = pa.array(range(1, len(tokens) + 1))
    with TableWriter("built-in corpus", schema) as writer:
        writer.write(pa.record_batch([pa.array(tokens, kind), pa.array(tags, kind), places], schema=schema))
        return writer.finish()


def _named(table: Table, name: str, key: str) -> str:
    """The column of that name, in any case, or of that number from 1; raises DataError."""
    if name in table.columns:
        return name
    if name.lower() in table.columns:
        return name.lower()
    if name.isdigit() and 1 <= int(name) <= len(table.columns):
        return table.columns[int(name) - 1]
    near = did_you_mean(name, table.columns)
    raise DataError(
        f'{table.place(0)}: no column "{name}" ({key}){near}', "its columns are: " + ", ".join(table.columns)
    )


def _guess(table: Table, known: tuple[str, ...], what: str, option: str) -> str:
    found = [name for name in table.columns if name.lower() in known]
    if found and (len(found) == 1 or what == "words" or "form" in table.columns):
        return found[0]
    why = f"several may be it: {', '.join(found)}" if found else "no name tells"
    raise DataError(
        f"{table.name}: which column holds the {what}? {why}", f"{option} NAME, one of: {', '.join(table.columns)}"
    )


def _scheme(part: SentencePart, data: TaggedData) -> Scheme | None:
    if data.tag_scheme == "none":
        return None
    sample = (tags for _, tags in zip(range(SNIFFED), part.raw_tags(), strict=False))
    found = recognise(sample)
    if data.tag_scheme == "auto":
        return found
    asked = named(data.tag_scheme)
    if found is None:
        raise DataError(
            f"{part.table.place(0)}: tags that are not written in {asked.name}, though data.tag_scheme says so",
            "data.tag_scheme=auto finds out, data.tag_scheme=none takes tags as they are",
        )
    return replace(asked, separator=found.separator)


def _scheme_note(scheme: Scheme | None) -> str:
    if scheme is None:
        return "tags are no spans: scored token by token"
    return f"tags are spans in {scheme.name}, learnt as {INTERNAL.name}, scored as conlleval does"


def _clean(part: SentencePart, dropped: Counter[str]) -> SentencePart:
    """The sentences that have words; raises DataError where words and tags do not fit each other."""
    keep = np.ones(len(part), dtype=bool)
    for row, (tokens, tags, features) in enumerate(zip(part.tokens(), part.raw_tags(), part.features(), strict=True)):
        for name, values in ((part.columns.tag_name, tags), *zip(part.columns.features, features, strict=True)):
            if len(values) != len(tokens):
                raise DataError(
                    f"{part.table.place(row)}: {len(tokens)} words but {len(values)} in column {name}",
                    "each word has one tag; is this the right column?",
                )
        if "" in tags:
            raise DataError(f'{part.table.place(row)}: "{tokens[tags.index("")]}" has no tag', "use O for outside")
        keep[row] = bool(tokens)
    dropped["empty sentence"] += int((~keep).sum())
    if not keep.any():
        raise DataError(f"{part.table.name}: no sentence has words", "is this the right column?")
    return part if keep.all() else part.take(np.flatnonzero(keep))


def _split(parts: dict[str, SentencePart], data: TaggedData, seed: int) -> tuple[dict[str, SentencePart], str]:
    """The parts train, dev and perhaps test, and a sentence that says how they came about."""
    if data.folds or data.split_column:
        raise DataError("data.folds and data.split_column are not there for tagging", "name files: data.dev, data.test")
    shares = {} if "dev" in parts else {"dev": data.dev_fraction}
    if ALL in parts:
        shares["test"] = data.test_fraction
    whole = parts.pop(ALL) if ALL in parts else parts.get("train")
    if whole is None:
        raise DataError(f"there is no train part, only {', '.join(parts)}", "data.train says what to train on")
    shares = {name: share for name, share in shares.items() if share}
    if "dev" not in parts and "dev" not in shares:
        raise DataError("data.dev_fraction is 0 and no dev part is given", "data.dev_fraction=0.1")
    carved = {"train": whole}
    if shares:
        wanted = {"train": 1 - sum(shares.values())} | shares
        rows = splits.split(wanted, seed=seed, size=len(whole))
        carved = {name: whole.take(found) for name, found in rows.items()}
    found = parts | carved
    found = {name: found[name] for name in ("train", "dev", "test") if name in found}
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in found.items())
    how = f"; {' and '.join(shares)} carved by seed {seed}" if shares else " as given"
    missing = "" if "test" in found else "; no test part, so the figures are of dev, which also chose the epoch"
    return found, f"split{how if not shares else ''}: {sizes}{how if shares else ''}{missing}"


def _strings(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    assert isinstance(value, list)
    return ["" if one is None else str(one) for one in value]
