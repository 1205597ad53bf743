"""``rnncli compare``: runs side by side, with the significance of their differences."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import completion
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.runs.advance import advancing

if TYPE_CHECKING:
    from rnncli.report.comparison import Comparison


def compare(
    terminal: Terminal,
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|FOLDER|GLOB...",
            help="Runs, folders of them, patterns.",
            autocompletion=completion.runs_and_folders,
        ),
    ],
    base: Annotated[
        str, typer.Option("--base", metavar="RUN|SETTING", help="What the others are tested against; else the first.")
    ] = "",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="What to compare; may be given again. [as trained for]")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page as well.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print a csv with every figure.")] = False,
) -> None:
    """Compare finished runs: those that differ in their seed alone are one row, with mean and deviation."""
    if csv and terminal.json:
        raise UsageError("--csv and --json are two forms of one thing", "give one of them")
    from rnncli.comparison.compare import compare as compare_runs

    with ProgressLine(terminal) as progress, advancing(progress):
        progress.now("comparing", aside=True)
        found = compare_runs(runs, base=base, metrics=metric or ())
    if html is not None:
        from rnncli.runs.page import write_comparison

        write_comparison(found, html)
        terminal.say(f"page {html}")
    show_comparison(terminal, found, csv=csv)


def show_comparison(terminal: Terminal, comparison: Comparison, *, csv: bool = False) -> None:
    """The comparison as a table for people, as JSON or csv for programs."""
    from rnncli.report.side import as_csv, lines

    if terminal.json:
        terminal.result(comparison.to_dict())
    elif csv:
        sys.stdout.write(as_csv(comparison))
    else:
        for line in lines(comparison, terminal.out.width if terminal.out.is_terminal else None):
            terminal.out.print(line, soft_wrap=True)
