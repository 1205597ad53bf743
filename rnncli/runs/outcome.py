"""Finished runs: where they are, what they report, the predictions they kept."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnncli.errors import RunError
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report
from rnncli.runs.directory import RunDirectory, write_json

BASE = "base.json"
"""In a folder of runs: which of them the others are held against."""


WHOLE = "fp32"
"""The form of weights as they were trained."""


@dataclass(frozen=True)
class Outcome:
    """A finished run; ``asked`` are values of keys that its recipe was asked with, where they have been resolved.

    ``weights`` says in which form its weights are stored.
    """

    path: Path
    recipe: Recipe
    report: Report
    watched: str
    asked: Mapping[str, Any] = field(default_factory=dict)
    weights: str = WHOLE

    def rows(self) -> list[dict[str, Any]]:
        """Its predictions, those of all folds one after the other; raises RunError."""
        folds = sorted(self.path.glob("folds/*/recipe.yaml"), key=lambda file: int(file.parent.name))
        runs = [RunDirectory(file.parent) for file in folds] or [RunDirectory(self.path)]
        return [row for run in runs for row in read_rows(run.prediction_file(self.report.split))]


def form_of_weights(record: Mapping[str, Any]) -> str:
    """The form in which the weights of a run are stored, which its record says where it was made smaller."""
    shrunk = record.get("shrunk")
    return str(shrunk.get("weights", WHOLE)) if isinstance(shrunk, dict) else WHOLE


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of predictions; raises RunError."""
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: cannot be read: {error}", "restore the file, or train again") from error


def find_runs(named: Iterable[str]) -> list[Path]:
    """The runs that arguments name: a run, a folder of runs, a pattern; in order, each once. Raises RunError."""
    found: dict[Path, None] = {}
    for name in named:
        name = os.path.expanduser(name)
        paths = [Path(name)] if os.path.exists(name) else sorted(map(Path, glob.glob(name)))
        runs = [run for path in paths for run in runs_under(path)]
        if not runs:
            raise RunError(f"{name}: no run is there", "name runs, a folder of them, or a pattern such as 'runs/*'")
        found |= dict.fromkeys(runs)
    return list(found)


def is_run(path: Path) -> bool:
    """Whether a run is at ``path``."""
    return (path / "recipe.yaml").is_file() and (path / "run.json").is_file()


def runs_under(path: Path) -> Iterator[Path]:
    """The run at ``path``, or those anywhere below it; folds belong to their run."""
    if is_run(path):
        yield path
    elif path.is_dir():
        for below in sorted(path.iterdir()):
            if not below.name.startswith(".") and not below.is_symlink():
                yield from runs_under(below)


def remember_base(folder: Path, run: str) -> None:
    """Keep in a folder of runs which of them the others are to be held against; raises RunError."""
    write_json(folder / BASE, {"base": run})


def remembered_bases(paths: Iterable[Path]) -> list[Path]:
    """The runs that the folders of these runs name as their base; a file that cannot be read names none."""
    found = []
    for folder in dict.fromkeys(path.parent for path in paths):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found.append(folder / json.loads((folder / BASE).read_text(encoding="utf-8"))["base"])
    return found
