"""Regressions side by side, held to scikit-learn's, one at a time."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from rnncli.data.text import regression as module
from rnncli.data.text.regression import cross_fit, shrink


def drawn(rows=120, features=60, classes=3, seed=0):
    """Sparse ones whose first features tell of the classes, and the classes."""
    random = np.random.default_rng(seed)
    truth_N = random.integers(classes, size=rows)
    found = random.random((rows, features)) < 0.15
    for label in range(classes):
        found[:, label] |= (truth_N == label) & (random.random(rows) < 0.6)
    found[0] = False
    fold_N = random.permutation(rows) % 4
    return scipy.sparse.csr_matrix(found.astype(np.float32)), truth_N[:, None] == np.arange(classes), fold_N


def plain_trust(found, mine):
    """Ratios and trust of features by the formulas, from dense rows of the other folds."""
    seen = found.sum(0) > 0
    p, q = 1 + found[mine].sum(0), 1 + found[~mine].sum(0)
    ratio = (np.log(p / p[seen].sum()) - np.log(q / q[seen].sum())) * seen
    return ratio, seen


def test_they_go_down_to_what_scikit_learn_finds(monkeypatch):
    monkeypatch.setattr(module, "STEPS", 200)
    found_NF, truth_NC, fold_N = drawn()
    fits = cross_fit(found_NF, truth_NC, fold_N, 4)
    dense, whole = found_NF.toarray(), len(fold_N)
    for fold in range(4):
        others = fold_N != fold
        for label in range(3):
            ratio, seen = plain_trust(dense[others], truth_NC[others, label])
            np.testing.assert_allclose(fits.ratios_PFC[fold, :, label], ratio, rtol=1e-4, atol=1e-5)
            trust = np.abs(ratio) + module.RARENESS * np.log(1 + whole / (1 + dense[others].sum(0))) * seen
            rows = dense * trust * shrink(np.diff(found_NF.indptr))
            fit = LogisticRegression(C=module.STRENGTH, solver="liblinear", tol=1e-9, max_iter=10_000)
            fit.fit(rows[others], truth_NC[others, label])
            np.testing.assert_allclose(fits.weights_PFC[fold, :, label], fit.coef_[0] * trust, rtol=2e-3, atol=2e-3)
            assert fits.bias_PC[fold, label] == pytest.approx(fit.intercept_[0], abs=2e-3)


def test_few_steps_come_near_already():
    found_NF, truth_NC, fold_N = drawn(rows=400)
    near = cross_fit(found_NF, truth_NC, fold_N, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEPS", 100)
        there = cross_fit(found_NF, truth_NC, fold_N, 2)
    one, other = (found_NF @ fits.weights_PFC[0] + fits.bias_PC[0] for fits in (near, there))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99


def test_few_steps_come_near_for_many_classes_too(monkeypatch):
    """Their biases lie far from 0: begun at 0, they and the margins were off by three times as much."""
    found_NF, truth_NC, fold_N = drawn(rows=600, features=200, classes=14)
    near = cross_fit(found_NF, truth_NC, fold_N, 2)
    monkeypatch.setattr(module, "STEPS", 100)
    there = cross_fit(found_NF, truth_NC, fold_N, 2)
    np.testing.assert_allclose(near.bias_PC, there.bias_PC, atol=1.5)


def test_a_fold_knows_nothing_of_its_own_rows():
    found_NF, truth_NC, fold_N = drawn()
    other_NC = np.where((fold_N == 2)[:, None], ~truth_NC, truth_NC)
    one, other = (cross_fit(found_NF, truth, fold_N, 4) for truth in (truth_NC, other_NC))
    np.testing.assert_array_equal(one.weights_PFC[2], other.weights_PFC[2])
    np.testing.assert_array_equal(one.bias_PC[2], other.bias_PC[2])
    assert not np.array_equal(one.weights_PFC[1], other.weights_PFC[1])


def test_columns_one_after_another_are_those_side_by_side(monkeypatch):
    found_NF, truth_NC, fold_N = drawn()
    together = cross_fit(found_NF, truth_NC, fold_N, 4)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 5 * found_NF.shape[1])
    heard = []
    apart = cross_fit(found_NF, truth_NC, fold_N, 4, lambda *done: heard.append(done))
    np.testing.assert_allclose(together.weights_PFC, apart.weights_PFC, rtol=1e-3, atol=1e-4)
    assert heard[-1] == (3 * module.STEPS, 3 * module.STEPS)
    assert len(heard) == 3 * module.STEPS


def test_a_label_that_is_always_or_never_true_is_no_stumbling_block():
    found_NF, _, fold_N = drawn()
    truth_NC = np.zeros((len(fold_N), 2), bool)
    truth_NC[:, 1] = True
    fits = cross_fit(found_NF, truth_NC, fold_N, 4)
    scores_NC = found_NF @ fits.weights_PFC[0] + fits.bias_PC[0]
    assert np.isfinite(fits.weights_PFC).all()
    assert (scores_NC[:, 0] < 0).all()
    assert (scores_NC[:, 1] > 0).all()
