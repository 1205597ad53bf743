"""``rnncli compare``: runs side by side, with the significance of their differences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    """Compare finished runs: those that differ in their seed alone are one row, with mean and deviation.

    Runs of several tasks are compared by task, each in a table of its own.
    """
    if csv and terminal.json:
        raise UsageError("--csv and --json are two forms of one thing", "give one of them")
    from rnncli.comparison.compare import compare_by_task

    with ProgressLine(terminal) as progress, advancing(progress):
        progress.now("comparing", aside=True)
        found = compare_by_task(runs, base=base, metrics=metric or ())
    if html is not None:
        from rnncli.runs.page import write_comparisons

        write_comparisons(found, html)
        terminal.say(f"page {html}")
    show_comparisons(terminal, found, csv=csv)


def show_comparisons(terminal: Terminal, comparisons: Sequence[Comparison], *, csv: bool = False) -> None:
    """Comparisons as tables for people, as JSON or csv for programs."""
    from rnncli.report.side import as_csv, lines

    if terminal.json:
        terminal.result(document(comparisons))
    elif csv:
        sys.stdout.write(as_csv(comparisons))
    else:
        width = terminal.out.width if terminal.out.is_terminal else None
        for number, comparison in enumerate(comparisons):
            if number:
                terminal.out.print()
            for line in lines(comparison, width, named=len(comparisons) > 1):
                terminal.out.print(line, soft_wrap=True)


def document(comparisons: Sequence[Comparison]) -> Any:
    """A comparison for JSON, a list of them where the runs are of several tasks."""
    found = [one.to_dict() for one in comparisons]
    return found[0] if len(found) == 1 else found
