"""The tasks: every folder here that has a ``spec.py`` is one."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.tasks.base import Saved, Task, TaskSpec

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe


@cache
def names() -> tuple[str, ...]:
    """The names of all tasks, sorted."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/spec.py")))


def spec(name: str) -> TaskSpec:
    """A task's words for the command line."""
    return importlib.import_module(f"{__name__}.{name}.spec").SPEC


def schema(name: str) -> type[Recipe]:
    """The schema of a task's recipes."""
    return importlib.import_module(f"{__name__}.{name}.schema").RECIPE


def load(name: str) -> Task:
    """The task itself, with everything heavy that it imports."""
    return importlib.import_module(f"{__name__}.{name}.task").TASK


def saved(name: str) -> Saved:
    """What a task can tell from saved predictions, without anything heavy."""
    return importlib.import_module(f"{__name__}.{name}.saved").SAVED
