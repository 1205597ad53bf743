"""Finished runs: where they are, what they report, the predictions they kept."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnncli.errors import RunError
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report
from rnncli.runs.directory import RunDirectory


@dataclass(frozen=True)
class Outcome:
    """A finished run; ``asked`` are values of keys that its recipe was asked with, where they have been resolved."""

    path: Path
    recipe: Recipe
    report: Report
    watched: str
    asked: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Its predictions, those of all folds one after the other; raises RunError."""
        folds = sorted(self.path.glob("folds/*/recipe.yaml"), key=lambda file: int(file.parent.name))
        runs = [RunDirectory(file.parent) for file in folds] or [RunDirectory(self.path)]
        return [row for run in runs for row in _read_rows(run.prediction_file(self.report.split))]


def find_runs(named: Iterable[str]) -> list[Path]:
    """The runs that arguments name: a run, a folder of runs, a pattern; in order, each once. Raises RunError."""
    found: dict[Path, None] = {}
    for name in named:
        paths = [Path(name)] if Path(name).exists() else sorted(map(Path, glob.glob(name)))
        runs = [run for path in paths for run in runs_under(path)]
        if not runs:
            raise RunError(f"{name}: no run is there", "name runs, a folder of them, or a pattern such as 'runs/*'")
        found |= dict.fromkeys(runs)
    return list(found)


def runs_under(path: Path) -> Iterator[Path]:
    """The run at ``path``, or those anywhere below it; folds belong to their run."""
    if (path / "recipe.yaml").is_file() and (path / "run.json").is_file():
        yield path
    elif path.is_dir():
        for below in sorted(path.iterdir()):
            if not below.name.startswith(".") and not below.is_symlink():
                yield from runs_under(below)


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}", "restore the file, or train again") from error
