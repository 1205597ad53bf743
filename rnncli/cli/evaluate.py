"""``rnncli evaluate``: score a finished run on a split of its data or on another file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli.run import show_report
from rnncli.cli.terminal import Terminal


def evaluate(
    terminal: Terminal,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="data.root=DIR", help="Where the run's own data are, if they have moved."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE|DIR", help="Another labelled file.")] = None,
    split: Annotated[str, typer.Option("--split", help="train, dev or test of the run's own data.")] = "test",
) -> None:
    """Report how the best model of a run does."""
    terminal.say("loading the model", style="dim")
    from rnncli.runs.use import evaluate as evaluate_run

    show_report(terminal, evaluate_run(run, data=data, split=split, places=places or ()))
