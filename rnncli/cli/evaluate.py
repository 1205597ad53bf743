"""``rnncli evaluate``: score a finished run on a split of its data or on another file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

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
    each: Annotated[
        str,
        typer.Option("--score", metavar="FILE|-", help="A line for each token and its nats, in place of a report."),
    ] = "",
) -> None:
    """Report how the best model of a run does."""
    if each:
        _score(terminal, run, places or (), data, split, each)
        return
    with ProgressLine(terminal, "loading the model") as progress:
        from rnncli.runs.use import evaluate as evaluate_run

        with advancing(progress):
            report = evaluate_run(run, data=data, split=split, places=places or ())
    show_report(terminal, report)


def _score(terminal: Terminal, run: Path, places: Sequence[str], data: Path | None, split: str, each: str) -> None:
    """Write a JSON object for each step of a part to stdout or into a new file, and say what they cost together."""
    out = None if each == "-" else Path(each).expanduser()
    sums = {"steps": 0.0, "nats": 0.0}
    with ProgressLine(terminal, "loading the model") as progress:
        from rnncli.runs.apart import require_new, write_pieces
        from rnncli.runs.use import step_scores

        if out is not None:
            require_new(out)
        with advancing(progress):
            lines = _lines(step_scores(run, data=data, split=split, places=places), sums)
            if out is None:
                sys.stdout.writelines(lines)
            else:
                write_pieces(lines, out)
    terminal.say(f"{sums['steps']:,.0f} steps, {sums['nats'] / max(1, sums['steps']):.4f} nats each", style="dim")
    if out is not None:
        terminal.out.print(str(out), soft_wrap=True)


def _lines(rows: Iterable[Mapping[str, Any]], sums: dict[str, float]) -> Iterator[str]:
    """Rows as JSON objects on a line each, added up on the way."""
    for row in rows:
        sums["steps"] += 1
        sums["nats"] += row["nats"]
        yield json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
