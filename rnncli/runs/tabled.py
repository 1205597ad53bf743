"""Predictions as a table: the user's rows as they came, and beside each what is predicted, in new columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from rnncli.data.tables.sheet import FORMS
from rnncli.data.tables.writing import free_names, lines, write_parquet
from rnncli.errors import UsageError
from rnncli.runs.answers import Predicting
from rnncli.runs.apart import require_new
from rnncli.runs.directory import make_folder, written_whole
from rnncli.tasks.predictors import Predictor, TablePredictor, WholeFiles

Rows = list[dict[str, Any]]
PARQUET = "parquet"


class TableOut:
    """What is predicted as a table of ``columns``, which ``types`` tells by name."""

    def __init__(self, found: Predicting) -> None:
        self.found, predictor = found, found.predictor
        self._first: Rows = []
        if not isinstance(predictor, TablePredictor):
            self._chunks = ([answer.row for answer in answers] for answers in found.answers())
            self._first = next(self._chunks, [])
            self.renamed: Mapping[str, str] = {}
            self.types = _types(self._first)
            return
        sheet = found.sheet
        own = predictor.own_columns if sheet is None else sheet.columns
        added = predictor.added(sheet)
        self.renamed = free_names(added, own)
        types = dict.fromkeys(own, str) if sheet is None else {name: sheet.types.get(name, str) for name in own}
        self.types = types | {self.renamed[name]: kind for name, kind in added.items()}
        self._chunks = self._beside(predictor)

    def text(self, form: str) -> Iterator[str]:
        """The table as text in one of the forms that are text, piece by piece."""
        return lines(form, list(self.types), self._rows())

    def write(self, out: Path, form: str) -> None:
        """Write the table to the file ``out``, whole or not at all; its folder is made. Raises RunError."""
        make_folder(out.parent)
        with written_whole(out) as file:
            if form == PARQUET:
                write_parquet(file, self.types, self._rows())
                return
            for piece in self.text(form):
                file.write(piece.encode())

    def closing(self) -> str:
        """What is to be said when all is done, a sentence a line; empty for nothing."""
        other = [f'"{name}" is called "{own}"' for name, own in self.renamed.items() if own != name]
        more = f" (and {len(other) - 1} more likewise)" if other[1:] else ""
        said = [f"{other[0]}, since the table has a column of that name{more}"] if other else []
        return "\n".join(filter(None, [*said, self.found.closing()]))

    def _rows(self) -> Iterator[Rows]:
        return chain([self._first], self._chunks) if self._first else self._chunks

    def _beside(self, predictor: TablePredictor) -> Iterator[Rows]:
        kept, renamed = self.found.kept, self.renamed
        for answers in self.found.answers():
            rows = []
            for example, row, _ in answers:
                for cells in predictor.cells(example, row):
                    own = predictor.own(example) if self.found.sheet is None else kept.popleft()
                    rows.append({**own, **{name: cells.get(key) for key, name in renamed.items()}})
            yield rows


def table_form(predictor: Predictor, to: str, form: str, out: Path | None) -> str:
    """The form of a table that is to be written, empty for none.

    It is what ``to`` says, else the ending of ``out``, else the ``form`` of the input where the predictor writes what
    it reads. Raises UsageError for a form that there is not, a file that has none, and one that is there already.
    """
    whole = predictor.whole if isinstance(predictor, WholeFiles) else ()
    others = predictor.other_forms if isinstance(predictor, TablePredictor) else predictor.formats
    known = tuple(dict.fromkeys((*FORMS, *others)))
    if to and to not in known:
        raise UsageError(f"--to {to}: there is no such form", f"there are: {', '.join(known)}")
    if (to or form) in whole:
        return ""
    if out is None:
        if to == PARQUET:
            raise UsageError("--to parquet: such a table is no text", "name its file: --out FILE.parquet")
        return to if to in FORMS else "csv" if not to and form == "csv" and not _reads_rows(predictor) else ""
    require_new(out)
    if to:
        return to if to in FORMS else ""
    ending = out.suffix.lower().removeprefix(".")
    if ending in FORMS:
        return ending
    endings = ", ".join(f".{one}" for one in FORMS)
    hint = f"--out {out.with_suffix('.csv')}, or --to FORM" + (f"; --format {whole[0]} for a folder" if whole else "")
    raise UsageError(f"--out {out}: a file that ends in {endings} is wanted", hint)


def _reads_rows(predictor: Predictor) -> bool:
    return isinstance(predictor, TablePredictor)


def _types(rows: Rows) -> dict[str, Any]:
    """The types of columns by a first few rows, a number where a value is missing in all."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: next((type(row[name]) for row in rows if row.get(name) is not None), float) for name in names}
