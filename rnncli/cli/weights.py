"""``rnncli weights``: look at a file of weights of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from rnncli.cli.command import command
from rnncli.cli.menu import CheckedCommand, CheckedGroup
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.report.layout import visible

HELP = "Show the recurrent layers in a file of Keras or torch that a recipe can start from."

app = typer.Typer(cls=CheckedGroup, no_args_is_help=True, help=HELP)


@app.callback()
def _weights() -> None:
    """Keep ``show`` a command of its own while it is the only one."""


def show(
    terminal: Terminal,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .keras, .weights.h5 or .h5 of Keras, or a .safetensors of torch.")
    ],
) -> None:
    """List layers and shapes, and the recurrent layers that a recipe can start from with model.start."""
    with ProgressLine(terminal, "reading the weights"):
        from rnncli.tools.weights import show_weights

        shown = show_weights(file)
    if terminal.json:
        terminal.result(shown.to_dict())
        return
    out, uncut = terminal.out, not terminal.out.is_terminal
    out.print(Text(visible(f"{file}: {shown.found.kind}")), soft_wrap=uncut)
    out.print()
    rows = [
        (one.name, one.what, " ".join("x".join(map(str, s)) or "1" for s in one.shapes)) for one in shown.found.layers
    ]
    print_table(terminal, ("layer", "what", "weights"), rows)
    for one in shown.found.layers:
        if one.trouble:
            out.print(Text(visible(f"no recipe can start from {one.name}: {one.trouble}")), soft_wrap=uncut)
    for stack in shown.found.stacks:
        out.print()
        out.print(Text(visible(f"{stack.name}: {stack}, reads {stack.input_size} numbers a step"), style="bold"))
        for note in stack.notes:
            out.print(Text(visible(f"- {note}")), soft_wrap=uncut)
        for setting in stack.unsaid:
            out.print(Text(visible(f"- the file does not say its {setting}: give model.{setting}")), soft_wrap=uncut)
        terminal.out.print(Text(visible(shown.command(stack))), soft_wrap=True)
    if not shown.found.stacks:
        terminal.say("there is nothing in it that a recipe can start from")


app.command("show", cls=CheckedCommand)(command(show))
