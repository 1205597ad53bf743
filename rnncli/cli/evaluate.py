"""``rnncli evaluate``: score a finished run on a split of its data or on another file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli import completion
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Run, show_report
from rnncli.cli.terminal import Terminal
from rnncli.runs.advance import advancing


def evaluate(
    terminal: Terminal,
    run: Run,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="data.root=DIR", help="Where the run's own data are, if they have moved."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE|DIR", help="Another labelled file.")] = None,
    split: Annotated[
        str,
        typer.Option("--split", help="train, dev or test of the run's own data.", autocompletion=completion.splits),
    ] = "test",
) -> None:
    """Report how the best model of a run does."""
    with ProgressLine(terminal, "loading the model") as progress:
        from rnncli.runs.use import evaluate as evaluate_run

        with advancing(progress):
            report = evaluate_run(run, data=data, split=split, places=places or ())
    show_report(terminal, report)
