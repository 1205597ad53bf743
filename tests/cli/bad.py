"""One kind of bad input, and what every one of them must end in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import Outcome, rnncli

Damage = Callable[[Path], object]
WHOLE: Damage = lambda run: None  # noqa: E731 - a run that is there, and as it was written


@dataclass(frozen=True)
class Bad:
    """``command`` ends with exit code ``code`` and ``words`` in what is said.

    ``files`` are written before; ``run`` is there, a copy of a trained run, if ``damage`` is given and done to it.
    """

    name: str
    command: str
    code: int
    words: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    damage: Damage | None = None


def cut(name: str, keep: int = 40) -> Damage:
    """Leave but the first bytes of a file."""
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:keep])


def put(name: str, text: str) -> Damage:
    """Write something else into a file."""
    return lambda run: (run / name).write_text(text, encoding="utf-8")


def remove(name: str) -> Damage:
    """Take a file or folder away."""
    return lambda run: shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()


def swap(name: str, old: str, new: str) -> Damage:
    """Change some words of a file."""

    def change(run: Path) -> None:
        text = (run / name).read_text(encoding="utf-8")
        assert old in text
        (run / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def try_it(bad: Bad, here: Path, trained: Path, overrides: tuple[str, ...] = ()) -> None:
    """Type the command of ``bad`` and hold its end to what it says, and every file to what it was."""
    for name, content in bad.files.items():
        (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if bad.damage:
        shutil.copytree(trained, here / "run")
        bad.damage(here / "run")
    before = snapshot(here)
    done = rnncli(*bad.command.split(), *overrides)
    assert_told(done, bad.code, *bad.words)
    assert snapshot(here) == before


def assert_told(done: Outcome, code: int, *words: str) -> None:
    """One sentence on stderr that holds ``words``, nothing on stdout."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "defect" not in done.err
    lines = done.err.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith(("error ", "Usage:"))), None)
    assert first is not None, done.err
    assert sum(line.startswith("error ") for line in lines) <= 1, done.err
    said = "\n".join(lines[first:])
    for word in words:
        assert word in said, done.err


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with what it holds."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
