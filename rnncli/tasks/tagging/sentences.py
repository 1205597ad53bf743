"""Tagged sentences: rows of a table, of which some columns are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rnncli.data.tables.conll import feature
from rnncli.data.tables.table import Table
from rnncli.data.text.tagschemes import INTERNAL, Scheme, read_spans


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
class SentencePart:
    """One part of the corpus: rows of a table, a sentence each; ``scheme`` None says that tags are no spans."""

    table: Table
    columns: Columns
    scheme: Scheme | None

    def __len__(self) -> int:
        return len(self.table)

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
        """The tags as the source writes them."""
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

    def place(self, row: int) -> str:
        """File and line of a sentence."""
        return self.table.place(row)

    def take(self, rows: np.ndarray) -> SentencePart:
        """Some of the sentences."""
        return replace(self, table=self.table.take(rows))


def strings(value: object) -> list[str]:
    """A cell as its words: a list of them, or a text with spaces."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    assert isinstance(value, list)
    return ["" if one is None else str(one) for one in value]
