"""A cache of states, held to its equation symbol by symbol."""

import numpy as np
import pytest

from rnncli.tasks.write import cache as module
from rnncli.tasks.write.cache import NeuralCache

SIZE, WIDTH = 5, 3


def stream(steps, seed=1):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(steps, WIDTH)).astype(np.float32), generator.integers(0, SIZE, steps)


def plain(h_TE, symbol_T, most, theta):
    """Equation 3 of Grave et al. (2017) for each step alone."""
    found = []
    for t, symbol in enumerate(symbol_T):
        last = range(max(0, t - most), t)
        weights = [np.exp(theta * float(h_TE[t].astype(float) @ h_TE[i])) for i in last]
        same = sum(weight for i, weight in zip(last, weights, strict=True) if symbol_T[i] == symbol)
        found.append(same / sum(weights) if weights else 1 / SIZE)
    return found


@pytest.mark.parametrize("most", [1, 4, 1000])
@pytest.mark.parametrize("pieces", [[23], [1] * 23, [5, 0, 17, 1]])
@pytest.mark.parametrize("at_once", [1, 7, 256])
def test_symbols_have_the_probability_that_the_equation_gives(most, pieces, at_once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    h_TE, symbol_T = stream(23)
    cache = NeuralCache(most, SIZE, (0.0, 0.7))
    found = [
        cache.follow(*one) for one in zip(*(np.split(a, np.cumsum(pieces)[:-1]) for a in (h_TE, symbol_T)), strict=True)
    ]
    for log_T, theta in zip(np.concatenate(found, axis=1), cache.sharpness, strict=True):
        assert np.exp(log_T) == pytest.approx(plain(h_TE, symbol_T, most, theta), rel=1e-5)


def test_a_symbol_that_is_not_remembered_has_no_probability():
    cache = NeuralCache(2, SIZE, (1.0,))
    h_TE = np.ones((4, WIDTH), np.float32)
    assert cache.follow(h_TE, np.array([3, 1, 1, 3]))[0, 1:].tolist() == [-np.inf, np.log(0.5), -np.inf]


@pytest.mark.parametrize("steps", [0, 1, 30])
def test_probabilities_of_the_next_symbol_add_up_to_one(steps):
    h_TE, symbol_T = stream(steps + 1)
    shares = []
    for symbol in range(SIZE):
        cache = NeuralCache(10, SIZE, (0.3,))
        cache.follow(h_TE[:-1], symbol_T[:-1])
        shares.append(np.exp(cache.follow(h_TE[-1:], np.array([symbol])))[0, 0])
    assert sum(shares) == pytest.approx(1, abs=1e-6)


def test_what_comes_does_not_change_what_was_foretold():
    h_TE, symbol_T = stream(40)
    changed_h, changed = h_TE.copy(), symbol_T.copy()
    changed_h[21:], changed[20:] = 0, 0
    first, second = (NeuralCache(10, SIZE).follow(*one) for one in ((h_TE, symbol_T), (changed_h, changed)))
    assert first[:, :20].tolist() == second[:, :20].tolist()


def test_large_states_do_not_overflow():
    h_TE, symbol_T = stream(30)
    assert not np.isnan(NeuralCache(10, SIZE).follow(h_TE * 1e4, symbol_T)).any()
