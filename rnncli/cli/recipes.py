"""``rnncli recipes``: the shipped recipes, to list, read, copy and check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from rnncli import tasks
from rnncli.cli import completion
from rnncli.cli.command import command
from rnncli.cli.menu import CheckedCommand, CheckedGroup
from rnncli.cli.terminal import Terminal
from rnncli.errors import RecipeError, UserError
from rnncli.report.layout import visible

app = typer.Typer(cls=CheckedGroup, no_args_is_help=True, help="List, show, copy and validate recipes.")
Name = Annotated[
    str,
    typer.Argument(help="A shipped recipe, such as sentiment/default, or a file.", autocompletion=completion.recipes),
]


def list_(terminal: Terminal) -> None:
    """List the recipes that come with rnncli."""
    from rnncli.recipe import library

    found = library.find(others=tasks.recipe_folders())
    if terminal.json:
        terminal.result(
            [{"name": shipped.name, "summary": shipped.summary, "path": str(shipped.path)} for shipped in found]
        )
        return
    width = max((len(shipped.name) for shipped in found), default=0)
    for shipped in found:
        line = Text(f"{shipped.name:<{width}}  ", style="bold").append(shipped.summary, style="not bold")
        terminal.out.print(line)


def show(
    terminal: Terminal,
    name: Name,
    full: Annotated[bool, typer.Option("--full", help="Every key with its meaning and its value.")] = False,
) -> None:
    """Print a recipe."""
    from rnncli.recipe import library
    from rnncli.recipe.load import dump
    from rnncli.runs.recipes import load_recipe

    path = library.resolve(name, others=tasks.recipe_folders())
    if terminal.json:
        terminal.result(load_recipe(name, []).model_dump(mode="json"))
        return
    text = dump(load_recipe(name, []), comments=True) if full else path.read_text(encoding="utf-8")
    terminal.out.print("\n".join(map(visible, text.rstrip().splitlines())), soft_wrap=True)


def copy(
    terminal: Terminal,
    name: Name,
    dest: Annotated[Path | None, typer.Argument(help="File or folder to copy to; here if not given.")] = None,
) -> None:
    """Copy a recipe to change it."""
    from rnncli.recipe import library

    path = library.copy(name, dest or Path(), others=tasks.recipe_folders())
    if terminal.json:
        terminal.result({"path": str(path)})
        return
    terminal.out.print(str(path), soft_wrap=True)
    terminal.say(f"try  rnncli run {path}")


def validate(
    terminal: Terminal,
    files: Annotated[
        list[str], typer.Argument(help="Recipe files or shipped names.", autocompletion=completion.recipes)
    ],
) -> None:
    """Check recipes and say everything that is wrong with them."""
    from rnncli.runs.recipes import load_recipe

    problems: dict[str, UserError | None] = {}
    for file in files:
        try:
            load_recipe(file, [])
            problems[file] = None
        except UserError as error:
            problems[file] = error
    if terminal.json:
        rows = [
            {"file": f, "valid": e is None, "problems": e.message.splitlines() if e else []}
            for f, e in problems.items()
        ]
        terminal.result(rows)
    for file, error in problems.items():
        if error is None and not terminal.json:
            terminal.out.print(f"{file}: valid", soft_wrap=True)
        elif error is not None:
            terminal.error(error)
    if bad := sum(error is not None for error in problems.values()):
        raise typer.Exit(RecipeError.exit_code if bad else 0)


app.command("list", cls=CheckedCommand)(command(list_))
app.command("show", cls=CheckedCommand)(command(show))
app.command("copy", cls=CheckedCommand)(command(copy))
app.command("validate", cls=CheckedCommand)(command(validate))
