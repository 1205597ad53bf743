"""Deletion curves: intervals over examples, not over their questions, and ratios that are infinite."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.explain.deletion import COUNTS, Curve


def falls(seed, rows=30):
    draw = np.random.default_rng(seed)
    return draw.normal(0.3, 0.2, (rows, len(COUNTS))), draw.normal(0.1, 0.2, (rows, len(COUNTS)))


def test_asking_the_same_of_an_example_twice_makes_nothing_surer():
    named_NC, random_NC = falls(0)
    once = Curve(named_NC, random_NC, np.arange(30))
    twice = Curve(np.repeat(named_NC, 2, 0), np.repeat(random_NC, 2, 0), np.repeat(np.arange(30), 2))
    assert twice.examples == once.examples == 30
    for ours, theirs in ((twice.advantage, once.advantage), (twice.ratio, once.ratio)):
        assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high))
    apart = Curve(np.repeat(named_NC, 2, 0), np.repeat(random_NC, 2, 0), np.arange(60))
    assert apart.advantage.high - apart.advantage.low < 0.8 * (once.advantage.high - once.advantage.low)


def test_many_questions_about_few_examples_are_too_few():
    named_NC, random_NC = falls(1)
    assert not Curve(named_NC, random_NC, np.arange(30) % 9).enough
    assert Curve(named_NC, random_NC, np.arange(30) % 10).enough


def test_a_ratio_to_what_never_falls_is_infinite_without_a_word():
    named_NC, random_NC = falls(2)
    found = Curve(named_NC, 0 * random_NC, np.arange(30)).ratio
    assert (found.value, found.low, found.high) == (np.inf, np.inf, np.inf)
    some = Curve(named_NC, np.where(np.arange(30)[:, None] < 2, 0.1, -0.004) + 0 * random_NC, np.arange(30)).ratio
    assert 0 < some.low < some.high == np.inf


def test_one_explanation_exceeds_another_only_beyond_doubt():
    named_NC, random_NC = falls(3)
    example_N = np.arange(30)
    assert Curve(named_NC + 0.1, random_NC, example_N).exceeds(Curve(named_NC, random_NC, example_N))
    assert not Curve(named_NC, random_NC, example_N).exceeds(Curve(named_NC, random_NC, example_N))
