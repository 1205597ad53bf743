"""Use a finished run: load its best model, score further data, predict."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import torch

from rnncli import tasks
from rnncli.core import device
from rnncli.core.device import Placement
from rnncli.data.regular import require_regular
from rnncli.errors import DataError, RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report, TrainingSummary
from rnncli.report.numbers import number, words
from rnncli.runs import advice, streams
from rnncli.runs.directory import RunDirectory
from rnncli.runs.groups import require_groups
from rnncli.runs.listing import facts
from rnncli.runs.model import build, place
from rnncli.runs.outcome import runs_under
from rnncli.runs.recipes import asked_recipe, finding, read_run_recipe, run_to_use, with_places
from rnncli.runs.score import Model, predictions, report
from rnncli.tasks.base import Corpus, Fitted, Row, ScoresSteps
from rnncli.tasks.predictors import (
    AheadPredictor,
    ClosingPredictor,
    FilePredictor,
    LinePredictor,
    Predictor,
    Records,
    StreamPredictor,
    WritingPredictor,
)
from rnncli.train import checkpoint
from rnncli.train.loop import evaluation_batches

FILE_NAME = re.compile(
    r"(~|\.\.?)/\S+|/\S+/\S+|\S+\.(csv|tsv|jsonl?|ndjson|parquet|txt|conll\w*|bmes|bio|iob2?|xlsx?)(\.gz)?",
    re.IGNORECASE,
)
"""What is meant for a file, though it may not be there."""
MOST_LISTED = 12
"""Runs of a folder that are listed where one is wanted."""
AS_TEXT = "a text that looks like a path can come in on stdin: -"


@dataclass(frozen=True)
class Trained:
    """The best model of a run, in evaluation mode on its device, and what belongs to it."""

    run: RunDirectory
    recipe: Recipe
    fitted: Fitted[Any]
    model: torch.nn.Module
    placement: Placement
    meta: dict[str, Any]


def load(path: Path) -> Trained:
    """Load the best model of the run at ``path``; raises RunError."""
    run = RunDirectory.open(path)
    if run.folds.is_dir():
        recipe = read_run_recipe(run.recipe)
        one = run_to_use(run, recipe) if recipe.folds else min(run.folds.iterdir(), default=run.folds)
        raise RunError(f"{path} has a model for each of its folds", f"name one of them: {one}")
    # Further files are read as this run was asked to read its own: their columns may have other names.
    recipe = asked_recipe(run, "data.")
    placement = _placement(recipe)
    best = checkpoint.load(run.best, holds={"epoch": int})
    fitted = tasks.load(recipe.task).load(recipe, run.vocabulary)
    model = build(fitted, placement)
    checkpoint.load_weights(model, best, run.best)
    run = RunDirectory(run.path.absolute())  # found also when the program has gone elsewhere
    return Trained(run, recipe, fitted, model.eval(), placement, best.meta)


def evaluate(path: Path, *, data: Path | None = None, split: str = "test", places: Sequence[str] = ()) -> Report:
    """Score the best model of the run at ``path`` on ``split`` of its own data, or on the labelled file ``data``.

    ``places`` say where its own data are now, as ``data.root=DIR``.
    """
    return score(_loaded(path, data, places), data=data, split=split)


def score(trained: Trained, *, data: Path | None = None, split: str = "test") -> Report:
    """Score a loaded model as :func:`evaluate` does."""
    model, corpus = _to_score(trained, data, split)
    rows = predictions(model, corpus.parts[split], model.fitted.encode(corpus.parts[split]))
    found = report(model, corpus, split if data is None else str(data), rows, _training_summary(trained))
    return advice.scored(found, trained.recipe)


def step_scores(
    path: Path, *, data: Path | None = None, split: str = "test", places: Sequence[str] = ()
) -> Iterator[Row]:
    """What each step costs of what :func:`evaluate` scores; UsageError for a run of a task that does not tell."""
    found = _loaded(path, data, places)
    if not isinstance(found.fitted, ScoresSteps):
        what = f"{path}: a run of task {found.recipe.task}, which scores examples as a whole"
        raise UsageError(what, "leave --score away; the run keeps what it predicted in predictions/")
    model, corpus = _to_score(found, data, split)
    part = corpus.parts[split]
    examples = model.fitted.encode(part)
    batches = evaluation_batches(examples, model.recipe.train, model.placement.device)
    with torch.no_grad(), model.placement.autocast():
        yield from found.fitted.scores(model.module, part, examples, batches)


def _to_score(trained: Trained, data: Path | None, split: str) -> tuple[Model, Corpus]:
    """The model, and a corpus with the part ``split``: its own, or the labelled file ``data``."""
    recipe = trained.recipe
    task = tasks.load(recipe.task)
    if data is not None:
        require_regular(data)
        corpus = task.read_more(recipe, data)
    else:
        with finding(recipe, f"rnncli evaluate {trained.run.path} {{}}, or --data FILE for another file"):
            corpus = task.read(recipe)
    if split not in corpus.parts:
        raise UsageError(f"--split {split}: there is no such split", f"there are: {', '.join(corpus.parts)}")
    require_groups(recipe, corpus.parts[split])
    return Model(recipe, trained.fitted, trained.model, trained.placement), corpus


def _loaded(path: Path, data: Path | None, places: Sequence[str]) -> Trained:
    """The best model of a run, to be scored on ``data`` or on its own, which lie at ``places`` now."""
    if data is not None and places:
        raise UsageError("--data names another file, and no place of the run's own data", "leave one of them away")
    found = load(path)
    return replace(found, recipe=with_places(found.recipe, places))


def require_run(path: Path, command: str) -> None:
    """RunError for a folder of runs, which lists them as ``command`` takes them."""
    if not (path / "recipe.yaml").is_file() and (found := list(islice(runs_under(path), MOST_LISTED + 1))):
        named = "\n".join(f"rnncli {command} {run}{_told(run)}" for run in found[:MOST_LISTED])
        more = f"\nand others: rnncli runs list {path}" if len(found) > MOST_LISTED else ""
        raise RunError(f"{path}: a folder of runs, not a run", named + more)


def open_predictor(path: Path) -> Predictor:
    """A predictor with the best model of the run at ``path``; RunError for a folder of runs, which lists them."""
    require_run(path, "predict")
    return predictor_of(load(path))


def predictor_of(trained: Trained) -> Predictor:
    """A predictor with a loaded model."""
    task = tasks.load(trained.recipe.task)
    return task.predictor(trained.fitted, trained.model, trained.placement.device)


def looking_ahead(predictor: Predictor, future: Path | Records | None, levels: Sequence[float]) -> Predictor:
    """The predictor told what is known of the steps ahead, and which quantiles to give, none for its usual ones.

    Raises UsageError where it is none that looks ahead, and for a level that is no share between 0 and 1.
    """
    if future is None and not levels:
        return predictor
    what = "--future" if future is not None else "--quantiles"
    if not isinstance(predictor, AheadPredictor):
        raise UsageError(f"{what} is for runs that forecast series, and this one does not", f"leave {what} away")
    for level in levels:
        if not 0 < level < 1:
            meant = f"{level / 100:g}" if level in range(1, 100) else "0.1,0.5,0.9"
            raise UsageError(f"--quantiles {level:g}: a level lies between 0 and 1", f"such as --quantiles {meant}")
    return predictor.given(future, sorted(set(levels)))


def usual_inputs(predictor: Predictor) -> list[str]:
    """The inputs where none is named: stdin, or none where the predictor goes on behind what was trained on."""
    return [] if isinstance(predictor, AheadPredictor) else ["-"]


def predict_behind(predictor: AheadPredictor, rows: Records | None) -> list[dict[str, Any]]:
    """A JSON-ready row for each step behind rows at hand, or behind what was trained on; raises DataError."""
    return _predicted(predictor, predictor.behind(rows))


def predict(predictor: Predictor, inputs: Sequence[str | Path]) -> list[dict[str, Any]]:
    """A JSON-ready row for each example of ``inputs``; raises DataError.

    Strings are taken as by :func:`stream`, but none is a stream; a path is a file, or a folder of files where the
    predictor's inputs are files.
    """
    texts = [one for one in inputs if isinstance(one, str)]
    if len(texts) == len(inputs):
        examples = _named(predictor, texts, "")
    else:
        each = (_in_file(predictor, one) if isinstance(one, Path) else _parsed(predictor, [one]) for one in inputs)
        examples = chain.from_iterable(each)
    return _predicted(predictor, examples)


def _predicted(predictor: Predictor, examples: Iterable[Any]) -> list[dict[str, Any]]:
    return [row for chunk in _chunks(examples, predictor.together) for row in predictor.predict(chunk)]


def stream(
    predictor: Predictor, inputs: Sequence[str], stdin: BinaryIO | None, form: str = ""
) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """Examples of ``inputs`` with their predictions: texts, or one existing file, or ``-`` for ``stdin``, or a pipe.

    No input at all is for predictors that go on behind the data that were trained on.

    What comes on a stream is answered as it comes: examples that wait already share a batch, and no more wait than the
    predictor takes together. ``form`` is the predictor's name for the form of the input, empty to find out.
    """
    for examples in _given(predictor, inputs, stdin, form):
        yield list(zip(examples, predictor.predict(examples), strict=True))


def written(
    predictor: Predictor, inputs: Sequence[str], stdin: BinaryIO | None, form: str = "", answer: str = ""
) -> Iterator[list[str]]:
    """The predictions of :func:`stream` as they are written, in the form ``answer``, empty for that of the input."""
    if is_heard(predictor, inputs):
        _require_form(predictor, form)
        assert isinstance(predictor, StreamPredictor)
        yield from ([text] for text in predictor.hear(streams.opened(inputs[0], stdin), answer))
        return
    for examples in _given(predictor, inputs, stdin, form):
        if isinstance(predictor, WritingPredictor):
            yield list(predictor.write(examples, answer))
        else:
            rows = zip(examples, predictor.predict(examples), strict=True)
            yield [predictor.text(example, row, answer) for example, row in rows]


def _given(predictor: Predictor, inputs: Sequence[str], stdin: BinaryIO | None, form: str) -> Iterator[list[Any]]:
    """The examples, at most as many at once as the predictor takes together."""
    together = predictor.together
    _require_form(predictor, form)
    if not inputs:
        assert isinstance(predictor, AheadPredictor)
        return _chunks(predictor.behind(), together)
    if len(inputs) == 1 and streams.is_stream(inputs[0]):
        assert isinstance(predictor, LinePredictor)
        lines = streams.lines_of(inputs[0], stdin)
        return streams.waiting(predictor.listen(lines, streams.shown(inputs[0]), form), together)
    return _chunks(_named(predictor, inputs, form), together)


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


def _in_file(predictor: Predictor, path: Path) -> Iterator[Any]:
    if path.is_dir() and isinstance(predictor, FilePredictor):
        return _parsed(predictor, [str(path)])
    if not path.is_file():
        wrong = "a folder, where a file is wanted" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {wrong}", "a path names a file to read; give a text as a string")
    return predictor.read(path)


def is_heard(predictor: Predictor, inputs: Sequence[str]) -> bool:
    """Whether the input is a stream that is no text, to be answered by :func:`written`."""
    return len(inputs) == 1 and streams.is_stream(inputs[0]) and isinstance(predictor, StreamPredictor)


def _require_form(predictor: Predictor, form: str) -> None:
    if form and form not in predictor.formats:
        raise UsageError(f"--format {form}: there is no such format", f"there are: {', '.join(predictor.formats)}")


def closing(predictor: Predictor) -> str:
    """What a predictor says when all is done, empty for nothing."""
    return predictor.closing() if isinstance(predictor, ClosingPredictor) else ""


def _expanded(predictor: Predictor, text: str) -> list[str]:
    return predictor.expand(text) if isinstance(predictor, FilePredictor) else [text]


def _chunks(examples: Iterable[Any], together: int) -> Iterator[list[Any]]:
    remaining = iter(examples)
    while chunk := list(islice(remaining, together)):
        yield chunk


def _told(path: Path) -> str:
    """What there is to say of a run, such as its score."""
    one = facts(path)
    score = f", {words(one.metric)} {number(one.score, one.unit)}" if one.metric else ""
    return f"   ({one.task}, {one.state}{score})"


def _placement(recipe: Recipe) -> Placement:
    """Where to work now: as the recipe says, or on the CPU where its device is absent here."""
    try:
        placement = place(recipe)
    except UsageError:
        placement = device.choose("cpu", "fp32", tf32=False, deterministic=False, threads=recipe.compute.threads)
    placement.apply()
    return placement


def _training_summary(trained: Trained) -> TrainingSummary:
    if trained.run.report.exists():
        return trained.run.read_report().training
    return TrainingSummary(0.0, 0, trained.meta["epoch"], 0.0, str(trained.placement.device))
