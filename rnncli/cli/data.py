"""``rnncli data``: look at the data of a recipe before training on it."""

from __future__ import annotations

import typer
from rich.text import Text

from rnncli.cli.command import command
from rnncli.cli.menu import CheckedCommand, CheckedGroup
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Overrides, Recipe
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.report.layout import visible
from rnncli.runs.advance import advancing

app = typer.Typer(cls=CheckedGroup, no_args_is_help=True, help="Look at the data of a recipe.")


@app.callback()
def _data() -> None:
    """Keep ``check`` a command of its own while it is the only one."""


def check(
    terminal: Terminal,
    recipe: Recipe,
    overrides: Overrides = None,
) -> None:
    """Sizes, lengths, labels, vocabulary, duplicates across splits, and rows dropped with the reason."""
    from rnncli.runs.recipes import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    with ProgressLine(terminal, "reading the data") as progress, advancing(progress):
        from rnncli.tools.data_check import check_data

        found = check_data(loaded)
    if terminal.json:
        terminal.result(found.to_dict())
        return
    terminal.out.print(Text(visible(found.headline)))
    for note in found.notes:
        terminal.out.print(Text(visible(note)))
    for table in found.tables:
        terminal.out.print()
        terminal.out.print(Text(visible(table.title), style="bold"))
        print_table(terminal, table.columns, table.rows)
    for number, line in enumerate(found.advice):
        terminal.out.print(
            Text(f"{'' if number else chr(10)}- {visible(line)}"), soft_wrap=not terminal.out.is_terminal
        )


app.command("check", cls=CheckedCommand)(command(check))
