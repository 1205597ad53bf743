"""Cells as a person means them: whole numbers that a library made double, JSON's true, lists that were saved as text.

>>> written(1.0), written(True), label_text("0.0"), list_in("['a', 'b']"), list_in("a [b]")
('1', 'true', '0', ['a', 'b'], None)
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_DOUBLE = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0+")
_STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_ITEM = rf"(?:{_STRING}|[+-]?[\w.]+)"
_PYTHON_LIST = re.compile(
    rf"\[\s*(?:{_ITEM}\s*,\s*)*(?:{_ITEM}\s*)?\]|\(\s*(?:{_ITEM}\s*,\s*)+(?:{_ITEM}\s*)?\)", re.DOTALL
)

_ALIKE = rf"(?:{_STRING}|[+-]?[\d.]+)"
_OTHER_LIST = re.compile(
    rf"""\[\s*{_ALIKE}(?:\s+{_ALIKE})+\s*\]|\[\s*[\[({{].*\]|\{{\s*{_STRING}\s*[:,}}].*""", re.DOTALL
)


def written(value: Any) -> str:
    """A value as text: empty for a missing one, a whole double as the integer, true and false as JSON has them.

    The values of a list stand with a blank between them.
    """
    if type(value) is str:
        return value
    if value is None or value != value:  # NaN alone differs from itself
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return " ".join(map(written, value)) if isinstance(value, list) else str(value)


def label_text(value: Any) -> str:
    """A label as text without blanks around it, the same for 1, 1.0 and "1.0"."""
    text = written(value).strip()
    if text.endswith("0") and (found := _DOUBLE.fullmatch(text)):
        return str(int(found[1]))
    return text


def list_in(text: str) -> list[Any] | None:
    """The list of plain values that a text is, in JSON or as Python writes it; None for any other text."""
    text = text.strip()
    if not (text.startswith(("[", "(")) and text.endswith(("]", ")"))):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # Strings side by side, as numpy prints an array, would be one to Python.
        found = _literal(text) if _PYTHON_LIST.fullmatch(text) else None
    if not isinstance(found, list) or any(isinstance(one, (list, dict)) for one in found):
        return None
    return found


def is_other_list(text: str) -> bool:
    """Whether a text is a list as numpy prints it, one of lists, a set, or an object: nothing that ``list_in`` reads.

    >>> [is_other_list(text) for text in ("['a' 'b']", "{'a', 'b'}", '{"a": 1}', "[sic] a", "['a', 'b']")]
    [True, True, True, False, False]
    """
    return text[:1] in ("[", "{") and text[-1] in "]}" and _OTHER_LIST.fullmatch(text) is not None


def _literal(text: str) -> list[Any] | None:
    try:
        return list(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
