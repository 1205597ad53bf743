"""CoNLL files: a token a line in columns, a blank line between sentences; and CoNLL-U with its ten.

A file is read as a stream of blocks that keep every line as it was, so that predictions can be written back among the
comments and blank lines of the user. Columns are numbered from 1; those of CoNLL-U, and those that a line
``# global.columns = ID FORM ...`` names, also have names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.table import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    DOCUMENT,
    Table,
    TableWriter,
    require_rows,
    with_place,
)
from rnncli.errors import DataError

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_GLOBAL = re.compile(r"#\s*global\.columns\s*=\s*(.*\S)")
_DOCUMENT = re.compile(r"-DOCSTART-|#\s*newdoc\b")
_COMMENT = re.compile(r"#\s*[\w.:-]+\s*(=|$)|# ")
_SPACES = re.compile(r"[ \t]+")  # not the ideographic space, which is a token in Chinese text
_BETWEEN = re.compile(r"\d+[-.]\d+$")  # a CoNLL-U multi-word range or an empty node


@dataclass(frozen=True)
class Layout:
    """What the lines of a file look like: how many columns, between what, and how they are called."""

    width: int
    separator: str
    names: tuple[str, ...]
    conllu: bool
    seen: int

    def cut(self, line: str) -> list[str]:
        """The fields of a line."""
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
    """A sentence with all lines up to the next one: ``rows[i]`` of ``lines`` holds token i, whose fields are given."""

    start: int
    layout: Layout | None = None
    lines: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)

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

    The layout is that of the first line of a token: separated by tabs if there is one in it, else by spaces. A line
    that begins with # before a sentence's first token is a comment unless it has the columns of a token. Lines behind
    the last sentence come as a block without tokens.
    """
    block, layout, columns, ended = Block(1), None, (), False
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        blank = not text.strip(" \t")
        if ended and not blank and block.rows:
            yield block
            block = Block(number)
        ended = blank
        block.lines.append(line)
        if text.startswith("#") and (found := _GLOBAL.match(text)):
            columns = tuple(found[1].lower().split())
        if blank or text.startswith("-DOCSTART-") or (text.startswith("#") and _is_comment(text, layout, block)):
            continue
        layout = layout or _layout(text, columns, number)
        block.layout = layout
        fields = layout.cut(text)
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
        sentences = (block for block in blocks(stream, str(path)) if block.rows)
        first = next(sentences, None)
        if first is None or first.layout is None:
            raise DataError(f"{path}: the file holds no tokens")
        names = first.layout.names or tuple(str(n) for n in range(1, first.layout.width + 1))
        schema = with_place(pa.schema([(column, pa.list_(pa.string())) for column in names]))
        schema = schema.append(pa.field(DOCUMENT, pa.int64()))
        document = 0
        with TableWriter(str(path), schema) as writer:
            for chunk in _chunks(first, sentences):
                columns = [
                    pa.array([block.column(at) for block in chunk], schema.types[at]) for at in range(len(names))
                ]
                places = pa.array([block.line(0) for block in chunk], pa.int64())
                documents = document + np.cumsum([block.begins_document() for block in chunk])
                document = documents[-1]
                writer.write(pa.record_batch([*columns, places, pa.array(documents)], schema=schema))
            require_rows(writer, "no tokens")
            return writer.finish([found.note] if found.note else [])


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


def _chunks(first: Block, rest: Iterable[Block]) -> Iterator[list[Block]]:
    chunk, room = [first], BATCH_CHARACTERS
    for block in rest:
        if len(chunk) == BATCH_ROWS or room < 0:
            yield chunk
            chunk, room = [], BATCH_CHARACTERS
        chunk.append(block)
        room -= sum(map(len, block.lines))
    yield chunk


def _layout(text: str, columns: tuple[str, ...], number: int) -> Layout:
    separator = "\t" if "\t" in text else " "
    plain = Layout(0, separator, (), False, number)
    fields = plain.cut(text)
    conllu = separator == "\t" and len(fields) == 10 and re.fullmatch(r"\d+([-.]\d+)?", fields[0]) is not None
    names = columns if len(columns) == len(fields) else CONLLU if conllu else ()
    return Layout(len(fields), separator, names, conllu or names[:1] == ("id",), number)


def _is_comment(text: str, layout: Layout | None, block: Block) -> bool:
    if block.rows:
        return False
    if layout is None or layout.conllu:
        return _COMMENT.match(text) is not None
    return len(layout.cut(text)) != layout.width


def _count(fields: list[str]) -> str:
    return f"{len(fields)} column{'s' if len(fields) != 1 else ''}"


def _with_field(text: str, at: int, value: str, separator: str) -> str:
    if at < 0:
        return f"{text}{separator}{value}"
    pattern = r"(?<![^\t])[^\t]*" if separator == "\t" else r"[^ \t]+"
    start, end = [match.span() for match in re.finditer(pattern, text)][at]
    return text[:start] + value + text[end:]
