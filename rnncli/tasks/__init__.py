"""The tasks: every folder here that has a ``spec.py`` is one, and so is what packages publish as ``rnncli.tasks``.

Another package brings a task by an entry point of that group, whose name is the task's and whose value is the package
that holds its ``spec``, ``schema``, ``metrics`` and ``task``; recipes lie in its folder ``recipes``.
"""

from __future__ import annotations

import importlib
import importlib.resources
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rnncli.metrics.metric import Metric, by_name
from rnncli.tasks.base import Scoring, Task, TaskSpec

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe

GROUP = "rnncli.tasks"


@cache
def packages() -> dict[str, str]:
    """The package of each task by its name, sorted; a task of this package goes before one of its name elsewhere."""
    own = {path.parent.name: f"{__name__}.{path.parent.name}" for path in Path(__file__).parent.glob("*/spec.py")}
    others = {point.name: point.value for point in entry_points(group=GROUP)}
    return dict(sorted((others | own).items()))


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
    others = {name: package for name, package in packages().items() if not package.startswith(f"{__name__}.")}
    found = {name: Path(str(importlib.resources.files(package))) / "recipes" for name, package in others.items()}
    return {name: folder for name, folder in found.items() if folder.is_dir()}


def _module(name: str, part: str) -> Any:
    return importlib.import_module(f"{packages()[name]}.{part}")
