"""Edit counts against jiwer and a plain recursion."""

import random

import jiwer
import numpy as np
import pytest

from rnncli.metrics.edits import align, distance, edit_rates, edits, error_rate
from rnncli.metrics.statistics import Statistics

WORDS = ["a", "b", "c", "dd", "e"]


def sentences(count, seed, least=1):
    random.seed(seed)
    return [[random.choice(WORDS) for _ in range(random.randint(least, 9))] for _ in range(count)]


def test_rates_are_those_of_jiwer():
    truth, found = sentences(200, 1), sentences(200, 2, least=0)
    counts = np.array([edits(*pair)[:4] for pair in zip(truth, found, strict=True)])
    theirs = jiwer.process_words([" ".join(t) for t in truth], [" ".join(f) for f in found])
    substitutions, deletions, insertions, true = counts.sum(0)
    assert (substitutions + deletions + insertions) / true == pytest.approx(theirs.wer)
    assert error_rate(truth, found) == pytest.approx(theirs.wer)
    assert Statistics((edit_rates("wer", truth, found),)).values() == {"wer": pytest.approx(theirs.wer)}
    assert substitutions + deletions + insertions == theirs.substitutions + theirs.deletions + theirs.insertions
    assert deletions - insertions == theirs.deletions - theirs.insertions


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


def test_edits_say_what_was_taken_for_what():
    found = edits(["go", "home"], ["no", "home", "now"])
    assert [pair for pair in found.pairs if pair[0] != pair[1]] == [("go", "no"), (None, "now")]
    assert (found[:4], found.errors) == ((1, 0, 1, 2), 2)


def test_nothing_to_find_has_no_rate_and_nothing_found_has_rate_one():
    assert np.isnan(Statistics((edit_rates("wer", [[]], [["a"]]),)).values()["wer"])
    assert Statistics((edit_rates("wer", [["a", "b"]], [[]]),)).values()["wer"] == 1.0
