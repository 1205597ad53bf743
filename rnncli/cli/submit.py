"""``rnncli submit``: the predictions of a run in the layout that a competition wants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Run
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.runs.advance import advancing

if TYPE_CHECKING:
    from rnncli.runs.submit import Submission

KINDS = ("labels", "probabilities")


def submit(
    terminal: Terminal,
    run: Run,
    test: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The rows to predict; with --folds the data of training, if they moved."),
    ] = None,
    like: Annotated[
        Path | None, typer.Option("--like", metavar="SAMPLE", help="A sample: ids, order, columns and types are its.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="submission.csv if not given.")
    ] = None,
    folds: Annotated[
        bool, typer.Option("--folds", help="What each fold predicted of the rows that it had not seen: out-of-fold.")
    ] = False,
    id_: Annotated[str, typer.Option("--id", metavar="COLUMN", help="Column of the ids; found if not given.")] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="Column of the predictions; found if not given.")
    ] = "",
    positive: Annotated[
        str, typer.Option("--positive", metavar="LABEL", help="The label that a single probability is of.")
    ] = "",
    values: Annotated[
        str, typer.Option("--as", metavar="KIND", help="labels or probabilities; as in the sample if not given.")
    ] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", "--text-column", metavar="NAME", help="Column that is read, as of rnncli predict."),
    ] = None,
) -> None:
    """Write a submission: ids, order, columns and types as a sample wants them; of folds the mean."""
    if values not in ("", *KINDS):
        raise UsageError(f"--as {values}: there is no such kind", "--as labels, or --as probabilities")
    if test is None and not folds:
        raise UsageError("name the file whose rows are to be predicted", f"rnncli submit {run} test.csv")
    with ProgressLine(terminal, "loading the model") as progress:
        from rnncli.runs.sample import Choices
        from rnncli.runs.submit import out_of_fold
        from rnncli.runs.submit import submit as submit_run

        wanted = Choices(id_, target, positive, cast(Literal["", "labels", "probabilities"], values))
        with advancing(progress):
            if folds:
                place = out or Path("out-of-fold.csv")
                done = out_of_fold(run, place, data=test, like=like, wanted=wanted)
            else:
                assert test is not None
                place = out or Path("submission.csv")
                done = submit_run(run, test, place, like=like, wanted=wanted, columns=columns or ())
    show_submission(terminal, done)


def show_submission(terminal: Terminal, done: Submission) -> None:
    """Where it is written, and what it holds."""
    if terminal.json:
        told = {"path": str(done.path), "rows": done.rows, "columns": list(done.columns), "models": done.models}
        terminal.result(told | {"notes": list(done.notes)})
        return
    models = f", mean of {done.models} models" if done.models > 1 else ""
    for note in (f"rows: {done.rows:,}; columns: {', '.join(done.columns[:8])}{models}", *done.notes):
        terminal.say(note, style="dim")
    terminal.out.print(str(done.path), soft_wrap=True)
