"""Edit counts against jiwer and a plain recursion."""

import random

import jiwer
import numpy as np
import pytest

from rnncli.metrics.edits import EditCounts, align, distance, error_rate

WORDS = ["a", "b", "c", "dd", "e"]


def sentences(count, seed, least=1):
    random.seed(seed)
    return [[random.choice(WORDS) for _ in range(random.randint(least, 9))] for _ in range(count)]


def test_rates_are_those_of_jiwer():
    truth, found = sentences(200, 1), sentences(200, 2, least=0)
    counts = EditCounts()
    for pair in zip(truth, found, strict=True):
        counts.add(*pair)
    theirs = jiwer.process_words([" ".join(t) for t in truth], [" ".join(f) for f in found])
    assert counts.rate() == pytest.approx(theirs.wer)
    assert error_rate(truth, found) == pytest.approx(theirs.wer)
    assert sum(counts.parts().values()) == theirs.substitutions + theirs.deletions + theirs.insertions
    assert counts.parts()["deletions"] - counts.parts()["insertions"] == theirs.deletions - theirs.insertions


def test_character_rates_are_those_of_jiwer():
    truth, found = ["nineteen sixty", "go"], ["ninety six", "no go"]
    assert error_rate(truth, found) == pytest.approx(jiwer.cer(truth, found))


def recursive(truth, found):
    if not truth or not found:
        return len(truth) + len(found)
    return min(
        recursive(truth[1:], found[1:]) + (truth[0] != found[0]),
        recursive(truth[1:], found) + 1,
        recursive(truth, found[1:]) + 1,
    )


def test_distances_are_those_of_the_definition():
    for truth, found in zip(sentences(60, 3, least=0), sentences(60, 4, least=0), strict=True):
        assert distance(truth[:5], found[:5]) == recursive(truth[:5], found[:5])


def test_an_alignment_holds_both_sides_in_order_and_as_many_edits_as_the_distance():
    for truth, found in zip(sentences(60, 5, least=0), sentences(60, 6, least=0), strict=True):
        pairs = align(truth, found)
        assert [t for t, _ in pairs if t is not None] == truth
        assert [f for _, f in pairs if f is not None] == found
        assert sum(t != f for t, f in pairs) == distance(truth, found)
        assert (None, None) not in pairs


def test_counts_of_two_parts_add_up():
    one, other, both = EditCounts(), EditCounts(), EditCounts()
    for at, pair in enumerate(zip(sentences(20, 7), sentences(20, 8), strict=True)):
        (one if at < 12 else other).add(*pair)
        both.add(*pair)
    assert (one + other).rows == both.rows
    assert (one + other).confusions == both.confusions


def test_confusions_say_what_was_taken_for_what():
    counts = EditCounts()
    counts.add(["go", "home"], ["no", "home", "now"])
    assert counts.confusions == {("go", "no"): 1, (None, "now"): 1}
    assert counts.rows == [(1, 0, 1, 2)]


def test_nothing_to_find_has_no_rate_and_nothing_found_has_rate_one():
    counts = EditCounts()
    counts.add([], ["a"])
    assert np.isnan(counts.rate())
    counts = EditCounts()
    counts.add(["a", "b"], [])
    assert counts.rate() == 1.0


def test_an_interval_over_speakers_is_wider_where_speakers_differ():
    counts = EditCounts()
    speakers = []
    for speaker in range(6):
        for _ in range(20):
            counts.add(["a"] * 10, (["b"] if speaker % 2 else ["a"]) * 10)
            speakers.append(speaker)
    options = {"resamples": 400, "confidence": 0.95, "seed": 1}
    low, high = counts.interval(**options)
    low_of_speakers, high_of_speakers = counts.interval(groups=speakers, **options)
    assert low < counts.rate() == 0.5 < high
    assert high_of_speakers - low_of_speakers > 2 * (high - low)
