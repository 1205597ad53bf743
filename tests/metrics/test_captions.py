"""Scores of captions: BLEU against sacrebleu, the others against cases worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from rnncli.metrics.captions import bleu, bleu_counts, caption_statistics, cider_d, rouge_l

word = st.sampled_from(["a", "b", "c", "d", "e", "f"])
sentence = st.lists(word, min_size=1, max_size=9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(sentence, st.lists(sentence, min_size=3, max_size=3)), min_size=1, max_size=6))
def test_bleu_is_that_of_sacrebleu(rows):
    founds, references = [found for found, _ in rows], [truths for _, truths in rows]
    sums = bleu_counts(founds, references).sum(0)
    for order in (1, 2, 3, 4):
        oracle = BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, effective_order=False)
        streams = [[" ".join(truths[k]) for truths in references] for k in range(3)]
        expected = oracle.corpus_score([" ".join(found) for found in founds], streams).score
        assert 100 * bleu(sums, order) == pytest.approx(expected, abs=1e-6)


def test_rouge_l_by_hand():
    found, truth = ["the", "cat", "on", "the", "mat"], ["the", "cat", "sat", "on", "the", "mat"]
    precision, recall = 5 / 5, 5 / 6
    assert rouge_l(found, [truth]) == pytest.approx(2.44 * precision * recall / (recall + 1.44 * precision))
    assert rouge_l(found, [["dog"], found]) == pytest.approx(1)
    assert rouge_l([], [truth]) == rouge_l(["dog"], [truth]) == 0


def test_cider_d_by_hand():
    # Two items; "a" is in both, so that it weighs log(2/2) = 0; "b" and "c" are each in one and weigh log 2.
    references = [[["a", "b"]], [["a", "c"]]]
    assert cider_d([["a", "b"], ["a", "c"]], references) == pytest.approx([5, 5])  # orders 1 and 2 of 4 are perfect
    # "b b" against "a b": order 1: clipped min(2, 1) * 1 / (2 * 1) = 0.5; order 2: nothing in common.
    assert cider_d([["b", "b"], ["a", "c"]], references)[0] == pytest.approx(10 * 0.5 / 4)
    # One word more: a penalty of exp(-1 / 72); "b" alone against "a b".
    assert cider_d([["b"], ["a", "c"]], references)[0] == pytest.approx(10 * math.exp(-1 / 72) / 4)
    assert cider_d([["a"], ["a", "c"]], references)[0] == 0


def test_cider_d_is_the_mean_over_references():
    references = [[["x", "b"], ["y", "d"]], [["z"]]]
    both = cider_d([["x", "b"], ["z"]], references)[0]
    assert both == pytest.approx(2.5)  # orders 1 and 2 are perfect for one of two references


def test_diversity_counts_what_differs():
    founds = [["a", "b"], ["a", "b"], ["c", "d"], []]
    found = caption_statistics(founds, [[["a", "b"], ["c"]]] * 4)
    assert found.values()["distinct"] == 0.75
    assert found.values()["distinct_2"] == pytest.approx(2 / 3)
    assert not {"distinct", "distinct_2"} & found.intervals(resamples=10, confidence=0.9, seed=1).keys()


def test_perfect_captions_are_perfect_and_intervals_hold_the_value():
    truths = [[f"w{n}", "goes", "on", "and", f"v{n}"] for n in range(20)]
    perfect = caption_statistics(truths, [[truth] for truth in truths])
    assert perfect.values() == pytest.approx(
        {
            "bleu_1": 1,
            "bleu_2": 1,
            "bleu_3": 1,
            "bleu_4": 1,
            "rouge_l": 1,
            "cider": perfect.values()["cider"],
            "exact": 1,
            "distinct": 1,
            "distinct_2": 42 / 80,
            "wer": 0,
            "cer": 0,
        }
    )
    founds = [truth if n % 3 else ["other", "words"] for n, truth in enumerate(truths)]
    scores = caption_statistics(founds, [[truth] for truth in truths])
    intervals = scores.intervals(resamples=200, confidence=0.95, seed=1)
    for name, value in scores.values().items():
        if name.startswith("distinct"):
            continue
        low, high = intervals[name]
        assert low <= value <= high
        assert low < high
    assert scores.intervals(resamples=0, confidence=0.95, seed=1) == {}


def test_nothing_to_score_is_an_error():
    for founds, references in (([], []), ([["a"]], [[]]), ([["a"]], [])):
        with pytest.raises(ValueError, match="captions"):
            caption_statistics(founds, references)


def test_an_empty_caption_scores_nothing():
    values = caption_statistics([[]], [[["a", "b"]]]).values()
    assert values["bleu_1"] == values["rouge_l"] == values["exact"] == 0
    assert np.isfinite(list(values.values())).all()
