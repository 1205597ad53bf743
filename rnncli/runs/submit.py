"""A submission: the predictions of a run, or the mean of its folds', in the layout that a competition wants."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data import progress
from rnncli.data.tables.sentences import with_lists
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
from rnncli.tasks.predictors import Predictor

SORTED = 8192
"""Rows of which those of like length are predicted together."""
TEXT, LABEL = "text_column", "label_column"


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
    """What is known before there are predictions: the rows, the columns of their texts, the layout."""

    table: Table
    texts: tuple[str, ...]
    layout: SubmissionLayout
    wanted: Choices


def submit(
    run: Path, test: Path, out: Path, *, like: Path | None = None, wanted: Choices, columns: Sequence[str] = ()
) -> Submission:
    """Write the predictions of a run for the rows of ``test`` into the file ``out``, in the layout of ``like``.

    ``columns`` hold the texts, where they are not those of training. Of a cross-validation the folds' probabilities are
    averaged. Raises DataError, RunError and UsageError.
    """
    require_run(run, "submit")
    require_new(out)
    directory = RunDirectory.open(run)
    planned = plan(read_run_recipe(directory.recipe), test, like, wanted, columns)
    return _fulfilled(directory.path, planned, out)


def check(recipe: Recipe, test: Path, like: Path | None) -> None:
    """Raise what :func:`submit` would raise of its files, as far as that is known before a recipe has been run."""
    plan(recipe, test, like, Choices(), trained=False)


def plan(
    recipe: Recipe,
    test: Path,
    like: Path | None,
    wanted: Choices,
    columns: Sequence[str] = (),
    *,
    trained: bool = True,
) -> SubmissionPlan | None:
    """All that can be found out without a model; None where the recipe was not ``trained`` and leaves too much open."""
    data = recipe.data.model_dump()
    if TEXT not in data or LABEL not in data:
        what = f"a run of task {recipe.task}, where submissions are made of runs that give texts labels"
        raise UsageError(what, "rnncli predict RUN FILE writes what it predicts")
    table = read_file(existing(test), data.get("encoding", "auto"), data["header"])
    sample = None if like is None else SampleFile.read(like)
    texts = tuple(columns) or _listed(data[TEXT]) or (("text",) if trained else ())
    for name in texts:
        if name not in table.columns:
            raise DataError(f'{test}: no column "{name}"', f"--text-column NAME, one of: {', '.join(table.columns)}")
    if not texts and sample is None:
        return None
    found = layout(table, sample, wanted, texts, data[LABEL] or "label")
    return SubmissionPlan(with_lists(table, texts), texts, found, wanted)


def _fulfilled(run: Path, plan: SubmissionPlan | None, out: Path) -> Submission:
    """Predict what is planned with the models of a run, and write it."""
    assert plan is not None
    predicted = _mean([_predicted(path, plan.table, plan.texts) for path in _models(RunDirectory(run))])
    return _written(run, plan, out, predicted, plan.layout.notes + _blank(plan))


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
    texts = _listed(recipe.data.model_dump().get(TEXT, ""))
    found = _fold_layout(whole, like, wanted, texts, predicted)
    left = len(table) - len(at)
    notes = (f"not predicted: {left:,} of the rows, which training dropped",) if left else ()
    return _written(run, SubmissionPlan(whole, texts, found, wanted), out, predicted, notes)


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


def _predicted(path: Path, table: Table, columns: Sequence[str]) -> Predicted:
    """What the model of a run predicts of the rows of a table."""
    predictor = predictor_of(load(path))
    texts = list(_texts(table, columns))
    rows: list[Any] = [None] * len(texts)
    for start in range(0, len(texts), SORTED):
        places = sorted(range(start, min(start + SORTED, len(texts))), key=lambda at: len(texts[at]))
        for first in range(0, len(places), predictor.together):
            chunk = places[first : first + predictor.together]
            for at, row in zip(chunk, _rows(predictor, [texts[at] for at in chunk]), strict=True):
                rows[at] = row
        progress.tell("rows", min(start + SORTED, len(texts)), len(texts))
    return _of_rows(rows)


def _rows(predictor: Predictor, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Only what a submission needs, since texts may be long and many."""
    found = predictor.predict([predictor.parse(text) for text in texts])
    return [{key: row.get(key) for key in ("label", "probabilities")} for row in found]


def _texts(table: Table, columns: Sequence[str]) -> Iterator[str]:
    """The rows of a table as a predictor parses them: objects of JSON where a text may be taken for one."""
    if len(columns) == 1:
        for text in table.texts(columns[0]):
            yield json.dumps({"text": text}) if text.lstrip().startswith("{") else text
        return
    for values in zip(*(table.texts(column) for column in columns), strict=True):
        yield json.dumps(dict(zip(columns, values, strict=True)))


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
    blank = sum(not "".join(row).strip() for row in zip(*map(plan.table.texts, plan.texts), strict=True))
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
