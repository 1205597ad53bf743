"""Values that the command line puts over those of a recipe's file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rnncli.recipe.text import MOST_DEPTH, KeyPath, SourcePlace, Tree, dotted, parse

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Setting:
    """A value for the dotted ``key`` of a recipe; ``source`` is its giver in problems, as ``--data``."""

    key: str
    value: Any
    source: str


def put(tree: Tree, settings: Iterable[Setting]) -> None:
    """Put each setting into ``tree`` in turn; what cannot be put is one of the tree's problems."""
    for setting in settings:
        _put(tree, tuple(setting.key.split(".")), setting.value, SourcePlace(setting.source))


def put_assignments(tree: Tree, assignments: Iterable[str]) -> None:
    """Put each ``dotted.key=value`` of the command line into ``tree``, the value read as YAML.

    A value takes the place of the whole value before it; ``key=`` is empty text, ``key=null`` is null.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        path = tuple(part.strip() for part in key.split("."))
        place = SourcePlace(COMMAND_LINE)
        if not equals:
            tree.complain((assignment,), "give it a value, as in key=value", place)
            continue
        value = parse(text, COMMAND_LINE, lines=False)
        if value.problems:
            for problem in value.problems:
                tree.complain((*path, *problem.path), f"{problem.what} (the value is {text[:60]!r})", place)
            continue
        _put(tree, path, text.strip() if value.value is None and not _says_null(text) else value.value, place)


def _says_null(text: str) -> bool:
    """Whether a value without anything in it says so, rather than being empty or starting with a #."""
    return bool(text.strip()) and not text.lstrip().startswith("#")


def _put(tree: Tree, path: KeyPath, value: Any, place: SourcePlace) -> None:
    if not all(path):
        tree.complain((dotted(path),), "a part of the key is empty: write it as in model.cell=gru", place)
        return
    if len(path) > MOST_DEPTH:
        tree.complain(path[:1], "the key has too many parts", place)
        return
    section = tree.value
    for depth in range(1, len(path)):
        above, name = path[:depth], path[depth - 1]
        if section.get(name) is None:
            section[name] = {}
            tree.places.setdefault(above, place)
        section = section[name]
        if isinstance(section, list):
            tree.complain(path, f"{dotted(above)} is a list: give all of it, as in {dotted(above)}=[a, b]", place)
            return
        if not isinstance(section, dict):
            tree.complain(path, f"{dotted(above)} is a single value and has no keys below it", place)
            return
    section[path[-1]] = value
    for old in [known for known in tree.places if known[: len(path)] == path]:
        del tree.places[old]
    tree.places[path] = place
