"""Sentences in the rows of a table: a row each, as lists, words or plain text; or a word a row, as some tables have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnncli.data.tables.cells import list_in, written
from rnncli.data.tables.sentences import names_sentence
from rnncli.data.tables.sheet import Sheet, Sought
from rnncli.data.text.neighbours import Given
from rnncli.errors import DataError
from rnncli.tasks.tagging.data import TOKEN_NAMES, strings
from rnncli.tasks.tagging.extras.forms import TEXT_NAMES

ENOUGH_ROWS = 20
"""Rows of a single word each, from the first on, that are no sentences."""
ONE_A_ROW = (
    "name the column that says which words make a sentence sentence_id; or give a line a word, with tabs between "
    "columns and a blank line between sentences: --format conll"
)


class SentenceRows:
    """Reads sentences of a sheet: ``layout`` is that of training, ``plain`` makes one of a text."""

    def __init__(self, layout: Mapping[str, Any], document: str, plain: Callable[[str], Given]) -> None:
        self.layout, self.document, self.plain = layout, document, plain
        usual = (name for name in (layout["token"], *TOKEN_NAMES) if not name.isdecimal())
        self.sought = Sought("token_column", tuple(usual), "sentences", delimiters=",;|")

    def sentences(self, sheet: Sheet) -> Iterator[tuple[Given, object]]:
        """The sentences in order, each with its document; DataError for words of which nothing says where they end."""
        if by := self.by_words(sheet):
            return self._of_words(sheet, by)
        return self._of_rows(sheet)

    def is_plain(self, sheet: Sheet) -> bool:
        """Whether the column holds texts whose words are not cut yet."""
        column = sheet.column(self.sought)
        cut = {self.layout["token"].lower(), *TOKEN_NAMES} - ({*TEXT_NAMES} - {self.layout["token"].lower()})
        return column.lower() not in cut and not any(_is_list(row.get(column)) for _, row in sheet.rows.ahead(1))

    def by_words(self, sheet: Sheet) -> str:
        """The column that tells sentences apart where each row is a word; empty where rows are sentences."""
        token = sheet.column(self.sought)
        asked = sheet.asked.learnt.get("sentence_column") or ""
        named = [name for name in sheet.columns if name != token and (name == asked or names_sentence(name))]
        if not named or self.is_plain(sheet):
            return ""
        first = sheet.rows.ahead(2)
        return named[0] if first and all(len(_words(row.get(token))) <= 1 for _, row in first) else ""

    def _of_rows(self, sheet: Sheet) -> Iterator[tuple[Given, object]]:
        column, plain = sheet.column(self.sought), self.is_plain(sheet)
        alone = 0
        for number, row in sheet.rows:
            value = next((row[name] for name in (column, *TOKEN_NAMES) if row.get(name) is not None), None)
            if plain and not _is_list(value):
                given = replace(self.plain(written(value)), row=dict(row))
            else:
                features = tuple(_words(row.get(feature)) for feature in self.layout["features"])
                given = Given(_words(value), features, row=dict(row))
                _require_alike(given, sheet.place(number))
            alone = alone + 1 if len(given.tokens) == 1 else -ENOUGH_ROWS
            if alone == ENOUGH_ROWS:
                raise DataError(f'{sheet.place(number)}: a row for each word in column "{column}"', ONE_A_ROW)
            yield given, row.get(self.document)

    def _of_words(self, sheet: Sheet, by: str) -> Iterator[tuple[Given, object]]:
        column, before = sheet.column(self.sought), ""
        held: list[Mapping[str, Any]] = []
        for _, row in sheet.rows:
            name = written(row.get(by)).strip()
            if held and name.lower() not in ("", "nan", before.lower()):
                yield self._joined(held, column, by)
                held = []
            before = name or before
            held.append(row)
        if held:
            yield self._joined(held, column, by)

    def _joined(self, rows: Sequence[Mapping[str, Any]], column: str, by: str) -> tuple[Given, object]:
        features = tuple([written(row.get(name)).strip() for row in rows] for name in self.layout["features"])
        tokens = [written(row.get(column)).strip() for row in rows]
        return Given(tokens, features, row={by: rows[0].get(by)}, rows=len(rows)), rows[0].get(self.document)


def _require_alike(given: Given, place: str) -> None:
    """DataError where a further column has another number of values than there are words."""
    for values in given.features:
        if len(values) != len(given.tokens):
            raise DataError(f"{place}: {len(given.tokens)} words but {len(values)} of what is read with them")


def _is_list(value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, str) and list_in(value) is not None)


def _words(cell: object) -> list[str]:
    """A cell of a table as its words: a list, be it saved as text, or a text with blanks."""
    found = list_in(cell) if isinstance(cell, str) else None
    return strings(found if found is not None else cell if isinstance(cell, list) else written(cell))
