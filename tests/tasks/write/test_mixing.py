"""Mixtures of models, with weights found anew by scipy and by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from rnncli.tasks.write.mixing import CLOSE, Mixture, best_option


def logs(count, steps=300, seed=1):
    return {name: np.log(np.random.default_rng([seed, i]).beta(1, 3, steps)) for i, name in enumerate("abcd"[:count])}


def test_weights_of_two_models_are_the_best_there_are():
    two = logs(2)
    best = minimize_scalar(lambda w: -np.log(w * np.exp(two["a"]) + (1 - w) * np.exp(two["b"])).sum(), bounds=(0, 1))
    assert Mixture.fit(two).weights["a"] == pytest.approx(best.x, abs=2e-3)
    assert Mixture.fit(two).log(two).sum() == pytest.approx(-best.fun, abs=300 * CLOSE)


def test_no_other_weights_are_better():
    three = logs(3)
    fitted = Mixture.fit(three)
    assert sum(fitted.weights.values()) == pytest.approx(1)
    best = fitted.log(three).mean()
    for other in np.random.default_rng(2).dirichlet(np.ones(3), 500).tolist():
        assert Mixture(dict(zip(three, other, strict=True))).log(three).mean() <= best + CLOSE


def test_a_mixture_is_never_worse_on_what_it_was_fitted_to_than_its_best_model():
    four = logs(4)
    assert Mixture.fit(four).log(four).sum() >= max(one.sum() for one in four.values()) - 300 * CLOSE


def test_a_useless_model_has_no_weight():
    one = logs(1)["a"]
    weights = Mixture.fit({"good": one, "bad": one - 5}).weights
    assert weights["bad"] < 1e-3


def test_a_model_may_rule_symbols_out_that_others_allow():
    half = np.log([0.5, 0.5, 0.5, 0.5])
    cache = np.array([0.0, 0.0, -np.inf, -np.inf])
    mixture = Mixture.fit({"model": half, "cache": cache})
    assert mixture.weights["cache"] == pytest.approx(0.0, abs=0.01)
    assert np.isfinite(mixture.log({"model": half, "cache": cache})).all()
    assert Mixture({"model": 0.5, "cache": 0.5}).log({"model": half, "cache": cache}) == pytest.approx(
        np.log([0.75, 0.75, 0.25, 0.25])
    )


def test_very_small_probabilities_are_mixed_without_loss():
    tiny = {"a": np.array([-2000.0, -1.0]), "b": np.array([-1000.0, -3000.0])}
    assert Mixture({"a": 0.5, "b": 0.5}).log(tiny) == pytest.approx([-1000 + np.log(0.5), -1 + np.log(0.5)])


def test_the_option_that_helps_most_is_taken():
    given = {"model": np.log(np.full(100, 0.2))}
    generator = np.random.default_rng(1)
    options = [np.log(generator.beta(1, shape, 100)) for shape in (9, 3, 1, 5)]
    best, mixture = best_option(given, "cache", options)
    assert best == 2
    assert set(mixture.weights) == {"model", "cache"}
