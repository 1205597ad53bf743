"""Predict with a loaded model: texts, files, tables and streams in; rows, lines or tables out."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.records import suffix_of
from rnncli.data.tables.sheet import (
    FORMS,
    ColumnsAsked,
    Sheet,
    SheetRows,
    heard,
    heard_csv,
    is_json_lines,
    is_tabular,
    read_sheet,
    sheet_of,
)
from rnncli.errors import DataError, UsageError
from rnncli.runs import streams
from rnncli.runs.answers import Predicting
from rnncli.tasks.portable import checked_levels
from rnncli.tasks.predictors import (
    AheadPredictor,
    ClosingPredictor,
    FilePredictor,
    LinePredictor,
    Predictor,
    Records,
    StreamPredictor,
    TablePredictor,
)

FILE_NAME = re.compile(
    r"(~|\.\.?)/\S+|/\S+/\S+|\S+\.(csv|tsv|jsonl?|ndjson|parquet|txt|conll\w*|bmes|bio|iob2?|xlsx?)(\.gz)?",
    re.IGNORECASE,
)
"""What is meant for a file, though it may not be there."""
AS_TEXT = "a text that looks like a path can come in on stdin: -"
AS_TABLE = ("csv", "tsv", "parquet")
"""Forms of input that are tables to every predictor of rows."""


@dataclass(frozen=True)
class InputForm:
    """How input is read: its ``form``, empty to find out, and the columns that are ``asked`` for.

    ``keeping`` has the rows of a table kept as they came until they are answered; ``typed`` settles the types of their
    columns.
    """

    form: str = ""
    asked: ColumnsAsked = field(default_factory=ColumnsAsked)
    keeping: bool = False
    typed: bool = False


USUAL = InputForm()


def looking_ahead(predictor: Predictor, future: Path | Records | None, levels: Sequence[float]) -> Predictor:
    """The predictor told what is known of the steps ahead, and which quantiles to give, none for its usual ones.

    Raises UsageError where it is none that looks ahead, and for a level that is no share between 0 and 1.
    """
    if future is None and not levels:
        return predictor
    what = "--future" if future is not None else "--quantiles"
    if not isinstance(predictor, AheadPredictor):
        raise UsageError(f"{what} is for runs that forecast series, and this one does not", f"leave {what} away")
    return predictor.given(future, checked_levels(levels))


def usual_inputs(predictor: Predictor) -> list[str]:
    """The inputs where none is named: stdin, or none where the predictor goes on behind what was trained on."""
    return [] if isinstance(predictor, AheadPredictor) else ["-"]


def given(
    predictor: Predictor,
    inputs: Sequence[str],
    stdin: BinaryIO | None,
    reading: InputForm = USUAL,
) -> Predicting:
    """What ``inputs`` hold: texts, or one existing file, or ``-`` for ``stdin``, or a pipe; a table's rows as a sheet.

    No input at all is for predictors that go on behind the data that were trained on. What comes on a stream is
    answered as it comes: examples that wait already share a batch, and no more wait than the predictor takes together.
    Raises DataError, and UsageError for an unknown form.
    """
    _require_form(predictor, reading.form)
    if not inputs:
        assert isinstance(predictor, AheadPredictor)
        return Predicting(predictor, _chunks(predictor.behind(), predictor.together))
    if len(inputs) == 1 and streams.is_stream(inputs[0]):
        return _streamed(predictor, inputs[0], stdin, reading)
    sheet = _file_sheet(predictor, inputs, reading)
    if sheet is not None:
        return in_sheet(predictor, sheet, keeping=reading.keeping)
    if reading.asked.columns:
        raise UsageError(f"--column {reading.asked.columns[0]}: no table was given", "leave it away, or name a table")
    return Predicting(predictor, _chunks(_named(predictor, inputs, reading.form), predictor.together))


def in_sheet(predictor: Predictor, sheet: Sheet, *, keeping: bool = False, waits: bool = True) -> Predicting:
    """The rows of a sheet; UsageError for a predictor of no rows."""
    if not isinstance(predictor, TablePredictor):
        raise UsageError(f"{sheet.name}: rows of a table, which this run does not predict")
    found = Predicting(predictor, iter(()), sheet)
    if keeping:
        found.keep()
    assert found.sheet is not None
    examples = predictor.rows(found.sheet)
    together = predictor.together
    found.chunks = _chunks(examples, together) if waits else streams.waiting(examples, together)
    return found


def predict(predictor: Predictor, inputs: Sequence[str | Path], reading: InputForm = USUAL) -> list[dict[str, Any]]:
    """A JSON-ready row for each example of ``inputs``; raises DataError.

    Strings are taken as by :func:`given`, but none is a stream; a path is a file, or a folder of files where the
    predictor's inputs are files.
    """
    texts = [one for one in inputs if isinstance(one, str)]
    if len(texts) == len(inputs):
        if sheet := _file_sheet(predictor, texts, reading):
            return _rows(in_sheet(predictor, sheet))
        return _rows(Predicting(predictor, _chunks(_named(predictor, texts, ""), predictor.together)))
    return [row for one in inputs for row in _predict_one(predictor, one, reading)]


def predict_rows(predictor: Predictor, records: Records, reading: InputForm = USUAL) -> list[dict[str, Any]]:
    """A JSON-ready row for each of the rows at hand, in order; raises DataError."""
    return _rows(in_sheet(predictor, sheet_of(records, "rows", reading.asked))) if records else []


def predict_behind(predictor: AheadPredictor, rows: Records | None) -> list[dict[str, Any]]:
    """A JSON-ready row for each step behind rows at hand, or behind what was trained on; raises DataError."""
    return _rows(Predicting(predictor, _chunks(predictor.behind(rows), predictor.together)))


def is_heard(predictor: Predictor, inputs: Sequence[str]) -> bool:
    """Whether the input is a stream that is no text, to be answered by :func:`written`."""
    return len(inputs) == 1 and streams.is_stream(inputs[0]) and isinstance(predictor, StreamPredictor)


def closing(predictor: Predictor) -> str:
    """What a predictor says when all is done, empty for nothing."""
    return predictor.closing() if isinstance(predictor, ClosingPredictor) else ""


def hear(predictor: Predictor, name: str, stdin: BinaryIO | None, form: str = "") -> Iterator[str]:
    """What is to be written of a stream that is no text, as it comes."""
    if form and form not in predictor.formats:
        raise UsageError(f"{form}: no form of what is heard as it comes", f"there are: {', '.join(predictor.formats)}")
    assert isinstance(predictor, StreamPredictor)
    yield from predictor.hear(streams.opened(name, stdin), form)


def _streamed(predictor: Predictor, name: str, stdin: BinaryIO | None, reading: InputForm) -> Predicting:
    assert isinstance(predictor, LinePredictor)
    lines, shown = streams.lines_of(name, stdin), streams.shown(name)
    if isinstance(predictor, TablePredictor):
        if not reading.form and suffix_of(Path(name)) in (".csv", ".tsv") and predictor.is_table(Path(name)):
            reading = replace(reading, form="csv")
        sheet, lines = _heard(predictor, lines, shown, reading)
        if sheet is not None:
            return in_sheet(predictor, sheet, keeping=reading.keeping, waits=False)
    return Predicting(predictor, streams.waiting(predictor.listen(lines, shown, reading.form), predictor.together))


def _heard(
    predictor: TablePredictor, lines: Iterator[str], name: str, reading: InputForm
) -> tuple[Sheet | None, Iterator[str]]:
    """The rows that lines are, or None and the lines.

    Rows of JSON are a sheet only where they are kept: then their keys must be known.
    """
    if reading.form in ("csv", "tsv"):
        return heard_csv(lines, name, reading.asked), iter(())
    first = next(lines, "")
    lines = chain([first] if first else [], lines)
    is_json = reading.form == "jsonl" or (not reading.form and first.lstrip().startswith("{"))
    if reading.keeping and is_json:
        return _spooled(lines, name, reading), iter(())
    return (None, lines) if reading.form else heard(lines, name, reading.asked, predictor.sought)


def _spooled(lines: Iterable[str], name: str, reading: InputForm) -> Sheet:
    """The rows of JSON lines when all of them have come."""
    with tempfile.TemporaryDirectory(prefix="rnncli-") as folder:
        path = Path(folder) / "stream.jsonl"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        try:
            sheet = read_sheet(path, reading.asked, typed=reading.typed)
            return replace(sheet, name=name, rows=SheetRows(list(sheet.rows)), folder=Path())
        except DataError as error:
            raise DataError(error.message.replace(str(path), name), error.hint) from None


def _file_sheet(predictor: Predictor, inputs: Sequence[str], reading: InputForm) -> Sheet | None:
    """The rows of the one file that is named, None where it is no table, or none is named."""
    path = Path(os.path.expanduser(inputs[0])) if len(inputs) == 1 else Path()
    if not isinstance(predictor, TablePredictor) or not _is_file(path):
        return None
    form, asked, typed = reading.form, reading.asked, reading.typed
    if form in AS_TABLE:
        return read_sheet(path, asked, "" if is_tabular(path) and form != "tsv" else form, typed=typed)
    if not form and (predictor.is_table(path) or (reading.keeping and is_json_lines(path))):
        return read_sheet(path, asked, typed=typed)
    if form == "jsonl" and reading.keeping:
        return read_sheet(path, asked, "jsonl", typed=typed)
    if form or isinstance(predictor, FilePredictor) or suffix_of(path) not in ("", ".txt"):
        return None
    with open_text(path, detect(path, "auto")) as lines:
        sheet, _ = heard(islice(lines, 2), str(path), asked, predictor.sought)
    return None if sheet is None else read_sheet(path, asked, "csv", typed=typed)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text too long for a name, or with a NUL byte
        return False


def _named(predictor: Predictor, inputs: Sequence[str], form: str) -> Iterator[Any]:
    """The examples of one existing file, or of texts."""
    takes_files = isinstance(predictor, FilePredictor)
    if len(inputs) != 1:
        if not takes_files:
            _require_texts(inputs)
        return _parsed(predictor, inputs)
    only = os.path.expanduser(inputs[0])
    streams.require_known(only)
    if os.path.isfile(only):
        return predictor.read(Path(only), form)
    if takes_files:
        return _parsed(predictor, [only])
    if os.path.isdir(only):
        raise DataError(f"{only}: a folder, where a text or a file is wanted", AS_TEXT)
    if FILE_NAME.fullmatch(inputs[0]):
        raise DataError(f"{inputs[0]}: no such file", AS_TEXT)
    return _parsed(predictor, inputs)


def require_single(predictor: Predictor, text: str) -> None:
    """UsageError for a stream, and for a file where ``text`` is to be one text: neither is taken for a text."""
    if streams.is_stream(text):
        raise UsageError(f"{text}: a single input is looked at, not a stream", "give the text itself, in quotes")
    if isinstance(predictor, FilePredictor | AheadPredictor):
        return
    if FILE_NAME.fullmatch(text) or _is_file(Path(os.path.expanduser(text))):
        raise UsageError(f"{text}: a file, where a single text is looked at", "give the text itself, in quotes")


def _require_texts(inputs: Sequence[str]) -> None:
    """UsageError for a file or a stream among several arguments, each of which would be taken for a text."""
    for one in inputs:
        if streams.is_stream(one) or FILE_NAME.fullmatch(one) or os.path.isfile(one):
            raise UsageError(
                f"{one}: one of {len(inputs)} arguments, which are texts then, not files",
                "give a single file, or texts",
            )


def _parsed(predictor: Predictor, inputs: Sequence[str]) -> Iterator[Any]:
    texts = (one for text in inputs for one in _expanded(predictor, text))
    return (predictor.parse(text) for text in texts)


def _predict_one(predictor: Predictor, one: str | Path, reading: InputForm) -> list[dict[str, Any]]:
    """The rows of a text as it is, of a file, or of a folder of files."""
    if isinstance(one, str):
        return _rows(Predicting(predictor, _chunks(_parsed(predictor, [one]), predictor.together)))
    sheet = _file_sheet(predictor, [str(one)], reading)
    if sheet is not None:
        return _rows(in_sheet(predictor, sheet))
    return _rows(Predicting(predictor, _chunks(_in_file(predictor, one), predictor.together)))


def _rows(found: Predicting) -> list[dict[str, Any]]:
    return [answer.row for answers in found.answers() for answer in answers]


def _in_file(predictor: Predictor, path: Path) -> Iterator[Any]:
    if path.is_dir() and isinstance(predictor, FilePredictor):
        return _parsed(predictor, [str(path)])
    if not path.is_file():
        wrong = "a folder, where a file is wanted" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {wrong}", "a path names a file to read; give a text as a string")
    return predictor.read(path)


def _require_form(predictor: Predictor, form: str) -> None:
    """UsageError for a form of input that a predictor does not know."""
    known = predictor.formats
    if isinstance(predictor, TablePredictor):
        known = tuple(dict.fromkeys((*known, *FORMS)))
    if form and form not in known:
        raise UsageError(f"--format {form}: there is no such format", f"there are: {', '.join(known)}")


def _expanded(predictor: Predictor, text: str) -> list[str]:
    return predictor.expand(text) if isinstance(predictor, FilePredictor) else [text]


def _chunks(examples: Iterable[Any], together: int) -> Iterator[list[Any]]:
    remaining = iter(examples)
    while chunk := list(islice(remaining, together)):
        yield chunk
