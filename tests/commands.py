"""Typing commands in tests: in this process where torch is loaded already, in one of its own where it matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

NO_PAGE = "evaluation.page=false"
TINY = (
    "model.hidden=8",
    "model.embedding=8",
    "model.evidence=off",
    "train.epochs=1",
    "evaluation.baselines=false",
    "evaluation.resamples=20",
    "compute.threads=1",
    "compute.device=cpu",
    NO_PAGE,
)
"""Overrides that make a run of a small file take a tenth of a second, of which its page would take six more."""

PYTHON = (sys.executable, "-c", "from rnncli.cli.main import main; main()")
"""The command as its entry point starts it."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def rnncli(*arguments: object, stdin: str | bytes = "") -> Outcome:
    """Type a command in this process."""
    from rnncli.cli.main import app

    done = CliRunner().invoke(app, list(map(str, arguments)), input=stdin, catch_exceptions=False)
    return Outcome(done.exit_code, done.stdout, done.stderr)


def start_rnncli(*arguments: object, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own, its streams piped."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*PYTHON, *map(str, arguments)],
        cwd=cwd,
        env=own_environment() | environment,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        encoding="utf-8",
    )


def own_environment() -> dict[str, str]:
    """The environment of a command: one thread, this checkout, nothing that changes how it speaks."""
    loud = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")
    here = str(Path(__file__).resolve().parent.parent)
    kept = {name: value for name, value in os.environ.items() if name not in loud}
    return kept | {"OMP_NUM_THREADS": "1", "PYTHONPATH": here, "TERM": "xterm-256color"}


def reviews(rows: int = 60, *, long: int = 0) -> str:
    """A CSV of ``text,label`` that is easy to learn; ``long`` makes each text that many words longer."""
    lines = ["text,label"]
    for number in range(rows):
        word, label = (("bad", "negative"), ("good", "positive"))[number % 2]
        tail = " ".join(f"w{(number * 7 + k) % 97}" for k in range(long + number % 5))
        lines.append(f"{word} film number {number} {tail}".rstrip() + f",{label}")
    return "\n".join(lines) + "\n"


def train(csv: Path, out: Path, *overrides: str) -> Path:
    """A finished tiny run on ``csv`` at ``out``, with the page that every run leaves."""
    keys = [key for key in TINY if key != NO_PAGE]
    done = rnncli("sentiment", "--data", csv, "--out", out, *keys, *overrides)
    assert done.code == 0, done.err
    return out
