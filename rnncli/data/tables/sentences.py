"""Sentences out of tables that hold them otherwise: a word a row, or lists that were saved as text.

Rows of words, where a blank cell is that of the row above, and the sentence that they make::

    Sentence #,Word,Tag
    Sentence: 1,Ms,O            ->  words ["Ms", "Noma"], tags ["O", "B-PER"]
    ,Noma,B-PER
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute

from rnncli.data.tables.cells import list_in
from rnncli.data.tables.records import EMPTY, PLACE
from rnncli.data.tables.table import Table
from rnncli.errors import DataError

LOOKED_AT = 1000
"""Rows by which a table is judged."""
MAX_ROWS_UNASKED = 20
"""Rows that may be sentences of one word each without a doubt."""
_SENTENCE = re.compile(r"sent(ence)?s?[\W_]*(id|ids|idx|index|no|num|number|nr|count)?[\W_]*|sid")
_RUN = re.compile(r"(utt|utterance|example|sample|line|row|text|document|doc)?[\W_]*(id|idx|index|no|num|number|nr)?")
_LIST = re.compile(r"""\[.*['"].*\]|\[[\s\d.,+-]*\]""", re.DOTALL)


def names_sentence(column: str) -> bool:
    """Whether a column is called as those are that say which sentence a word belongs to."""
    return _SENTENCE.fullmatch(column.strip().lower()) is not None


def with_lists(table: Table, columns: Sequence[str]) -> Table:
    """The table with lists in those of the columns that hold lists as text, in JSON or as Python writes them.

    Those are columns more than half of whose texts are lists. Raises DataError for a list of another manner, such as
    numpy prints, for a text among lists, and where a column is absent.
    """
    for name in dict.fromkeys(columns):
        table.require(name)
        if not pa.types.is_string(table.store.column(name).type):
            continue
        sample = [text for text in islice(table.values(name), LOOKED_AT) if text and text.strip()]
        if 2 * sum(_LIST.fullmatch(text.strip()) is not None or list_in(text) is not None for text in sample) <= len(
            sample
        ):
            continue
        lists = [_list(table, row, name, text) for row, text in enumerate(table.values(name))]
        at = table.store.schema.get_field_index(name)
        store = table.store.set_column(at, name, pa.array(lists, pa.list_(pa.string())))
        note = f'{table.name}: the texts in column "{name}" are read as lists'
        table = replace(table, store=store, notes=(*table.notes, note))
    return table


def is_of_words(table: Table, columns: Sequence[str]) -> bool:
    """Whether each row of those columns holds one word, by the first rows."""
    for name in columns:
        if pa.types.is_list(table.store.column(name).type):
            return False
        found = [text.split() for text in islice(table.texts(name), LOOKED_AT)]
        if 20 * sum(len(words) > 1 for words in found) > len(found):
            return False
    return len(table) > 1


def from_words(table: Table, columns: Sequence[str], given: str = "") -> Table:
    """The sentences that rows of words make, by the column ``given`` or one whose name tells, or by blank rows.

    A row whose cell is blank belongs to the sentence above. ``columns`` hold words, tags and the like. Raises
    DataError where nothing says which words make a sentence.
    """
    column = given or _sentence_column(table, columns)
    places = np.array(table.store.column(PLACE).to_pylist())
    if column:
        first, how = _changes(list(table.texts(column))), f'column "{column}", a blank cell being that above'
    elif table.dropped.get(EMPTY) and places.dtype.kind == "i":
        first, how = np.diff(places, prepend=places[0]) != 1, "blank rows"
        first[0] = True
    elif len(table) <= MAX_ROWS_UNASKED:
        return table
    else:
        rest = [name for name in table.columns if name not in columns and not name.startswith("__")]
        there = f", one of: {', '.join(rest)}" if rest else ""
        raise DataError(
            f"{table.name}: each row is a single word, and nothing says which of them make a sentence",
            f"data.sentence_column=NAME{there}; or put a whole sentence in each row",
        )
    starts = np.flatnonzero(first)
    note = f"{table.name}: {len(table):,} rows of words make {len(starts):,} sentences, by {how}"
    inside = np.delete(np.diff(places), starts[1:] - 1) if places.dtype.kind == "i" else np.zeros(1)
    dropped = {reason: count for reason, count in table.dropped.items() if reason != EMPTY or column}
    store = _grouped(table.store, starts)
    return replace(
        table, store=store, notes=(*table.notes, note), dropped=dropped, word_lines=bool((inside == 1).all())
    )


def _list(table: Table, row: int, name: str, text: str | None) -> list[str | None] | None:
    if text is None or not text.strip():
        return None
    found = list_in(text)
    if found is None:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise DataError(
            f'{table.place(row)}: {shown} in column "{name}" is a list neither in JSON nor as Python writes one',
            "json.dumps writes lists, or save the table as JSON lines or Parquet",
        )
    return [None if one is None else str(one) for one in found]


def _sentence_column(table: Table, columns: Sequence[str]) -> str:
    """The column whose name says that it tells sentences apart, or one of runs of equal numbers; empty for none."""
    rest = [name for name in table.columns if name not in columns and not name.startswith("__")]
    named = [name for name in rest if names_sentence(name)]
    for name in (*named, *(name for name in rest if _RUN.fullmatch(name.strip().lower()))):
        sample = list(islice(table.texts(name), LOOKED_AT))
        if 2 * _changes(sample).sum() <= len(sample):
            return name
    return ""


def _changes(values: Sequence[str]) -> np.ndarray:
    """Where a value is another than that above, blank ones apart, bool (N,); the first is."""
    found = np.zeros(len(values), dtype=bool)
    before = None
    for row, value in enumerate(values):
        if value != before and value.strip().lower() not in ("", "nan"):
            before, found[row] = value, True
    found[0] = True
    return found


def _grouped(store: pa.Table, starts: np.ndarray) -> pa.Table:
    """Rows from each start to the next as one row of lists, whose place is that of the first."""
    offsets = pa.array(np.append(starts, store.num_rows), pa.int32())
    lists = {}
    for name in store.column_names:
        values = store.column(name).combine_chunks()
        if pa.types.is_string(values.type):
            values = compute.call_function("utf8_trim", [values], compute.TrimOptions(" \t"))
        lists[name] = (
            values.take(pa.array(starts)) if name.startswith("__") else pa.ListArray.from_arrays(offsets, values)
        )
    return pa.table(lists)
