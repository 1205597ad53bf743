"""Carry out a batch: some runs at a time, each in a process of its own, whatever becomes of the others.

What is done is known from the run directories alone: a run is done where it has a report. So a batch that was killed at
any instant goes on from what is there, and the ledger only tells what happened.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnncli.batch.child import Child, Share, shares
from rnncli.batch.estimate import expected
from rnncli.batch.ledger import BEGUN, FAILED, FINISHED, INTERRUPTED, Ledger
from rnncli.batch.plan import Planned
from rnncli.errors import Interrupted, RunError, UsageError, UserError
from rnncli.metrics.metric import Unit
from rnncli.runs import lock
from rnncli.runs.directory import RunDirectory, clear_unnamed
from rnncli.runs.interrupt import interruptible
from rnncli.runs.recipes import asked_recipe, differences, read_run_recipe, with_absolute_places

TO_DO, TO_RESUME = "to do", "to resume"
POLL_SECONDS, LOOK_SECONDS = 0.05, 0.5
"""How often to see whether a run has ended, and how far it is."""


@dataclass(frozen=True)
class Ended:
    """A run of the batch: its state, FINISHED, FAILED or INTERRUPTED; ``before`` says that it was done already.

    ``score`` is that of metric ``metric`` where it is finished; ``seconds`` is how long it took in this batch.
    """

    name: str
    path: str
    state: str
    seconds: float = 0.0
    exit_code: int = 0
    error: str = ""
    metric: str = ""
    score: float | None = None
    unit: Unit = "share"
    before: bool = False


@dataclass(frozen=True)
class Begun:
    """A run was started, or is gone on with."""

    name: str
    resumed: bool


@dataclass(frozen=True)
class Waiting:
    """All that is left to do is being worked on by other processes."""

    name: str
    process: int


@dataclass(frozen=True)
class Standing:
    """How the batch stands: runs at work as (name, seconds, last epoch's metrics), how many are left, and ended.

    ``remaining`` are the seconds of work that are left in all, None while nothing tells.
    """

    working: tuple[tuple[str, float, dict[str, Any]], ...]
    left: int
    ended: tuple[Ended, ...]
    remaining: float | None = None


Happening = Begun | Ended | Waiting | Standing
Observer = Callable[[Happening], Any]


def state(folder: Path, planned: Planned) -> str:
    """TO_DO, TO_RESUME or FINISHED; UsageError where another run is in the place of this one."""
    path = folder / planned.name
    run = RunDirectory(path)
    if not run.recipe.is_file():
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"{path} is there and is no run", "name another --out")
        return TO_DO
    if changed := differences(asked_recipe(run), with_absolute_places(planned.recipe)):
        raise UsageError(
            f"{path} was begun with another recipe: {', '.join(changed)}",
            "name another --out, or remove that run: rnncli runs rm",
        )
    return FINISHED if run.is_done else TO_RESUME


def carry_out(planned: Sequence[Planned], folder: Path, *, jobs: int, observe: Observer) -> list[Ended]:
    """Run all of ``planned`` under ``folder``, ``jobs`` at a time; returns how each ended, in their order.

    Raises Interrupted on SIGINT or SIGTERM, after the runs at work have saved their state, and RunError where another
    batch works in ``folder``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror or error}", "name another --out") from error
    with lock.held(folder, "batch"), interruptible() as stopped:
        with lock.naming(folder) as alone:
            if alone:
                clear_unnamed(folder)
        return _Work(planned, folder, jobs, observe, stopped).all()


class _Work:
    def __init__(
        self, planned: Sequence[Planned], folder: Path, jobs: int, observe: Observer, stopped: threading.Event
    ) -> None:
        self.planned, self.folder, self.observe, self.stopped = planned, folder, observe, stopped
        self.ledger = Ledger(folder)
        self.queue = list(planned)
        self.free: list[Share] = list(shares(jobs))
        self.children: list[Child] = []
        self.ended: dict[str, Ended] = {}
        self.took = {name: seconds for name, seconds in self.ledger.finished().items() if seconds}
        self.told: set[str] = set()
        self.looked = 0.0

    def all(self) -> list[Ended]:
        for planned in self.planned:
            state(self.folder, planned)  # before anything is begun
        self._done_before()
        try:
            while (self.queue or self.children) and not self.stopped.is_set():
                self._start()
                self._collect()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop()
        if self.stopped.is_set():
            done = sum(ended.state == FINISHED for ended in self.ended.values())
            raise Interrupted(
                f"interrupted with {done} of {len(self.planned)} runs done; the state of the others is saved",
                "give the same command again to go on",
            )
        return [self.ended[planned.name] for planned in self.planned]

    def _done_before(self) -> None:
        known = self.ledger.finished()
        for planned in list(self.queue):
            if state(self.folder, planned) == FINISHED:
                self._found_done(planned, planned.name in known)

    def _found_done(self, planned: Planned, known: bool) -> None:
        """A run that is done already; the ledger is told where whoever did it could not."""
        self.queue.remove(planned)
        score = self._score(planned.name)
        if not known:
            self.ledger.add(FINISHED, planned.name, **score)
        self._end(Ended(planned.name, self._path(planned.name), FINISHED, before=True, **score))

    def _start(self) -> None:
        """Begin as many runs as there is room for."""
        for planned in list(self.queue):
            if not self.free or self.stopped.is_set():
                return
            if process := lock.holder(self.folder / planned.name):
                self._wait_for(planned.name, process)
                continue
            now = state(self.folder, planned)
            if now == FINISHED:  # by another process, meanwhile
                self._found_done(planned, known=False)
                continue
            self.queue.remove(planned)
            facts = {"recipe": planned.source, "settings": list(planned.settings), "resumed": now == TO_RESUME}
            self.ledger.add(BEGUN, planned.name, **facts)
            self.children.append(Child(planned, self.folder, self.free.pop(0), resumed=now == TO_RESUME))
            self.observe(Begun(planned.name, resumed=now == TO_RESUME))

    def _wait_for(self, name: str, process: int) -> None:
        if not self.children and name not in self.told:
            self.told.add(name)
            self.observe(Waiting(name, process))

    def _collect(self) -> None:
        for child in list(self.children):
            code = child.poll()
            if code is not None:
                self._gone(child, code)
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        self.looked = time.monotonic()
        working = tuple((child.planned.name, child.seconds, child.progress()) for child in self.children)
        self.observe(Standing(working, len(self.queue), tuple(self.ended.values()), self._remaining(working)))

    def _remaining(self, working: Sequence[tuple[str, float, dict[str, Any]]]) -> float | None:
        """Seconds of work left: as long as runs took that are done, before that as the epochs of those at work say."""
        whole = expected(self.planned, self.took)
        if not whole:
            epochs = {child.planned.name: _epochs(child) for child in self.children}
            paces = [seconds / row["epoch"] * epochs[name] for name, seconds, row in working if row.get("epoch")]
            if not paces:
                return None
            whole = dict.fromkeys([one.name for one in self.planned], sum(paces) / len(paces))
        begun = sum(max(0.0, whole[name] - seconds) for name, seconds, _ in working)
        return begun + sum(whole[one.name] for one in self.queue)

    def _gone(self, child: Child, code: int) -> None:
        self.children.remove(child)
        self.free.append(child.share)
        name, seconds = child.planned.name, round(child.seconds, 3)
        report = (child.path / "report.json").is_file()
        if code == 0 and report:
            self.took[name] = seconds
            self.ledger.add(FINISHED, name, seconds=seconds, **self._score(name))
            self._end(Ended(name, str(child.path), FINISHED, seconds, **self._score(name)))
        elif code in (Interrupted.exit_code, -signal.SIGTERM) and self.stopped.is_set():
            self.ledger.add(INTERRUPTED, name, seconds=seconds)
        else:
            error = child.complaint(code)
            self.ledger.add(FAILED, name, seconds=seconds, exit_code=code, error=error)
            self._end(Ended(name, str(child.path), FAILED, seconds, code, error))

    def _end(self, ended: Ended) -> None:
        self.ended[ended.name] = ended
        self.observe(ended)

    def _stop(self) -> None:
        """Let the runs at work save their state; a second interrupt does not wait for it."""
        for child in self.children:
            child.stop()
        for child in list(self.children):
            try:
                code = child.wait()
            except KeyboardInterrupt:
                for other in self.children:
                    other.kill()
                code = child.wait()
            self._gone(child, code)

    def _path(self, name: str) -> str:
        return str(self.folder / name)

    def _score(self, name: str) -> dict[str, Any]:
        """The metric that the run was watched by and its value, where the report has it."""
        run = RunDirectory(self.folder / name)
        with suppress(RunError):
            metrics = run.read_report().metrics
            watched = run.read_record().get("watched")
            metric = str(watched) if watched in metrics else next(iter(metrics), "")
            if not metric:
                return {"metric": "", "score": None}
            return {"metric": metric, "score": metrics[metric].value, "unit": metrics[metric].unit}
        return {}


def _epochs(child: Child) -> int:
    """The epochs of a run as its own recipe says, which has a number for what was left open."""
    with suppress(UserError):
        return read_run_recipe(child.path / "recipe.yaml").train.extent.epochs
    return child.planned.recipe.train.extent.epochs
