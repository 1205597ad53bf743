"""Streams that are full, closed or left by their reader: one sentence where it can be said, and the promised code."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.commands import PYTHON, own_environment

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")


def typed(line, here, **environment):
    """A line of a shell in which ``rnncli`` is the command; its exit code, stdout, stderr."""
    command = shlex.join(PYTHON)
    done = subprocess.run(
        ["bash", "-c", f'rnncli() {{ {command} "$@"; }}; {line}'],
        cwd=here,
        env=own_environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def run_here(trained, tmp_path):
    os.symlink(trained, tmp_path / "run")
    return tmp_path


# What is typed, its exit code, and what is said on stderr; nothing where that is what cannot be written to.
CASES = [
    ("rnncli report run > /dev/full", 1, "stdout: the result cannot be written: No space left on device"),
    ("rnncli runs list . --json > /dev/full", 1, "stdout: the result cannot be written"),
    ("rnncli recipes list > /dev/full 2>&1", 1, ""),
    ("rnncli --help > /dev/full", 1, "stdout: the result cannot be written"),
    ("rnncli --version >&-", 1, "stdout: the result cannot be written: it is closed"),
    ("rnncli recipes list <&- 2> /dev/full", 0, ""),
    ("rnncli recipes list 2>&-", 0, ""),
    ("rnncli report none >&-", 4, "none: there is no such run"),
    ("rnncli report none >&- 2>&- <&-", 4, ""),
    ("rnncli report none 2> /dev/full", 4, ""),
    ("rnncli report --none >&-", 2, "there is no option --none"),
    ("rnncli sentimnt 2> /dev/full", 2, ""),
    ("rnncli predict run - <&-", 3, "stdin: cannot be read"),
    ("rnncli runs rm run <&-", 2, "nobody is there to be asked"),
]


@pytest.mark.parametrize(("line", "code", "said"), CASES, ids=[line for line, _, _ in CASES])
def test_a_stream_that_fails_ends_in_one_sentence_and_the_promised_code(line, code, said, run_here):
    found, out, err = typed(line, run_here)
    assert found == code
    assert bool(out) == (code == 0)
    assert err.count("error ") <= 1
    assert said in err if said else not err


@pytest.mark.parametrize(
    "command",
    ["rnncli report run", "rnncli runs list . --json", "rnncli recipes list", "rnncli --help", "rnncli predict run -"],
)
def test_a_reader_that_left_is_no_error_of_any_command(command, run_here):
    (run_here / "texts").write_text("good\n" * 3_000)
    _, out, err = typed(f"{{ {command} < texts 2>&3; echo $? > code; }} 3>&2 | head -1", run_here)
    assert (run_here / "code").read_text().strip() == "0"
    assert len(out.splitlines()) == 1
    assert "error" not in err


def test_buffers_make_no_difference(run_here):
    assert typed("rnncli --version > /dev/full", run_here, PYTHONUNBUFFERED="1")[0] == 1
    assert typed("rnncli report none > /dev/full", run_here, PYTHONUNBUFFERED="1")[0] == 4
