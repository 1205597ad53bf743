"""What pydantic finds wrong with a recipe, as sentences that name the place, the key and the remedy."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from rnncli import aliases
from rnncli.recipe.outline import Outline, nearest, number, suggestion
from rnncli.recipe.text import KeyPath, Tree, dotted

_LIMITS = {
    "greater_than_equal": ("ge", "too small, the least is"),
    "greater_than": ("gt", "too small, it must be more than"),
    "less_than_equal": ("le", "too large, the most is"),
    "less_than": ("lt", "too large, it must be less than"),
}

_SWITCHES = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def explain(tree: Tree, errors: Sequence[Any], outline: Outline) -> None:
    """Add pydantic's ``errors`` to the problems of ``tree``, one for each value."""
    found: dict[KeyPath, list[Any]] = {}
    for error in errors:
        found.setdefault(_path(error, tree.value), []).append(error)
    for path, each in found.items():
        # A number out of bounds is a number: that it is not the word that might stand there instead says nothing.
        several = [error for error in each if error["type"] in _LIMITS] or each
        if several[0]["type"] == "extra_forbidden":
            what = _unknown(path, outline)
        elif len(several) > 1:
            what = _wrong(path, tree, outline)
        else:
            what = _one(several[0], path, tree, outline)
        place = tree.place(path)
        if several[0]["type"] == "missing" and not place.line:
            place = tree.place(())  # the command line gave the section, but it is the file that lacks the key
        tree.complain(path, what, place)


def _path(error: Any, value: Any) -> KeyPath:
    """Where the error is in ``value``: pydantic's location without the names of a union's members."""
    path: KeyPath = ()
    for part in error["loc"]:
        known = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if known:
            path, value = (*path, part), value[part]
    return (*path, error["loc"][-1]) if error["type"] == "missing" else path


def _unknown(path: KeyPath, outline: Outline) -> str:
    section, key = path[:-1], str(path[-1])
    if key == "<<":
        return "YAML 1.2 has no merge keys: write the keys out"
    same = [known for known in outline.everywhere() if known[-1] == key]
    if same:
        home = dotted(same[0][:-1])
        return f"unknown key here, it belongs {f'under {home}' if home else 'at the top level'}"
    close = aliases.meant(key, aliases.KEYS, map(dotted, outline.everywhere()))
    close = close or nearest(key, outline.keys(section))
    if not close:
        last = nearest(key, [str(known[-1]) for known in outline.everywhere()])
        close = next((dotted(known) for known in outline.everywhere() if known[-1] == last), "")
    if close:
        return f'unknown key (did you mean "{close}"?)'
    return f"unknown key, not one of {', '.join(outline.keys(section))}"


def _one(error: Any, path: KeyPath, tree: Tree, outline: Outline) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        about = outline.description(path) or outline.wanted(path)
        return f"this key is missing and has no default ({about})"
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        return f"{_shown(error['input'])} is {words} {number(context[limit])}"
    if kind == "finite_number":
        return f"must be a finite number, got {_shown(error['input'])}"
    if kind == "string_pattern_mismatch":
        about = outline.description(path) or f"must match {context['pattern']}"
        return f"{_shown(error['input'])} does not fit ({about})"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind.endswith(("_type", "_parsing", "_from_float")) or kind in ("literal_error", "enum"):
        return _wrong(path, tree, outline)
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, got {_shown(error['input'])}"


def _wrong(path: KeyPath, tree: Tree, outline: Outline) -> str:
    value = tree.value
    for part in path:
        value = value[part]
    return f"must be {outline.wanted(path)}, got {_shown(value)}{_advice(path, value, tree, outline)}"


def _advice(path: KeyPath, value: Any, tree: Tree, outline: Outline) -> str:
    """What was probably meant by a value of the wrong kind."""
    if outline.takes_text(path) and value is None:
        return ' (write "" for empty text)'
    if outline.takes_text(path) and isinstance(value, int | float):
        return " (put it in quotes)" if tree.place(path).line else f" (quote it: '{dotted(path)}=\"...\"')"
    if not isinstance(value, str):
        return ""
    if outline.wanted(path) == "true or false" and value.lower() in _SWITCHES:
        return f' (did you mean "{_SWITCHES[value.lower()]}"?)'
    return suggestion(value, outline.values(path))


def _shown(value: Any) -> str:
    """A value as a person would know it again, cut to a line."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "keys with values"
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + '..."'
