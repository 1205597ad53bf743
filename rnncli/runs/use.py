"""Use a finished run: load its best model, score further data, predict."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import torch

from rnncli import tasks
from rnncli.core import device
from rnncli.core.device import Placement
from rnncli.errors import DataError, RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report, TrainingSummary
from rnncli.runs.directory import RunDirectory
from rnncli.runs.groups import require_groups
from rnncli.runs.model import place
from rnncli.runs.recipes import asked_recipe
from rnncli.runs.score import Model, predictions, report
from rnncli.tasks.base import FilePredictor, Fitted, LinePredictor, Predictor, StreamPredictor, WritingPredictor
from rnncli.train import checkpoint

FILE_NAME = re.compile(r"\S+\.(csv|tsv|jsonl?|parquet|txt|conll\w*|bmes|bio|iob2?)(\.gz)?", re.IGNORECASE)
"""What is meant for a file, though it may not be there."""


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
        raise RunError(f"{path} is a cross-validation and has a model a fold", f"name one of them: {run.folds / '0'}")
    # Further files are read as this run was asked to read its own: their columns may have other names.
    recipe = asked_recipe(run, "data.")
    placement = _placement(recipe)
    best = checkpoint.load(run.best)
    fitted = tasks.load(recipe.task).load(recipe, run.vocabulary)
    model = fitted.build()
    checkpoint.load_weights(model, best, run.best)
    run = RunDirectory(run.path.absolute())  # found also when the program has gone elsewhere
    return Trained(run, recipe, fitted, model.to(placement.device).eval(), placement, best.meta)


def evaluate(path: Path, *, data: Path | None = None, split: str = "test") -> Report:
    """Score the best model of the run at ``path`` on ``split`` of its own data, or on the labelled file ``data``."""
    return score(load(path), data=data, split=split)


def score(trained: Trained, *, data: Path | None = None, split: str = "test") -> Report:
    """Score a loaded model as :func:`evaluate` does."""
    recipe, fitted = trained.recipe, trained.fitted
    task = tasks.load(recipe.task)
    corpus = task.read_more(recipe, data) if data is not None else task.read(recipe)
    if split not in corpus.parts:
        raise UsageError(f"--split {split}: there is no such split", f"there are: {', '.join(corpus.parts)}")
    require_groups(recipe, corpus.parts[split])
    model = Model(recipe, fitted, trained.model, trained.placement)
    rows = predictions(model, corpus.parts[split], fitted.encode(corpus.parts[split]))
    return report(model, corpus, split if data is None else str(data), rows, _training_summary(trained))


def open_predictor(path: Path) -> Predictor:
    """A predictor with the best model of the run at ``path``."""
    return predictor_of(load(path))


def predictor_of(trained: Trained) -> Predictor:
    """A predictor with a loaded model."""
    task = tasks.load(trained.recipe.task)
    return task.predictor(trained.fitted, trained.model, trained.placement.device)


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
    return [row for chunk in _chunks(examples, predictor.together) for row in predictor.predict(chunk)]


def stream(
    predictor: Predictor, inputs: Sequence[str], stdin: TextIO, form: str = ""
) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """Examples of ``inputs`` with their predictions: texts, or one existing file, or ``-`` for ``stdin``.

    What comes on a stream is answered as it comes: examples that wait already share a batch, and no more wait than the
    predictor takes together. ``form`` is the predictor's name for the form of the input, empty to find out.
    """
    for examples in _given(predictor, inputs, stdin, form):
        yield list(zip(examples, predictor.predict(examples), strict=True))


def written(
    predictor: Predictor, inputs: Sequence[str], stdin: TextIO, form: str = "", answer: str = ""
) -> Iterator[list[str]]:
    """The predictions of :func:`stream` as they are written, in the form ``answer``, empty for that of the input."""
    if is_heard(predictor, inputs):
        _require_form(predictor, form)
        assert isinstance(predictor, StreamPredictor)
        yield from ([text] for text in predictor.hear(stdin.buffer, answer))
        return
    for examples in _given(predictor, inputs, stdin, form):
        if isinstance(predictor, WritingPredictor):
            yield list(predictor.write(examples, answer))
        else:
            rows = zip(examples, predictor.predict(examples), strict=True)
            yield [predictor.text(example, row, answer) for example, row in rows]


def _given(predictor: Predictor, inputs: Sequence[str], stdin: TextIO, form: str) -> Iterator[list[Any]]:
    """The examples, at most as many at once as the predictor takes together."""
    together = predictor.together
    _require_form(predictor, form)
    if list(inputs) == ["-"]:
        assert isinstance(predictor, LinePredictor)
        return _live(predictor.listen(stdin, "stdin", form), together)
    return _chunks(_named(predictor, inputs, form), together)


def _named(predictor: Predictor, inputs: Sequence[str], form: str) -> Iterator[Any]:
    """The examples of one existing file, or of texts."""
    if len(inputs) == 1 and FILE_NAME.fullmatch(inputs[0]) and not _is_file(inputs[0]):
        raise DataError(f"{inputs[0]}: no such file", "a text that looks like a file name can come in on stdin: -")
    if len(inputs) == 1 and _is_file(inputs[0]):
        return predictor.read(Path(inputs[0]), form)
    return _parsed(predictor, inputs)


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
    return list(inputs) == ["-"] and isinstance(predictor, StreamPredictor)


def _require_form(predictor: Predictor, form: str) -> None:
    if form and form not in predictor.formats:
        raise UsageError(f"--format {form}: there is no such format", f"there are: {', '.join(predictor.formats)}")


@dataclass(frozen=True)
class _End:
    """What comes behind the last example of a stream; ``error`` is why it ended early."""

    error: Exception | None = None


def _live(examples: Iterator[Any], together: int) -> Iterator[list[Any]]:
    """The examples that wait, as many as there are at the time, but one at least; those before an error as well."""
    waiting: queue.Queue[Any] = queue.Queue(together)

    def read() -> None:
        try:
            for example in examples:
                waiting.put(example)
            waiting.put(_End())
        except UnicodeDecodeError as error:
            waiting.put(_End(DataError(f"stdin: {error}", "the stream must be UTF-8")))
        except Exception as error:
            waiting.put(_End(error))

    threading.Thread(target=read, daemon=True).start()
    end: _End | None = None
    while end is None:
        found = [waiting.get()]
        while len(found) < together and not isinstance(found[-1], _End) and not waiting.empty():
            found.append(waiting.get())
        if isinstance(found[-1], _End):
            end = found.pop()
        if found:
            yield found
    if end.error is not None:
        raise end.error


def closing(predictor: Predictor) -> str:
    """What a predictor says when all is done, empty for nothing."""
    return predictor.closing() if isinstance(predictor, FilePredictor) else ""


def _expanded(predictor: Predictor, text: str) -> list[str]:
    return predictor.expand(text) if isinstance(predictor, FilePredictor) else [text]


def _chunks(examples: Iterable[Any], together: int) -> Iterator[list[Any]]:
    remaining = iter(examples)
    while chunk := list(islice(remaining, together)):
        yield chunk


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a text too long or too odd to be a path
        return False


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
