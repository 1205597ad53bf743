"""Evidence of n-grams, held to plain counting with dictionaries."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rnncli.data.ragged import Ragged
from rnncli.data.text import evidence as module
from rnncli.data.text.evidence import Evidence, Kinds, cross_fitted, learn, pad_evidence
from rnncli.errors import RunError

WORDS = ["bad", "good", "film", "not", "a"]


def texts(count=40, seed=0):
    draw = random.Random(seed)
    made = [tuple(draw.choices(WORDS, k=draw.randrange(1, 6))) for _ in range(count)]
    return made, np.array([("good" in text) ^ (draw.random() < 0.2) for text in made], dtype=np.int64)


def grams_at(units, at, order, subwords):
    """(kind, n-gram) pairs that end at a unit, spelt out."""
    found = [(size - 1, ("words", units[at + 1 - size : at + 1])) for size in range(1, order + 1) if size <= at + 1]
    word = f"<{units[at]}>"
    if subwords:
        found += [(order, ("letters", word[i : i + n])) for n in (4, 5) for i in range(len(word) - n + 1)]
    return found


def plain_fit(made, truth, label, order, subwords):
    """Weight and ratio of each n-gram by dictionaries, dense rows, and one logistic regression."""
    bags = [{gram for at in range(len(t)) for _, gram in grams_at(t, at, order, subwords)} for t in made]
    names = sorted({gram for bag in bags for gram in bag}, key=repr)
    mine = [bag for bag, y in zip(bags, truth, strict=True) if y == label]
    others = [bag for bag, y in zip(bags, truth, strict=True) if y != label]
    p = {name: 1 + sum(name in bag for bag in mine) for name in names}
    q = {name: 1 + sum(name in bag for bag in others) for name in names}
    ratio = {n: math.log(p[n] / sum(p.values())) - math.log(q[n] / sum(q.values())) for n in names}
    rows = np.array([[(n in bag) * ratio[n] / math.sqrt(max(len(bag), 1)) for n in names] for bag in bags])
    fit = LogisticRegression(C=10.0, solver="liblinear", random_state=0, tol=1e-8, max_iter=10_000)
    coefficients = fit.fit(rows, truth == label).coef_[0]
    return {n: c * ratio[n] for n, c in zip(names, coefficients, strict=True)}, ratio


def plain_figures(units, at, fits, order, subwords):
    """One row: for each kind the sums of weights by class, for kinds of words also of ratios."""
    row = []
    for kind in range(order + subwords):
        here = [gram for found, gram in grams_at(units, at, order, subwords) if found == kind]
        row += [sum(weight.get(gram, 0) for gram in here) for weight, _ in fits]
        if kind < order:
            row += [sum(ratio.get(gram, 0) for gram in here) for _, ratio in fits]
    return row


@pytest.mark.parametrize(("order", "subwords", "classes"), [(2, True, 2), (3, False, 2), (1, False, 3), (2, True, 3)])
def test_figures_are_those_of_counting_by_hand(order, subwords, classes):
    made, truth = texts()
    truth = (truth + np.arange(len(truth)) % 2) if classes == 3 else truth
    found, _ = learn(made, truth, classes, Kinds(order, subwords))
    fits = [plain_fit(made, truth, label, order, subwords) for label in ([1] if classes == 2 else range(3))]
    new = [("good", "unheard", "film"), (), ("not", "bad")]
    wanted = [plain_figures(text, at, fits, order, subwords) for text in new for at in range(len(text))]
    np.testing.assert_allclose(found.describe(new) / found.scale, wanted, rtol=1e-3, atol=2e-3)
    assert found.width == Kinds(order, subwords).figures * len(fits)


def test_words_never_heard_say_nothing():
    found, _ = learn(*texts(), 2, Kinds(2, True))
    assert not found.describe([("qqq", "zzz")]).any()
    assert found.describe([]).shape == (0, found.width)
    assert found.describe([()]).shape == (0, found.width)


def test_the_figures_of_a_training_text_do_not_depend_on_its_own_label():
    made, truth = texts(60)
    kinds = Kinds(2, False)
    found, told = learn(made, truth, 2, kinds)
    starts = np.cumsum([0, *map(len, made)])
    np.testing.assert_allclose(told, cross_fitted(found, made, truth, 2), rtol=1e-5, atol=1e-6)
    told = cross_fitted(found, made, truth, 2)
    for text in (0, 17, 59):
        other = truth.copy()
        other[text] = 1 - other[text]
        rows = slice(starts[text], starts[text + 1])
        again = cross_fitted(found, made, other, 2)
        np.testing.assert_array_equal(told[rows], again[rows])
        assert not np.array_equal(told, again)


def test_the_figures_of_training_texts_spread_equally():
    made, truth = texts(200)
    _, figures = learn(made, truth, 2, Kinds(2, True))
    deviation = figures.std(0)
    np.testing.assert_allclose(deviation, module.SPREAD, rtol=1e-3)


def test_evidence_comes_back_from_its_folder_as_it_was(tmp_path):
    found, _ = learn(*texts(), 2, Kinds(2, True))
    found.save(tmp_path)
    again = Evidence.load(tmp_path)
    np.testing.assert_array_equal(again.describe([WORDS]), found.describe([WORDS]))
    assert (again.kinds.order, again.kinds.subwords) == (2, True)


@pytest.mark.parametrize("name", ["evidence.json", "evidence.safetensors"])
def test_damaged_evidence_is_named(name, tmp_path):
    learn(*texts(), 2, Kinds(2, True))[0].save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:30])
    with pytest.raises(RunError, match="evidence"):
        Evidence.load(tmp_path)


def test_padding_has_no_evidence():
    ids = Ragged.from_iterable([np.array([5, 6, 7]), np.array([], int), np.array([8])])
    figures = np.arange(8, dtype=np.float32).reshape(4, 2) + 1
    ids_BT, _ = ids.pad([2, 1, 0])
    padded = pad_evidence(figures, ids, [2, 1, 0], ids_BT).numpy()
    np.testing.assert_array_equal(padded[0], [[7, 8], [0, 0], [0, 0]])
    assert not padded[1].any()
    np.testing.assert_array_equal(padded[2], figures[:3])
