"""``rnncli explain``: what predictions hang on, and whether that can be believed."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli.explained import show_answers, show_summary
from rnncli.cli.run import Run
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError

if TYPE_CHECKING:
    from rnncli.explain.answer import Explanation
    from rnncli.explain.choice import ChosenMethod
    from rnncli.runs.explaining import Explaining


class Method(StrEnum):
    """How amounts are found."""

    auto = "auto"
    ig = "ig"
    gradient = "gradient"
    occlusion = "occlusion"


class Against(StrEnum):
    """What a piece is held against."""

    unknown = "unknown"
    zero = "zero"


def explain(
    terminal: Terminal,
    run: Run,
    inputs: Annotated[
        list[str], typer.Argument(metavar="TEXT|FILE|-", help="Texts, one file, or - for stdin, as predict takes them.")
    ],
    of: Annotated[
        str, typer.Option("--of", metavar="LABEL", help="What speaks for this label, not for the one predicted.")
    ] = "",
    method: Annotated[
        Method, typer.Option("--method", help="auto takes the one that wins when its words are deleted.")
    ] = Method.auto,
    against: Annotated[
        Against, typer.Option("--against", help="Hold each word against an unknown one, or against zero.")
    ] = Against.unknown,
    summary: Annotated[
        bool, typer.Option("--summary", help="Which words speak for each label, and whether that holds.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that needs no network.")
    ] = None,
) -> None:
    """Show what each word adds to a prediction, and check it: does the sum fit, is deletion worse than chance?"""
    from rnncli.explain.answer import choice_row, curve_row, speakers_row
    from rnncli.runs.explaining import open_explaining

    if summary and html is not None:
        raise UsageError("--html writes answers, and --summary sums them up", "leave one of them away")
    if html is not None and html.exists():
        raise UsageError(f"{html}: is there already", "name another file, or remove it")
    found = open_explaining(run, against.value)
    questions = found.questions(inputs, sys.stdin.buffer if sys.stdin else None, of)
    if not questions:
        terminal.say("nothing is predicted that could be explained; --of LABEL asks for what you name")
    choice = found.choose(method.value, questions)
    if summary:
        told = found.summary(questions, choice.method)
        if terminal.json:
            row = {"questions": told.questions, "add_up": told.added_up, "deletion": curve_row(told.curve)}
            terminal.result({"choice": choice_row(choice), **row, "labels": speakers_row(told.speakers)})
        else:
            show_summary(terminal, told, choice, found.explainer.piece)
        return
    answers = found.answer(questions, choice.method)
    if terminal.json:
        terminal.result({"choice": choice_row(choice), "answers": [one.row() for one in answers]})
    elif html is None:
        show_answers(terminal, answers, choice, found.explainer.piece)
    if html is not None:
        _write_page(terminal, html, found, answers, choice)


def _write_page(
    terminal: Terminal, path: Path, found: Explaining, answers: list[Explanation], choice: ChosenMethod
) -> None:
    from rnncli.report.explained import explained_page

    page = explained_page(found.told(answers), f"method {choice.why}", str(found.trained.run.path))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "name another file") from error
    if not terminal.json:
        terminal.out.print(str(path), soft_wrap=True)
