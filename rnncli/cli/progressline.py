"""What a person sees while work goes on: one line on a terminal, with a bar, the rate and the time left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from rnncli.cli.terminal import Terminal
from rnncli.report.layout import visible
from rnncli.report.numbers import duration

if TYPE_CHECKING:
    from rnncli.runs.advance import Advanced

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
REFRESHES_PER_SECOND = 8
SETTLED_SECONDS = 1.0
"""Of counting before a rate is worth to be shown, and of waiting before its length is."""
WIDTH = 24
"""Of a bar."""


class ProgressLine:
    """The line of what is going on; a context manager, so that none outlives its command.

    Where nobody looks it is a plain line for each new thing, or none with ``--quiet``. It hears ``Advanced``.
    """

    def __init__(self, terminal: Terminal, what: str = "") -> None:
        self.terminal = terminal
        self._what, self._since = what, time.monotonic()
        self._count = Counting()
        live = terminal.err.is_terminal and not terminal.quiet
        self._live = Live(
            console=terminal.err,
            get_renderable=self.line,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        )
        self.is_shown = live

    def __enter__(self) -> Self:
        if self.is_shown:
            self._live.start()
        elif self._what:
            self.terminal.say(f"{self._what} ...")
        return self

    def __exit__(self, *ending: object) -> None:
        if self.is_shown:
            self._live.stop()

    def __call__(self, advanced: Advanced) -> None:
        """Show how far the work has come."""
        self.count(advanced.what, advanced.done, advanced.total)

    def now(self, what: str, *, aside: bool = False) -> None:
        """Something else is going on; one that stands ``aside`` is told to nobody but a terminal."""
        self._what, self._since = what, time.monotonic()
        self._count = Counting()
        if not self.is_shown and not aside:
            self.terminal.say(f"{what} ...")

    def count(self, what: str, done: int, total: int, more: str = "") -> None:
        """So many are done; ``more`` is said at the end of the line."""
        if not self._count.goes_on(what, done, total):
            self._count = Counting(what, done, total)
        self._count.advance(done, more)

    def line(self) -> Text:
        """The line as it stands now."""
        now = time.monotonic()
        waited = now - self._since
        line = Text(FRAMES[int(now * 10) % len(FRAMES)] + " ", style="cyan", no_wrap=True, overflow="ellipsis")
        line.append(visible(self._what), style="default")
        if self._count.is_going:
            line.append(f"  {self._count.words(now)}", style="default")
        elif waited > SETTLED_SECONDS:
            line.append(f"  {_while(waited)}", style="dim")
        return line


class Counting:
    """How far one count has come, and how fast."""

    def __init__(self, what: str = "", done: int = 0, total: int = 0) -> None:
        self.what, self.total, self.done, self.more = what, total, done, ""
        self.first, self.begun = done, time.monotonic()

    @property
    def is_going(self) -> bool:
        """Whether something is counted and not yet all of it."""
        return self.total > 0 and self.done < self.total

    def goes_on(self, what: str, done: int, total: int) -> bool:
        """Whether these are further ones of the same."""
        return (what, total) == (self.what, self.total) and done >= self.done

    def advance(self, done: int, more: str) -> None:
        """So many are done now."""
        self.done, self.more = done, more

    def words(self, now: float) -> str:
        """A bar, how many of how many, how many a second, how long it will take."""
        filled = WIDTH * self.done // max(1, self.total)
        line = f"{'━' * filled}{'─' * (WIDTH - filled)} {self.done:,}/{self.total:,} {visible(self.what)}"
        spent, came = now - self.begun, self.done - self.first
        if spent >= SETTLED_SECONDS and came > 0:
            rate = came / spent
            line += f"  {_pace(rate)}  {_while((self.total - self.done) / rate)} left"
        return f"{line}  {self.more}".rstrip()


def _while(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)


def _pace(rate: float) -> str:
    """So many a second, or a minute where they are slow."""
    if rate >= 1:
        return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    return f"{60 * rate:.1f}/min"
