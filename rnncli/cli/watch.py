"""Shows a run as it goes, on stderr: a bar on a terminal, one plain line per evaluation elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.status import Status
from rich.text import Text

from rnncli.cli.terminal import Terminal
from rnncli.metrics.metric import LOSS
from rnncli.report.layout import visible

if TYPE_CHECKING:
    from rnncli.runs.events import DataRead, Happening, ModelBuilt
    from rnncli.train.loop import EpochDone, StepDone, Stopped

REFRESH_SECONDS = 0.1
SILENT_SECONDS = 10.0
"""Where no bar is drawn, long work on data tells how far it is after so many."""
BAR_WIDTH = 30


class Watch:
    """An observer of runs; a context manager, so that a bar never outlives its command."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        live = terminal.err.is_terminal and not terminal.quiet
        self.status: Status | None = terminal.err.status("", spinner="dots") if live else None
        self.history: list[float] = []
        self.watched = LOSS
        self.drawn = 0.0
        self.said = time.monotonic()

    def __enter__(self) -> Self:
        self._now("loading torch")
        if self.status:
            self.status.start()
        return self

    def __exit__(self, *ending: object) -> None:
        if self.status:
            self.status.stop()

    def __call__(self, happening: Happening) -> None:
        """Show one happening."""
        from rnncli.runs import events

        match happening:
            case events.StepDone():
                self._step(happening)
            case events.EpochDone():
                self._epoch(happening)
            case events.Halved(size):
                self.terminal.say(f"memory did not suffice: this step in batches of {size} (train.batch_size)")
            case events.Stage(what):
                self._now(what)
            case events.Working(what, done, total):
                self._work(what, done, total)
            case events.DataRead():
                self._data(happening)
            case events.ModelBuilt():
                self._model(happening)
            case events.RunOpened(path, resumed):
                self.terminal.say(f"{'resuming' if resumed else 'run'} {path}", style="dim")
            case events.FoldBegun(fold, folds):
                self.terminal.say(f"\nfold {fold} of {folds}", style="bold")
            case events.Stopped():
                self._stopped(happening)

    def _now(self, what: str) -> None:
        """What is going on: beside the spinner, or on a line of its own."""
        if self.status:
            self.status.update(Text(what, style="dim"))
        else:
            self.said = time.monotonic()
            self.terminal.say(f"{what} ...")

    def _work(self, what: str, done: int, total: int) -> None:
        """How far long work within a stage is: a bar, or a line now and then."""
        if self.status is None and time.monotonic() - self.said >= SILENT_SECONDS:
            self.said = time.monotonic()
            self.terminal.say(f"{what}: {done:,} of {total:,}")
        elif self.status and (done in (0, total) or time.monotonic() - self.drawn >= REFRESH_SECONDS):
            self.drawn = time.monotonic()
            self.status.update(Text(f"{what}  {_bar(done, total)} {done:,}/{total:,}", style="dim"))

    def _data(self, read: DataRead) -> None:
        corpus = read.corpus
        self.terminal.say(visible(corpus.headline), style="bold")
        for note in corpus.notes:
            self.terminal.say(visible(note))
        if corpus.dropped:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in corpus.dropped.items())
            self.terminal.say(f"rows dropped: {reasons}", style="yellow")
        self._now("building the vocabulary and the model")

    def _model(self, built: ModelBuilt) -> None:
        from rnncli.report.curve import curve_header

        self.history, self.watched = [], built.watched
        self.terminal.say(f"{built.description}; {built.parameters:,} parameters; {built.placement}")
        for reason in built.reasons:
            self.terminal.say(reason, style="dim")
        self.terminal.say(curve_header(built.watched))

    def _step(self, step: StepDone) -> None:
        if self.status is None or time.monotonic() - self.drawn < REFRESH_SECONDS:
            return
        self.drawn = time.monotonic()
        bar = _bar(step.done, step.total)
        self.status.update(Text(f"epoch {step.epoch}  {bar} {step.done}/{step.total}  loss {step.loss:.3f}"))

    def _epoch(self, epoch: EpochDone) -> None:
        from rnncli.report.curve import curve_row

        self.history.append(epoch.watched)
        row = curve_row(epoch.epoch, epoch.loss, self.watched, self.history, best=epoch.best, seconds=epoch.seconds)
        self.terminal.say(row)

    def _stopped(self, stopped: Stopped) -> None:
        self.terminal.say(f"best epoch {stopped.best_epoch}; {stopped.reason}\n", style="dim")


def _bar(done: int, total: int) -> str:
    full = BAR_WIDTH * done // max(total, 1)
    return "━" * full + "─" * (BAR_WIDTH - full)
