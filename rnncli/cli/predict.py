"""``rnncli predict``: use a trained model on arguments, a file or a stream."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli.run import Run
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal

if TYPE_CHECKING:
    from rnncli.runs.answers import Predicting


def predict(
    terminal: Terminal,
    run: Run,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="Texts, one file, several recordings, or - for stdin. Of series: a history, none for that of the run.",
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Form of the input, else found out; texts keep it.")
    ] = "",
    to: Annotated[
        str, typer.Option("--to", metavar="NAME", help="Form of the output: csv, tsv, jsonl, parquet and others.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PLACE",
            help="FILE.csv, .tsv, .jsonl or .parquet: your columns and predictions. For subtitles a folder.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            "--text-column",
            metavar="NAME",
            help="Of tables: the column to predict from, where it is not that of training. Several are joined.",
        ),
    ] = None,
    future: Annotated[
        Path | None,
        typer.Option("--future", metavar="FILE", help="Of series: what is known of the steps ahead, a row a step."),
    ] = None,
    quantiles: Annotated[
        str, typer.Option("--quantiles", metavar="LEVELS", help="Of series: quantiles to give, such as 0.1,0.5,0.9.")
    ] = "",
    example: Annotated[bool, typer.Option("--example", help="Print a valid input line and stop.")] = False,
) -> None:
    """Predict: one JSON object a line, the form of the input, or your table with new columns; shown on a terminal."""
    from rnncli.runs.apart import inputs_apart, write_apart
    from rnncli.runs.predicting import InputForm, closing, given, hear, is_heard, looking_ahead, usual_inputs
    from rnncli.runs.tabled import table_form
    from rnncli.runs.use import opened
    from rnncli.tasks.portable import levels_in

    levels = levels_in(quantiles)
    predictor, asked = opened(run, columns or ())
    predictor = looking_ahead(predictor, future, levels)
    if example:
        terminal.out.print(predictor.example, soft_wrap=True)
        return
    gc.freeze()  # what is loaded stays, and what is read has no cycles: the collector would walk through it in vain
    gc.set_threshold(100_000)
    inputs = inputs or usual_inputs(predictor)
    stdin = sys.stdin.buffer if sys.stdin else None
    answer = to or ("jsonl" if terminal.json else form)
    table = table_form(predictor, to, form, out)
    if files := inputs_apart(predictor, inputs, answer, out):
        for path in write_apart(predictor, files, answer, out):
            terminal.out.print(str(path), soft_wrap=True)
        said = closing(predictor)
    elif is_heard(predictor, inputs):
        _write(hear(predictor, inputs[0], stdin, answer))
        said = closing(predictor)
    else:
        reading = InputForm(form, asked, keeping=bool(table), typed=table == "parquet")
        found = given(predictor, inputs, stdin, reading)
        tabular = terminal.out.is_terminal and not terminal.json and not form and not to
        said = _answer(terminal, found, table, answer, out, tabular=tabular)
    if said:
        terminal.say(said, style="dim")


def _answer(terminal: Terminal, found: Predicting, table: str, form: str, out: Path | None, *, tabular: bool) -> str:
    """Write what is predicted to where it is wanted; what is to be said when all is done."""
    from rnncli.runs.apart import write_pieces
    from rnncli.runs.tabled import TableOut

    if table:
        made = TableOut(found)
        if out is None:
            _write(made.text(table))
        else:
            made.write(out, table)
            terminal.out.print(str(out), soft_wrap=True)
        return made.closing()
    if out is not None:
        write_pieces(chain.from_iterable(found.written(form)), out)
        terminal.out.print(str(out), soft_wrap=True)
    elif tabular:
        for answers in found.answers():
            print_table(terminal, *found.predictor.table([one.row for one in answers if not one.blank]))
    else:
        _write(map("".join, found.written(form)))
    return found.closing()


def _write(pieces: Iterable[str]) -> None:
    """Results as they come."""
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
