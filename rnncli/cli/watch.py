"""Shows a run as it goes, on stderr: a bar on a terminal, one plain line per evaluation elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.terminal import Terminal
from rnncli.metrics.metric import LOSS
from rnncli.report.layout import visible

if TYPE_CHECKING:
    from rnncli.runs.events import DataRead, Happening, ModelBuilt
    from rnncli.train.loop import EpochDone, StepDone, Stopped


class Watch:
    """An observer of runs; a context manager, so that a bar never outlives its command."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.progress = ProgressLine(terminal, "loading torch")
        self.history: list[float] = []
        self.watched = LOSS
        self.epoch = 0

    def __enter__(self) -> Self:
        self.progress.__enter__()
        return self

    def __exit__(self, *ending: object) -> None:
        self.progress.__exit__(*ending)

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
            case events.Stage(what, aside):
                self.progress.now(what, aside=aside)
            case events.Advanced():
                self.progress(happening)
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

    def _data(self, read: DataRead) -> None:
        corpus = read.corpus
        self.terminal.say(visible(corpus.headline), style="bold")
        for note in corpus.notes:
            self.terminal.say(visible(note))
        if corpus.dropped:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in corpus.dropped.items())
            self.terminal.say(f"rows dropped: {reasons}", style="yellow")
        self.progress.now("preparing the training data and the model")

    def _model(self, built: ModelBuilt) -> None:
        from rnncli.report.curve import curve_header

        self.history, self.watched, self.epoch = [], built.watched, 0
        self.terminal.say(f"{built.description}; {built.parameters:,} parameters; {built.placement}")
        for reason in built.reasons:
            self.terminal.say(reason, style="dim")
        self.terminal.say(curve_header(built.watched))

    def _step(self, step: StepDone) -> None:
        if not self.progress.is_shown:
            return
        if step.done == step.total:
            self.progress.now(f"epoch {step.epoch}, scoring dev")
            return
        if self.epoch != step.epoch:
            self.epoch = step.epoch
            self.progress.now(f"epoch {step.epoch}")
        self.progress.count("batches", step.done, step.total, f"loss {step.loss:.3f}")

    def _epoch(self, epoch: EpochDone) -> None:
        from rnncli.report.curve import curve_row

        self.history.append(epoch.watched)
        row = curve_row(epoch.epoch, epoch.loss, self.watched, self.history, best=epoch.best, seconds=epoch.seconds)
        self.terminal.say(row)

    def _stopped(self, stopped: Stopped) -> None:
        self.terminal.say(f"best epoch {stopped.best_epoch}; {stopped.reason}\n", style="dim")
