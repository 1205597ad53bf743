"""What is drawn, and how often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.errors import UsageError
from rnncli.tasks.write.sampling import Drawing, choose, probabilities

SHARES = np.array([0.05, 0.4, 0.2, 0.2, 0.15])
LOGITS = np.log(SHARES) + 3

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=12).map(np.array)


def test_temperature_sharpens_and_flattens():
    assert probabilities(LOGITS, Drawing()) == pytest.approx(SHARES)
    squared = SHARES**2
    assert probabilities(LOGITS, Drawing(temperature=0.5)) == pytest.approx(squared / squared.sum())
    assert probabilities(LOGITS, Drawing(temperature=0)).tolist() == [0, 1, 0, 0, 0]
    assert probabilities(LOGITS, Drawing(temperature=1e-300)).tolist() == [0, 1, 0, 0, 0]


def test_top_k_and_top_p_leave_the_likeliest_and_the_first_of_equal_ones():
    assert probabilities(LOGITS, Drawing(top_k=2)) == pytest.approx([0, 2 / 3, 1 / 3, 0, 0])
    assert probabilities(LOGITS, Drawing(top_p=0.5)) == pytest.approx([0, 2 / 3, 1 / 3, 0, 0])
    assert probabilities(LOGITS, Drawing(top_p=0.39)) == pytest.approx([0, 1, 0, 0, 0])
    assert probabilities(LOGITS, Drawing(top_k=3, top_p=0.7)) == pytest.approx([0, 2 / 3, 1 / 3, 0, 0])
    assert probabilities(LOGITS, Drawing(top_k=99)) == pytest.approx(SHARES)


def test_symbols_are_drawn_as_often_as_they_are_likely():
    sampling = Drawing(temperature=0.7, top_p=0.9)
    generator = sampling.generator(1)
    counts = np.bincount([choose(LOGITS, sampling, generator) for _ in range(20_000)], minlength=5)
    expected = probabilities(LOGITS, sampling)
    assert counts[expected == 0].sum() == 0
    assert counts / 20_000 == pytest.approx(expected, abs=0.015)


@given(
    logits,
    st.floats(0, 5),
    st.integers(0, 12),
    st.floats(0.001, 1),
    st.integers(0, 99),
)
def test_what_is_drawn_has_a_share_and_shares_sum_to_one(logits_V, temperature, top_k, top_p, seed):
    sampling = Drawing(temperature, top_k, top_p, seed)
    shares_V = probabilities(logits_V, sampling)
    assert shares_V.sum() == pytest.approx(1)
    assert shares_V[choose(logits_V, sampling, sampling.generator(1))] > 0
    if top_k:
        assert np.count_nonzero(shares_V) <= top_k


class Highest:
    """A generator whose number is as high as they come."""

    def random(self):
        return 1 - 2**-53


@given(logits)
def test_the_highest_number_draws_a_symbol_that_has_a_share(logits_V):
    logits_V = np.append(logits_V, -np.inf)
    assert choose(logits_V, Drawing(), Highest()) < len(logits_V) - 1


def test_a_sample_has_numbers_of_its_own():
    drawn = {number: Drawing(seed=3).generator(number).random(4).tolist() for number in (1, 2)}
    assert drawn[1] != drawn[2]
    assert Drawing(seed=3).generator(2).random(4).tolist() == drawn[2]
    assert Drawing(seed=4).generator(2).random(4).tolist() != drawn[2]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temperature": -1}, "--temperature -1: 0 or more"),
        ({"temperature": float("nan")}, "--temperature nan"),
        ({"temperature": float("inf")}, "--temperature inf"),
        ({"top_k": -2}, "--top-k -2"),
        ({"top_p": 0}, "--top-p 0"),
        ({"top_p": 1.2}, "--top-p 1.2"),
        ({"seed": -1}, "--seed -1"),
    ],
)
def test_settings_of_no_use_are_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        Drawing(**settings)
