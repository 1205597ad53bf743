"""Does word order matter? The same model reads texts in order, and as a bag of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.lessons.lesson import Lesson, Settings, Taught, value_of
from rnncli.lessons.wording import better, differs, listed, named, valued
from rnncli.report.build import Report, ReportTable
from rnncli.report.comparison import Comparison
from rnncli.report.lesson import Equation, LessonAnswer, LessonPart, LessonStep
from rnncli.report.numbers import number

if TYPE_CHECKING:
    from rnncli.batch.plan import Batch
    from rnncli.runs.outcome import Outcome

RECIPE = "lessons/order"
ORDER, BAG, KEPT = "data.order", "sorted", "kept"
METRIC = "accuracy"
NEGATIONS = frozenset(
    "not no never nobody none nothing neither nor without n't cannot deny unlike instead hardly wrong".split()  # noqa: SIM905
)
"""Words that turn round what others say, or say that something is turned round."""
EXAMPLES, SHOWN = 8, 160
"""Texts that a page shows, and characters of one."""
LEADS = (
    "A bag of words knows which words a text has and how often, and nothing of their order: “the dog bit the man” and "
    "“the man bit the dog” are the same bag. A recurrent network reads the words one after the other, so what a word "
    "does can hang on what came before.",
    "Whether that matters is a question to the data. Here the same network with as many parameters learns twice: once "
    "it reads the words as they stand, once sorted by alphabet, which keeps the bag and destroys the order.",
)
EQUATIONS = (
    Equation(
        "In order",
        ("h_t = GRU(x_t, h_{t-1})        x_1, x_2, ... as they stand in the text",),
        "Two texts with the same words in another order lead to other states.",
    ),
    Equation(
        "As a bag",
        ("h_t = GRU(x_{s(t)}, h_{t-1})        s sorts the words",),
        "Two texts with the same words in any order are the same input: no model can tell them apart.",
    ),
)


def plan(finished: Sequence[Outcome], settings: Settings) -> list[Batch]:
    """The texts in order and as a bag."""
    from rnncli.batch.plan import Batch

    return [Batch("", (RECIPE,), ((ORDER, (KEPT, BAG)), ("evaluation.page", ("false",))))]


def teach(finished: Sequence[Outcome]) -> Taught:
    """The comparison, who is right where the other is wrong, and what that answers."""
    from rnncli.comparison.compare import compare

    runs = {value_of(one, ORDER): one for one in finished}
    ordered, bag = runs[KEPT], runs[BAG]
    comparison = compare([str(bag.path), str(ordered.path)], base=str(bag.path), metrics=[METRIC])
    pairs = _pairs(ordered, bag)
    tables = (_both_table(pairs), _examples_table(pairs))
    parts = [LessonPart("In order against a bag of words", comparison, (), tables)]
    answers = [_matters(ordered, bag, comparison), _short_runs(ordered), _which(pairs)]
    return Taught(parts, [one for one in answers if one.says], _next(ordered))


Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The rows of a text as both read it."""


def _pairs(ordered: Outcome, bag: Outcome) -> list[Pair]:
    other = {row["place"]: row for row in bag.rows()}
    return [(row, other[row["place"]]) for row in ordered.rows() if row["place"] in other]


def _is_right(row: Mapping[str, Any]) -> bool:
    return row["truth"] == row.get("label", row.get("labels"))


def _matters(ordered: Outcome, bag: Outcome, comparison: Comparison) -> LessonAnswer:
    """Whether reading in order is shown to be better."""
    found = {name: one.report.metrics[METRIC] for name, one in (("order", ordered), ("bag", bag))}
    difference = differs(comparison, ordered, METRIC)
    verdict = {
        1: "Yes: here the order of the words tells what their bag does not.",
        0: "Not that this test could show: on these texts the bag does as well, within what chance allows.",
        -1: "No: here the bag is even better; what order adds is less than what it costs to learn.",
    }[better(comparison, ordered, METRIC)]
    says = [
        verdict,
        f"Read in order {valued(found['order'])} per cent are right, as a bag {valued(found['bag'])}, on the same "
        f"{ordered.report.examples:,} test texts with the same {ordered.report.model.parameters:,} parameters; the "
        f"difference is {difference}.",
    ]
    figures = {name: one.value for name, one in found.items()}
    return LessonAnswer("Does word order matter here?", says, figures)


def _short_runs(ordered: Outcome) -> LessonAnswer:
    """What counts of words and of pairs of words reach, by the report's rivals."""
    report: Report = ordered.report
    rivals = {name: found.get(METRIC) for name, found in report.baselines.items()}
    known = {name: value for name, value in rivals.items() if value is not None}
    if not known:
        return LessonAnswer("Would counts of words and of pairs of words do?", ())
    told = listed([f"{name} {number(value)}" for name, value in known.items()])
    model, best = report.metrics[METRIC], max(known.values())
    low = model.low if model.low is not None else model.value
    if low is not None and low > best:
        verdict = "No: even the lower end of the model's interval is above all of them."
    elif (model.value or 0.0) > best:
        verdict = "Perhaps: the model is above them, but the best of them lies within its interval."
    else:
        verdict = "Yes: the best of them is as good as the model that reads in order."
    counted = "those with n-grams count single words and pairs of neighbours"
    says = [f"{verdict} Against {valued(model)} in order, simple rivals reach {told}; {counted}."]
    return LessonAnswer("Would counts of words and of pairs of words do?", says, known)


def _which(pairs: Sequence[Pair]) -> LessonAnswer:
    """Where the two differ: with a negation among the words, and without."""
    groups = {
        "with": [one for one in pairs if _negates(one[0])],
        "without": [one for one in pairs if not _negates(one[0])],
    }
    says, figures = [], {}
    for name, group in groups.items():
        if not group:
            continue
        shares = [sum(map(_is_right, (pair[side] for pair in group))) / len(group) for side in (0, 1)]
        figures[name] = {"texts": len(group), "order": shares[0], "bag": shares[1]}
        says.append(
            f"Of the {len(group):,} test texts {name} a word that turns others round (not, never, instead ...), "
            f"{number(shares[0])} per cent are right in order and {number(shares[1])} as a bag: "
            f"{100 * (shares[0] - shares[1]):+.1f} points."
        )
    return LessonAnswer("Which texts need the order?", says, figures)


def _negates(row: Mapping[str, Any]) -> bool:
    words = str(row["text"]).lower().replace("n't", " n't").split()
    return bool(NEGATIONS & set(words))


def _both_table(pairs: Sequence[Pair]) -> ReportTable:
    counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
    for one, other in pairs:
        counts[_is_right(one), _is_right(other)] += 1
    rows = tuple((f"{_says(a)} in order", counts[a, True], counts[a, False]) for a in (True, False))
    return ReportTable("test texts by who is right", ("", "right as a bag", "wrong as a bag"), rows)


def _says(right: bool) -> str:
    return "right" if right else "wrong"


def _examples_table(pairs: Sequence[Pair]) -> ReportTable:
    """Texts that the order decides: right in order, and the bag surest of something else."""
    won = [pair for pair in pairs if _is_right(pair[0]) and not _is_right(pair[1])]
    won.sort(key=lambda pair: -max(pair[1]["probabilities"].values()))
    rows = tuple((_label(one["truth"]), _label(_said(other)), one["text"][:SHOWN]) for one, other in won[:EXAMPLES])
    return ReportTable("right in order, and the bag surest of another", ("truth", "as a bag", "text"), rows)


def _said(row: Mapping[str, Any]) -> Any:
    return row.get("label", row.get("labels"))


def _label(label: Any) -> str:
    return ", ".join(label) if isinstance(label, list) else str(label)


def _next(ordered: Outcome) -> list[LessonStep]:
    elsewhere = (
        LessonStep("rnncli lesson order", "The same question to sentences in which the order decides by construction:")
        if ordered.recipe.data.train
        else LessonStep(
            "rnncli lesson order --data reviews.csv --out runs/my-order", "The same question to texts of your own:"
        )
    )
    return [
        elsewhere,
        LessonStep(
            f"rnncli batch {RECIPE} --set data.order=kept,sorted --set seed=1,2,3",
            "Three seeds of each, which also draw other test texts:",
        ),
        LessonStep(
            f"rnncli batch {RECIPE} --set model.bidirectional=true,false --set model.pooling=last,mean+max",
            f"What the {named(ordered)} needs to use the order: both directions or one, its last state or all of them:",
        ),
    ]


LESSON = Lesson(
    "order",
    "Does word order matter?",
    LEADS,
    EQUATIONS,
    (plan,),
    teach,
    {RECIPE: ("model.hidden=4", "model.embedding=4", "train.epochs=1")},
    takes_data=True,
)
