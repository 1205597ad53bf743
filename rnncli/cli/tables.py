"""Plain tables of cells that come from data."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from rnncli.cli.terminal import printable


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table without rules; columns of numbers are right-aligned, long cells fold and are never cut."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, title in enumerate(columns):
        numeric = rows and all(_is_figure(row[index]) for row in rows)
        table.add_column(Text(title), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def _is_figure(cell: str) -> bool:
    return cell in ("", "-") or cell.replace(",", "").replace("%", "").replace(".", "", 1).lstrip("-").strip().isdigit()
