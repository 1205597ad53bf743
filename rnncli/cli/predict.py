"""``rnncli predict``: use a trained model on arguments, a file or a stream."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli import completion
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal


def predict(
    terminal: Terminal,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.", autocompletion=completion.runs)],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT|FILE|-", help="Texts, one file, several recordings, or - for stdin."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Form of input and output; else found out, and kept.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for subtitles, a file of each input; else beside it."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a valid input line and stop.")] = False,
) -> None:
    """Predict: one JSON object a line or the form of the input, or a table on a terminal."""
    from rnncli.runs.apart import inputs_apart, write_apart
    from rnncli.runs.use import closing, is_heard, open_predictor, stream, written

    predictor = open_predictor(run)
    if example:
        terminal.out.print(predictor.example, soft_wrap=True)
        return
    gc.freeze()  # what is loaded stays, and what is read has no cycles: the collector would walk through it in vain
    gc.set_threshold(100_000)
    inputs = inputs or ["-"]
    stdin = sys.stdin.buffer if sys.stdin else None
    answer = "jsonl" if terminal.json else form
    tabular = terminal.out.is_terminal and not terminal.json and not form
    if files := inputs_apart(predictor, inputs, answer, out):
        for path in write_apart(predictor, files, answer, out):
            terminal.out.print(str(path), soft_wrap=True)
    elif tabular and not is_heard(predictor, inputs):
        for answers in stream(predictor, inputs, stdin):
            print_table(terminal, *predictor.table([row for _, row in answers]))
    else:
        for texts in written(predictor, inputs, stdin, form, answer):
            sys.stdout.writelines(texts)
            sys.stdout.flush()
    if said := closing(predictor):
        terminal.say(said, style="dim")
