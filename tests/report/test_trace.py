"""A series and its forecast in characters."""

import dataclasses

import numpy as np
import pytest
from rich.cells import cell_len

from rnncli.report.figures import Trace
from rnncli.report.reading import report_of
from rnncli.report.render import render_report
from rnncli.report.trace import trace_lines
from tests.report.samples import report

RAMP = Trace("a ramp", tuple(map(float, range(8))), (8.0, 9.0), (8.0, 5.0), (7.0, 8.0), (9.0, 10.0))


def plain(trace, width=None):
    return [line.plain for line in trace_lines(trace, width)]


def seasonal(back=96, ahead=48, level=0.0):
    steps = np.arange(back + ahead)
    values = level + 30 * np.sin(steps / 24 * 2 * np.pi)
    point = values[back:]
    parts = (values[:back], point, point + 3, point - 9, point + 9)
    return Trace("a typical window", *(tuple(part.tolist()) for part in parts))


def test_a_pipe_gets_plain_letters_in_eighty_columns():
    lines = plain(seasonal())
    assert all(line.isascii() and len(line) <= 80 for line in lines)
    drawn = lines[1:9]
    assert len(lines) == 10
    assert all(any(mark in line for line in drawn) for mark in ".ox:|")
    assert lines[-1] == "96 steps until |  o forecast of 48  x truth  : 95 % interval"


@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_a_terminal_gets_braille_within_its_width(width):
    lines = plain(seasonal(level=123456.0), width)
    assert max(map(cell_len, lines)) <= width
    assert any("\u2800" < character <= "\u28ff" for line in lines for character in line)


def test_a_rising_line_rises_and_its_ends_are_named():
    lines = plain(RAMP)[1:9]
    assert lines[0].startswith("10 ")
    assert lines[-1].split()[0] == "0"
    columns = [min(at for at, one in enumerate(line) if one == ".") for line in lines if "." in line]
    assert columns == sorted(columns, reverse=True)
    assert sum("|" in line for line in lines) >= 1
    # Truth lies over the forecast where they agree.
    assert sum(line.count("x") for line in lines) == 2


def test_what_is_not_known_leaves_gaps():
    holes = dataclasses.replace(RAMP, history=(0.0, None, None, None, 4.0), truth=(None, None), lows=(), highs=())
    lines = plain(holes)
    drawn = "".join(lines[1:9])
    assert drawn.count(".") == 2
    assert "x" not in drawn
    assert "interval" not in lines[-1]


@pytest.mark.parametrize(
    "trace",
    [
        Trace("one step", (), (1.0,)),
        Trace("constant", (2.0, 2.0), (2.0, 2.0), (2.0, 2.0), (2.0, 2.0), (2.0, 2.0)),
        Trace("nothing known", (None,), (None,), (None,)),
        Trace("a gap", (1.0, 2.0), (3.0,), (3.0,), gap=5),
        Trace("long", tuple(map(float, range(200))), tuple(map(float, range(720)))),
    ],
)
@pytest.mark.parametrize("width", [None, 80])
def test_odd_windows_are_drawn_too(trace, width):
    assert len(plain(trace, width)) == 10


def test_a_report_shows_its_traces_and_keeps_them():
    found = dataclasses.replace(report(), traces=(seasonal(),))
    assert report_of(found.to_dict()) == found
    lines = [line.plain for line in render_report(found)]
    assert "a typical window" in lines
    assert "traces" not in report().to_dict()


def test_titles_from_data_steer_no_terminal():
    assert plain(dataclasses.replace(RAMP, title="bad\x1b[31m"))[0] == "bad␛[31m"
