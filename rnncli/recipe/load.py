"""From a recipe's file and a command line to a checked recipe, or to all that is wrong with it at once.

Later wins: the schema's defaults, the file, the options of a command (``--data``), ``key=value`` as given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncli.errors import RecipeError
from rnncli.metrics.metric import require
from rnncli.recipe.dump import dump
from rnncli.recipe.explain import explain
from rnncli.recipe.outline import Outline, nearest
from rnncli.recipe.settings import COMMAND_LINE, Setting, put, put_assignments
from rnncli.recipe.text import Tree, parse, walk

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rnncli.recipe.schema import Recipe

__all__ = ["Setting", "dump", "load", "load_text"]

MOST_BYTES = 1_000_000
_START = "rnncli recipes list shows recipes to start from"


def load(
    path: Path | str,
    *,
    tasks: Collection[str],
    schema_of: Callable[[str], type[Recipe]],
    metrics_of: Callable[[str], Collection[str]],
    options: Sequence[Setting] = (),
    overrides: Sequence[str] = (),
) -> Recipe:
    """The recipe in the file ``path`` under ``options`` and ``overrides`` (``dotted.key=value``).

    ``tasks`` names the tasks there are, ``schema_of`` gives the schema of one,
    ``metrics_of`` the names of its metrics. Raises RecipeError, whose message holds a line for each problem.
    """
    text = _read(Path(path))
    of_tasks: Any = {"tasks": tasks, "schema_of": schema_of, "metrics_of": metrics_of}
    return load_text(text, str(path), **of_tasks, options=options, overrides=overrides)


def load_text(
    text: str,
    source: str,
    *,
    tasks: Collection[str],
    schema_of: Callable[[str], type[Recipe]],
    metrics_of: Callable[[str], Collection[str]],
    options: Sequence[Setting] = (),
    overrides: Sequence[str] = (),
) -> Recipe:
    """As :func:`load`, of a text that ``source`` names in problems."""
    tree = parse(text, source)
    if not isinstance(tree.value, dict):
        raise _not_keys(tree)
    put(tree, options)
    put_assignments(tree, overrides)
    task = _task(tree, tasks)
    recipe = _check(tree, schema_of(task)) if task else None
    if recipe is not None and recipe.train.best_by:
        _check_metric(tree, recipe.train.best_by, metrics_of(task))
    if recipe is None or tree.problems:
        raise _all_problems(tree, source, options, task)
    return recipe


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such file", "rnncli recipes list shows the shipped recipes") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}", "name a file that you may read") from None
    if len(content) > MOST_BYTES:
        raise RecipeError(f"{path}: larger than {MOST_BYTES:,} bytes, so hardly a recipe", _START)
    if b"\0" in content:
        raise RecipeError(f"{path}: a binary file, not a recipe", _START)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecipeError(f"{path}:{line}: not UTF-8 text", "save the recipe as UTF-8") from None


def _not_keys(tree: Tree) -> RecipeError:
    if not tree.problems:
        held = "a list" if isinstance(tree.value, list) else "a single value"
        what = "the recipe is empty" if tree.value is None else f"the recipe is {held}, not keys with values"
        tree.complain((), what)
    return RecipeError("\n".join(str(problem) for problem in tree.problems), _START)


def _task(tree: Tree, tasks: Collection[str]) -> str:
    """The task whose schema to check against, the likeliest one where the recipe errs; may be empty."""
    task, known = tree.value.get("task"), ", ".join(sorted(tasks))
    if task is None:
        tree.complain(("task",), f"this key is missing and has no default: one of {known}")
        return ""
    if isinstance(task, str) and task in tasks:
        return task
    close = nearest(str(task), tasks)
    meant = f' (did you mean "{close}"?)' if close else ""
    tree.complain(("task",), f"must be one of {known}, got {json.dumps(task, default=str)[:60]}{meant}")
    return close


def _check(tree: Tree, schema: type[Recipe]) -> Recipe | None:
    """The recipe of ``tree``, or None after adding what is wrong to its problems."""
    from pydantic import ValidationError

    tree.value = _plain(tree.value)
    _fill_empty_sections(tree.value, schema)
    torn = [path for path, value in walk(tree.value) if not all(_is_text(part) for part in (value, *path[-1:]))]
    for path in torn:
        tree.complain(path, "holds bytes that are not UTF-8")
    if torn:
        return None
    try:
        # JSON, because its strict reading takes a list for a tuple but neither "5" for 5 nor 1 for true.
        return schema.model_validate_json(json.dumps(tree.value), strict=True)
    except ValidationError as error:
        explain(tree, error.errors(include_url=False), Outline(schema))
        return None


def _check_metric(tree: Tree, name: str, known: Collection[str]) -> None:
    try:
        require(name, known)
    except RecipeError as error:
        tree.complain(("train", "best_by"), f"{error.message} ({error.hint})")


def _plain(value: Any) -> Any:
    """The value in JSON's types, whole numbers without their point: 1e3 counts as well as 1000."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return str(value) if isinstance(value, Path) else value


def _fill_empty_sections(values: dict[str, Any], schema: type[BaseModel]) -> None:
    """A section whose keys are all commented out is null to YAML; here it is a section without keys."""
    from pydantic import BaseModel

    for name, field in schema.model_fields.items():
        kind = field.annotation
        if name in values and isinstance(kind, type) and issubclass(kind, BaseModel):
            values[name] = {} if values[name] is None else values[name]
            if isinstance(values[name], dict):
                _fill_empty_sections(values[name], kind)


def _is_text(part: Any) -> bool:
    """Whether a string can be written as UTF-8; an argument of other bytes comes with lone surrogates."""
    return not isinstance(part, str) or part.isascii() or not any("\ud800" <= one <= "\udfff" for one in part)


def _all_problems(tree: Tree, source: str, options: Sequence[Setting], task: str) -> RecipeError:
    order = {name: rank for rank, name in enumerate([source, *(one.source for one in options), COMMAND_LINE])}
    problems = sorted(tree.problems, key=lambda problem: (order[problem.place.source], problem.place.line))
    hint = f"rnncli recipes show {task}/default --full lists every key" if task else _START
    return RecipeError("\n".join(str(problem) for problem in problems), hint)
