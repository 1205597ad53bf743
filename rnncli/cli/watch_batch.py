"""Shows a batch as it goes, on stderr: one live table on a terminal, a plain line a happening elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.text import Text

from rnncli.cli.terminal import Terminal
from rnncli.report.layout import grid, visible
from rnncli.report.numbers import duration, number, words

if TYPE_CHECKING:
    from rnncli.batch.work import Ended, Happening, Standing


class BatchWatch:
    """An observer of batches; a context manager, so that the table never outlives its command."""

    def __init__(self, terminal: Terminal, runs: int, jobs: int) -> None:
        self.terminal, self.runs, self.jobs = terminal, runs, jobs
        live = terminal.err.is_terminal and not terminal.quiet
        self.live: Live | None = Live(console=terminal.err, auto_refresh=False, transient=True) if live else None
        self.begun = time.monotonic()
        self.ended: list[Ended] = []

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *ending: object) -> None:
        if self.live:
            self.live.stop()

    def __call__(self, happening: Happening) -> None:
        """Show one happening."""
        from rnncli.batch import work

        match happening:
            case work.Ended():
                self.ended.append(happening)
                if not happening.before:
                    self.terminal.say(self._ended(happening))
            case work.Begun(name, resumed):
                if not self.live:
                    self.terminal.say(f"{'resuming' if resumed else 'begun'} {visible(name)}")
            case work.Waiting(name, process):
                self.terminal.say(f"waiting for process {process}, which works on {visible(name)}")
            case work.Standing():
                self._standing(happening)

    def _ended(self, ended: Ended) -> Text:
        line = Text(f"{len(self.ended)} of {self.runs}  {visible(ended.name)}  ")
        if ended.error:
            line.append("failed", style="bold red").append(f" with {ended.exit_code}: {visible(ended.error)}")
        else:
            line.append(f"{words(ended.metric)} {number(ended.score, ended.unit)}", style="bold")
            line.append(f"  {duration(ended.seconds)}")
        return line

    def _standing(self, standing: Standing) -> None:
        if self.live is None:
            return
        rows = [[Text(title, style="dim") for title in ("run", "epoch", "dev", "since")]]
        for name, seconds, row in standing.working:
            watched = row.get("watched")
            dev = f"{watched:.4f}" if isinstance(watched, int | float) else ""
            rows.append([Text(visible(name)), Text(str(row.get("epoch", ""))), Text(dev), Text(duration(seconds))])
        lines = grid(rows, "lrrr", width=self.terminal.err.width, flexible=(0,)) if standing.working else []
        self.live.update(Group(self._sum(standing), *lines), refresh=True)

    def _sum(self, standing: Standing) -> Text:
        """How many are done, and when all may be."""
        failed = sum(bool(ended.error) for ended in self.ended)
        line = Text(f"{len(self.ended) - failed} of {self.runs} done", style="bold")
        if failed:
            line.append(f", {failed} failed", style="bold red")
        if standing.remaining is not None:
            line.append(f", about {duration(standing.remaining / self.jobs)} left", style="dim")
        return line
