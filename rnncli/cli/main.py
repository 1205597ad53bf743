"""The command ``rnncli``; imports nothing heavy, and no command before it is called."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from rnncli import tasks
from rnncli.cli.menu import Menu
from rnncli.cli.streams import OutputError, open_streams
from rnncli.runs.interrupt import interrupt_on_signals
from rnncli.version import __version__

app = typer.Typer(
    name="rnncli",
    cls=Menu,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, evaluate and use recurrent sequence models from a recipe.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"rnncli {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    # Threads that wait shall soon sleep. Those that spin starve each other when something else runs on the machine:
    # small steps take up to 15 times as long beside one busy process, against 1.4 times with this, which loses a tenth
    # on a quiet machine where sleeping at once loses four tenths.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    open_streams()
    interrupt_on_signals()
    for sentence in tasks.found().left_out:
        from rnncli.cli.terminal import Terminal
        from rnncli.report.layout import visible

        Terminal().say(visible(sentence), style="yellow")
    sys.exit(_ended())


def _ended() -> Any:
    """The exit code of the command; of what it did, where it is that alone which could not be shown."""
    try:
        app(prog_name="rnncli")
    except OutputError as lost:  # by what is printed outside of commands, such as help
        return _lost(lost)
    except SystemExit as ending:
        try:
            sys.stdout.flush()
        except OutputError as lost:
            return ending.code or _lost(lost)
        return ending.code
    return 0


def _lost(error: OutputError) -> int:
    from rnncli.cli.terminal import Terminal

    if error.message:
        Terminal().error(error)
    return error.exit_code
