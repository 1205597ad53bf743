"""What a recipe's schema says of each key, in words, for problems and for comments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rnncli.recipe.text import KeyPath

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe

_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "below"),
)
_DEEPEST = 8
Node = dict[str, Any]


def nearest(word: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """The name most like ``word``, or nothing where none is like it; ``cutoff`` is how alike it must be, at most 1."""
    known = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return known[close[0]] if close else ""


def suggestion(word: str, names: Iterable[str]) -> str:
    """`` (did you mean "name"?)``, or nothing."""
    close = nearest(word, names)
    return f' (did you mean "{close}"?)' if close else ""


def number(value: float) -> str:
    """A bound as a person writes it."""
    return str(int(value)) if value == int(value) else str(value)


class Outline:
    """A recipe's schema by dotted key, taken from its JSON schema."""

    def __init__(self, schema: type[Recipe]) -> None:
        self._root: Node = schema.model_json_schema()

    def node(self, path: KeyPath) -> Node | None:
        """What the schema says of the key at ``path``; None where it knows no such key."""
        nodes = [self._root]
        for part in path:
            inner = [self._inner(one, part) for node in nodes for one in self._choices(node)]
            nodes = [node for node in inner if node is not None]
        return nodes[0] if nodes else None

    def keys(self, path: KeyPath = ()) -> tuple[str, ...]:
        """The keys of the section at ``path``; none where it is not a section."""
        node = self.node(path)
        return tuple(key for one in self._choices(node or {}) for key in one.get("properties", {}))

    def everywhere(self, path: KeyPath = ()) -> Iterator[KeyPath]:
        """The paths of all keys of all sections."""
        for key in self.keys(path) if len(path) < _DEEPEST else ():
            yield (*path, key)
            yield from self.everywhere((*path, key))

    def values(self, path: KeyPath) -> tuple[str, ...]:
        """The words among which the key at ``path`` chooses, if it does."""
        choices = self._choices(self.node(path) or {})
        words = [word for one in choices for word in one.get("enum", [one["const"]] if "const" in one else [])]
        return tuple(word for word in words if isinstance(word, str))

    def wanted(self, path: KeyPath) -> str:
        """What the key at ``path`` takes: ``a whole number, at least 1``."""
        return self._words(self.node(path) or {})

    def takes_text(self, path: KeyPath) -> bool:
        """Whether the key at ``path`` takes any text."""
        choices = self._choices(self.node(path) or {})
        return any(one.get("type") == "string" and not {"enum", "const"} & one.keys() for one in choices)

    def description(self, path: KeyPath) -> str:
        """The description of the key at ``path``, without its section's own."""
        node = self.node(path) or {}
        return str(node.get("description", ""))

    def default(self, path: KeyPath) -> Any:
        """The value of the key at ``path`` where no recipe gives one; None where it has none, or that is null."""
        return (self.node(path) or {}).get("default")

    def _choices(self, node: Node) -> list[Node]:
        """The alternatives of a node, references followed."""
        if "$ref" in node:
            return self._choices(self._root["$defs"][node["$ref"].rpartition("/")[2]])
        for several in ("anyOf", "oneOf"):
            if several in node:
                return [choice for one in node[several] for choice in self._choices(one)]
        return [node]

    def _inner(self, node: Node, part: str | int) -> Node | None:
        if isinstance(part, int):
            fixed = node.get("prefixItems", [])
            found = fixed[part] if part < len(fixed) else node.get("items")
        else:
            found = node.get("properties", {}).get(part) or node.get("additionalProperties")
        return found if isinstance(found, dict) else None

    def _words(self, node: Node) -> str:
        choices = list(dict.fromkeys(self._plain(one) for one in self._choices(node)))
        return (", or " if any(", " in words for words in choices) else " or ").join(choices)

    def _plain(self, node: Node) -> str:
        if "enum" in node:
            return "one of " + ", ".join(str(value) for value in node["enum"])
        if "const" in node:
            return str(node["const"])
        kind = node.get("type")
        if kind in ("integer", "number"):
            bounds = [f"{word} {number(node[bound])}" for bound, word in _BOUNDS if bound in node]
            name = "a whole number" if kind == "integer" else "a number"
            return ", ".join([name, " and ".join(bounds)]) if bounds else name
        if kind == "array":
            return f"a list, each {self._words(node['items'])}" if node.get("items") else "a list"
        if kind == "object":
            if "properties" in node:
                return "a section of keys"
            each = node.get("additionalProperties")
            return f"keys with values, each {self._words(each)}" if each else "keys with values"
        return {"boolean": "true or false", "string": "text", "null": "null"}.get(str(kind), "a value")
