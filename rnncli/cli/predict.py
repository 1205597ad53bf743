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
from rnncli.errors import UsageError


def predict(
    terminal: Terminal,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.", autocompletion=completion.runs)],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="Texts, one file, several recordings, or - for stdin. Of series: a history, none for that of the run.",
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Form of input and output; else found out, and kept.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PLACE",
            help="Folder for subtitles, a file of each input, else beside it; or FILE.csv or FILE.jsonl of forecasts.",
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
    """Predict: one JSON object a line or the form of the input, or a table on a terminal."""
    from rnncli.runs.apart import inputs_apart, joint_form, write_apart, write_joint
    from rnncli.runs.use import closing, is_heard, looking_ahead, open_predictor, stream, usual_inputs, written

    levels = _levels(quantiles)
    predictor = looking_ahead(open_predictor(run), future, levels)
    if example:
        terminal.out.print(predictor.example, soft_wrap=True)
        return
    gc.freeze()  # what is loaded stays, and what is read has no cycles: the collector would walk through it in vain
    gc.set_threshold(100_000)
    inputs = inputs or usual_inputs(predictor)
    stdin = sys.stdin.buffer if sys.stdin else None
    answer = "jsonl" if terminal.json else form
    tabular = terminal.out.is_terminal and not terminal.json and not form
    if joint := joint_form(predictor, out):
        assert out is not None
        write_joint(written(predictor, inputs, stdin, form, joint), out)
        terminal.out.print(str(out), soft_wrap=True)
    elif files := inputs_apart(predictor, inputs, answer, out):
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


def _levels(text: str) -> list[float]:
    """Levels of quantiles as they are typed, such as 0.1,0.5; UsageError for what is no number."""
    try:
        return [float(one) for one in text.split(",") if one.strip()]
    except ValueError:
        raise UsageError(f"--quantiles {text}: numbers are wanted", "such as --quantiles 0.1,0.5,0.9") from None
