"""Plain tables of cells that come from data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from rnncli.cli.terminal import Terminal
from rnncli.report.layout import grid, visible
from rnncli.tasks.predictors import TableCell

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
"""Of marks 1, 2 and so on, and again from the first."""
INDENT = 2


def print_table(terminal: Terminal, columns: Sequence[str], rows: Sequence[Sequence[TableCell]]) -> None:
    """A table without rules on stdout; columns of figures are right-aligned, and nothing is cut off a terminal.

    A single column is wrapped to the width of a terminal, others are shortened to it.
    """
    width = terminal.out.width if terminal.out.is_terminal else None
    cells = [[_text(cell) for cell in row] for row in rows]
    heads = [[Text(title, style="dim") for title in columns]] if any(columns) else []
    if len(columns) == 1 and width is not None:
        lines = (line for row in [*heads, *cells] for line in _wrapped(terminal, row[0], width))
    else:
        align = "".join(
            "r" if rows and all(_is_figure(row[i].plain) for row in cells) else "l" for i in range(len(columns))
        )
        lines = grid([*heads, *cells], align, width=width, flexible=range(len(columns)))
    for line in lines:
        terminal.out.print(line, soft_wrap=True)


def _text(cell: TableCell) -> Text:
    if isinstance(cell, str):
        return Text(visible(cell))
    styles = [COLOURS[(piece.mark - 1) % len(COLOURS)] if piece.mark else "" for piece in cell]
    return Text.assemble(*((visible(piece.text), style) for piece, style in zip(cell, styles, strict=True)))


def _wrapped(terminal: Terminal, text: Text, width: int) -> Iterator[Text]:
    for number, line in enumerate(text.wrap(terminal.out, max(width - INDENT, 1)) or [text]):
        line.rstrip()
        yield Text(" " * INDENT).append_text(line) if number else line


def _is_figure(cell: str) -> bool:
    return cell in ("", "-") or cell.removeprefix("-")[:1].isdigit()
