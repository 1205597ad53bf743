"""The page of a lesson: a question, its equations, what was run, what came out, what that says, what to try next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from rnncli.report.build import Report, ReportTable
from rnncli.report.comparison import Comparison
from rnncli.report.figures import Figure
from rnncli.report.grids import PageGrid, own_grid
from rnncli.report.layout import visible
from rnncli.report.numbers import duration
from rnncli.report.page import page_of, side_grid
from rnncli.report.side import heading as comparison_heading
from rnncli.report.svg import figure_chart

SUBSCRIPT = re.compile(r"([_^])(?:\{([^}]*)\}|(\w))")
"""``h_t``, ``h_{t-1}`` and ``γ^k`` in an equation."""


@dataclass(frozen=True)
class Equation:
    """Lines of mathematics under a name, and what they mean."""

    name: str
    lines: Sequence[str]
    says: str = ""


@dataclass(frozen=True)
class LessonPart:
    """What came out of some of the runs: a comparison of them, pictures and tables, and what is to be known of both."""

    title: str
    comparison: Comparison | None = None
    figures: Sequence[Figure] = ()
    tables: Sequence[ReportTable] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class LessonAnswer:
    """A question, and the answer that the figures of the runs give; ``figures`` are these as plain values."""

    question: str
    says: Sequence[str]
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LessonStep:
    """Something to try next: a command, and why."""

    command: str
    why: str


@dataclass(frozen=True)
class Course:
    """All that the page of a lesson says; ``quick`` says that its runs were too small to answer anything."""

    name: str
    question: str
    leads: Sequence[str]
    equations: Sequence[Equation]
    quick: bool
    runs: Sequence[tuple[str, Report]]
    parts: Sequence[LessonPart]
    answers: Sequence[LessonAnswer]
    next: Sequence[LessonStep]


def lesson_page(course: Course) -> str:
    """One file that needs no network."""
    return page_of(
        "lesson.html.j2",
        title=course.question,
        course=course,
        equations=[(one, Markup("\n").join(map(written_equation, one.lines))) for one in course.equations],
        runs=runs_grid(course.runs),
        seconds=duration(sum(report.training.seconds for _, report in course.runs)),
        parts_of=[_part(one, f"part{count}") for count, one in enumerate(course.parts)],
    )


def written_equation(line: str) -> Markup:
    """A line with its subscripts and exponents set as such.

    >>> str(written_equation("h_t = tanh(W x_t + U h_{t-1})"))
    'h<sub>t</sub> = tanh(W x<sub>t</sub> + U h<sub>t-1</sub>)'
    """

    def placed(found: re.Match[str]) -> str:
        tag = "sub" if found[1] == "_" else "sup"
        return f"<{tag}>{found[2] or found[3]}</{tag}>"

    return Markup(SUBSCRIPT.sub(placed, str(escape(visible(line)))))


def runs_grid(runs: Sequence[tuple[str, Report]]) -> PageGrid:
    """A row for each run: what it learnt, how large it is, how long it took."""
    rows = []
    for name, report in runs:
        model, training = report.model, report.training
        size = f"{model.layers} x {model.hidden}{', both directions' if model.bidirectional else ''}"
        cells = [name, size, f"{model.parameters:,}", f"{training.epochs}", duration(training.seconds)]
        rows.append([*cells, f"{report.examples:,}"])
    return PageGrid(["run", "layers x units", "parameters", "epochs", "training", "tested on"], rows, range(2, 6))


def answer_lines(answers: Sequence[LessonAnswer]) -> Iterator[tuple[str, str]]:
    """Each question with each sentence of its answer, for a terminal."""
    for answer in answers:
        for count, sentence in enumerate(answer.says):
            yield (answer.question if not count else ""), sentence


def _part(part: LessonPart, key: str) -> dict[str, Any]:
    comparison = part.comparison
    return {
        "title": part.title,
        "heading": comparison_heading(comparison) if comparison else "",
        "comparison": side_grid(comparison) if comparison else None,
        "charts": [(figure.title, figure_chart(figure, f"{key}-{at}")) for at, figure in enumerate(part.figures)],
        "tables": [own_grid(table) for table in part.tables],
        "notes": [*part.notes, *(comparison.notes if comparison else ())],
    }
