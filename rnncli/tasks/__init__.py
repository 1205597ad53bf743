"""The tasks: every folder here that has a ``spec.py`` is one, and so is what packages publish as ``rnncli.tasks``.

Another package brings a task by an entry point of that group, whose name is the task's and whose value is the package
that holds its ``spec``, ``schema``, ``metrics`` and ``task``; recipes lie in its folder ``recipes``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rnncli.errors import UserError
from rnncli.metrics.metric import Metric, by_name
from rnncli.tasks.base import Scoring, Task, TaskSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rnncli.recipe.schema import Recipe

GROUP = "rnncli.tasks"


class Found(NamedTuple):
    """The package of each task by its name, and a sentence for each task that is left out."""

    packages: dict[str, str]
    left_out: tuple[str, ...]


@cache
def found() -> Found:
    """All tasks there are, and those of other packages that are of no use; the program goes on without these."""
    packages = {path.parent.name: f"{__name__}.{path.parent.name}" for path in Path(__file__).parent.glob("*/spec.py")}
    left_out = []
    for point in _published() if _is_published() else ():
        if wrong := _fault(point, packages):
            left_out.append(f"task {point.name} of the package {point.value} is left out: {wrong}")
        else:
            packages[point.name] = point.value
    return Found(dict(sorted(packages.items())), tuple(left_out))


def packages() -> dict[str, str]:
    """The package of each task by its name, sorted."""
    return found().packages


def names() -> tuple[str, ...]:
    """The names of all tasks, sorted."""
    return tuple(packages())


def spec(name: str) -> TaskSpec:
    """A task's words for the command line."""
    return _module(name, "spec").SPEC


def metrics(name: str) -> dict[str, Metric]:
    """The metrics that a task declares, by their names, and the loss."""
    return by_name(spec(name).metrics)


def schema(name: str) -> type[Recipe]:
    """The schema of a task's recipes."""
    return _module(name, "schema").RECIPE


def scoring(name: str) -> Scoring:
    """What a task can tell from predictions, without torch."""
    return cast(Scoring, _module(name, "metrics"))


def load(name: str) -> Task:
    """The task itself, with everything heavy that it imports."""
    return cast(Task, _module(name, "task"))


def recipe_folders() -> dict[str, Path]:
    """Where the recipes of tasks of other packages lie, by task."""
    others = {name: package for name, package in packages().items() if not _is_own(package)}
    # A package without an __init__.py may lie in several places.
    places = [(name, Path(place)) for name, one in others.items() for place in importlib.import_module(one).__path__]
    return {name: place / "recipes" for name, place in places if (place / "recipes").is_dir()}


def _is_published() -> bool:
    """Whether any installed package may publish a task.

    To read files for the name of the group takes a sixth of what :mod:`importlib.metadata` takes to be imported, and
    every ``--help`` waits for it. What is no folder, such as a zip file, is not looked into, but taken to hold one.
    """
    for place in map(Path, sys.path):
        if place.is_file():
            return True
        with suppress(OSError):  # a folder that is not there, or not to be read
            for folder in os.listdir(place):
                if folder.endswith((".dist-info", ".egg-info")) and _names_group(place / folder / "entry_points.txt"):
                    return True
    return False


def _names_group(points: Path) -> bool:
    try:
        return GROUP.encode() in points.read_bytes()
    except OSError:  # most packages have no entry points
        return False


def _published() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP))


def _module(name: str, part: str) -> Any:
    package = packages()[name]
    try:
        return importlib.import_module(f"{package}.{part}")
    except Exception as error:
        if _is_own(package):
            raise
        message = f"task {name} cannot be used: {package}.{part}: {_written(error)}"
        raise UserError(message, f"mend the package {package}, or uninstall it; --debug shows more") from error


def _is_own(package: str) -> bool:
    return package.startswith(f"{__name__}.")


def _fault(point: EntryPoint, known: Mapping[str, str]) -> str:
    """Why the task that an entry point names cannot be one beside those known; empty if it can."""
    if known.get(point.name, point.value) != point.value:
        return f"{known[point.name]} has that name"
    try:
        spec = importlib.import_module(f"{point.value}.spec").SPEC
    except (Exception, SystemExit) as error:  # whatever another package does, the program's own tasks work
        return _written(error)
    if not isinstance(spec, TaskSpec) or spec.name != point.name:
        return "its SPEC is not a TaskSpec of that name"
    return ""


def _written(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
