"""What a terminal gets: colours, a bar, no more columns than it has, and nothing that steers it."""

from __future__ import annotations

import json
import os
import pty
import re

from tests.commands import PYTHON, TINY, own_environment, reviews, rnncli


def in_a_terminal(command, cwd, **environment):
    """What a command shows on a terminal of 80 columns, and its exit code."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(PYTHON[0], [*PYTHON, *command], own_environment() | {"COLUMNS": "80", "LINES": "24"} | environment)
    shown = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def plain(shown):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_a_terminal_gets_colours_a_bar_and_eighty_columns(here):
    wide = "an extraordinarily long label number "
    text = reviews().replace(",positive", f",{wide}one").replace(",negative", f",{wide}two")
    (here / "reviews.csv").write_text(text, encoding="utf-8")
    command = ["sentiment", "--data", "reviews.csv", *TINY, "train.epochs=2"]
    shown, code = in_a_terminal(command, here)
    assert code == 0, shown
    assert "\x1b[1m" in shown
    assert "accuracy" in shown
    for line in re.split(r"[\r\n]+", plain(shown)):
        assert len(line) <= 80, line
    run = next((here / "runs").iterdir())
    shown, code = in_a_terminal(["predict", str(run), "good \x1b[2J film", "bad"], here)
    assert code == 0
    assert "probability" in shown
    assert "\x1b[2J" not in shown
    assert "␛[2J" in shown


def test_no_color_takes_the_colours_away(here, trained):
    shown, code = in_a_terminal(["evaluate", str(trained)], here, NO_COLOR="1")
    assert code == 0, shown
    assert not re.search(r"\x1b\[[0-9;]*3\dm", shown)


def test_control_characters_of_data_cannot_steer_a_terminal(here):
    evil = "\x1b[2J\x1b]0;owned\x07\u202e"
    text = reviews().replace("film", f"film{evil}").replace(",positive", f",pos{evil}")
    (here / f"x{evil}.csv").write_text(text, encoding="utf-8")
    done = rnncli("sentiment", "--data", f"x{evil}.csv", *TINY)
    assert done.code == 0, done.err
    checked = rnncli("data", "check", "sentiment/own-data", f'data.train="x{json.dumps(evil)[1:-1]}.csv"')
    assert checked.code == 0, checked.err
    for told in (done.out, done.err, checked.out, checked.err):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", told), told
    assert rnncli("sentiment", "--data", f"no{evil}.csv").err.isprintable() is False
    assert not re.search("[\x1b\x07\u202e]", rnncli("sentiment", "--data", f"no{evil}.csv").err)
