"""Lines for a terminal out of texts that come from data: aligned by what a terminal shows, never read as
markup.

Widths are in columns of the terminal: a Chinese character takes two. Where a function takes ``width``, None
stands for a file or a pipe, for which nothing is shortened or wrapped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence

from rich.cells import cell_len, chop_cells
from rich.text import Text

ELLIPSIS = "…"
NARROWEST = 6
_JOINERS = "\u200c\u200d"


def visible(text: str) -> str:
    """``text`` with everything that could steer a terminal shown instead: control characters as their
    pictures, invisible and reversing ones by number.
    """
    return text if text.isprintable() else "".join(_visible(character) for character in text)


def cell(text: str | Text) -> Text:
    """A text from data as a cell."""
    return text if isinstance(text, Text) else Text(visible(text))


def grid(
    rows: Iterable[Sequence[str | Text]],
    align: str,
    *,
    gap: int = 2,
    width: int | None = None,
    flexible: Collection[int] = (),
) -> list[Text]:
    """Rows of cells as lines, their columns aligned by ``align`` ("l" or "r", one letter a column).

    Beyond ``width`` the ``flexible`` columns give way, widest first, down to six columns each.
    """
    cells = [[cell(item) for item in row] for row in rows]
    widths = [max((row[i].cell_len for row in cells), default=0) for i in range(len(align))]
    if width is not None:
        widths = _squeezed(widths, width - gap * (len(align) - 1), flexible)
    return [_line(row, widths, align, gap) for row in cells]


def measure(lines: Iterable[Text]) -> int:
    """The width of the widest line."""
    return max((line.cell_len for line in lines), default=0)


def shorten(text: str, width: int) -> str:
    """``text`` within ``width`` columns, an ellipsis for its middle: labels often differ at their ends."""
    if cell_len(text) <= width:
        return text
    tail = max((width - 1) // 3, 0)
    return _head(text, width - 1 - tail) + ELLIPSIS + (_head(text[::-1], tail)[::-1] if tail else "")


def wrap(text: str, width: int | None, *, lines: int | None = None) -> list[str]:
    """``text`` in lines of ``width`` columns; beyond ``lines`` of them the last ends in an ellipsis."""
    if width is None or cell_len(text) <= width:
        return [text]
    # Longer than what can be shown: the rest need not be looked at.
    wrapped = _wrapped(text if lines is None else text[: width * (lines + 1)], width)
    if lines is None or len(wrapped) <= lines:
        return wrapped
    return [*wrapped[: lines - 1], _head(wrapped[lines - 1], width - 1).rstrip() + ELLIPSIS]


def _visible(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if category == "Cc":
        return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"\\x{code:02x}"
    if category in ("Zl", "Zp", "Cs") or (category == "Cf" and character not in _JOINERS):
        return f"\\u{code:04x}"
    return character


def _squeezed(widths: list[int], room: int, flexible: Collection[int]) -> list[int]:
    widths = list(widths)
    while sum(widths) > room:
        widest = max(flexible, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
    return widths


def _line(row: Sequence[Text], widths: Sequence[int], align: str, gap: int) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    owed = 0
    for item, width, side in zip(row, widths, align, strict=False):
        if item.cell_len > width:
            item = Text(shorten(item.plain, width), style=item.style)
        padding = width - item.cell_len
        owed += padding if side == "r" else 0
        if item.plain:
            line.append(" " * owed).append_text(item)
            owed = 0
        owed += gap + (padding if side == "l" else 0)
    line.rstrip()
    return line


def _head(text: str, width: int) -> str:
    if width <= 0:
        return ""
    return chop_cells(text, width)[0] if cell_len(text) > width else text


def _wrapped(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) or [""]
        lines.extend(full)
    return [*lines, line] if line or not lines else lines
