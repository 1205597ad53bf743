"""A recipe written out whole, as YAML that loads to the same recipe again."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

from rnncli.recipe.outline import Outline
from rnncli.recipe.text import KeyPath

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe

_WIDTH = 88
_PLAIN = re.compile(r"(?:[A-Za-z_/]|\.{1,2}/)[A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*")
# Words that YAML, or its older version 1.1 in other programs, does not take for text.
_NOT_TEXT = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def dump(recipe: Recipe, comments: bool = False) -> str:
    """All keys of ``recipe`` in the order of its schema.

    With ``comments`` each key stands under its description and the values it takes.
    """
    outline = Outline(type(recipe)) if comments else None
    return "\n".join(_lines(recipe.model_dump(mode="json"), (), outline)).lstrip("\n") + "\n"


def _lines(section: dict[str, Any], path: KeyPath, outline: Outline | None) -> list[str]:
    """The lines of a section; the recipe's own sections are set apart by an empty line."""
    lines: list[str] = []
    indent = "  " * len(path)
    for key, value in section.items():
        here = (*path, key)
        inner = isinstance(value, dict) and bool(value)
        if inner and not path:
            lines.append("")
        if outline:
            lines += _comment(here, outline, indent)
        if inner:
            known = outline if outline and outline.keys(here) else None
            lines += [f"{indent}{_scalar(key)}:", *_lines(value, here, known)]
        else:
            lines.append(f"{indent}{_scalar(key)}: {_flow(value)}")
    return lines


def _comment(path: KeyPath, outline: Outline, indent: str) -> list[str]:
    about, wanted = outline.description(path), outline.wanted(path)
    if outline.keys(path) or (about and wanted == "text"):
        wanted = ""
    text = f"{about} ({wanted})" if about and wanted else about or wanted
    mark = f"{indent}# "
    return textwrap.wrap(text, _WIDTH, initial_indent=mark, subsequent_indent=mark, break_long_words=False)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """JSON's way of writing, which is YAML's too, without quotes where text needs none."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return "".join(one if one.isprintable() else _escape(one) for one in json.dumps(value, ensure_ascii=False))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
