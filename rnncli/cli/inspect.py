"""``rnncli inspect``: gates and states of the recurrent core, at each step of an input and over a whole split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnncli.cli import completion
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Run
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.runs.advance import advancing

if TYPE_CHECKING:
    from rnncli.runs.inside import InsideAsked

SPAN = re.compile(r"(\d+)(?::(\d+))?")


def inspect(
    terminal: Terminal,
    run: Run,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="One input as for predict; with --units or --match data.root=DIR."),
    ] = None,
    layer: Annotated[int, typer.Option("--layer", metavar="N", help="A layer from 1; the last if not given.")] = 0,
    unit: Annotated[int, typer.Option("--unit", metavar="N", help="A unit from 1; the liveliest if not given.")] = 0,
    gate: Annotated[
        str, typer.Option("--gate", metavar="NAME", help="A gate, h, or of an lstm c: shade the text by it.")
    ] = "",
    direction: Annotated[
        str, typer.Option("--direction", metavar="NAME", help="forward or reverse; both if not given.")
    ] = "",
    core: Annotated[
        str, typer.Option("--core", metavar="NAME", help="Which core, where a model has several; the main one.")
    ] = "",
    npz: Annotated[
        Path | None, typer.Option("--npz", metavar="FILE", help="Write every gate and state of the input to a file.")
    ] = None,
    units: Annotated[bool, typer.Option("--units", help="What the units do over a split of the run's data.")] = False,
    match: Annotated[
        tuple[str, str] | None,
        typer.Option("--match", metavar="TEXT FROM:TO", help="Where in a split the units of these steps light up."),
    ] = None,
    split: Annotated[
        str,
        typer.Option("--split", help="For --units and --match: train, dev or test.", autocompletion=completion.splits),
    ] = "dev",
) -> None:
    """Look inside a trained model: gates and states at each step, and what its units do and detect."""
    from rnncli.cli import insides
    from rnncli.runs.inside import InsideAsked

    asked = InsideAsked(core, layer, direction, unit, gate)
    if units or match:
        _require_alone(asked, npz, match, units=units)
    if match:
        text, span = match[0], _span(match[1])
        insides.show_matches(terminal, text, _waiting(terminal, _matched, run, asked, text, span, split, inputs or ()))
    elif units:
        insides.show_units(terminal, _waiting(terminal, _units, run, asked, split, inputs or ()))
    else:
        text = _one(inputs, run)
        insides.show_look(terminal, asked, _waiting(terminal, _looked, run, asked, text, npz), npz)


def _waiting(terminal: Terminal, work: Any, *arguments: Any) -> Any:
    """What ``work`` gives, with a line that tells how far it is."""
    with ProgressLine(terminal, "loading the model") as progress, advancing(progress):
        return work(*arguments)


def _looked(run: Path, asked: InsideAsked, text: str, npz: Path | None) -> Any:
    from rnncli.runs.inside import look_at

    return look_at(run, asked, text, npz)


def _units(run: Path, asked: InsideAsked, split: str, places: Sequence[str]) -> Any:
    from rnncli.runs.inside import units

    return units(run, asked, split, places)


def _matched(run: Path, asked: InsideAsked, text: str, span: tuple[int, int], split: str, places: Sequence[str]) -> Any:
    from rnncli.runs.inside import matched

    return matched(run, asked, text, span, split, places)


def _one(inputs: Sequence[str] | None, run: Path) -> str:
    """The one input; UsageError for none and for several."""
    if not inputs:
        raise UsageError(
            "inspect needs a text to look at, or --units",
            f'rnncli inspect {run} "not half bad", or rnncli inspect {run} --units',
        )
    if len(inputs) > 1:
        raise UsageError(f"inspect looks at one input, and {len(inputs)} were given", "put quotes around a text")
    return inputs[0]


def _require_alone(asked: InsideAsked, npz: Path | None, match: Any, *, units: bool) -> None:
    """UsageError for options that have no meaning over a split."""
    what = "--match" if match else "--units"
    if match and units:
        raise UsageError("--match and --units are two things to do", "leave one of them away")
    for option, given in (("--npz", npz), ("--unit", asked.unit), ("--gate", asked.gate)):
        if given:
            raise UsageError(f"{option} is for a single input and has no meaning with {what}", f"leave {option} away")


def _span(text: str) -> tuple[int, int]:
    """Steps as they are typed, such as 3:5, or 3 for 3:3."""
    found = SPAN.fullmatch(text)
    if not found:
        raise UsageError(f"--match ... {text}: steps are wanted", "such as --match TEXT 3:5, the first step being 1")
    return int(found[1]), int(found[2] or found[1])
