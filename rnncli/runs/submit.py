"""A submission: the predictions of a run, or the mean of its folds', in the layout that a competition wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data import progress
from rnncli.data.tables.sentences import with_lists
from rnncli.data.tables.sheet import ColumnsAsked, Sheet, SheetRows
from rnncli.data.tables.sources import ALL, existing, read, read_file
from rnncli.data.tables.table import Table
from rnncli.errors import DataError, RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.runs.apart import require_new, write_pieces
from rnncli.runs.directory import RunDirectory
from rnncli.runs.outcome import read_rows
from rnncli.runs.recipes import finding, read_run_recipe
from rnncli.runs.sample import Choices, Predicted, SampleFile, SubmissionLayout, filling, layout
from rnncli.runs.use import load, predictor_of, require_run
from rnncli.tasks.predictors import FilePredictor, Missing, TablePredictor

SORTED = 8192
"""Rows of which those of like length are predicted together."""
LABEL = "label_column"
READ = ("text_column", "frames_column")
"""Keys by which a recipe may say, before there is a model, which columns are read."""


@dataclass(frozen=True)
class Submission:
    """What was written, and what there is to say of it."""

    path: Path
    rows: int
    columns: Sequence[str]
    models: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SubmissionPlan:
    """What is known before there are predictions: the rows, the columns that are read of them, the layout."""

    table: Table
    read: tuple[str, ...]
    layout: SubmissionLayout
    wanted: Choices


def submit(
    run: Path, test: Path, out: Path, *, like: Path | None = None, wanted: Choices, columns: Sequence[str] = ()
) -> Submission:
    """Write the predictions of a run for the rows of ``test`` into the file ``out``, in the layout of ``like``.

    ``columns`` are read, or those that ``rnncli predict`` finds. Of a cross-validation the folds' probabilities are
    averaged. Raises DataError, RunError and UsageError.
    """
    require_run(run, "submit")
    require_new(out)
    directory = RunDirectory.open(run)
    recipe = read_run_recipe(directory.recipe)
    _require_labels(recipe)
    first, *others = _models(directory)
    predictor = _table_predictor(first)
    asked = ColumnsAsked(tuple(columns), recipe.data.model_dump())
    table = _table(recipe, test)
    read = _sheet(table, table.columns, asked, test.parent).several(predictor.sought)
    planned = _plan(recipe, table, like, wanted, read)
    predictors = chain([predictor], map(_table_predictor, others))
    predicted = [_predicted(one, planned.table, read, test.parent) for one in predictors]
    return _written(directory.path, planned, out, _mean(predicted), planned.layout.notes + _blank(planned))


def check(recipe: Recipe, test: Path, like: Path | None) -> None:
    """Raise what :func:`submit` would raise of its files, as far as that is known before a recipe has been run."""
    _require_labels(recipe)
    table = _table(recipe, test)
    read = _stated(recipe)
    for name in read:
        if name not in table.columns:
            raise DataError(f'{test}: no column "{name}"', f"it has: {', '.join(table.columns)}")
    if read or like is not None:
        _plan(recipe, table, like, Choices(), read)


def _require_labels(recipe: Recipe) -> None:
    """UsageError for a task that gives no labels."""
    if LABEL not in recipe.data.model_dump():
        what = f"a run of task {recipe.task}, where submissions are made of runs that give labels"
        raise UsageError(what, "rnncli predict RUN FILE writes what it predicts")


def _table(recipe: Recipe, test: Path) -> Table:
    return read_file(existing(test), recipe.data.model_dump().get("encoding", "auto"), recipe.data.header)


def _plan(recipe: Recipe, table: Table, like: Path | None, wanted: Choices, read: Sequence[str]) -> SubmissionPlan:
    """All that can be found out without predictions."""
    sample = None if like is None else SampleFile.read(like)
    target = recipe.data.model_dump()[LABEL] or "label"
    return SubmissionPlan(with_lists(table, read), tuple(read), layout(table, sample, wanted, read, target), wanted)


def out_of_fold(run: Path, out: Path, *, data: Path | None, like: Path | None, wanted: Choices) -> Submission:
    """Write what a cross-validation predicted of each row of its data by the model that had not seen it.

    ``data`` is where the data are now, if they have moved. The columns are those of ``like``, or the id, the label and
    a probability for each label. Raises DataError, RunError and UsageError.
    """
    require_run(run, "submit")
    require_new(out)
    directory = RunDirectory.open(run)
    folds = _folds(directory)
    if not folds:
        raise RunError(f"{run}: has no folds", "rnncli run RECIPE data.folds=5 makes a run that has")
    recipe = read_run_recipe(directory.recipe)
    table = _training_table(recipe, data, run)
    split = directory.read_report().split
    rows = {_line(row["place"]): row for fold in folds for row in read_rows(RunDirectory(fold).prediction_file(split))}
    at = [(number, rows[line]) for number in range(len(table)) if (line := _line(table.place(number))) in rows]
    if not at:
        raise DataError(f"{table.name}: none of its rows is among those that the folds predicted", "name the data")
    predicted = _of_rows([row for _, row in at])
    whole = table.take(np.array([number for number, _ in at]))
    read = _stated(recipe)
    found = _fold_layout(whole, like, wanted, read, predicted)
    left = len(table) - len(at)
    notes = (f"not predicted: {left:,} of the rows, which training dropped",) if left else ()
    return _written(run, SubmissionPlan(whole, read, found, wanted), out, predicted, notes)


def _written(run: Path, plan: SubmissionPlan, out: Path, predicted: Predicted, notes: tuple[str, ...]) -> Submission:
    separator = read_run_recipe(RunDirectory(run).recipe).data.model_dump().get("label_separator", "|")
    if plan.layout.sample is None and len(plan.layout.targets) > 1:
        cells, said = _label_and_shares(plan.layout.targets, predicted, separator)
    else:
        cells, said = filling(plan.layout, predicted, plan.wanted, separator)
    write_pieces(plan.layout.lines(predicted, cells), out)
    return Submission(
        out, len(plan.layout.order), tuple(plan.layout.header), len(_models(RunDirectory(run))), (said, *notes)
    )


def _models(run: RunDirectory) -> list[Path]:
    return _folds(run) or [run.path]


def _folds(run: RunDirectory) -> list[Path]:
    names = [file.parent.name for file in run.folds.glob("*/recipe.yaml") if file.parent.name.isdigit()]
    return [run.folds / name for name in sorted(names, key=int)]


def _table_predictor(path: Path) -> TablePredictor:
    predictor = predictor_of(load(path))
    assert isinstance(predictor, TablePredictor)
    return predictor


def _predicted(predictor: TablePredictor, table: Table, read: Sequence[str], folder: Path) -> Predicted:
    """What a model predicts of the rows of a table, whose paths start from ``folder``."""
    examples = _examples(predictor, table, _sheet(table, read, ColumnsAsked(tuple(read)), folder))
    rows: list[Any] = [None] * len(examples)
    for start in range(0, len(examples), SORTED):
        places = sorted(range(start, min(start + SORTED, len(examples))), key=lambda at: _size(examples[at]))
        for first in range(0, len(places), predictor.together):
            chunk = places[first : first + predictor.together]
            for at, row in zip(chunk, _rows(predictor, [examples[at] for at in chunk]), strict=True):
                rows[at] = row
        progress.tell("rows", min(start + SORTED, len(examples)), len(examples))
    return _of_rows(rows)


def _rows(predictor: TablePredictor, examples: Sequence[Any]) -> list[dict[str, Any]]:
    """Only what a submission needs, since texts may be long and many."""
    return [{key: row.get(key) for key in ("label", "probabilities")} for row in predictor.predict(examples)]


def _examples(predictor: TablePredictor, table: Table, sheet: Sheet) -> list[Any]:
    """An example for each row, also of an empty text; DataError for a row that names no file."""
    found = list(predictor.rows(sheet))
    for number, one in enumerate(found):
        if isinstance(one, Missing):
            if isinstance(predictor, FilePredictor):
                raise DataError(f"{table.place(number)}: {one.reason}", "a submission has a prediction for each row")
            found[number] = one.example
    return found


def _sheet(table: Table, columns: Sequence[str], asked: ColumnsAsked, folder: Path) -> Sheet:
    """The rows of a table as ``rnncli predict`` has them."""
    values = zip(*map(table.texts, columns), strict=True)
    rows = SheetRows((number, dict(zip(columns, row, strict=True))) for number, row in enumerate(values, start=1))
    return Sheet(table.name, tuple(columns), rows, asked, folder)


def _size(example: Any) -> int:
    return len(example) if isinstance(example, str) else 0


def _of_rows(rows: Sequence[dict[str, Any]]) -> Predicted:
    labels = list(rows[0]["probabilities"] or ()) if rows else []
    if not labels:
        raise UsageError("the run gives no probabilities of labels", "rnncli predict RUN FILE writes what it predicts")
    shares = [[row["probabilities"][label] for label in labels] for row in rows]
    return Predicted(labels, rows[0].get("label") is None, shares)


def _mean(found: Sequence[Predicted]) -> Predicted:
    """The mean of the probabilities; a label that a fold did not have has none there."""
    if len(found) == 1:
        return found[0]
    labels = list(dict.fromkeys(label for one in found for label in one.labels))
    sum_NK = np.zeros((len(found[0].probabilities), len(labels)))
    for one in found:
        sum_NK[:, [labels.index(label) for label in one.labels]] += np.asarray(one.probabilities)
    return Predicted(labels, found[0].several, (sum_NK / len(found)).tolist())


def _blank(plan: SubmissionPlan) -> tuple[str, ...]:
    blank = sum(not "".join(row).strip() for row in zip(*map(plan.table.texts, plan.read), strict=True))
    return (f"empty texts, which are predicted like any other: {blank:,}",) if blank else ()


def _training_table(recipe: Recipe, data: Path | None, run: Path) -> Table:
    section = recipe.data.model_dump()
    if not recipe.data.train and data is None:
        raise UsageError(f"{run}: learnt from the built-in corpus, whose rows have no ids", "train on data of your own")
    place = data if data is not None else Path(recipe.data.root) / recipe.data.train
    with finding(recipe, f"rnncli submit {run} FILE --folds"):
        tables = read(place, encoding=section.get("encoding", "auto"), header=recipe.data.header)
    if ALL not in tables:
        raise UsageError(f"{place}: holds parts of its own, {', '.join(tables)}", "name the file of the training part")
    return tables[ALL]


def _fold_layout(
    table: Table, like: Path | None, wanted: Choices, texts: Sequence[str], predicted: Predicted
) -> SubmissionLayout:
    """The columns of a sample, or the id, the label and a probability of each; the rows are those of the table."""
    if like is None:
        plain = layout(table, None, wanted, texts, "label")
        names = [f"probability_{label}" for label in predicted.labels]
        return replace(plain, header=[plain.id, "prediction", *names], targets=["prediction", *names])
    sample = SampleFile.read(like)
    shared = {name for name in sample.header if name in table.columns}
    name = wanted.id or next((one for one in sample.header if one in shared), "")
    if name not in shared:
        hint = f"--id COLUMN, one of: {', '.join(sample.header)}"
        raise UsageError(f"{like}: which column holds the ids? none is in {table.name}, too", hint)
    targets = [wanted.target] if wanted.target else [one for one in sample.header if one != name]
    known = {one: list(table.texts(one)) for one in shared if one not in targets}
    return SubmissionLayout(sample.header, range(len(table)), known, targets, name, sample)


def _label_and_shares(targets: Sequence[str], predicted: Predicted, separator: str) -> tuple[dict[str, Any], str]:
    """The cells of an out-of-fold file that is like no sample."""
    label, *shares = targets
    plain = SubmissionLayout(targets, (), {}, [label], "", None)
    cells, _ = filling(plain, predicted, Choices(values="labels"), separator)
    columns = {name: (lambda row, at=at: f"{row[at]:.6f}") for at, name in enumerate(shares)}
    return cells | columns, "the label and the probability of each, by the fold that had not seen the row"


def _line(place: str) -> str:
    """The line or row that a place names, whatever the folder of its file is called."""
    return place.rpartition(":")[2]


def _listed(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) * bool(given) if isinstance(given, str) else tuple(given)


def _stated(recipe: Recipe) -> tuple[str, ...]:
    """The columns that are read, as a recipe says before there is a model."""
    data = recipe.data.model_dump()
    return next((names for key in READ if (names := _listed(data.get(key, "")))), ())
