"""Why does an RNN forget? Answers by growing lag, and how much of the gradient arrives from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnncli.lessons.lesson import Lesson, Settings, Taught, of_stage, value_of
from rnncli.lessons.wording import differs, listed, named, percent, share_at, valued
from rnncli.report.build import Estimate, ReportTable
from rnncli.report.comparison import Comparison
from rnncli.report.figures import Figure, Line
from rnncli.report.lesson import Equation, LessonAnswer, LessonPart, LessonStep
from rnncli.report.numbers import number

if TYPE_CHECKING:
    from rnncli.batch.plan import Batch
    from rnncli.runs.outcome import Outcome

RECIPE = "lessons/long-lag"
PROBLEMS = {
    "adding": "The adding problem: two marked numbers among many, whose sum is wanted at the end",
    "copy": "The copy problem: a symbol, then noise, and the symbol is to be named at the end",
}
CORES = ({"model.cell": "rnn"}, {"model.cell": "lstm"}, {"model.cell": "gru"}, {"model.core": "transformer"})
REMEMBERED = 0.9
"""A lag is called remembered where so many answers are right."""
NOTES = (
    "Measured in the trained models, in the longest sequences: there the longest lag is where the answer lies, and "
    "what lies nearer is noise.",
    "A model that has learnt a problem closes its gates to noise, so that little arrives from there though it could: a "
    "low line with a peak at the longest lag is what remembering looks like. The gradient reach in the tables above is "
    "one to noise, too.",
)
METRIC, PROBLEM = "accuracy", "data.problem"
LEADS = (
    "A recurrent network has read everything that came before, so nothing forbids it to answer by what it read 200 "
    "steps ago. Yet a plain RNN hardly ever learns to. To learn it, training must be told that a weight should have "
    "kept what was read then: a gradient must go back through all the steps between.",
    "On its way that gradient is multiplied by one Jacobian a step. If their norms are below 1 it vanishes "
    "exponentially, above 1 it explodes (Bengio, Simard and Frasconi, 1994; Pascanu, Mikolov and Bengio, 2013). An "
    "LSTM and a GRU keep a state that is added to and not multiplied anew, behind gates that may stay open.",
)
EQUATIONS = (
    Equation(
        "RNN",
        ("h_t = tanh(W x_t + U h_{t-1} + b)", "∂h_t / ∂h_{t-k} = ∏_{i} diag(1 - h_i^2) U        k factors"),
        "Each step back is one more factor, and the tanh only makes it smaller.",
    ),
    Equation(
        "LSTM",
        ("c_t = f_t * c_{t-1} + i_t * c'_t", "h_t = o_t * tanh(c_t)", "∂c_t / ∂c_{t-1} = f_t + ..."),
        "Where the forget gate f is 1 the memory c passes a step unchanged, and so does its gradient. Training begins "
        "with a bias of 1, f = 0.73, and has to open the gate for what is to be kept.",
    ),
    Equation(
        "GRU",
        ("h_t = (1 - z_t) * h_{t-1} + z_t * h'_t", "∂h_t / ∂h_{t-1} = (1 - z_t) + ..."),
        "Where the update gate z is 0 the state passes unchanged. Training begins with z = 0.5 and has to close it.",
    ),
    Equation(
        "What is measured",
        ("share(k)^2 = mean |∂h_t / ∂x_{t-k}|^2 / mean |∂h_t / ∂x_t|^2",),
        "How much of the gradient arrives k steps back, in the trained model, at the end of the longest dev sequences.",
    ),
)


def plan(finished: Sequence[Outcome], settings: Settings) -> list[Batch]:
    """Each problem with each core."""
    from rnncli.batch.plan import Batch

    listed = tuple(tuple(core.items()) for core in CORES)
    page = ("evaluation.page", ("false",))
    return [Batch("", (RECIPE,), ((PROBLEM, tuple(PROBLEMS)), page), listed)]


def teach(finished: Sequence[Outcome]) -> Taught:
    """Accuracy by lag of each problem, the gradient by lag, and what they answer."""
    parts, answers = [], []
    for problem, title in PROBLEMS.items():
        runs = of_stage(finished, PROBLEM, problem)
        comparison = _compared(runs)
        parts.append(LessonPart(title, comparison, (_by_lag_figure(runs),), (_by_lag_table(runs),), (_guess(runs),)))
        answers.append(_which_answers(problem, runs, comparison))
    parts.append(_gradients(finished))
    answers.append(_why(finished))
    return Taught(parts, answers, _next(finished))


def by_lag(run: Outcome) -> dict[int, Estimate]:
    """The share of right answers of a run at each lag."""
    grouping = next(one for one in run.report.groups if one.by == "lag")
    return {int(group.name): group.metrics[METRIC] for group in grouping.groups}


def remembered(run: Outcome) -> int:
    """The longest lag up to which a run remembers, 0 for none."""
    longest = 0
    for lag, estimate in sorted(by_lag(run).items()):
        if (estimate.value or 0.0) < REMEMBERED:
            break
        longest = lag
    return longest


def _compared(runs: Sequence[Outcome]) -> Comparison:
    from rnncli.comparison.compare import compare

    return compare([str(one.path) for one in runs], base=str(runs[0].path), metrics=[METRIC])


def _which_answers(problem: str, runs: Sequence[Outcome], comparison: Comparison) -> LessonAnswer:
    """Whether the first core forgets, what each still knows at the longest lag, and up to where each remembers."""
    longest = max(by_lag(runs[0]))
    told = listed([f"{named(one)} {valued(by_lag(one)[longest])}" for one in runs])
    spans = [f"{named(one)} {f'up to lag {remembered(one)}' if remembered(one) else 'at no lag'}" for one in runs]
    tested = [f"{named(one)} {differs(comparison, one, METRIC)}" for one in runs[1:]]
    says = [
        _verdict(runs, longest),
        f"Right answers in per cent at lag {longest}: {told}. {_guess(runs)}".strip(),
        f"Right in {100 * REMEMBERED:g} of 100 or more: {listed(spans)}.",
        f"Over all lags, against the {named(runs[0])}: {listed(tested)}.",
    ]
    figures = {
        named(one): {
            "remembered": remembered(one),
            "accuracy": {str(lag): found.value for lag, found in by_lag(one).items()},
        }
        for one in runs
    }
    return LessonAnswer(f"Does an RNN forget in the {problem} problem?", says, figures)


def _verdict(runs: Sequence[Outcome], longest: int) -> str:
    """Whether any core is surely better at the longest lag than the first, and whether that has learnt anything."""
    base, shortest = runs[0], min(by_lag(runs[0]))
    best = max(runs, key=lambda one: by_lag(one)[longest].value or 0.0)
    if not _is_above(by_lag(best)[longest], by_lag(base)[longest]):
        return f"Not more than the others: at lag {longest} no core is surely better than the {named(base)}."
    better = f"at lag {longest} the {named(best)} is surely better than the {named(base)}"
    if not _is_above(by_lag(base)[shortest], by_lag(base)[longest]) and not _beats_guess(base, shortest):
        return (
            f"It does not even come to remember: {better}, but the {named(base)} is no better than a guess at lag "
            f"{shortest} either."
        )
    if _is_above(by_lag(base)[shortest], by_lag(base)[longest]):
        return (
            f"Yes: {better}, though at lag {shortest} the {named(base)} is right in {valued(by_lag(base)[shortest])}."
        )
    return f"It remembers less: {better}, though the lag makes no sure difference to what the {named(base)} answers."


def _is_above(one: Estimate, other: Estimate) -> bool:
    """Whether the intervals of two figures do not meet, the first above."""
    low, high = (one.low if one.low is not None else one.value), (other.high if other.high is not None else other.value)
    return (low or 0.0) > (high or 0.0)


def _beats_guess(run: Outcome, lag: int) -> bool:
    known = run.report.baselines.get("constant", {}).get(METRIC)
    return known is not None and _is_above(by_lag(run)[lag], Estimate(known))


def _guess(runs: Sequence[Outcome]) -> str:
    known = runs[0].report.baselines.get("constant", {}).get(METRIC)
    return "" if known is None else f"Who remembers nothing and always gives one answer has {number(known)}."


def _by_lag_figure(runs: Sequence[Outcome]) -> Figure:
    lines = []
    for one in runs:
        lags, found = zip(*sorted(by_lag(one).items()), strict=True)
        ys = tuple(estimate.value or 0.0 for estimate in found)
        lows, highs = (
            tuple(end if (end := getattr(estimate, side)) is not None else estimate.value or 0.0 for estimate in found)
            for side in ("low", "high")
        )
        lines.append(Line(named(one), tuple(map(float, lags)), ys, lows, highs))
    ticks = tuple(map(float, sorted(by_lag(runs[0]))))
    return Figure(
        "right answers by lag", "lag in steps", "share that is right", tuple(lines), x_is_share=False, x_ticks=ticks
    )


def _by_lag_table(runs: Sequence[Outcome]) -> ReportTable:
    rows = [(str(lag), *(valued(by_lag(one)[lag]) for one in runs)) for lag in sorted(by_lag(runs[0]))]
    return ReportTable("right answers in per cent, by lag, with intervals", ("lag", *map(named, runs)), tuple(rows))


def _gradients(finished: Sequence[Outcome]) -> LessonPart:
    """How much of the gradient arrives from each lag, for both problems."""
    measured = [one for one in finished if one.report.reach and one.report.reach.shares]
    figures = []
    for problem in PROBLEMS:
        lines = [_share_line(one) for one in of_stage(measured, PROBLEM, problem)]
        if lines:
            title = f"gradient that arrives, {problem} problem"
            figures.append(
                Figure(
                    title,
                    "steps back",
                    "share of the gradient",
                    tuple(lines),
                    x_is_share=False,
                    y_is_share=False,
                    y_powers=True,
                    levels=(0.1,),
                )
            )
    lags = sorted(by_lag(finished[0]))
    rows = []
    for one in measured:
        cells = (percent(share_at(one, lag)) for lag in lags)
        rows.append((value_of(one, PROBLEM), named(one), *cells))
    heads = ("problem", "core", *(f"lag {lag}" for lag in lags))
    table = ReportTable("share of the gradient that arrives", heads, tuple(rows))
    return LessonPart("How far back the gradient arrives", None, tuple(figures), (table,), NOTES)


def _share_line(run: Outcome) -> Line:
    reach = run.report.reach
    assert reach is not None
    shares = next(iter(reach.shares.values()))
    points = [(float(k), share) for k, share in enumerate(shares) if share > 0]
    return Line(named(run), tuple(k for k, _ in points), tuple(share for _, share in points))


def _why(finished: Sequence[Outcome]) -> LessonAnswer:
    """How much of the gradient arrives from what is to be remembered, and whether that parts those who remember."""
    says, figures = [], {}
    for problem in PROBLEMS:
        runs = [one for one in of_stage(finished, PROBLEM, problem) if one.report.reach]
        if not runs:
            continue
        lags = sorted(by_lag(runs[0]))
        told = listed([f"{named(one)} {percent(share_at(one, lags[-1]))}" for one in runs])
        says.append(
            f"In the longest sequences of the {problem} problem the answer lies {lags[-1]} steps back. Of the gradient "
            f"at the end arrives from there: {told}."
        )
        says.append(_agreement(runs, lags))
        figures[problem] = {
            named(one): {
                "reach": one.report.reach.steps if one.report.reach else None,
                "share": {str(lag): share_at(one, lag) for lag in lags},
            }
            for one in runs
        }
    return LessonAnswer("Is it because the gradient vanishes?", says, figures)


def _agreement(runs: Sequence[Outcome], lags: Sequence[int]) -> str:
    """Whether most is remembered where most of the gradient arrives."""
    known = [lag for lag in lags if all(share_at(one, lag) is not None for one in runs)]
    if not known or len(runs) < 2:
        return "How much arrives from there was not measured in all of them."
    lag = known[-1]
    farthest, least = (pick(runs, key=lambda one: share_at(one, lag) or 0.0) for pick in (max, min))
    best = max(runs, key=lambda one: by_lag(one)[lag].value or 0.0)
    most, fewest = (f"{named(one)} ({percent(share_at(one, lag))})" for one in (farthest, least))
    said = f"From lag {lag} most of it arrives in the {most}, least in the {fewest}"
    if _is_above(by_lag(best)[lag], by_lag(farthest)[lag]):
        return (
            f"{said}; but there the {named(best)} answers best, {valued(by_lag(best)[lag])} against "
            f"{valued(by_lag(farthest)[lag])}: that a gradient arrives is not all that is needed."
        )
    if not _is_above(by_lag(farthest)[lag], by_lag(least)[lag]):
        return f"{said}; but these two answer alike there, so here it is not the gradient that decides."
    return (
        f"{said}, and there the {named(farthest)} answers {valued(by_lag(farthest)[lag])} right and the "
        f"{named(least)} {valued(by_lag(least)[lag])}: where the gradient arrives, the answer can be learnt."
    )


def _next(finished: Sequence[Outcome]) -> list[LessonStep]:
    lags = sorted(by_lag(finished[0]))
    far = ",".join(map(str, [*lags, 2 * lags[-1]]))
    return [
        LessonStep(
            f"rnncli batch {RECIPE} --set data.problem=adding --set model.cell=rnn,lstm,gru --set seed=1,2,3",
            "Are the differences those of one seed? Three seeds of each, with their deviation:",
        ),
        LessonStep(
            f"rnncli batch {RECIPE} --set model.cell=lstm,gru --set 'data.lags=[{far}]' --set train.epochs=12,36",
            "Twice the longest lag, and three times as long to learn it: some cells only learn more slowly.",
        ),
        LessonStep(
            f"rnncli batch {RECIPE} --set model.cell=rnn --set model.activation=tanh,relu --set train.clip_norm=0,1",
            "What a plain RNN gains by another activation, and by clipping gradients that explode:",
        ),
    ]


LESSON = Lesson(
    "long-lag",
    "Why does an RNN forget?",
    LEADS,
    EQUATIONS,
    (plan,),
    teach,
    {RECIPE: ("data.lags=[2,5]", "data.examples=160", "model.hidden=8", "train.epochs=1")},
)
