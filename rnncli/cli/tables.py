"""Plain tables of cells that come from data."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from rnncli.cli.terminal import Terminal
from rnncli.report.layout import grid


def print_table(terminal: Terminal, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table without rules on stdout; columns of figures are right-aligned, and nothing is cut off a terminal."""
    width = terminal.out.width if terminal.out.is_terminal else None
    align = "".join("r" if rows and all(_is_figure(row[i]) for row in rows) else "l" for i in range(len(columns)))
    heads = [[Text(title, style="dim") for title in columns]] if any(columns) else []
    for line in grid([*heads, *rows], align, width=width, flexible=range(len(columns))):
        terminal.out.print(line, soft_wrap=True)


def _is_figure(cell: str) -> bool:
    return not cell or cell == "-" or cell[0].isdigit()
