"""``rnncli predict``: use a trained model on arguments, a file or a stream."""

from __future__ import annotations

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
        typer.Argument(metavar="TEXT|FILE|-", help="Texts, one file, or - for lines on stdin."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a valid input line and stop.")] = False,
) -> None:
    """Predict: one JSON object a line, or a table on a terminal."""
    from rnncli.run.use import open_predictor, stream

    predictor = open_predictor(run)
    if example:
        terminal.out.print(predictor.example, soft_wrap=True)
        return
    as_table = terminal.out.is_terminal and not terminal.json
    for rows in stream(predictor, inputs or ["-"], sys.stdin):
        if as_table:
            print_table(terminal, *predictor.table(rows))
        else:
            for row in rows:
                sys.stdout.write(_json_line(row))
            sys.stdout.flush()


def _json_line(row: dict[str, object]) -> str:
    import json

    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
