"""NO_COLOR and FORCE_COLOR: colours are one thing, the manners of a terminal another."""

from __future__ import annotations

import io

import pytest

from rnncli.cli.terminal import UNCUT, Terminal
from rnncli.report.render import print_report
from tests.report.samples import report


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "3"}, True),
        (False, {"FORCE_COLOR": "yes"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (False, {"FORCE_COLOR": ""}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colours_are_forced_and_refused_and_a_pipe_stays_one(monkeypatch, terminal, variables, coloured):
    stream = Stream(terminal)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {"TERM": "xterm-256color"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", stream)
    told = Terminal()
    assert told.out.is_terminal == terminal
    assert terminal or told.out.width == UNCUT
    print_report(told.out, report(notes=["long " * 200]))
    assert ("\x1b[" in stream.getvalue()) == coloured
    assert terminal or ("long " * 200).strip() in stream.getvalue()
