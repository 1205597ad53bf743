"""YAML 1.2 text to plain values, with the line of every key and all that a recipe may not hold refused.

ruamel.yaml reads the text into nodes; the values are made here, so that nothing but text, numbers, true,
false, null, lists and keys with values can come out of a recipe, whatever its tags say.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KeyPath = tuple[str | int, ...]
"""Where a value stands in a recipe: keys, and indices of lists."""

MOST_VALUES = 100_000
MOST_DEPTH = 50
_CORE = "tag:yaml.org,2002:"
_TEXT = ("str", "timestamp", "merge", "value")  # YAML 1.2 has none of the last three: they are text


def dotted(path: KeyPath) -> str:
    """The path as a person writes it: ``data.files.0``."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True, order=True)
class SourcePlace:
    """Where a value was given: a file and a line counted from 1, or the command line, which has no lines."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a recipe; ``path`` is empty where it is the whole."""

    place: SourcePlace
    path: KeyPath
    what: str

    def __str__(self) -> str:
        line = ": ".join(part for part in (str(self.place), dotted(self.path), self.what) if part)
        return line.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass
class Tree:
    """Plain values, where each was given, and what is wrong so far.

    ``places`` need not hold every path: a value without a place was given where the value around it was.
    """

    value: Any
    places: dict[KeyPath, SourcePlace]
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: KeyPath) -> SourcePlace:
        """Where the value at ``path``, or the nearest one around it, was given."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def complain(self, path: KeyPath, what: str, place: SourcePlace | None = None) -> None:
        """Add a problem, unless something was wrong with the same value before."""
        if not self.doubted(path):
            self.problems.append(Problem(place or self.place(path), path, what))

    def doubted(self, path: KeyPath) -> bool:
        """Whether a problem is known of the value at ``path`` or of one around it."""
        return any(problem.path == path[: len(problem.path)] for problem in self.problems)


def parse(text: str, source: str, lines: bool = True) -> Tree:
    """Read one YAML 1.2 document; never raises, what is wrong is in the tree's ``problems``.

    ``source`` names the text in problems; ``lines`` says whether its lines are worth naming there. A text
    without any value gives None.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor used twice is good YAML
            node = reader.compose(text)
        version = reader.resolver.processing_version
    except YAMLError as error:
        line, what = _syntax(error, text)
        return _refused(SourcePlace(source, line if lines else 0), what)
    except (RecursionError, ValueError, AssertionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else f"not valid YAML: {error}"
        return _refused(SourcePlace(source, 1 if lines else 0), what)
    if version != (1, 2):
        what = "recipes are YAML 1.2: take the %YAML line out"
        return _refused(SourcePlace(source, 1 if lines else 0), what)
    if node is None:
        return Tree(None, {(): SourcePlace(source)})
    return _Values(source, lines, reader.constructor).tree(node)


def _refused(place: SourcePlace, what: str) -> Tree:
    return Tree(None, {(): place}, [Problem(place, (), what)])


def _syntax(error: Any, text: str) -> tuple[int, str]:
    """The line, counted from 1, and the sentence of a YAML error."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0)
        character = text[position : position + 1]
        return text.count("\n", 0, position) + 1, f"holds a character that YAML forbids, {character!a}"
    line = mark.line + 1
    if "another document" in str(problem):
        return line, "a second document starts here (---): a recipe is one document"
    if "'\\t'" in str(problem):
        return line, "a tab cannot indent in YAML: use spaces"
    if problem == "mapping values are not allowed here":
        problem = 'a second ": " on a line, or a wrong indent (put text that holds ": " in quotes)'
    context = getattr(error, "context", None)
    return line, f"not valid YAML: {f'{context}, ' if context else ''}{problem}"


class _TooMuchError(Exception):
    pass


class _Values:
    """Makes plain values of nodes; an alias is made anew each time, and counts each time."""

    def __init__(self, source: str, lines: bool, constructor: Any) -> None:
        self._source, self._lines, self._constructor = source, lines, constructor
        self._count = 0
        self._tree = Tree(None, {})

    def tree(self, node: Any) -> Tree:
        """The values of ``node`` and all below it."""
        self._mark((), node)
        try:
            self._tree.value = self._value(node, ())
        except _TooMuchError as refusal:
            return _refused(self._tree.places[()], str(refusal))
        return self._tree

    def _mark(self, path: KeyPath, node: Any) -> None:
        self._tree.places[path] = SourcePlace(self._source, node.start_mark.line + 1 if self._lines else 0)

    def _value(self, node: Any, path: KeyPath) -> Any:
        self._count += 1
        if self._count > MOST_VALUES or len(path) > MOST_DEPTH:
            raise _TooMuchError("too many values, or nested too deeply, once its aliases (*name) are written out")
        tag = str(node.tag)
        kind = tag.removeprefix(_CORE)
        if isinstance(node.value, str) and kind in (*_TEXT, "null", "bool", "int", "float"):
            return self._scalar(node.value, kind, node, path)
        if kind == "map" and tag != kind:
            return self._mapping(node, path)
        if kind == "seq" and tag != kind:
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        self._tree.complain(path, f"the tag {tag.replace(_CORE, '!!')} is not allowed: a recipe holds plain values")
        return None

    def _item(self, node: Any, path: KeyPath) -> Any:
        self._mark(path, node)
        return self._value(node, path)

    def _mapping(self, node: Any, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            place = SourcePlace(self._source, key.start_mark.line + 1 if self._lines else 0)
            if not isinstance(key.value, str):
                self._tree.complain(path, "a key must be a word, not a list or keys and values", place)
            elif key.value in found:
                first = self._tree.places[(*path, key.value)]
                where = f", first on line {first.line}" if self._lines else ""
                self._tree.complain((*path, key.value), f"the key is given twice{where}", place)
            else:
                self._tree.places[(*path, key.value)] = place
                found[key.value] = self._value(value, (*path, key.value))
        return found

    def _scalar(self, text: str, kind: str, node: Any, path: KeyPath) -> Any:
        try:
            if kind == "int":
                number = self._constructor.construct_yaml_int(node)
                if abs(number) >= 2**63:
                    raise ValueError
                return number
            if kind == "float":
                return self._constructor.construct_yaml_float(node)
            if kind == "bool":
                return {"true": True, "false": False}[text.lower()]
        except (ValueError, KeyError, IndexError):
            is_large = kind == "int" and text.lstrip("+-").isdecimal()
            self._tree.complain(path, "too large a number" if is_large else f'"{text[:40]}" is not a usable {kind}')
            return None
        return None if kind == "null" else text


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value with its path, outer ones first."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from walk(item, (*path, key))
