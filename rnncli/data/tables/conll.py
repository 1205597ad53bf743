"""CoNLL files: a token a line in columns, a blank line between sentences; and CoNLL-U with its ten.

A file is read as a stream of blocks that keep every line as it was, so that predictions can be written back among the
comments and blank lines of the user. Columns are numbered from 1; those of CoNLL-U, and those that a line
``# global.columns = ID FORM ...`` names, also have names.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.comments import Values, has_names, is_well_known
from rnncli.data.tables.records import BATCH_CHARACTERS, BATCH_ROWS
from rnncli.data.tables.table import DOCUMENT, Table, TableWriter, require_rows, with_place
from rnncli.errors import DataError

LOOK = 5000
"""Lines from the beginning of a file that are read ahead, at most, to tell comments from tokens."""
CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_GLOBAL = re.compile(r"#\s*global\.columns\s*=\s*(.*\S)")
_DOCUMENT = re.compile(r"-DOCSTART-|#\s*newdoc\b")
_COMMENT = re.compile(r"#\s*[\w.:-]+\s*(=|$)|# ")
_SPACES = re.compile(r"[ \t]+")  # not the ideographic space, which is a token in Chinese text
_BETWEEN = re.compile(r"\d+[-.]\d+$")  # a CoNLL-U multi-word range or an empty node


@dataclass(frozen=True)
class Layout:
    """What the lines of a file look like: how many columns, between what, and how they are called.

    ``trailing`` are the columns at the end that are empty in the line where the layout was ``seen``.
    """

    width: int
    separator: str
    names: tuple[str, ...]
    conllu: bool
    seen: int
    trailing: int = 0

    def cut(self, line: str) -> list[str]:
        """The fields of a line, as many as there are columns but for empty ones at its end."""
        fields = self.split(line)
        if len(fields) == self.width:
            return fields
        while len(fields) > self.width and not fields[-1]:
            fields.pop()
        missing = self.width - len(fields)
        return fields + [""] * missing if 0 < missing <= self.trailing else fields

    def split(self, line: str) -> list[str]:
        """The fields of a line, however many."""
        fields = line.split(self.separator)
        if self.separator == "\t":
            return [field.strip(" ") for field in fields] if " " in line else fields
        return _SPACES.split(line.strip(" \t")) if "" in fields or "\t" in line else fields

    def index(self, column: str) -> int:
        """Where a column stands, from 0, or -1; by number from 1, or by name in any case."""
        if column.isdigit():
            return int(column) - 1 if 1 <= int(column) <= self.width else -1
        return self.names.index(column.lower()) if column.lower() in self.names else -1


@dataclass
class Block:
    """A sentence with all lines up to the next one: ``rows[i]`` of ``lines`` holds token i, whose fields are given.

    ``header`` is the number of the line that names the columns, 0 in all blocks without.
    """

    start: int
    layout: Layout | None = None
    lines: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)
    header: int = 0

    def line(self, token: int) -> int:
        """The line number of a token."""
        return self.start + self.rows[token]

    def begins_document(self) -> bool:
        """Whether a line before the sentence says that a document begins: ``-DOCSTART-`` or ``# newdoc``."""
        ahead = self.lines[: self.rows[0]] if self.rows else self.lines
        return any(_DOCUMENT.match(line) for line in ahead)

    def column(self, at: int) -> list[str]:
        """The fields of one column, from 0."""
        return [fields[at] for fields in self.fields]


def blocks(lines: Iterable[str], name: str) -> Iterator[Block]:
    """The sentences of a stream of lines; raises DataError with the line's number.

    The layout is that of the first line of a token that does not begin with #: separated by tabs if there is one in it,
    else by spaces. A line that begins with # before a sentence's first token is a comment unless it is like the tokens
    of the file, of which up to ``LOOK`` lines are read ahead to tell; a first line of names of columns is a header.
    Lines behind the last sentence come as a block without tokens.
    """
    stream = _Stream(lines)
    block, begun, ended = Block(1), False, False
    for number, line in enumerate(stream, start=1):
        text = line.rstrip("\r\n")
        blank = not text.strip(" \t")
        if ended and not blank and block.rows:
            yield block
            block = Block(number)
        ended = blank
        block.lines.append(line)
        if blank or text.startswith("-DOCSTART-") or (text.startswith("#") and stream.is_comment(text, block)):
            continue
        layout = block.layout = stream.layout_from(text, number)
        fields = layout.cut(text)
        if not begun and stream.is_header(fields):
            block.header, begun = number, True
            continue
        begun = True
        if len(fields) != layout.width:
            raise DataError(
                f"{name}:{number}: {_count(fields)} where line {layout.seen} has {layout.width}",
                "columns are separated by " + ("tabs" if layout.separator == "\t" else "spaces") + " in this file",
            )
        if layout.conllu and _BETWEEN.match(fields[0]):
            continue
        block.rows.append(len(block.lines) - 1)
        block.fields.append(fields)
    if block.lines:
        yield block


def fill(block: Block, column: str, values: list[str]) -> str:
    """The block as text with ``values`` in the column, which is added at the end where there is none such."""
    if block.layout is None:
        return "".join(block.lines)
    lines, at = list(block.lines), block.layout.index(column)
    last = at == block.layout.width - 1
    for row, fields, value in zip(block.rows, block.fields, values, strict=True):
        text = lines[row].rstrip("\r\n")
        end = lines[row][len(text) :]
        if last and text.endswith(fields[at]):
            lines[row] = text[: len(text) - len(fields[at])] + value + end
        else:
            lines[row] = _with_field(text, at, value, block.layout.separator) + end
    return "".join(lines)


def read_conll(path: Path, encoding: str = "auto") -> Table:
    """A row for each sentence, a list of strings for each column; columns are called by name or number.

    Documents are numbered as ``-DOCSTART-`` or ``# newdoc`` begin them.
    """
    found = detect(path, encoding)
    with open_text(path, found) as stream:
        comments = _Comments()
        sentences = (block for block in map(comments.counted, blocks(stream, str(path))) if block.rows)
        first = next(sentences, None)
        if first is None or first.layout is None:
            raise DataError(f"{path}: the file holds no tokens")
        names = first.layout.names or tuple(str(n) for n in range(1, first.layout.width + 1))
        schema = with_place(pa.schema([(column, pa.list_(pa.string())) for column in names]))
        schema = schema.append(pa.field(DOCUMENT, pa.int64()))
        document, filled = 0, set[int]()
        with TableWriter(str(path), schema) as writer:
            for chunk in _chunks(first, sentences):
                columns = [
                    pa.array([block.column(at) for block in chunk], schema.types[at]) for at in range(len(names))
                ]
                places = pa.array([block.line(0) for block in chunk], pa.int64())
                filled.update(at for at in range(len(names)) if at not in filled and _any_text(chunk, at))
                documents = document + np.cumsum([block.begins_document() for block in chunk])
                document = documents[-1]
                writer.write(pa.record_batch([*columns, places, pa.array(documents)], schema=schema))
            require_rows(writer, "no tokens")
            header = [f"{path}:{first.header}: read as the names of the columns, not as a word"] if first.header else []
            read = writer.finish([*([found.note] if found.note else []), *header, *comments.notes(path)])
        last = max(filled, default=0)
        if last < len(names) - 1:
            note = f"{path}: nothing in column{'s' * (last < len(names) - 2)} {', '.join(names[last + 1 :])}, left out"
            read = replace(read, store=read.store.drop_columns(list(names[last + 1 :])), notes=(*read.notes, note))
        # CoNLL-U has lines that are no words.
        return replace(read, word_lines="id" not in names)


def feature(values: list[str], key: str) -> list[str]:
    """The values of a key of the FEATS of CoNLL-U, such as ``Number`` in ``Case=Nom|Number=Sing``; else ``_``."""
    found = []
    for value in values:
        pairs = (part.partition("=") for part in value.split("|"))
        found.append(next((text for name, _, text in pairs if name == key), "_"))
    return found


def with_feature(feats: str, key: str, value: str) -> str:
    """The FEATS of CoNLL-U with a key set or, to ``_``, left out; keys in alphabetical order, as is wanted."""
    pairs = [part.split("=", 1) for part in feats.split("|") if "=" in part and not part.startswith(f"{key}=")]
    pairs += [[key, value]] if value != "_" else []
    return "|".join("=".join(pair) for pair in sorted(pairs, key=lambda pair: pair[0].lower())) or "_"


class _Stream:
    """The lines of a stream, with the layout and the values of its tokens as far as it was read, or read ahead."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.layout: Layout | None = None
        self._rest = iter(lines)
        self._waiting: deque[str] = deque()
        self._read = 0
        self._inside = False  # a sentence, where # begins a word
        self._names: tuple[str, ...] = ()
        self._values = Values()

    def __iter__(self) -> Iterator[str]:
        while self._waiting or self._pull():
            yield self._waiting.popleft()

    def layout_from(self, text: str, number: int) -> Layout:
        """The layout of the file, that of this line of a token if there is none yet."""
        self.layout = self.layout or _layout(text, self._names, number)
        return self.layout

    def is_comment(self, text: str, block: Block) -> bool:
        """Whether a line that begins with # is no token: it stands before a sentence's first and is unlike others."""
        if block.rows:
            return False
        self._look(lambda: self.layout is not None)
        if self.layout is None or self.layout.conllu:
            return _COMMENT.match(text) is not None
        fields = self.layout.cut(text)
        if len(fields) != self.layout.width:
            return True
        known = is_well_known(text)
        self._look(lambda: known or (bool(self._values.columns_of_spans) and self._values.fits(fields) is True))
        found = self._values.fits(fields)
        return known if found is None else not found

    def is_header(self, fields: list[str]) -> bool:
        """Whether the first line that is no comment names the columns, which no other line of the file repeats."""
        if not has_names(fields):
            return False
        self._look(lambda: False)
        return self._values.rows > 0 and not self._values.fits(fields)

    def _look(self, enough: Callable[[], bool]) -> None:
        """Read ahead until it is enough, at most so far that ``LOOK`` lines were read."""
        while not enough() and self._read < LOOK and self._pull():
            pass

    def _pull(self) -> bool:
        line = next(self._rest, None)
        if line is None:
            return False
        self._waiting.append(line)
        self._read += 1
        if self._read <= LOOK:
            self._learn(line.rstrip("\r\n"))
        return True

    def _learn(self, text: str) -> None:
        """Take the layout and the values of a line, if it is a token for certain."""
        if text.startswith("#") and (found := _GLOBAL.match(text)):
            self._names = tuple(found[1].lower().split())
        blank = not text.strip(" \t")
        if blank or text.startswith("-DOCSTART-") or (text.startswith("#") and not self._inside):
            self._inside = self._inside and not blank
            return
        self._inside = True
        fields = self.layout_from(text, self._read).cut(text)
        if len(fields) == self.layout_from(text, self._read).width and (self._values.rows or not has_names(fields)):
            self._values.add(fields)


class _Comments:
    """The comments that have as many fields as tokens have, which somebody may have meant as words."""

    def __init__(self) -> None:
        self._count, self._first = 0, ""

    def counted(self, block: Block) -> Block:
        """The block, once its comments are counted."""
        if block.layout is not None and not block.layout.conllu:
            for at, line in enumerate(block.lines[: block.rows[0] if block.rows else None]):
                text = line.rstrip("\r\n")
                wide = text.startswith("#") and len(block.layout.cut(text)) == block.layout.width
                if wide and not is_well_known(text):
                    self._count += 1
                    self._first = self._first or f'"{text[:40]}" in line {block.start + at}'
        return block

    def notes(self, path: Path) -> Iterator[str]:
        """What to say of them."""
        if self._count:
            says = "line is a comment and no word" if self._count == 1 else "lines are comments and no words"
            yield f"{path}: {self._count:,} {says}, {self._first}{' the first' * (self._count > 1)}"


def _chunks(first: Block, rest: Iterable[Block]) -> Iterator[list[Block]]:
    chunk, room = [first], BATCH_CHARACTERS
    for block in rest:
        if len(chunk) == BATCH_ROWS or room < 0:
            yield chunk
            chunk, room = [], BATCH_CHARACTERS
        chunk.append(block)
        room -= sum(map(len, block.lines))
    yield chunk


def _any_text(chunk: list[Block], at: int) -> bool:
    """Whether a column, from 0, holds anything in some blocks."""
    return any(fields[at] for block in chunk for fields in block.fields)


def _layout(text: str, columns: tuple[str, ...], number: int) -> Layout:
    separator = "\t" if "\t" in text else " "
    plain = Layout(0, separator, (), False, number)
    fields = plain.split(text)
    trailing = len(fields) - max((at for at, one in enumerate(fields, start=1) if one), default=0)
    conllu = separator == "\t" and len(fields) == 10 and re.fullmatch(r"\d+([-.]\d+)?", fields[0]) is not None
    names = columns if len(columns) == len(fields) else CONLLU if conllu else ()
    return Layout(len(fields), separator, names, conllu or names[:1] == ("id",), number, trailing)


def _count(fields: list[str]) -> str:
    return f"{len(fields)} column{'s' if len(fields) != 1 else ''}"


def _with_field(text: str, at: int, value: str, separator: str) -> str:
    if at < 0:
        return f"{text}{separator}{value}"
    pattern = r"(?<![^\t])[^\t]*" if separator == "\t" else r"[^ \t]+"
    start, end = [match.span() for match in re.finditer(pattern, text)][at]
    return text[:start] + value + text[end:]
