"""The program for Python: run a recipe, load what it trained, compare runs.

What can go wrong is raised as a :class:`~rnncli.errors.UserError`, which has a sentence and a hint. Nothing is printed;
``observe`` hears how a run goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncli import tasks
from rnncli.errors import RecipeError, UsageError
from rnncli.runs.directory import RunDirectory
from rnncli.runs.recipes import data_keys, flat, load_recipe, recipe_of_task

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe
    from rnncli.report.build import Report
    from rnncli.report.comparison import Comparison
    from rnncli.runs.events import Happening
    from rnncli.runs.use import Trained
    from rnncli.tasks.predictors import FileWriter, Predictor, Records, TextWriter

    Rows = Records | Any
    """Rows as dictionaries, or a data frame of pandas."""


@dataclass(frozen=True)
class Run:
    """A run that is done: its directory, as an absolute path, and what it reports.

    >>> import rnncli
    >>> done = rnncli.run(resume="runs/first")  # done before: nothing is trained
    >>> done.path.name
    'first'
    >>> done.report.metrics["accuracy"].value > 0.5
    True
    >>> done.model().predict("a good film")[0]["label"]
    'positive'
    """

    path: Path
    report: Report = field(repr=False)

    def model(self) -> TrainedModel:
        """Its best model, as by :func:`load`."""
        return load(self.path)


class TrainedModel:
    """The best model of a run, loaded to be used; :func:`load` makes it.

    >>> import rnncli
    >>> model = rnncli.load("runs/first")
    >>> model.path.name, model.task
    ('first', 'sentiment')
    >>> [row["label"] for row in model.predict(["a good film", "a bad film"])]
    ['positive', 'negative']
    >>> model.recipe.model.cell
    'gru'
    >>> model.evaluate("reviews.csv").examples
    60
    >>> [len(text) for text in rnncli.load("texts/prose").write("the cat ", length=20, samples=2)]
    [28, 28]
    """

    def __init__(self, trained: Trained) -> None:
        self.path = trained.run.path
        self.recipe: Recipe = trained.recipe
        self.task = trained.recipe.task
        self._trained = trained

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, task={self.task!r})"

    @property
    def report(self) -> Report:
        """What the run reported when it was done; raises RunError where it is not."""
        return RunDirectory(self.path).read_report()

    def predict(
        self,
        inputs: str | Path | Sequence[str | Path] | Rows | None = None,
        *,
        future: str | Path | Rows | None = None,
        quantiles: Sequence[float] = (),
        column: str | Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """One row an example, as ``rnncli predict`` writes them, in batches; raises DataError.

        A string is one example as a person types it: a text, a JSON object, the name of a file for a task of files;
        alone, it may also name a file of examples. A path is a file to read, of one example or many.

        Rows of a table, a csv's or those of a data frame or of dictionaries, have a row each, in order. Of one without
        a text, or whose file cannot be read, nothing is predicted: its label, say, is None. ``column`` is the column to
        predict from, or several, where it is not that of training.

        A forecaster takes a history: a file, or its rows as dictionaries or a data frame; without any it goes on behind
        the data of the run. ``future`` is likewise what is known of the steps ahead, ``quantiles`` the levels to give.
        """
        from rnncli.runs.predicting import InputForm, looking_ahead, predict, predict_behind, predict_rows
        from rnncli.runs.use import asking
        from rnncli.tasks.predictors import AheadPredictor, TablePredictor

        known = _located(future) if isinstance(future, str | Path) else _records("future", future)
        predictor = looking_ahead(self._predictor, known, quantiles)
        if isinstance(predictor, AheadPredictor) and not _are_names(inputs):
            return predict_behind(predictor, _records("predict", inputs))
        reading = InputForm(asked=asking(self._trained, (column,) if isinstance(column, str) else column))
        if isinstance(predictor, TablePredictor) and _are_rows(inputs):
            return predict_rows(predictor, _records("predict", inputs) or [], reading)
        if inputs is None:
            raise _wrong("predict", inputs, "a text or a path")
        each: list[Any] = [inputs] if isinstance(inputs, str | Path | bytes | Mapping) else list(inputs)
        for one in each:
            if not isinstance(one, str | Path):
                raise _wrong("predict", one, "a text or a path")
        return predict(predictor, each, reading)

    def write(
        self,
        prompt: str = "",
        *,
        primer: str | Path | None = None,
        harmonise: str | Path | None = None,
        soundfont: str | Path | None = None,
        length: int | None = None,
        bars: int | None = None,
        samples: int = 1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 1,
        stop: str = "",
        unknown: bool = False,
    ) -> list[str] | list[dict[str, bytes]]:
        """Samples of a model of texts or music, those of ``rnncli write`` with the same ``seed``.

        A text begins with its prompt, of which what was never learnt is left out. Of music each sample is the content
        of its files by their endings, ``.mid`` and ``.wav``. Raises DataError, and UsageError for a model that does not
        write and for what it has no use for.
        """
        from rnncli.runs.write import Asked, compositions, text_samples
        from rnncli.tasks.predictors import TextWriter
        from rnncli.tasks.write.sampling import Drawing

        start, melody, played = (None if one is None else _located(one) for one in (primer, harmonise, soundfont))
        drawing = Drawing(temperature, top_k, top_p, seed, unknown)
        asked = Asked(prompt, start, melody, played, length, bars, samples, stop, sampling=drawing)
        writer = self._writer
        if not isinstance(writer, TextWriter):
            return [dict(one.files) for one in compositions(writer, asked)[0]]
        asked.require_text()
        read = writer.prompt(prompt)
        return [read.text + "".join(one.pieces) for one in text_samples(writer, read, asked)]

    def evaluate(self, data: str | Path | None = None, *, split: str = "test") -> Report:
        """The report on ``split`` of the run's own data, or on the labelled file ``data``; raises DataError."""
        from rnncli.runs.use import score

        if data is not None:
            _require_named("data", data)
        return score(self._trained, data=None if data is None else _located(data), split=split)

    @cached_property
    def _predictor(self) -> Predictor:
        from rnncli.runs.use import predictor_of

        return predictor_of(self._trained)

    @cached_property
    def _writer(self) -> TextWriter | FileWriter:
        from rnncli.runs.write import writer_of

        return writer_of(self._trained)


def run(
    recipe: str | Path | None = None,
    *,
    data: str | Path | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    start_from: str | Path | Run | None = None,
    resume: str | Path | None = None,
    observe: Callable[[Happening], Any] | None = None,
    **overrides: Any,
) -> Run:
    """Train, evaluate and report what ``recipe`` says, in a new directory under ``runs/`` or at ``out``.

    ``recipe`` is a file, the name of a shipped recipe, or that of a task: its default recipe, or with ``data`` the one
    for a user's own data. ``data`` is a file or folder to train on; as a dictionary it is the recipe's section of that
    name. Overrides are keys of the recipe, sections as dictionaries or with dots.

    >>> import rnncli
    >>> small = {"hidden": 8, "embedding": 8, "evidence": "off"}
    >>> done = rnncli.run("sentiment", data="reviews.csv", model=small, train={"epochs": 2}, seed=2, out="runs/second")
    >>> done.report.training.epochs
    2
    >>> keys = {"model.hidden": 8, "train.epochs": 1}
    >>> heard = []
    >>> done = rnncli.run("sentiment/default", **keys, data={"folds": 0}, out="runs/third", observe=heard.append)
    >>> type(heard[0]).__name__
    'RunOpened'

    ``start_from`` is a run whose best model and vocabulary training begins with; what decides on the model is then as
    there, unless it is stated here.

    >>> more = {"data": "reviews.csv", "train": {"epochs": 1}, "out": "runs/fourth"}
    >>> done = rnncli.run("sentiment", start_from="runs/first", **more)
    >>> any(note.startswith("training begins with the best model of") for note in done.report.notes)
    True

    ``resume`` is a run to go on with, by its own recipe; where ``recipe`` is given too, it must be the same. Without it
    ``train={"epochs": 20}`` goes on to more epochs, and ``data={"root": ...}`` says where the data are now.
    ``observe`` is called with each of the events of ``rnncli.runs.events``. Ctrl-C saves the state and raises
    Interrupted. Raises UsageError, RecipeError, DataError, RunError or TrainingError.
    """
    if resume is not None and out is not None:
        raise UsageError("resume goes on in the run's own directory", "leave out= away")
    if resume is not None and start_from is not None:
        raise UsageError("resume goes on with a run, start_from begins a new one", "leave one of them away")
    if resume is None and recipe is None:
        raise UsageError("name a recipe to run", 'rnncli.run("sentiment/default"), say')
    if data is not None and not isinstance(data, Mapping):
        if resume is not None and recipe is None:
            raise UsageError("resume goes on with the run's own data", 'data={"root": FOLDER} where they have moved')
        _require_named("data", data)
    if start_from is not None:
        overrides |= {"train.from_run": str(_located(_path(start_from)))}
    loaded = None if recipe is None else _recipe(recipe, data, overrides)

    from rnncli.runs import start
    from rnncli.runs.events import unobserved

    hear = observe or unobserved
    if resume is not None:
        changes = [] if loaded else _assignments(data, overrides)
        done = start.resume(_located(resume), loaded, changes=changes, observe=hear)
    else:
        assert loaded is not None
        done = start.start(loaded, out=None if out is None else _located(out), observe=hear)
    return Run(done.path.absolute(), done.report)


def load(path: str | Path) -> TrainedModel:
    """The best model of the run at ``path``, on the device that its recipe names if it is here; raises RunError.

    >>> import rnncli
    >>> rnncli.load("runs/first").predict("a good film")[0]["label"]
    'positive'
    """
    from rnncli.runs import use

    return TrainedModel(use.load(_located(path)))


def compare(
    runs: str | Path | Run | Iterable[str | Path | Run],
    *,
    base: str | Path | Run = "",
    metrics: str | Sequence[str] = (),
) -> Comparison:
    """Finished runs side by side: those that differ in their seed alone are one setting.

    ``runs`` are runs, folders of them or patterns; ``base`` is what the others are tested against, a run or the name of
    a setting, else the one that a batch was given, else the first; ``metrics`` empty takes the one that the first run
    was trained for. Raises RunError, and UsageError also for runs of several tasks.

    >>> import rnncli
    >>> found = rnncli.compare("runs/first", metrics=["accuracy"])
    >>> found.settings[0].scores["accuracy"].mean > 0.5
    True
    """
    from rnncli.comparison.compare import compare as compare_runs

    named = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    metrics = [metrics] if isinstance(metrics, str) else metrics
    return compare_runs([_path(one) for one in named], base=_path(base), metrics=metrics)


def _require_named(name: str, place: Any) -> None:
    """A file or folder that is named: TypeError for anything else, UsageError for an empty name."""
    if not isinstance(place, str | Path):
        raise _wrong(name, place, "the name of a file or folder")
    if place == "":
        raise UsageError(f"{name}= names no file or folder", f"name one, or leave {name}= away")


def _are_names(inputs: Any) -> bool:
    """Whether inputs are a text or a path, or several."""
    several = isinstance(inputs, Sequence) and len(inputs) > 0 and all(isinstance(one, str | Path) for one in inputs)
    return isinstance(inputs, str | Path) or several


def _are_rows(inputs: Any) -> bool:
    """Whether inputs are a data frame, or several dictionaries."""
    is_frame = hasattr(inputs, "to_dict") and hasattr(inputs, "columns")
    several = isinstance(inputs, Sequence) and len(inputs) > 0 and all(isinstance(one, Mapping) for one in inputs)
    return is_frame or several


def _records(name: str, rows: Any) -> Records | None:
    """Rows of a table as dictionaries, those of a data frame, too; TypeError for anything else."""
    if rows is None:
        return None
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        return rows.to_dict("records")
    several = isinstance(rows, Iterable) and not isinstance(rows, str | bytes | Mapping)
    found: list[Any] = list(rows) if several else [rows]
    for one in found:
        if not several or not isinstance(one, Mapping):
            raise _wrong(name, one, "a path, or rows as dictionaries")
    return found


def _located(path: str | Path) -> Path:
    """A path, of which ~ is the user's home."""
    return Path(os.path.expanduser(path))


def _wrong(name: str, value: Any, wanted: str) -> TypeError:
    return TypeError(f"{name}: {wanted} is wanted, not a value of type {type(value).__name__}")


def _path(run: str | Path | Run) -> str:
    return str(run.path if isinstance(run, Run) else run)


def _recipe(name: str | Path, data: str | Path | Mapping[str, Any] | None, overrides: Mapping[str, Any]) -> Recipe:
    section = {"data": data} if isinstance(data, Mapping) else {}
    own = isinstance(data, str | Path)
    options = data_keys(str(data), "data") if own else {}
    for key, value in flat(_plain({**section, **overrides}, "")).items():
        options[key] = ("rnncli.run", value)
    if isinstance(name, str) and name in tasks.names():
        return load_recipe(recipe_of_task(name, own_data=own), (), options, task=name)
    return load_recipe(str(name), (), options)


def _assignments(data: Any, overrides: Mapping[str, Any]) -> list[str]:
    """Overrides as a command line has them."""
    section = {"data": data} if isinstance(data, Mapping) else {}
    return [f"{key}={value}" for key, value in flat(_plain({**section, **overrides}, "")).items()]


def _plain(value: Any, key: str) -> Any:
    """A value in the types that a recipe has; numbers of numpy have a plain one. Raises RecipeError."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one, f"{key}.{name}".lstrip(".")) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, key) for one in value]
    if isinstance(value, Path):
        return str(value)
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    kind = type(value).__name__
    raise RecipeError(f"rnncli.run: {key}: a value of type {kind}", "give a number, a text, a list or a dictionary")
