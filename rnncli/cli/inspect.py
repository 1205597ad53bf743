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

DEV = "dev"
SPAN = re.compile(r"(\d+)(?::(\d+))?")


def inspect(
    terminal: Terminal,
    run: Run,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="One input as for predict; with --units or --match data.root=DIR."),
    ] = None,
    layer: Annotated[
        int | None, typer.Option("--layer", metavar="N", help="A layer from 1; the last if not given.")
    ] = None,
    unit: Annotated[
        int | None, typer.Option("--unit", metavar="N", help="A unit from 1; the liveliest if not given.")
    ] = None,
    gate: Annotated[
        str | None,
        typer.Option("--gate", metavar="NAME", help="Only this gate; with --unit also h, or of an lstm c."),
    ] = None,
    direction: Annotated[
        str | None, typer.Option("--direction", metavar="NAME", help="forward or reverse; both if not given.")
    ] = None,
    core: Annotated[
        str | None, typer.Option("--core", metavar="NAME", help="Which core, where a model has several; the main one.")
    ] = None,
    npz: Annotated[
        Path | None, typer.Option("--npz", metavar="FILE", help="Write every gate and state of the input to a file.")
    ] = None,
    units: Annotated[bool, typer.Option("--units", help="What the units do over a split of the run's data.")] = False,
    match: Annotated[
        tuple[str, str] | None,
        typer.Option("--match", metavar="TEXT FROM:TO", help="Where in a split the units of these steps light up."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="For --units and --match: train, dev or test; dev if not given.",
            autocompletion=completion.splits,
        ),
    ] = None,
) -> None:
    """Look inside a trained model: gates and states at each step, and what its units do and detect."""
    from rnncli.cli import insides
    from rnncli.runs.inside import InsideAsked

    asked = InsideAsked(core, layer, direction, unit, gate)
    if units or match:
        _require_alone(asked, npz, match, inputs or (), units=units)
    if match:
        text, span = match[0], _span(match[1])
        found = _waiting(terminal, _matched, run, asked, text, span, split or DEV, inputs or ())
        insides.show_matches(terminal, text, found)
    elif units:
        insides.show_units(terminal, _waiting(terminal, _units, run, asked, split or DEV, inputs or ()))
    else:
        text = _one(inputs, run)
        _require_used(asked, npz, split, json=terminal.json)
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


def _require_alone(asked: InsideAsked, npz: Path | None, match: Any, inputs: Sequence[str], *, units: bool) -> None:
    """UsageError for options and texts that have no meaning over a split."""
    what = "--match" if match else "--units"
    if match and units:
        raise UsageError("--match and --units are two things to do", "leave one of them away")
    for option, given in (("--npz", npz), ("--unit", asked.unit), ("--gate", asked.gate)):
        if given is not None:
            raise UsageError(f"{option} is for a single input and has no meaning with {what}", f"leave {option} away")
    if texts := [one for one in inputs if "=" not in one]:
        other = (
            "another text beside that of --match" if match else f"--units looks at a split, and {texts[0]!r} is a text"
        )
        raise UsageError(other, f"leave {'it' if match else '--units or the text'} away")


def _require_used(asked: InsideAsked, npz: Path | None, split: str | None, *, json: bool) -> None:
    """UsageError for options that have no meaning for a single input, or where only a file is written."""
    if split is not None:
        raise UsageError("--split is for --units and --match, and has no meaning for a single input", "leave it away")
    if npz is None or json:
        return
    for option in ("layer", "direction", "unit", "gate"):
        if getattr(asked, option) is not None:
            raise UsageError(
                f"--npz writes every layer, direction, gate and unit, so that --{option} has no meaning with it",
                f"leave --{option} away, or --npz",
            )


def _span(text: str) -> tuple[int, int]:
    """Steps as they are typed, such as 3:5, or 3 for 3:3."""
    found = SPAN.fullmatch(text)
    if text == "--":  # what stands before the arguments, where nothing follows the option
        raise UsageError("--match wants a text and its steps", "such as --match TEXT 3:5, the first step being 1")
    if not found:
        raise UsageError(f"--match ... {text}: steps are wanted", "such as --match TEXT 3:5, the first step being 1")
    return int(found[1]), int(found[2] or found[1])
