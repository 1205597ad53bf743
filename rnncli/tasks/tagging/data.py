"""Tagged sentences: which columns, in which scheme, which part each sentence goes to.

A sentence as it comes, of a CoNLL file, and as it is learnt from, its tags in one scheme whichever the file has::

    Ms      O              ->  words [7, 1, 52], 1 for one that was never seen
    Noma    B-PER              forms (3, 7), the word, the look and the ends of each
    called  O                  tags [0, 4, 0] for O S-PER O
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rnncli.data import splits
from rnncli.data.encodings import detect
from rnncli.data.tables.cells import written
from rnncli.data.tables.conll import feature, read_conll
from rnncli.data.tables.dialects import Dialect, first_rows
from rnncli.data.tables.sentences import from_words, is_of_words, names_sentence, with_lists
from rnncli.data.tables.sources import ALL, READERS, read
from rnncli.data.tables.table import Table
from rnncli.data.text.tagschemes import INTERNAL, OddTagsError, Scheme, read_spans, recognise
from rnncli.data.text.tagschemes import named as scheme_named
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.columns import guess, is_numbered, named
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
from rnncli.tasks.tagging import builtin as generated
from rnncli.tasks.tagging.columns import TOKEN_NAMES
from rnncli.tasks.tagging.extras import odd
from rnncli.tasks.tagging.schema import TaggedData, TaggingRecipe

TAG_NAMES = ("tags", "ner_tags", "pos_tags", "chunk_tags", "upos", "labels", "ner", "tag", "label")
MOST_WORDS = 100
"""That an only sentence may have without a doubt."""
SNIFFED = 20_000
"""Sentences that the scheme is recognised by."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold words, tags, further knowledge and the document; ``tag_key`` is a key within FEATS."""

    token: str
    tag: str
    features: tuple[str, ...] = ()
    tag_key: str = ""
    document: str = ""

    @property
    def tag_name(self) -> str:
        """The column of tags as the user writes it."""
        return f"{self.tag}.{self.tag_key}" if self.tag_key else self.tag


@dataclass(frozen=True)
class SentencePart(TablePart):
    """One part of the corpus: rows of a table, a sentence each; ``scheme`` None says that tags are no spans."""

    columns: Columns
    scheme: Scheme | None

    def tokens(self) -> Iterator[list[str]]:
        """The words of each sentence."""
        return (strings(value) for value in self.table.values(self.columns.token))

    def features(self) -> Iterator[tuple[list[str], ...]]:
        """The further columns of each sentence."""
        if not self.columns.features:
            return iter([()] * len(self))
        return zip(*(map(strings, self.table.values(name)) for name in self.columns.features), strict=True)

    def sentences(self) -> Iterator[tuple[list[str], tuple[list[str], ...]]]:
        """Words and further columns of each sentence."""
        return zip(self.tokens(), self.features(), strict=True)

    def raw_tags(self) -> Iterator[list[str]]:
        """The tags as the source writes them, without what cannot be seen around them."""
        return ([odd.stripped(tag) for tag in tags] for tags in self.written_tags())

    def written_tags(self) -> Iterator[list[str]]:
        """The tags as they are in the source to the letter."""
        for value in self.table.values(self.columns.tag):
            tags = strings(value)
            yield feature(tags, self.columns.tag_key) if self.columns.tag_key else tags

    def tags(self) -> Iterator[list[str]]:
        """The tags in the internal scheme, invalid ones repaired."""
        for tags in self.raw_tags():
            yield tags if self.scheme is None else INTERNAL.write(read_spans(tags, self.scheme)[0], len(tags))

    def repaired(self) -> int:
        """How many tags break the rules of the scheme."""
        return 0 if self.scheme is None else sum(read_spans(tags, self.scheme)[1] for tags in self.raw_tags())

    def column(self, name: str, key: str) -> Iterator[str]:
        """A further column that the recipe's ``key`` names, of columns of tokens that of each sentence's first one."""
        self.table.require(name, key)
        values = self.table.values(name)
        return (value if isinstance(value, str) else next(iter(strings(value)), "") for value in values)

    def documents(self) -> np.ndarray:
        """The number of each sentence's document, int64, that of the column or else as the source marks them."""
        if not self.columns.document:
            return self.table.documents()
        numbers: dict[str, int] = {}
        names = self.column(self.columns.document, "data.document_column")
        return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def read_corpus(recipe: TaggingRecipe) -> Corpus:
    """Read, check and split the data of a recipe; raises DataError."""
    data = recipe.data
    tables, notes = _tables(data)
    first = tables.get(ALL) or tables.get("train") or next(iter(tables.values()))
    columns, how = find_columns(first, data)
    for table in tables.values():
        _require_alike(table, first, columns, guessed=not data.tag_column)
    tables = {name: _as_sentences(table, columns, data) for name, table in tables.items()}
    first = tables.get(ALL) or tables.get("train") or next(iter(tables.values()))
    scheme = _scheme(SentencePart(first, columns, None), data)
    dropped: Counter[str] = Counter()
    parts = {name: _clean(SentencePart(table, columns, scheme), dropped) for name, table in tables.items()}
    _require_ends(parts.get(ALL) or parts.get("train"))
    sentences = sum(map(len, parts.values()))
    headline = f"{', '.join(sorted({t.name for t in tables.values()}))}: {sentences:,} sentences, {how}"
    if data.context:
        _require_documents(parts, data)
    slips = [note for part in parts.values() for note in odd.notes(part.table, part.scheme, part.written_tags)]
    cut, said = Parting(data, recipe.seed, groups=_documents if data.context else _alone)(parts)
    for name, part in cut.items():
        notes += _repairs_note(name, part)
    notes = [
        _scheme_note(scheme, recipe.evaluation.scorer),
        *slips,
        *notes,
        *(_context_note(cut, data.context) if data.context else ()),
        *(note for table in tables.values() for note in table.notes),
        said,
    ]
    chosen = {
        "data.source": source_used(data),
        "data.token_column": columns.token,
        "data.tag_column": columns.tag_name,
        "data.tag_scheme": scheme.name if scheme else "none",
    }
    return Corpus(cut, headline, tuple(notes), +dropped, chosen)


def read_part(recipe: TaggingRecipe, path: Path) -> Corpus:
    """A further labelled file, all of it as the part ``test``."""
    table = next(iter(_read(path, recipe.data).values()))
    columns, how = find_columns(table, recipe.data)
    table = _as_sentences(table, columns, recipe.data)
    scheme = _scheme(SentencePart(table, columns, None), recipe.data)
    dropped: Counter[str] = Counter()
    part = _clean(SentencePart(table, columns, scheme), dropped)
    notes = (
        _scheme_note(scheme, recipe.evaluation.scorer),
        *odd.notes(part.table, scheme, part.written_tags),
        *_repairs_note(str(path), part),
        *table.notes,
    )
    return Corpus({"test": part}, f"{path}: {len(part):,} sentences, {how}", notes, +dropped)


def find_columns(table: Table, data: TaggedData) -> tuple[Columns, str]:
    """The columns that are named or guessed, and a sentence that says which; raises DataError."""
    plain = is_numbered(table)
    token = named(table, data.token_column, "data.token_column") if data.token_column else ""
    features = tuple(named(table, name, "data.feature_columns") for name in data.feature_columns)
    tag, _, key = data.tag_column.partition(".")
    tag = named(table, tag, "data.tag_column") if tag else ""
    guessed = [what for what, known in (("words", token), ("tags", tag)) if not known]
    token = token or ("1" if plain else guess(table, TOKEN_NAMES, "words", "--token-column NAME", first=True))
    if not tag:
        conllu = "form" in table.columns  # which has all its columns always: the first that is known is meant
        tag = table.columns[-1] if plain else guess(table, TAG_NAMES, "tags", "--tag-column NAME", first=conllu)
    if tag == token:
        raise DataError(f"{table.name}: column {token} cannot hold both words and tags", "--tag-column NUMBER or NAME")
    document = named(table, data.document_column, "data.document_column") if data.document_column else ""
    columns = Columns(token, tag, features, key, document)
    also = f", also read: {', '.join(features)}" if features else ""
    how = f" ({' and '.join(guessed)} guessed)" if guessed else ""
    return columns, f'words in column "{token}", tags in column "{columns.tag_name}"{how}{also}'


def _tables(data: TaggedData) -> tuple[dict[str, Table], list[str]]:
    if is_builtin(data, "train.conll"):
        table = table_of("built-in corpus", ("tokens", "tags"), generated.generate())
        return {ALL: table}, ["the corpus is generated by a grammar: its figures say nothing about real texts"]
    if is_repository(data):
        found = read(data.train, source="datasets", splits=data.splits or None, config=data.config or None)
    else:
        found = _read(Path(data.root) / data.train, data)
    return with_given_parts(found, data, lambda path: _read(path, data)), []


def _read(path: Path, data: TaggedData) -> dict[str, Table]:
    """A file by its suffix, CoNLL where no other reader knows it; a folder of either."""
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    in_columns = f".{suffix}" not in READERS or (suffix in ("tsv", "tab") and not _names_sentences(path, data))
    if path.is_file() and in_columns:
        return {ALL: read_conll(path, data.encoding)}
    if path.is_dir():
        named_files = {splits.split_in(file.name): file for file in sorted(path.iterdir()) if file.is_file()}
        if "train" in named_files:
            return {name: next(iter(_read(file, data).values())) for name, file in named_files.items() if name}
    by_name, config = data.splits or None, data.config or None
    form = {"encoding": data.encoding, "header": data.header}
    return read(path, source=source_of(data), splits=by_name, config=config, **form)


def _as_sentences(table: Table, columns: Columns, data: TaggedData) -> Table:
    """The table with a sentence in each row, its words and tags as lists or as a text with blanks; raises DataError."""
    needed = (columns.token, columns.tag, *columns.features)
    table = with_lists(table, needed)
    given = named(table, data.sentence_column, "data.sentence_column") if data.sentence_column else ""
    if table.word_lines or not (given or is_of_words(table, needed)):
        return table
    return from_words(table, needed, given)


def _names_sentences(path: Path, data: TaggedData) -> bool:
    """Whether the header of a table has a column of sentences, as tables have it whose rows are words."""
    rows = first_rows(path, detect(path, data.encoding), Dialect("\t"))
    return any(map(names_sentence, rows[0] if rows else ()))


def _scheme(part: SentencePart, data: TaggedData) -> Scheme | None:
    if data.tag_scheme == "none":
        return None
    sample = (tags for _, tags in zip(range(SNIFFED), part.raw_tags(), strict=False))
    try:
        found = recognise(sample)
    except OddTagsError as error:
        raise DataError(
            f"{part.table.name}: {error.share:.1%} of the tags belong to no scheme of spans, though others do: "
            + odd.odd_tags(part.table, part.written_tags())[1],
            "write O where there is no span; data.tag_scheme=none takes tags as they are, scored token by token",
        ) from None
    if data.tag_scheme == "auto":
        return found
    asked = scheme_named(data.tag_scheme)
    if found is None:
        raise DataError(
            f"{part.table.place(0)}: tags that are not written in {asked.name}, though data.tag_scheme says so",
            "data.tag_scheme=auto finds out, data.tag_scheme=none takes tags as they are",
        )
    return replace(asked, separator=found.separator)


def _scheme_note(scheme: Scheme | None, scorer: str) -> str:
    if scheme is None:
        return "tags are no spans: scored token by token"
    how = "as conlleval does" if scorer == "conlleval" else "strictly: what breaks the rules of the scheme is no span"
    return f"tags are spans in {scheme.name}, learnt as {INTERNAL.name}, scored {how}"


def _alone(part: SentencePart) -> None:
    """Sentences that are read alone may go to any part."""


def _documents(part: SentencePart) -> list[int]:
    """The documents, which stay whole when a part is cut, so that none is read in two parts."""
    return part.documents().tolist()


def _require_documents(parts: Mapping[str, SentencePart], data: TaggedData) -> None:
    """Raise DataError where parts are to be drawn by document, but there is a single one."""
    whole = parts.get(ALL) or parts.get("train")
    if whole is None or "dev" in parts or data.split_column or np.ptp(whole.documents()):
        return
    raise DataError(
        f"{whole.place(0)}: no part can be drawn from a single document, of which data.context reads neighbours",
        "name files with --dev and --test, or the column of documents with data.document_column",
    )


def _require_ends(part: SentencePart | None) -> None:
    """Raise DataError for a file whose words all make a single sentence, as without blank lines."""
    if part is None or len(part) > 1 or not part.table.word_lines:
        return
    words = sum(map(len, part.tokens()))
    if words > MOST_WORDS:
        raise DataError(
            f"{part.place(0)}: the file is a single sentence of {words:,} words", "a blank line ends a sentence"
        )


def _context_note(parts: Mapping[str, SentencePart], words: int) -> Iterator[str]:
    counts = {name: len(np.unique(part.documents())) for name, part in parts.items()}
    said = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    yield f"each sentence is read with up to {words} words on either side in its document: {said}"


def _repairs_note(name: str, part: SentencePart) -> list[str]:
    if part.scheme is None or not (broken := part.repaired()):
        return []
    words = "tag breaks" if broken == 1 else "tags break"
    return [f"{name}: {broken:,} {words} the rules of {part.scheme.name}, read as conlleval does"]


def _require_alike(table: Table, first: Table, columns: Columns, *, guessed: bool) -> None:
    """Raise DataError for a part without the columns that the first one has, or with others where they are guessed."""
    if guessed and is_numbered(first) and is_numbered(table) and len(table.columns) != len(first.columns):
        raise DataError(
            f"{table.place(0)}: {len(table.columns)} columns where {first.name} has {len(first.columns)}",
            "--tag-column says which one holds the tags",
        )
    for name in (columns.token, columns.tag, *columns.features):
        if name not in table.columns:
            raise DataError(
                f'{table.place(0)}: no column "{name}", which {first.name} has',
                "its columns are: " + ", ".join(table.columns),
            )


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
        if "" in tokens:
            place = part.table.place_of_word(row, tokens.index(""))
            raise DataError(
                f"{place}: an empty word in column {part.columns.token}", "write the word, or drop its line"
            )
        if "" in tags:
            at = tags.index("")
            raise DataError(f'{part.table.place_of_word(row, at)}: "{tokens[at]}" has no tag', "use O for outside")
        keep[row] = bool(tokens)
    dropped["empty sentence"] += int((~keep).sum())
    if not keep.any():
        raise DataError(f"{part.table.name}: no sentence has words", "is this the right column?")
    return part if keep.all() else part.take(np.flatnonzero(keep))


def strings(value: object) -> list[str]:
    """A cell as its words: a list of them, or a text with spaces."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    assert isinstance(value, list)
    return [one if type(one) is str else written(one) for one in value]
