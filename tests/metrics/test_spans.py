import random

import numpy as np
import pytest
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score

from rnncli.data.text.tagschemes import SCHEMES, read_spans
from rnncli.metrics.spans import SpanCounts
from rnncli.metrics.statistics import Statistics, shares


def drawn_tags(seed, sentences=60):
    """Tags of sentences that break the rules of IOB2 now and then."""
    draw = random.Random(seed)
    tags = ["O", "O", "B-A", "I-A", "B-B", "I-B", "I-C", "B-C"]
    return [[draw.choice(tags) for _ in range(draw.randint(1, 12))] for _ in range(sentences)]


def counted(truth, predicted):
    counts = SpanCounts()
    for one, other in zip(truth, predicted, strict=True):
        spans = [read_spans(tags, SCHEMES["IOB2"])[0] for tags in (one, other)]
        counts.add(*([(span.kind, (span.start, span.end)) for span in found] for found in spans))
    return counts


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_seqeval(seed):
    truth = drawn_tags(seed)
    draw = random.Random(seed + 100)
    predicted = [[tag if draw.random() < 0.8 else "O" for tag in tags] for tags in truth]
    counts = counted(truth, predicted)
    assert Statistics((counts.sums(),)).values() == pytest.approx(
        {
            "precision": precision_score(truth, predicted),
            "recall": recall_score(truth, predicted),
            "f1": f1_score(truth, predicted),
        }
    )
    report = classification_report(truth, predicted, output_dict=True)
    for row in counts.per_type():
        theirs = report[row["label"]]
        assert (row["precision"], row["recall"], row["f1"], row["support"]) == pytest.approx(
            (theirs["precision"], theirs["recall"], theirs["f1-score"], theirs["support"])
        )


def test_intervals_hold_the_figure_and_narrow_with_more_sentences():
    few, many = drawn_tags(1, 40), drawn_tags(1, 2000)
    draw = random.Random(5)
    widths = []
    for truth in (few, many):
        predicted = [[tag if draw.random() < 0.8 else "O" for tag in tags] for tags in truth]
        counts = counted(truth, predicted)
        found = Statistics((counts.sums(),))
        low, high = found.intervals(resamples=300, confidence=0.95, seed=1)["f1"]
        assert low < found.values()["f1"] < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_nothing_predicted_or_nothing_to_find_is_undefined():
    counts = SpanCounts()
    counts.add([], [])
    assert all(np.isnan(value) for value in Statistics((counts.sums(),)).values().values())
    assert counts.per_type() == []


def test_the_interval_of_a_share_is_over_sentences():
    found = Statistics(shares(["share"], [np.array([[9, 9], [0, 1]])]))
    assert found.intervals(resamples=200, confidence=0.95, seed=1) == {"share": (0, 1)}
