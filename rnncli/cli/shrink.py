"""``rnncli shrink``: a smaller run of a finished one, with what it cost."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from rnncli.cli.run import Out, Run
from rnncli.cli.terminal import Terminal
from rnncli.cli.watch import Watch
from rnncli.runs.advance import advancing

if TYPE_CHECKING:
    from rnncli.runs.shrink import Weights


class WeightForm(StrEnum):
    """What the numbers of matrices are stored as."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    INT4 = "int4"


def shrink(
    terminal: Terminal,
    run: Run,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="data.root=DIR", help="Where the run's own data are, if they have moved."),
    ] = None,
    weights: Annotated[
        WeightForm | None,
        typer.Option("--weights", help="Bits of each weight. [int8; with --floor the fewest that do]"),
    ] = None,
    words: Annotated[
        int | None, typer.Option("--words", metavar="N", min=1, help="Keep the N most frequent words.")
    ] = None,
    units: Annotated[
        float | None,
        typer.Option("--units", metavar="SHARE", min=0.01, max=1, help="Keep the units that do most; train on."),
    ] = None,
    floor: Annotated[
        float | None,
        typer.Option("--floor", metavar="F", min=0.0, help="The smallest form at most F points worse on dev."),
    ] = None,
    out: Out = None,
) -> None:
    """Make a run smaller: weights in few bits, fewer words and units; a run like others, with what it cost on dev."""
    with Watch(terminal) as watch:
        from rnncli.runs.shrink import Wish
        from rnncli.runs.shrink import shrink as shrink_run

        wish = Wish(cast("Weights", weights.value) if weights else None, words, units, floor)
        with advancing(watch):
            found = shrink_run(run, wish, out=out, places=places or (), argv=sys.argv, observe=watch)
    if terminal.json:
        terminal.result(found.to_dict())
        return
    from rnncli.report.shrunk import lines

    for line in lines(found):
        terminal.out.print(line, soft_wrap=True)
    terminal.say(f"run  {found.run}", style="bold")
    terminal.say(f"try  rnncli compare {found.source} {found.run}")
