"""``rnncli predict``: use a trained model on arguments, a file or a stream."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal


def predict(
    terminal: Terminal,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT|FILE|-", help="Texts, one file, several recordings, or - for stdin."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Form of input and output; else found out, and kept.")
    ] = "",
    example: Annotated[bool, typer.Option("--example", help="Print a valid input line and stop.")] = False,
) -> None:
    """Predict: one JSON object a line or the form of the input, or a table on a terminal."""
    from rnncli.runs.use import closing, is_heard, open_predictor, stream, written

    predictor = open_predictor(run)
    if example:
        terminal.out.print(predictor.example, soft_wrap=True)
        return
    gc.freeze()  # what is loaded stays, and what is read has no cycles: the collector would walk through it in vain
    gc.set_threshold(100_000)
    inputs = inputs or ["-"]
    stdin = sys.stdin.buffer if sys.stdin else None
    tabular = terminal.out.is_terminal and not terminal.json and not form
    if tabular and not is_heard(predictor, inputs):
        for answers in stream(predictor, inputs, stdin):
            print_table(terminal, *predictor.table([row for _, row in answers]))
    else:
        for texts in written(predictor, inputs, stdin, form, "jsonl" if terminal.json else form):
            sys.stdout.writelines(texts)
            sys.stdout.flush()
    if said := closing(predictor):
        terminal.say(said, style="dim")
