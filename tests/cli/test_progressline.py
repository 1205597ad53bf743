"""What a terminal shows while work goes on: how far it is, how fast, how long it will take."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from rnncli.cli import progressline
from rnncli.cli.progressline import Counting, ProgressLine
from rnncli.cli.terminal import Terminal
from rnncli.cli.watch import Watch
from rnncli.runs.advance import Advanced
from rnncli.runs.events import Stage
from rnncli.train.loop import StepDone


class Screen(io.StringIO):
    """A stream that is a terminal, or is none."""

    def __init__(self, terminal: bool = True):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


def terminal_on(screen, **manners):
    terminal = Terminal(**manners)
    terminal.err = Console(file=screen, force_terminal=screen.terminal, width=80, color_system=None)
    return terminal


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when told to."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progressline, "time", clock)
    return clock


def test_a_count_tells_its_rate_and_the_time_left(clock):
    count = Counting("clips", 0, 300)
    clock.now += 10
    count.advance(100, "")
    assert count.words(clock.now) == "━━━━━━━━──────────────── 100/300 clips  10/s  20 s left"
    count = Counting("clips", 0, 300)
    clock.now += 60
    count.advance(3, "loss 0.100")
    assert count.words(clock.now).endswith("3/300 clips  3.0/min  1 h 39 min left  loss 0.100")


def test_what_was_done_before_the_count_began_is_no_speed(clock):
    """As of a run that was resumed in the midst of an epoch."""
    count = Counting("batches", 900, 1000)
    clock.now += 10
    count.advance(910, "")
    assert "1.0/s  1 min 30 s left" in count.words(clock.now)


def test_no_rate_is_told_before_it_can_be_known(clock):
    count = Counting("clips", 0, 300)
    clock.now += 0.5
    count.advance(100, "")
    assert count.words(clock.now) == "━━━━━━━━──────────────── 100/300 clips"


def test_the_line_tells_how_long_what_is_not_counted_takes(clock):
    line = ProgressLine(terminal_on(Screen()), "loading torch")
    assert line.line().plain.endswith("loading torch")
    clock.now += 7.4
    assert line.line().plain.endswith("loading torch  7 s")
    line.now("reading the data")
    line(Advanced("rows", 8192, 80_000))
    clock.now += 2
    line(Advanced("rows", 16384, 80_000))
    assert "reading the data  ━━━" in line.line().plain
    assert "16,384/80,000 rows  4,096/s" in line.line().plain
    line(Advanced("rows", 80_000, 80_000))
    clock.now += 5
    assert line.line().plain.endswith("reading the data  7 s")


def test_a_count_that_begins_again_has_a_clock_of_its_own(clock):
    line = ProgressLine(terminal_on(Screen()), "scoring test")
    for what, total in (("examples", 100), ("examples", 60), ("resamples", 60)):
        line.count(what, 10, total)
        clock.now += 5
        line.count(what, 20, total)
        assert f"20/{total} {what}  2.0/s" in line.line().plain
    line.count("resamples", 1, 60)
    assert line.line().plain.endswith("1/60 resamples")


def test_control_characters_of_names_cannot_steer_the_line():
    line = ProgressLine(terminal_on(Screen()), "reading")
    line.count("MB of \x1b[2J.csv", 1, 10)
    assert "\x1b" not in line.line().plain


def test_a_terminal_gets_the_line_and_is_left_clean():
    screen = Screen()
    with ProgressLine(terminal_on(screen), "reading the data") as line:
        line.count("rows", 1, 4)
        time.sleep(0.3)
    shown = screen.getvalue()
    assert "1/4 rows" in shown
    assert shown.endswith("\x1b[2K")
    assert "\x1b[?25h" in shown  # the cursor is there again


def test_elsewhere_each_thing_is_one_plain_line_and_counts_are_nothing():
    screen = Screen(terminal=False)
    with Watch(terminal_on(screen)) as watch:
        watch(Stage("reading the data"))
        watch(Advanced("rows", 1, 4))
        watch(StepDone(1, 1, 4, 0.5))
        watch(StepDone(1, 4, 4, 0.5))
        watch(Advanced("examples", 1, 4))
        watch(Stage("writing the page", aside=True))
    assert screen.getvalue() == "loading torch ...\nreading the data ...\n"
    quiet = Screen()
    with Watch(terminal_on(quiet, quiet=True)) as watch:
        watch(Stage("reading the data"))
        watch(Advanced("rows", 1, 4))
    assert quiet.getvalue() == ""


def test_within_an_epoch_batches_are_counted_and_then_dev_is_scored(clock):
    watch = Watch(terminal_on(Screen()))
    watch(StepDone(3, 1, 100, 0.5))
    clock.now += 10
    watch(StepDone(3, 51, 100, 0.432))
    shown = watch.progress.line().plain
    assert "epoch 3  ━━━" in shown
    assert shown.endswith("51/100 batches  5.0/s  10 s left  loss 0.432")
    watch(StepDone(3, 100, 100, 0.4))
    watch(Advanced("examples", 10, 40))
    assert "epoch 3, scoring dev  ━━━" in watch.progress.line().plain
    watch(StepDone(4, 1, 100, 0.3))
    assert "epoch 4" in watch.progress.line().plain
