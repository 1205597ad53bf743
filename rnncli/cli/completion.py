"""What the shell completes: recipes, settings with their values, runs. Nothing heavy is imported for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rnncli import tasks

if TYPE_CHECKING:
    from rnncli.cli.keys import RecipeKeys

MOST = 2000
"""Entries of a folder that are looked at: a key of the keyboard must not take seconds."""
Completions = list[str | tuple[str, str]]


def recipes(incomplete: str) -> Completions:
    """Shipped recipes with what they are, and files of recipes."""
    from rnncli.recipe import library

    shipped = [(one.name, one.summary) for one in library.find(others=tasks.recipe_folders())]
    files = [name for name in _near(incomplete) if Path(name).suffix in library.SUFFIXES]
    return [*shipped, *files]


def settings(ctx: typer.Context, incomplete: str) -> Completions:
    """Keys of the recipe with what they take and, once there is an equals sign, their values.

    A shell that parts words at equals signs (bash) gives the value alone, and then wants it alone.
    """
    from rnncli.cli.keys import RecipeKeys

    task, recipe = str(ctx.info_name), _named(ctx)
    if task not in tasks.names() and not recipe:  # nothing tells the task, so that all of them count
        found = [one for name in tasks.names() for one in _settings(RecipeKeys.of_task(name), [], incomplete)]
        return list(dict.fromkeys(found))
    known = RecipeKeys.of_task(task) if task in tasks.names() else RecipeKeys.of_recipe(recipe)
    given = [str(word) for word in ctx.params.get("overrides") or ctx.params.get("sets") or ()]
    return _settings(known, given, incomplete)


def _settings(known: RecipeKeys, given: list[str], incomplete: str) -> Completions:
    before = given[-2] if given[-1:] == ["="] and len(given) > 1 else given[-1] if given else ""
    if known.exact(before) and (given[-1:] == ["="] or not incomplete):
        return [*known.values(before)]
    key, equals, _ = incomplete.partition("=")
    if equals:
        return [f"{key}={value}" for value in known.values(key)] if known.exact(key) else []
    return [(f"{key}={value}", known.about(key)) for key in known.paths for value in known.values(key) or ("",)]


def runs(incomplete: str) -> Completions:
    """Runs, here and in the folders here."""
    return [name for name in _near(incomplete) if _is_run(name)]


def runs_and_folders(incomplete: str) -> Completions:
    """Runs, and the folders that hold some."""
    found = [name for name in _near(incomplete) if _is_run(name)]
    folders = {folder for folder in map(os.path.dirname, found) if folder}
    return [*sorted(folders), *found]


def splits(incomplete: str) -> Completions:
    """The splits of a run's own data."""
    return ["train", "dev", "test"]


def _named(ctx: typer.Context) -> str:
    """The first recipe of the line so far."""
    several = ctx.params.get("recipes") or ()
    return str(ctx.params.get("recipe") or (several[0] if several else ""))


def _is_run(name: str) -> bool:
    return os.path.isfile(os.path.join(name, "run.json"))


def _near(incomplete: str) -> list[str]:
    """Files and folders that begin like this, and those in such folders."""
    folder, begin = os.path.split(incomplete)
    here = [os.path.join(folder, name) for name in _names(folder or ".") if name.startswith(begin)]
    below = [os.path.join(name, inner) for name in here if os.path.isdir(name) for inner in _names(name)]
    return sorted([*here, *below[:MOST]])


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from [entry.name for entry in islice(entries, MOST) if not entry.name.startswith(".")]
    except OSError:
        return
