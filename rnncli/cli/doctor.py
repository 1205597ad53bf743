"""``rnncli doctor``: what this machine offers and what rnncli would do with it."""

from __future__ import annotations

from rich.text import Text

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.terminal import Terminal


def doctor(terminal: Terminal) -> None:
    """Versions, devices, the precision and kernels that would be used and why, and what is missing."""
    with ProgressLine(terminal, "loading torch and its company"):
        from rnncli.tools.doctor import examine

        found = examine()
    if terminal.json:
        terminal.result(found)
        return
    for title, facts in found.items():
        terminal.out.print(Text(title, style="bold"))
        width = max(map(len, facts))
        for name, fact in facts.items():
            line = Text(f"  {name:<{width}}  ", style="dim").append(str(fact), style="not dim")
            terminal.out.print(line, soft_wrap=not terminal.out.is_terminal)
        terminal.out.print()
