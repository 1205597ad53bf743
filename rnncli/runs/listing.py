"""What is under a folder of runs: state, score, age, size; and how to be rid of a run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnncli.errors import RunError, UsageError
from rnncli.metrics.metric import Unit
from rnncli.runs import lock
from rnncli.runs.directory import RunDirectory
from rnncli.runs.outcome import runs_under
from rnncli.runs.recipes import read_run_recipe

RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"


@dataclass(frozen=True)
class RunFacts:
    """A run at a glance: ``state`` is running, finished, or how it ended otherwise: failed, interrupted, stopped.

    ``age`` is how many seconds ago it was last written to, ``size`` its bytes on disk; ``score`` that of ``metric``,
    which a person reads as ``title``.
    """

    path: str
    task: str
    recipe: str
    state: str
    metric: str
    title: str
    score: float | None
    unit: Unit
    epochs: int
    age: float
    size: int


def list_runs(folder: Path) -> list[RunFacts]:
    """The runs anywhere below ``folder``, the latest last; RunError where it is no folder."""
    if not folder.is_dir():
        raise RunError(f"{folder}: there is no such folder", "name a folder of runs; rnncli batch and run make runs/")
    return sorted(map(facts, runs_under(folder)), key=lambda one: -one.age)


def facts(path: Path) -> RunFacts:
    """What there is to say of the run at ``path``; a damaged one is said to be so, too."""
    run = RunDirectory(path)
    files = list(_files(path))
    task = recipe = metric = title = ""
    score, unit, epochs, state = None, "share", 0, "damaged"
    with suppress(RunError):
        loaded = read_run_recipe(run.recipe)
        task, recipe = loaded.task, loaded.name
        record = run.read_record()
        if run.report.is_file():
            report = run.read_report()
            watched = str(record.get("watched"))
            metric = watched if watched in report.metrics else next(iter(report.metrics), "")
            if metric:
                title, score, unit = report.title(metric), report.metrics[metric].value, report.metrics[metric].unit
            epochs = report.training.epochs
        state = _state(run, str(record.get("state", "")))
    latest = max((file.st_mtime for file in files), default=time.time())
    size = sum(file.st_size for file in files)
    age = max(0.0, time.time() - latest)
    return RunFacts(str(path), task, recipe, state, metric, title, score, unit, epochs, age, size)


def remove(paths: Sequence[Path]) -> None:
    """Remove runs, whole; RunError, before anything is removed, where one is no run or is being worked on."""
    for path in paths:
        RunDirectory.open(path)
        if (process := lock.holder(path)) != 0:
            raise RunError(f"{path}: process {process} works on this run", "wait for it to end, or stop it first")
    for path in paths:
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise RunError(
                f"{path}: cannot be removed: {error.strerror or error}", "see who may write there"
            ) from error


def named_runs(names: Iterable[str]) -> list[Path]:
    """The runs of these names, each a run itself and no folder of them; UsageError for anything else."""
    paths = [Path(os.path.expanduser(name)) for name in names]
    for path in paths:
        if os.path.isdir(path) and not (path / "recipe.yaml").is_file() and any(runs_under(path)):
            raise UsageError(f"{path} is a folder of runs, not a run", f"name them: {path}/*")
    return paths


def _files(path: Path) -> Iterator[os.stat_result]:
    """What is on disk; training may replace files while they are listed."""
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                yield os.stat(os.path.join(folder, name))


def _state(run: RunDirectory, recorded: str) -> str:
    """What the record says, unless the process that wrote it is gone."""
    if lock.holder(run.path):
        return RUNNING
    if run.is_done:
        return FINISHED
    return STOPPED if recorded in (RUNNING, "") else recorded
