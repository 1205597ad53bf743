"""Text in columns, separated by commas, tabs and the like, to a table."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow as pa

from rnncli.data.encodings import detect
from rnncli.data.tables.dialects import Header, first_rows, recognise
from rnncli.data.tables.records import Records, csv_records, tsv_records
from rnncli.data.tables.table import Table, TableWriter, require_rows, with_place
from rnncli.errors import DataError


def read_csv(path: Path, encoding: str = "auto", header: Header = "auto", *, whole: bool = False) -> Table:
    """Separated text, every column of it text, by name or, without a header, by number from 1.

    Quotes follow RFC 4180, strictly: a stray one is an error, and not half a file in one field. What separates fields,
    commas, semicolons, tabs or |, and whether blanks stand behind it, is told from the first rows; what is not a comma
    is said in the table's notes. Rows without any text, and headers once more, are dropped and counted; where the
    ``whole`` file is wanted, lines without a field alone are. Raises ``DataError`` with file and line, and
    ``HeaderError`` for a first row that is data where ``header`` is auto.
    """
    return csv_records(path, encoding, header, partial(_table, whole), whole=whole)


def read_tsv(path: Path, encoding: str = "auto", header: Header = "auto", *, whole: bool = False) -> Table:
    """Tab-separated text as ``read_csv`` reads it, or what is separated otherwise where there is no tab.

    Such files are written with quoting, as spreadsheets do, or without any. Where strict reading fails,
    quotes are taken as they stand, and said in the table's notes.
    """
    return tsv_records(path, encoding, header, partial(_table, whole), whole=whole)


def read_txt(path: Path, encoding: str = "auto", header: Header = "auto") -> Table:
    """A text file that holds a table, separated by tabs for one; raises DataError for plain text."""
    found = detect(path, encoding)
    rows = first_rows(path, found, recognise(path, found, "\t,;|"))
    if rows and len(rows[0]) == 1:
        raise DataError(
            f"{path}: a text without columns: nothing separates its fields", "for example a tab: text, tab, label"
        )
    return read_tsv(path, encoding, header)


def _table(whole: bool, records: Records) -> Table:
    """The rows of a file; where not the ``whole`` file is wanted, there must be some."""
    schema = with_place(pa.schema([(name, pa.string()) for name in records.columns]))
    with TableWriter(str(records.path), schema) as writer:
        for lines, rows in records.batches:
            arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            writer.write(pa.record_batch([*arrays, pa.array(lines, pa.int64())], schema=schema))
        if not whole:
            require_rows(writer, "a header and no rows")
        return writer.finish(records.notes, records.dropped)
