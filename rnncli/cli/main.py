"""The command ``rnncli``: assembles the commands and imports nothing heavy."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from rnncli import __version__, tasks
from rnncli.cli import (
    batch,
    bench,
    compare,
    data,
    doctor,
    evaluate,
    features,
    ngram,
    predict,
    recipes,
    report,
    run,
    runs,
)
from rnncli.cli.command import command

app = typer.Typer(
    name="rnncli",
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for _name in tasks.names():
    _spec = tasks.spec(_name)
    app.command(_name, help=run.task_help(_spec), short_help=_spec.summary, rich_help_panel="Tasks")(
        run.task_command(_spec)
    )
app.command("run", rich_help_panel="Runs")(command(run.run))
app.command("evaluate", rich_help_panel="Runs")(command(evaluate.evaluate))
app.command("predict", rich_help_panel="Runs")(command(predict.predict))
app.command("report", rich_help_panel="Runs")(command(report.report))
app.command("batch", rich_help_panel="Runs")(command(batch.batch))
app.command("compare", rich_help_panel="Runs")(command(compare.compare))
app.add_typer(runs.app, name="runs", rich_help_panel="Runs")
app.add_typer(recipes.app, name="recipes", rich_help_panel="Around a run")
app.add_typer(data.app, name="data", rich_help_panel="Around a run")
app.add_typer(bench.app, name="bench", rich_help_panel="Around a run")
app.command("features", rich_help_panel="Around a run")(command(features.features))
app.command("ngram", rich_help_panel="Around a run")(command(ngram.ngram))
app.command("doctor", rich_help_panel="Around a run")(command(doctor.doctor))


def main() -> None:
    """Run the command line."""
    # Threads that wait shall soon sleep. Those that spin starve each other when something else runs on the machine:
    # small steps take up to 15 times as long beside one busy process, against 1.4 times with this, which loses a tenth
    # on a quiet machine where sleeping at once loses four tenths.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a character gets its number, not an error
            stream.reconfigure(errors="backslashreplace")
    app()
