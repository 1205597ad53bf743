"""What a file or a stream of sentences is, and which of its columns hold what, told by its first lines.

A file need not have the columns that the model was trained on::

    # id 7  domain=train        four columns, of which the second to fourth are still to be filled:
    Rara _ _ _                  words in the first, tags go to the last
    1  Rara  _  _               numbered words in the first two, tags go to the last
    Rara NNP                    parts of speech, which are no tags of the model: its own go behind them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rnncli.data.tables.comments import is_well_known
from rnncli.data.tables.conll import Layout
from rnncli.data.tables.live import find_header
from rnncli.tasks.tagging.data import TOKEN_NAMES

FORMATS = ("conll", "jsonl", "text", "paragraphs", "csv")
JSON_DOCUMENT = "json"
"""What is no form of a stream: one JSON document over many lines."""
SUFFIXES = {
    **dict.fromkeys((".conll", ".conllu", ".conllx", ".bmes", ".bio", ".iob", ".iob2", ".tsv", ".tab"), "conll"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".csv", ".parquet"), "csv"),
}
TEXT_NAMES = ("text", "sentence")
"""Columns of sentences whose words are not cut yet."""
MAX_LINES = 1000
"""Lines of a file that are looked at; of a stream those of the first sentence."""
SHARE = 0.9
"""Lines, of those looked at, that must have what is said of all."""
ENOUGH = 3
"""Lines of as many fields each that are no chance."""
PLACEHOLDERS = ("_", "-")
_SPAN_TAG = re.compile(r"O|[BIESLUM][-_]\S+")
_FIRST_OF_JSON = re.compile(r"\s*\[\s*([{\[\"]|$)")


def by_name(path: Path) -> str:
    """The form of a file by its suffix, empty where its content must tell."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return SUFFIXES.get(suffixes[-1], "") if suffixes else ""


class Ahead:
    """Lines with those at their beginning that were looked at; the lines of a ``live`` stream are not waited for.

    ``ends`` counts the sentences among them behind which a blank line stands.
    """

    def __init__(self, lines: Iterable[str], *, live: bool) -> None:
        self.live = live
        self._rest, self._read = iter(lines), []
        self._rows: list[str] = []
        self.ends = 0

    def __iter__(self) -> Iterator[str]:
        return chain(self._read, self._rest)

    @property
    def has_known_comment(self) -> bool:
        """Whether a line before the first that tells is a comment as corpora have them, or begins a document."""
        return any(is_well_known(line) or line.startswith("-DOCSTART-") for line in self._read)

    def first(self) -> str:
        """The first line that is neither blank nor a comment, empty where there is none."""
        self._look(lambda: bool(self._rows))
        return self._rows[0] if self._rows else ""

    def rows(self) -> list[str]:
        """Lines of the first sentence, and of a file those of further ones."""
        self._look(lambda: self.live and self.ends > 0)
        return self._rows

    def _look(self, enough: Callable[[], bool]) -> None:
        ended = bool(self._read) and bool(self._read[-1].strip())
        while not enough() and len(self._read) < MAX_LINES:
            line = next(self._rest, None)
            if line is None:
                return
            self._read.append(line)
            if not line.strip():
                self.ends += ended and bool(self._rows)
                ended = False
                continue
            ended = True
            if not line.startswith("-DOCSTART-") and not (line.startswith("#") and self._is_comment(line)):
                self._rows.append(line.rstrip("\r\n"))

    def _is_comment(self, line: str) -> bool:
        """Whether a line that begins with # is one: "#tag" in a stream may be a text, which is not held back."""
        return not self.live or is_well_known(line) or line[1:2].isspace()


@dataclass(frozen=True)
class Knowledge:
    """What a model knows of columns: the ``layout`` that it was trained on, and its tags as users write them."""

    layout: Mapping[str, Any]
    tags: Collection[str]
    spans: bool

    @property
    def words_in(self) -> tuple[str, ...]:
        """The columns of a table that words may be in, the likeliest first."""
        return (self.layout["token"], *TOKEN_NAMES, *TEXT_NAMES)

    def form(self, ahead: Ahead) -> str:
        """Which of ``FORMATS`` lines are that begin so, or ``JSON_DOCUMENT``."""
        head = ahead.first()
        if head.lstrip().startswith("{"):
            return "jsonl"
        if _FIRST_OF_JSON.match(head):
            return JSON_DOCUMENT
        if "\t" in head or ahead.has_known_comment:
            return "conll"
        fields = head.split()
        alike = len(fields) == len(self.layout["columns"])
        if find_header(head, self.words_in):
            return "csv"
        if len(fields) < 2:
            return "text"
        if self._is_tag(fields[-1], fields[0]) and (alike or ahead.live):
            return "conll"
        if ahead.live and not (alike and not self.layout["by_character"]) and not self._is_open(fields):
            return "text"
        rows = [row.split() for row in ahead.rows()]
        return "conll" if self._has_columns(rows, ahead.ends) else "text"

    def columns(self, layout: Layout, rows: Sequence[str]) -> tuple[str, str]:
        """The columns of words and of tags in lines of ``layout``, by number or name; tags may have one more column."""
        fields = [found for found in map(layout.cut, rows) if len(found) == layout.width]
        token = self._token(layout, fields)
        return token, self._tag(layout, fields, token)

    def _token(self, layout: Layout, fields: Sequence[Sequence[str]]) -> str:
        own: str = self.layout["token"]
        if not own.isdigit():
            if layout.index(own) >= 0:
                return own
            own = "1"
        if layout.names or len(self.layout["columns"]) == layout.width:
            return "form" if "form" in layout.names and own == "1" else own
        return "2" if own == "1" and layout.width > 1 and _is_counted(fields) else own

    def _tag(self, layout: Layout, fields: Sequence[Sequence[str]], token: str) -> str:
        own: str = self.layout["tag"]
        name = own.partition(".")[0]
        if not own.isdigit() and layout.index(name) >= 0:
            return own
        alike = len(self.layout["columns"]) == layout.width and not layout.names
        if own.isdigit() and alike:
            return own
        last = str(layout.width)
        before = layout.index(token)
        others = [str(at + 1) for at in range(layout.width) if at != before]
        preferred = [name for name in (own, last, *reversed(others)) if name in others]
        tagged = (name for name in preferred if self._holds(fields, name, self._is_tag))
        spans = (name for name in preferred if self.spans and self._holds(fields, name, _is_span_tag))
        was_last = not own.isdigit() or own == str(len(self.layout["columns"]))
        ends = [name for name in ((last, own) if was_last else (own, last)) if name in others]
        still_open = (name for name in ends if not layout.names and self._holds(fields, name, _is_placeholder))
        return next(chain(tagged, still_open, spans), str(layout.width + 1))

    def _holds(self, fields: Sequence[Sequence[str]], name: str, fits: Callable[[str, str], bool]) -> bool:
        at = int(name) - 1
        return bool(fields) and sum(fits(row[at], row[0]) for row in fields) >= SHARE * len(fields)

    def _is_tag(self, field: str, word: str) -> bool:
        """Whether a field is a tag, and no full stop at the end of a sentence, which may be the tag of one."""
        return field in self.tags and (_has_letter(field) or not _has_letter(word))

    def _is_open(self, fields: Sequence[str]) -> bool:
        """Whether a field behind a word is still to be filled, or all of them may be tags."""
        behind = fields[1:]
        return "_" in behind or all(
            field == "-" or _SPAN_TAG.fullmatch(field) or self._is_tag(field, fields[0]) for field in behind
        )

    def _has_columns(self, rows: Sequence[Sequence[str]], ends: int) -> bool:
        """Whether lines are columns rather than sentences: of one width, and with tags, or so that it is no chance.

        ``ends`` blank lines stand behind several of them.
        """
        of_width = [row for row in rows if len(row) == len(rows[0])]
        if len(of_width) < SHARE * len(rows):
            return False
        columns = list(zip(*of_width, strict=True))[1:]
        words = [row[0] for row in of_width]
        if any(self._is_filled(column, words, column is columns[-1]) for column in columns):
            return True
        if len(of_width) < max(ENOUGH, len(rows)):
            return False
        alike = len(rows[0]) == len(self.layout["columns"]) and not self.layout["by_character"]
        closed = alike and 2 * len(set(columns[-1])) <= len(rows) and any(map(_has_letter, columns[-1]))
        return closed or (ends > 0 and len(rows) >= 2 * ends)

    def _is_filled(self, column: Sequence[str], words: Sequence[str], last: bool) -> bool:
        """Whether a column is one of tags, known or still open; a dash is that in the last one of several lines."""
        tags = sum(map(self._is_tag, column, words))
        spans = sum(_SPAN_TAG.fullmatch(field) is not None for field in column) if len(words) > 1 else 0
        still_open = sum(field == "_" or (field == "-" and last and len(words) > 1) for field in column)
        return max(tags, spans, still_open) >= SHARE * len(words)


def _is_counted(fields: Sequence[Sequence[str]]) -> bool:
    """Whether the first column numbers the words of each sentence."""
    numbers = [int(row[0]) if row[0].isdecimal() else 0 for row in fields]
    steps = zip([0, *numbers], numbers, strict=False)
    return bool(fields) and all(after in (before + 1, 1) for before, after in steps) and len(numbers) > 1


def _is_placeholder(field: str, word: str) -> bool:
    return field in PLACEHOLDERS


def _is_span_tag(field: str, word: str) -> bool:
    return _SPAN_TAG.fullmatch(field) is not None


def _has_letter(text: str) -> bool:
    return any(map(str.isalnum, text))
