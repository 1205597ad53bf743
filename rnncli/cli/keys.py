"""The keys of a recipe as a person types them: found by what they may be called, with what each takes."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from typing import Self

from rnncli import aliases, tasks
from rnncli.errors import UserError
from rnncli.recipe import library
from rnncli.recipe.outline import Outline, nearest
from rnncli.recipe.schema import Recipe
from rnncli.recipe.text import KeyPath, dotted, parse

NEAR = 0.75
"""How alike a misspelt key must be."""
SWITCH = {**dict.fromkeys(("true", "yes", "on", "1"), "true"), **dict.fromkeys(("false", "no", "off", "0"), "false")}


class RecipeKeys:
    """All keys that a recipe of one task may set, by their dotted names."""

    def __init__(self, schema: type[Recipe]) -> None:
        self._outline = Outline(schema)
        paths = [path for path in self._outline.everywhere() if path != ("task",) and not self._outline.keys(path)]
        self.paths: dict[str, KeyPath] = {dotted(path): path for path in paths}
        self._schema = schema

    @classmethod
    @cache
    def of_task(cls, task: str) -> Self:
        """The keys of a task; those that all tasks have where it is none."""
        return cls(tasks.schema(task) if task in tasks.names() else Recipe)

    @classmethod
    def of_recipe(cls, name: str) -> Self:
        """The keys of the task of a recipe, by its file or its shipped name; those of all tasks where it is none."""
        with suppress(UserError, OSError, UnicodeDecodeError):
            value = parse(library.resolve(name, others=tasks.recipe_folders()).read_text("utf-8"), name).value
            return cls.of_task(str(value.get("task")) if isinstance(value, dict) else "")
        return cls.of_task("")

    def exact(self, word: str) -> str:
        """The key of exactly that name, dashes counted as underscores; empty for none."""
        name = word.replace("-", "_")
        return name if name in self.paths else ""

    def alike(self, word: str) -> str:
        """The key whose last part is that of ``word``; empty for none."""
        last = _last(word.replace("-", "_"))
        return next((key for key in self.paths if _last(key) == last), "")

    def meant(self, word: str) -> str:
        """The key that ``word`` may stand for: by its last part, by an alias, or by being spelt much like it."""
        last = _last(word.replace("-", "_"))
        found = self.alike(word) or aliases.meant(last, aliases.KEYS, self.paths) or nearest(word, self.paths, NEAR)
        if found:
            return found
        close = nearest(last, map(_last, self.paths), NEAR)
        return next((key for key in self.paths if _last(key) == close), "")

    def is_switch(self, key: str) -> bool:
        """Whether a key is true or false."""
        return bool(key) and self.wanted(key) == "true or false"

    def switches(self, key: str) -> Collection[str]:
        """The words that can be the value of a key that is true or false; empty for another."""
        return SWITCH.keys() if self.is_switch(key) else ()

    def value(self, key: str, given: str | None) -> str:
        """A value as it is typed for a key: ``given`` as far as it goes."""
        if self.is_switch(key):
            return SWITCH.get((given or "true").lower(), given or "true")
        if given is None:
            return "VALUE"
        if key == "compute.device":
            return f"cuda:{given}" if given.isdigit() else "cuda" if given == "gpu" else given
        if self.wanted(key).startswith("a list") and not given.startswith("["):
            return f"[{given}]"
        return given

    def wanted(self, key: str) -> str:
        """What a key takes, in words."""
        return self._outline.wanted(self.paths[key])

    def choices(self, key: str) -> tuple[str, ...]:
        """The words that a key may be set to, if they are few."""
        return tuple(dict.fromkeys(SWITCH.values())) if self.is_switch(key) else self._outline.values(self.paths[key])

    def values(self, key: str) -> tuple[str, ...]:
        """What a key may be set to where that is few words, else the value that it has by itself; empty for no text."""
        if choices := self.choices(key):
            return choices
        default = self._outline.default(self.paths[key])
        return () if default in (None, "") else (default if isinstance(default, str) else json.dumps(default),)

    def about(self, key: str) -> str:
        """What a key takes and what it is for, in a line."""
        described = self._outline.description(self.paths[key])
        return f"{self.wanted(key)}: {described}" if described else self.wanted(key)


def _last(key: str) -> str:
    return key.rpartition(".")[2]
