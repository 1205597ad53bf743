"""How do LSTM and GRU differ? Three cells on three tasks, at equal parameters and at equal time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from rnncli.lessons.lesson import Lesson, Settings, Taught
from rnncli.lessons.wording import better, differs, listed, named, reach_of, valued
from rnncli.report.build import ReportTable
from rnncli.report.comparison import Comparison
from rnncli.report.figures import Figure, Line
from rnncli.report.lesson import Equation, LessonAnswer, LessonPart, LessonStep

if TYPE_CHECKING:
    from rnncli.batch.plan import Batch
    from rnncli.runs.outcome import Outcome

RECIPES = ("lessons/cells-sentiment", "lessons/cells-tagging", "lessons/cells-forecast")
CELLS = ("gru", "lstm", "rnn")
"""The first is the one that the others are held against."""
LEADS = (
    "An LSTM has three gates and a memory beside its state, a GRU two gates and its state alone. So of the same size "
    "an LSTM has four products where a GRU has three and a plain RNN one, and who compares cells of the same size "
    "compares models of different sizes.",
    "Here each cell gets as many hidden units as bring its model nearest to the same number of parameters. Then the "
    "faster ones are given more epochs, so that all of them train as long as the slowest.",
)
EQUATIONS = (
    Equation(
        "RNN", ("h_t = tanh(W x_t + U h_{t-1} + b)",), "One product: H (I + H + 1) parameters of H units that read I."
    ),
    Equation(
        "LSTM",
        (
            "f_t, i_t, o_t = σ(W x_t + U h_{t-1} + b)",
            "c_t = f_t * c_{t-1} + i_t * tanh(W_c x_t + U_c h_{t-1} + b_c)",
            "h_t = o_t * tanh(c_t)",
        ),
        "Four products. What is forgotten and what is written are decided apart; o says how much of it is shown.",
    ),
    Equation(
        "GRU",
        (
            "z_t, r_t = σ(W x_t + U h_{t-1} + b)",
            "h'_t = tanh(W_h x_t + U_h (r_t * h_{t-1}) + b_h)",
            "h_t = (1 - z_t) * h_{t-1} + z_t * h'_t",
        ),
        "Three products. One gate decides both: what is written is forgotten.",
    ),
)


@dataclass(frozen=True)
class Side:
    """The runs of one recipe: those at equal parameters, and those at equal time; ``metric`` is watched in them."""

    recipe: str
    parameters: Sequence[Outcome]
    time: Sequence[Outcome]

    @property
    def metric(self) -> str:
        """What the runs were watched by, or the first metric."""
        first = self.parameters[0]
        return first.watched if first.watched in first.report.metrics else next(iter(first.report.metrics))


def equal_parameters(finished: Sequence[Outcome], settings: Settings) -> list[Batch]:
    """Each recipe with each cell, its hidden units by the parameters of the recipe's own model."""
    from rnncli.batch.plan import Batch
    from rnncli.lessons.sizes import Counter
    from rnncli.runs.recipes import load_recipe

    found = []
    for source in RECIPES:
        recipe = load_recipe(source, [f"{key}={value}" for key, value in settings(source).items()])
        counter = Counter(recipe)
        size = recipe.model.hidden  # pyright: ignore[reportAttributeAccessIssue]
        wanted = counter.parameters(CELLS[0], size)
        listed = tuple((("model.cell", cell), ("model.hidden", str(counter.hidden(cell, wanted)))) for cell in CELLS)
        found.append(Batch("", (source,), (), listed))
    return found


def equal_time(finished: Sequence[Outcome], settings: Settings) -> list[Batch]:
    """The same models, the faster ones with as many epochs as fit into the time of the slowest."""
    from rnncli.batch.plan import Batch

    found = []
    for source in RECIPES:
        runs = _runs_of(finished, source)
        paces = {one.path: _epoch_seconds(one) for one in runs}
        most = max(paces[one.path] * one.report.training.epochs for one in runs)
        listed = []
        for one in runs:
            epochs = max(one.report.training.epochs, round(most / paces[one.path]))
            model = one.recipe.model  # pyright: ignore[reportAttributeAccessIssue]
            listed.append(
                (("model.cell", model.cell), ("model.hidden", str(model.hidden)), ("train.epochs", str(epochs)))
            )
        found.append(Batch("", (source,), (), tuple(listed)))
    return found


def teach(finished: Sequence[Outcome]) -> Taught:
    """Two comparisons a task, and what they answer together."""
    sides = [_side(finished, source) for source in RECIPES]
    parts, at_parameters, at_time = [], [], []
    for side in sides:
        for runs, what, tested in ((side.parameters, "parameters", at_parameters), (side.time, "time", at_time)):
            comparison = _compared(runs, side.metric)
            tested.append((runs, comparison, side.metric))
            figures = (_curves(runs, side.metric),)
            parts.append(LessonPart(f"{_task(side)}: equal {what}", comparison, figures, (_sizes(runs, side.metric),)))
    answers = [
        _which("At equal parameters, which cell is best?", at_parameters),
        _which("At equal time, which cell is best?", at_time),
        _lstm_and_gru(sides, at_parameters, at_time),
    ]
    return Taught(parts, answers, _next())


Tested = Sequence[tuple["Sequence[Outcome]", Comparison, str]]
"""Of each task the runs, their comparison and the metric."""


def _which(question: str, tested: Tested) -> LessonAnswer:
    """The figures of each task, and what of them is more than chance."""
    says, figures = [], {}
    shown = {name.upper(): [0, 0] for name in CELLS[1:]}
    for runs, comparison, metric in tested:
        told = listed([f"{named(one)} {valued(one.report.metrics[metric])}" for one in runs])
        against = listed([f"the {named(one)} {differs(comparison, one, metric)}" for one in runs[1:]])
        lower = ", lower is better" if comparison.better[metric] == "lower" else ""
        says.append(
            f"{comparison.task}, {comparison.titles[metric]}{lower}: {told}. Against the {named(runs[0])}: {against}."
        )
        for one in runs[1:]:
            verdict = better(comparison, one, metric)
            shown[named(one)][0] += verdict > 0
            shown[named(one)][1] += verdict < 0
        figures[comparison.task] = {named(one): one.report.metrics[metric].value for one in runs}
    base = CELLS[0].upper()
    sums = [
        f"the {name} is shown to be better than the {base} on {won} of {len(tested)} tasks, and worse on {lost}"
        for name, (won, lost) in shown.items()
    ]
    return LessonAnswer(question, [f"{_upper(listed(sums))}.", *says], figures)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lstm_and_gru(sides: Sequence[Side], at_parameters: Tested, at_time: Tested) -> LessonAnswer:
    """Sizes, seconds and gradients of the two at equal parameters, and how often they are more than chance apart."""
    says, figures = [], {}
    for side in sides:
        gru, lstm = (next(one for one in side.parameters if named(one) == name) for name in ("GRU", "LSTM"))
        says.append(f"{_task(side)}: {_sizes_of(lstm)}, {_sizes_of(gru)}.{_reaches(lstm, gru)}")
        figures[_task(side)] = {
            named(one): {"hidden": one.report.model.hidden, "epoch_seconds": _epoch_seconds(one)} for one in (lstm, gru)
        }
    pairs = {}  # the slowest are the same runs at equal time, and count once
    for tested in (at_parameters, at_time):
        for runs, comparison, metric in tested:
            lstm = next(one for one in runs if named(one) == "LSTM")
            pairs[runs[0].path, lstm.path] = better(comparison, lstm, metric)
    apart = list(pairs.values())
    says.append(
        f"In {len(apart)} comparisons the LSTM is shown to be better {apart.count(1)} times, the GRU "
        f"{apart.count(-1)} times; in {apart.count(0)} what parts them may be chance."
    )
    return LessonAnswer("How do LSTM and GRU differ?", says, figures)


def _sizes_of(run: Outcome) -> str:
    model = run.report.model
    return (
        f"{named(run)} with {model.hidden} units and {model.parameters:,} parameters "
        f"takes {_epoch_seconds(run):.2f} s an epoch"
    )


def _reaches(lstm: Outcome, gru: Outcome) -> str:
    if not (reach_of(lstm) and reach_of(gru)):
        return ""
    return f" A tenth of the gradient is left after {reach_of(lstm)} steps in the LSTM, {reach_of(gru)} in the GRU."


def _sizes(runs: Sequence[Outcome], metric: str) -> ReportTable:
    """What each cell was given, and what it made of it."""
    rows = []
    for one in runs:
        report = one.report
        rows.append(
            (
                named(one),
                report.model.hidden,
                f"{report.model.parameters:,}",
                report.training.epochs,
                f"{_epoch_seconds(one):.2f}",
                f"{_epoch_seconds(one) * report.training.epochs:.1f}",
                valued(report.metrics[metric]),
            )
        )
    heads = (
        "cell",
        "hidden units",
        "parameters",
        "epochs",
        "seconds an epoch",
        "seconds",
        runs[0].report.title(metric),
    )
    return ReportTable("what each was given", heads, tuple(rows))


def _curves(runs: Sequence[Outcome], metric: str) -> Figure:
    """What each had reached on dev after so many seconds, at its usual pace."""
    from rnncli.runs.directory import RunDirectory

    lines = []
    for one in runs:
        rows = RunDirectory(one.path).read_metrics()
        values = [(row["epoch"] * _epoch_seconds(one), row["metrics"].get(metric)) for row in rows]
        known = [(x, float(y)) for x, y in values if y is not None]
        lines.append(Line(named(one), tuple(x for x, _ in known), tuple(y for _, y in known)))
    title = runs[0].report.title(metric)
    heads = (f"{title} on dev by time", "seconds of training", title)
    return Figure(*heads, tuple(lines), x_is_share=False, y_is_share=False)


def _compared(runs: Sequence[Outcome], metric: str) -> Comparison:
    from rnncli.comparison.compare import compare

    return compare([str(one.path) for one in runs], base=str(runs[0].path), metrics=[metric])


def _side(finished: Sequence[Outcome], source: str) -> Side:
    """The runs of a recipe, parted by whether their epochs were given: the slowest one is on both sides."""
    runs = _runs_of(finished, source)
    first = runs[: len(CELLS)]
    later = {named(one): one for one in runs}
    return Side(source, first, [later[named(one)] for one in first])


def _runs_of(finished: Sequence[Outcome], source: str) -> list[Outcome]:
    """Those of a shipped recipe, by its name, in the order in which they were planned."""
    name = source.rpartition("/")[2]
    return [one for one in finished if one.recipe.name == name]


def _epoch_seconds(run: Outcome) -> float:
    """What an epoch takes, the median: kernels are compiled in the first."""
    from rnncli.runs.directory import RunDirectory

    rows = RunDirectory(run.path).read_metrics()
    return median([float(row["seconds"]) for row in rows]) if rows else run.report.training.seconds


def _task(side: Side) -> str:
    return side.parameters[0].report.task


def _next() -> list[LessonStep]:
    return [
        LessonStep(
            f"rnncli batch {RECIPES[0]} --set model.cell=lstm,gru,rnn --set seed=1,2,3",
            "The same size instead of the same parameters, with three seeds:",
        ),
        LessonStep("rnncli bench core", "How fast each cell is on this machine, by size and length:"),
        LessonStep("rnncli lesson long-lag", "Where the gates matter most: answers that lie far back:"),
    ]


LESSON = Lesson(
    "cells",
    "How do LSTM and GRU differ?",
    LEADS,
    EQUATIONS,
    (equal_parameters, equal_time),
    teach,
    dict.fromkeys(RECIPES, ("train.epochs=1", "model.hidden=8")),
)
