"""A verdict on a run: what its figures say, and what to type or do about it, the most important first.

Every finding holds of any task, by declared metrics, sums over test examples and the history of training; what is wrong
with its data a task says itself (:class:`rnncli.tasks.base.Advising`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from rnncli.metrics.metric import LOSS, Metric
from rnncli.metrics.paired import Parts, difference
from rnncli.metrics.student import student_quantile
from rnncli.report.build import Advice, Report
from rnncli.report.numbers import number, signed
from rnncli.report.rivals import best_rival

MOST = 5
"""Lines of a verdict."""
NAMED = 5
"""Classes that a line names."""
NORMAL, POWER = 1.96, 0.84
"""Quantiles of the normal distribution: of a test at 5 %, and of four differences out of five that it then finds."""
FEW_EPOCHS = 5
"""Training of fewer that ends with its best epoch has ended too soon, however little it still learnt."""
STILL_FALLING = 0.01
"""The share by which the loss of dev must fall over the last tenth of the epochs to be still falling."""
WIDE = 0.2
"""An interval of a share that is as wide says little."""
APART = 0.02
"""The least difference of a share between dev and test that is worth a word."""
SMALL_LOSS = 0.01
"""Where the loss of dev was below this, in nats, there is nothing left to learn."""
ONE_ANSWER = ("majority", "most frequent text", "most frequent caption")
"""Rivals that answer every example alike: no method that anyone would use instead."""
MOST_EXAMPLES = 10_000_000
"""Beyond these no test split is worth wishing for."""
SEARCH = "use that, or give the model more examples, or search: rnncli batch RECIPE --set train.learning_rate=1e-3,3e-3"
LEARN = "train longer, with a higher train.learning_rate, or on more examples"
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Match:
    """The model against its best rival by one metric: the gap is positive where the model is better.

    ``examples`` is how many both were tested on one by one, 0 where they were not; ``folds`` those of a
    cross-validation. ``test`` names a test of examples that depend on each other.
    """

    rival: str
    metric: str
    gap: float
    low: float
    high: float
    sure: bool
    examples: int = 0
    folds: int = 0
    test: str = ""


def written(findings: Iterable[Advice]) -> tuple[str, ...]:
    """The most important findings, each as a line, and no two of one text."""
    ranked = sorted(findings, key=lambda one: one.rank)
    return tuple(dict.fromkeys(one.line for one in ranked))[:MOST]


def findings(*found: Advice | None) -> Iterator[Advice]:
    """Those that there are."""
    return (one for one in found if one is not None)


def match_of_examples(report: Report, metric: str, model: Parts | None, rivals: Mapping[str, Parts]) -> Match | None:
    """The model against its best rival on the same examples, or by the model's interval where that cannot be had."""
    found = best_rival(report, metric)
    if found is None or report.metrics[metric].value is None or report.metrics[metric].better == "nominal":
        return None
    rival, value = found
    theirs = rivals.get(rival)
    if model is None or theirs is None or model.counts_NC.shape != theirs.counts_NC.shape:
        return _match_of_interval(report, metric, rival, value)
    tested = difference([theirs], [model], confidence=report.confidence)
    if math.isnan(tested.value):
        return None
    gap, low, high = _in_favour(report, metric, tested.value, tested.low, tested.high)
    sure, test = tested.p <= 1 - report.confidence, tested.test if model.design else ""
    return Match(rival, metric, gap, low, high, sure, examples=len(model.counts_NC), test=test)


def match_of_folds(report: Report, metric: str) -> Match | None:
    """The model against its best rival by their differences in the folds, held against Student's distribution."""
    found = best_rival(report, metric)
    if found is None or report.metrics[metric].better == "nominal":
        return None
    pairs = [(fold.metrics.get(metric), fold.baselines.get(found[0], {}).get(metric)) for fold in report.folds]
    gaps = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
    if len(gaps) < 2:
        return None
    half = student_quantile(report.confidence, len(gaps) - 1) * stdev(gaps) / math.sqrt(len(gaps))
    gap, low, high = _in_favour(report, metric, fmean(gaps), fmean(gaps) - half, fmean(gaps) + half)
    return Match(found[0], metric, gap, low, high, low > 0 or high < 0, folds=len(gaps))


def of_match(report: Report, match: Match) -> Advice:
    """Whether the model beats its best rival."""
    name, confidence = report.title(match.metric), 100 * report.confidence
    low, high = (-match.high, -match.low) if match.sure and match.gap < 0 else (match.low, match.high)
    ends = f"{confidence:g} % interval {_signed(report, match, low)} .. {_signed(report, match, high)}"
    ends = "too few to test" if math.isnan(low) else ends
    where = f", on the same {report.counting(match.examples, 'test')}" if match.examples else ""
    where += f", {match.test}" if match.test else ""
    where = f", over {match.folds} folds" if match.folds else where
    by = f"{_points(report, match, abs(match.gap))} of {name} ({ends}{where})"
    if match.sure and match.gap > 0:
        agree = "see whether other seeds agree: train again with seed=2 and seed=3, then rnncli compare"
        return Advice(f"the model beats its best rival, {match.rival}, by {by}", agree, rank=10)
    if match.rival in ONE_ANSWER:
        return _of_one_answer(match, by)
    if match.sure:
        return Advice(f"a simpler method, {match.rival}, beats the model by {by}", SEARCH, rank=10)
    if match.gap == match.low == match.high == 0:
        says = f"the model does as well as its best rival, {match.rival}: {name} {report.metrics[match.metric].number}"
        return Advice(f"{says}{where}", "take the simpler one, or test both on harder examples", rank=10)
    says = f"the model is not shown to beat its best rival, {match.rival}: {_signed(report, match, match.gap)}"
    unit = " points" if report.metrics[match.metric].unit == "share" else ""
    equals = "take them for equals, and the simpler one where that will do"
    if _needed(report, match) and (match.low > 0 or match.high < 0):
        equals = "take neither for the better one before they are tested on more"
    return Advice(f"{says}{unit} of {name} ({ends}{where})", equals, rank=10)


def of_size(report: Report, match: Match, split: Mapping[str, Any], sizes: Mapping[str, int]) -> Advice | None:
    """How many test examples would tell the difference from the best rival; None where it is told, or cannot be.

    ``split`` holds the keys of the recipe that say how the parts were cut, ``sizes`` are theirs.
    """
    error = (match.high - match.low) / (2 * NORMAL)
    if match.sure or match.folds or not match.examples or not error > 0:
        return None
    if needed := _needed(report, match):
        says = f"no test can tell two models apart on {report.counting(match.examples)}; on {needed:,} it may"
        return Advice(says, _more_tests(split, sizes, math.inf), rank=16)
    least = (NORMAL + POWER) * error
    says = f"{report.counting(match.examples, 'test')} tell differences of {_points(report, match, least)} or more"
    wanted = math.inf if match.gap == 0 else match.examples * (least / match.gap) ** 2
    if wanted < MOST_EXAMPLES:
        says += f"; about {_rounded(wanted):,} would tell this one"
    return Advice(says, _more_tests(split, sizes, wanted), rank=16)


def of_classes(report: Report, keys: Iterable[str]) -> Advice | None:
    """Classes that are there and never predicted; ``keys`` are those of the recipe, by which it may be mended."""
    rows = report.classes.per_class
    there = [row for row in rows if row.support]
    never = [row for row in there if row.precision is None]
    if not never:
        return None
    names = ", ".join(f"{row.label} ({row.support:,})" for row in never[:NAMED]) + (", ..." if never[NAMED:] else "")
    balance = next((f"{key}=balanced" for key in keys if key.endswith(".class_weights")), "")
    do = " or ".join(filter(None, ("give more examples of them", balance)))
    predicted = [row.label for row in rows if row.precision is not None]
    if len(predicted) == 1 and len(there) > 1:
        more = " or ".join(filter(None, ("train longer", "with a higher train.learning_rate", balance)))
        return Advice(
            f"nothing but {predicted[0]} is ever predicted, so the model has learnt nothing yet", more, rank=5
        )
    be = "is" if len(never) == 1 else "are"
    says = f"{len(never):,} of {len(there):,} classes {be} never predicted (test examples): {names}"
    return Advice(says, do, rank=20)


def of_training(histories: Sequence[Rows], watch: Metric, epochs: int, *, goes_on: bool = False) -> Advice | None:
    """Whether training ended too soon: one history of its epochs, or one for each fold.

    ``goes_on`` says that a run of it may go on to more epochs.
    """
    early = [why for rows in histories if rows and (why := _ended_early(rows, watch, epochs))]
    if not early or 2 * len(early) <= len(histories):
        return None
    says = early[0] if len(histories) == 1 else f"in {len(early)} of {len(histories)} folds {early[0]}"
    more = f"train.epochs={max(FEW_EPOCHS, 2 * epochs)}"
    return Advice(says, f"train longer: {'rnncli run --resume RUN ' if goes_on else ''}{more}", rank=15)


def of_dev(report: Report, metric: str, dev: float | None, sizes: Mapping[str, int]) -> Advice | None:
    """Whether dev is far better than test, beyond what both may vary by chance."""
    tested = report.metrics[metric]
    if report.split == "dev" or dev is None or None in (tested.value, tested.low, tested.high) or not sizes.get("dev"):
        return None
    assert tested.value is not None
    assert tested.low is not None
    assert tested.high is not None
    gap = tested.direction.badness(tested.value) - tested.direction.badness(dev)
    error = (tested.high - tested.low) / (2 * NORMAL) * math.sqrt(1 + report.examples / sizes["dev"])
    if gap <= 3 * error or (tested.unit == "share" and gap < APART) or not error:
        return None
    says = f"dev is far better than {report.split}: {report.title(metric)} {number(dev, tested.unit)}"
    do = "see where they differ with evaluation.groups=[source, length], and cut parts that are alike"
    return Advice(f"{says} against {tested.number}, more than chance parts them", do, rank=25)


def of_width(report: Report, metric: str, split: Mapping[str, Any]) -> Advice | None:
    """Whether the test split is so small that the figure itself says little."""
    found = report.metrics[metric]
    if found.unit != "share" or found.low is None or found.high is None:
        return None
    if found.low == found.high:
        return _of_no_mistake(report, metric, split)
    if found.high - found.low <= WIDE:
        return None
    says = (
        f"{report.counting(report.examples, 'test')} leave {report.title(metric)} anywhere between {number(found.low)}"
    )
    return Advice(f"{says} and {number(found.high)}", _more_tests(split, {}, math.inf), rank=45)


def _of_one_answer(match: Match, by: str) -> Advice:
    """What is to be said of a model that does not beat one answer to everything."""
    if match.sure:
        return Advice(f"one answer to everything, {match.rival}, beats the model by {by}", LEARN, rank=10)
    if match.gap == match.low == match.high == 0:
        return Advice(f"the model does no better than one answer to everything, {match.rival}", LEARN, rank=10)
    way = "ahead" if match.gap > 0 else "behind"
    says = f"the model is not shown to do better than one answer to everything, {match.rival}: {way} by {by}"
    return Advice(says, LEARN, rank=10)


def _of_no_mistake(report: Report, metric: str, split: Mapping[str, Any]) -> Advice | None:
    """What so few examples without a mistake leave open: so many wrong ones would still go unseen by chance."""
    found = report.metrics[metric]
    best = {"higher": 1, "lower": 0}.get(found.better)
    if found.value != best or not report.examples:
        return None
    unseen = 1 - (1 - report.confidence) ** (1 / report.examples)
    if unseen <= WIDE:
        return None
    tested = report.counting(report.examples, "test")
    says = f"{tested} without a mistake may be chance: a model that is wrong on {100 * unseen:.0f} % of all"
    return Advice(f"{says} would still show none now and then", _more_tests(split, {}, math.inf), rank=14)


def _match_of_interval(report: Report, metric: str, rival: str, value: float) -> Match | None:
    found = report.metrics[metric]
    if found.value is None or found.low is None or found.high is None:
        return None
    gaps = (end - value for end in (found.value, found.low, found.high))
    gap, low, high = _in_favour(report, metric, *gaps)
    return Match(rival, metric, gap, low, high, low > 0 or high < 0)


def _in_favour(report: Report, metric: str, gap: float, low: float, high: float) -> tuple[float, float, float]:
    """A difference and its ends, positive where the model is better."""
    return (-gap, -high, -low) if report.metrics[metric].better == "lower" else (gap, low, high)


def _ended_early(rows: Rows, watch: Metric, epochs: int) -> str:
    """Why training may have ended too soon, empty where nothing says so."""
    if len(rows) < epochs:
        return ""  # patience was over
    if len(rows) == 1:
        return "there was one epoch, so nothing says that learning had ended"
    back = max(1, len(rows) // 10)
    losses = [row["metrics"].get("loss") for row in rows]
    if losses[-1 - back] is not None and losses[-1 - back] < SMALL_LOSS:
        return ""
    falling = None not in losses and losses[-1] == min(losses) and losses[-1] < (1 - STILL_FALLING) * losses[-1 - back]
    fell = (
        f"the loss of dev still fell, from {losses[-1 - back]:.3f} to {losses[-1]:.3f} in the last " if falling else ""
    )
    fell += (f"{back} epochs" if back > 1 else "epoch") if falling else ""
    last, before = rows[-1], [row["watched"] for row in rows[:-1] if row["watched"] is not None]
    best = bool(before) and last["watched"] is not None and all(watch.beats(last["watched"], one) for one in before)
    if best and (falling or watch.name != LOSS.name or epochs < FEW_EPOCHS):
        return f"the last of {epochs} epochs was the best" + (f" and {fell}" if fell else "")
    return fell


def _more_tests(split: Mapping[str, Any], sizes: Mapping[str, int], wanted: float) -> str:
    if "origins" in split:
        return f"test from more origins, evaluation.origins={2 * (split['origins'] or 12)}, or on more series"
    if split.get("test") or split.get("split_column"):
        return "give more examples to test on, or test on all in turn with data.folds=5 and no data.test"
    every = sum(sizes.values())
    if every and wanted / every < 0.5:
        return f"carve more for it with data.test_fraction={math.ceil(100 * wanted / every) / 100:g}, or data.folds=5"
    return "test on all examples in turn with data.folds=5, or give more data"


def _needed(report: Report, match: Match) -> int:
    """The fewest examples whose swaps show anything, where there are less: all n go one way in 2 of 2^n rounds."""
    fewest = math.ceil(1 - math.log2(1 - report.confidence))
    return fewest if 0 < match.examples < fewest and not match.test else 0


def _rounded(count: float) -> int:
    """To two figures."""
    size = 10 ** max(0, int(math.log10(count)) - 1)
    return math.ceil(count / size) * size


def _points(report: Report, match: Match, value: float) -> str:
    unit = report.metrics[match.metric].unit
    return f"{number(value, unit)}{' points' if unit == 'share' else ''}"


def _signed(report: Report, match: Match, value: float) -> str:
    return signed(value, report.metrics[match.metric].unit)
