"""``rnncli doctor``: what this machine offers and what rnncli would do with it."""

from __future__ import annotations

from rich.text import Text

from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal


def doctor(terminal: Terminal) -> None:
    """Versions, devices, the precision and kernels that would be used and why, and what is missing."""
    terminal.say("loading torch and its company", style="dim")
    from rnncli.run.doctor import examine

    found = examine()
    if terminal.json:
        terminal.result(found)
        return
    for title, rows in found.items():
        terminal.out.print(Text(title, style="bold"))
        print_table(terminal, ["", ""], [[key, str(value)] for key, value in rows.items()])
        terminal.out.print()
