"""How long the runs of a batch may take: from those that are done, else from parts of a run that are carried out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rnncli.batch.ledger import Ledger
from rnncli.batch.plan import Planned
from rnncli.errors import RunError
from rnncli.runs.directory import RunDirectory

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe
    from rnncli.tasks.base import Corpus, Fitted
    from rnncli.train.loop import Trainer

STEPS, SECONDS = 20, 3.0
"""Steps that are timed behind the first, or as many as fit into these seconds."""


@dataclass(frozen=True)
class RunSeconds:
    """Seconds of a run: of all its epochs, of its rivals, and of all else."""

    epochs: float
    rivals: float
    others: float


def estimates(planned: Sequence[Planned], left: Sequence[Planned], folder: Path, threads: int = 0) -> dict[str, float]:
    """Seconds of the runs that are left: as long as other seeds took, else at most, from parts of one of them.

    Parts are timed with ``threads`` as a run of the batch has them, 0 for all. What is not training takes as long as in
    runs of the batch that are done, and the rivals of one corpus are timed once.
    """
    known = _by_setting(planned, {name: one for name, one in Ledger(folder).finished().items() if one})
    others = _but_training(planned, folder)
    rivals: dict[str, float] = {}
    start = 0.0
    for one in left:
        if _but_seed(one) in known:
            continue
        start = start or _start_seconds()
        data, done = _data(one), others.get(_data(one))
        parts = measure(one.recipe, threads, alone=done is None and data not in rivals, scored=done is None)
        rivals.setdefault(data, parts.rivals)
        known[_but_seed(one)] = parts.epochs + (start + parts.others + rivals[data] if done is None else done)
    return {one.name: known[_but_seed(one)] for one in left}


def expected(planned: Sequence[Planned], took: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each run by those of the runs that are done: as long as other seeds, else as the others in the mean.

    Empty where none is done.
    """
    if not took:
        return {}
    known, usual = _by_setting(planned, took), fmean(took.values())
    return {one.name: known.get(_but_seed(one), usual) for one in planned}


def measure(recipe: Recipe, threads: int = 0, *, alone: bool = True, scored: bool = True) -> RunSeconds:
    """Seconds of a run by ``recipe``, all its epochs and folds counted, from some steps and one evaluation.

    Rivals are trained once with ``alone``, and the test part is scored with ``scored``; else they count as nothing.
    """
    from rnncli.runs.events import unobserved
    from rnncli.runs.prepare import prepare

    folds = recipe.folds
    if folds:
        recipe = recipe.of_fold(0)
    if threads and not recipe.compute.threads:
        recipe = recipe.model_copy(update={"compute": recipe.compute.model_copy(update={"threads": threads})})
    begun = time.monotonic()
    found = prepare(None, recipe, unobserved)
    corpus, fitted, trainer = found.corpus, found.fitted, found.trainer
    preparing = time.monotonic() - begun
    epoch, once = _epoch(fitted, trainer)
    split = "test" if "test" in corpus.parts else "dev"
    scoring = _timed(lambda: _score(recipe, corpus, fitted, trainer, split)) if scored else 0.0
    rivals = _timed(lambda: fitted.baselines(corpus.parts, split)) if alone and recipe.evaluation.baselines else 0.0
    times = max(1, folds)
    return RunSeconds(times * trainer.extent.epochs * epoch, times * rivals, once + times * (preparing + scoring))


def _epoch(fitted: Fitted[Any], trainer: Trainer) -> tuple[float, float]:
    """Seconds of an epoch with its evaluation, and those that only the first takes, as kernels are compiled in it."""
    total, times = _steps(trainer)
    step = fmean(times[1:] or times)
    first, evaluation = (_timed(lambda: _validate(fitted, trainer)) for _ in range(2))
    return total * step + evaluation, max(0.0, times[0] - step) + max(0.0, first - evaluation)


def _steps(trainer: Trainer) -> tuple[int, list[float]]:
    """How many steps an epoch has, and the seconds of the first ones."""
    from rnncli.train.loop import StepDone

    times: list[float] = []
    total = 1
    last = time.monotonic()
    for event in trainer.events():
        if isinstance(event, StepDone):
            total = event.total
            times.append(time.monotonic() - last)
        if len(times) > STEPS or sum(times[1:]) > SECONDS:  # however long the first one took
            break
        last = time.monotonic()
    return total, times or [0.0]


def _validate(fitted: Fitted[Any], trainer: Trainer) -> None:
    import torch

    from rnncli.train.loop import evaluation_batches

    trainer.model.eval()
    with torch.no_grad(), trainer.autocast():
        batches = evaluation_batches(trainer.dev, trainer.settings, trainer.device)
        fitted.validate(trainer.model, trainer.dev, batches)


def _score(recipe: Recipe, corpus: Corpus, fitted: Fitted[Any], trainer: Trainer, split: str) -> None:
    """What comes behind training, with a model that has hardly learnt."""
    from rnncli.report.build import TrainingSummary
    from rnncli.runs.model import place
    from rnncli.runs.reach import gradient_reach
    from rnncli.runs.score import Model, predictions, report

    model = Model(recipe, fitted, trainer.model.eval(), place(recipe))
    rows = predictions(model, corpus.parts[split], fitted.encode(corpus.parts[split]))
    report(model, corpus, split, rows, TrainingSummary(0.0, 0, 0, 0.0, str(trainer.device)))
    gradient_reach(fitted, trainer.model, trainer.dev, trainer.settings, trainer.device)


def _timed(work: Any) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _start_seconds() -> float:
    """Seconds until a process has loaded what a run needs, where this one has not yet."""
    begun = time.monotonic()
    import rnncli.runs.start  # noqa: F401 - to see how long it takes

    return time.monotonic() - begun


def _but_training(planned: Sequence[Planned], folder: Path) -> dict[str, float]:
    """Seconds that runs of the batch which are done took beside their training, in the mean, by their data."""
    took = Ledger(folder).finished()
    found: dict[str, list[float]] = {}
    for one in planned:
        with suppress(RunError):
            if seconds := took.get(one.name):
                training = RunDirectory(folder / one.name).read_report().training.seconds
                found.setdefault(_data(one), []).append(max(0.0, seconds - training))
    return {data: fmean(each) for data, each in found.items()}


def _by_setting(planned: Sequence[Planned], took: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for one in planned:
        if one.name in took:
            found.setdefault(_but_seed(one), []).append(took[one.name])
    return {setting: fmean(each) for setting, each in found.items()}


def _but_seed(planned: Planned) -> str:
    return json.dumps([planned.source, *(one for one in planned.settings if not one.startswith("seed="))])


def _data(planned: Planned) -> str:
    """What decides how long rivals, reading and scoring take: the task, its data and what is evaluated."""
    recipe = planned.recipe
    return json.dumps([recipe.task, recipe.data.model_dump(mode="json"), recipe.evaluation.model_dump(mode="json")])
