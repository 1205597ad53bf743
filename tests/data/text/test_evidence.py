"""Evidence of n-grams, held to plain counting with dictionaries."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rnncli.data import progress
from rnncli.data.ragged import Ragged
from rnncli.data.text import evidence as module
from rnncli.data.text import regression
from rnncli.data.text.evidence import Evidence, cross_fitted, learn
from rnncli.data.text.grams import Kinds
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


def plain_fit(made, truth, label, order, subwords, whole):
    """Weight and ratio of each n-gram, and the bias, by dictionaries, dense rows, and one logistic regression."""
    bags = [{gram for at in range(len(t)) for _, gram in grams_at(t, at, order, subwords)} for t in made]
    names = sorted({gram for bag in bags for gram in bag}, key=repr)
    mine = [bag for bag, y in zip(bags, truth, strict=True) if y == label]
    others = [bag for bag, y in zip(bags, truth, strict=True) if y != label]
    p = {name: 1 + sum(name in bag for bag in mine) for name in names}
    q = {name: 1 + sum(name in bag for bag in others) for name in names}
    ratio = {n: math.log(p[n] / sum(p.values())) - math.log(q[n] / sum(q.values())) for n in names}
    trust = {n: abs(ratio[n]) + math.log(1 + whole / (p[n] + q[n] - 1)) / 6 for n in names}
    rows = np.array([[(n in bag) * trust[n] / math.sqrt(max(len(bag), 1)) for n in names] for bag in bags])
    fit = LogisticRegression(C=10.0, solver="liblinear", random_state=0, tol=1e-8, max_iter=10_000)
    fit.fit(rows, truth == label)
    return {n: c * trust[n] for n, c in zip(names, fit.coef_[0], strict=True)}, ratio, fit.intercept_[0]


def plain_fits(made, truth, label, order, subwords):
    """The mean over the folds of those that have not seen one."""
    fold = np.random.default_rng(0).permutation(len(made)) % module.FOLDS
    fits = []
    for out in range(module.FOLDS):
        some = [text for text, its in zip(made, fold, strict=True) if its != out]
        fits.append(plain_fit(some, truth[fold != out], label, order, subwords, len(made)))
    names = {name for weights, _, _ in fits for name in weights}

    def mean(kind):
        return {name: sum(fit[kind].get(name, 0) for fit in fits) / len(fits) for name in names}

    return mean(0), mean(1), sum(bias for _, _, bias in fits) / len(fits)


def plain_figures(units, at, fits, order, subwords):
    """One row: for each kind the sums of weights by class, for kinds of words also of ratios."""
    row = []
    for kind in range(order + subwords):
        here = [gram for found, gram in grams_at(units, at, order, subwords) if found == kind]
        row += [sum(weight.get(gram, 0) for gram in here) for weight, _, _ in fits]
        if kind < order:
            row += [sum(ratio.get(gram, 0) for gram in here) for _, ratio, _ in fits]
    return row


def columns(truth, classes):
    """What evidence tells apart: of two classes the second."""
    return truth[:, None] == np.arange(classes)[1 if classes == 2 else 0 :]


CASES = [(2, True, 2), (3, False, 2), (1, False, 3), (2, True, 3)]


@pytest.mark.parametrize(("order", "subwords", "classes"), CASES)
def test_figures_and_scores_are_those_of_counting_by_hand(order, subwords, classes, monkeypatch):
    monkeypatch.setattr(regression, "STEPS", 100)
    monkeypatch.setattr(module, "FOLDS", 3)
    made, truth = texts()
    truth = (truth + np.arange(len(truth)) % 2) if classes == 3 else truth
    found = learn(made, columns(truth, classes), Kinds(order, subwords)).evidence
    fits = [plain_fits(made, truth, label, order, subwords) for label in ([1] if classes == 2 else range(3))]
    new = [("good", "unheard", "film"), (), ("not", "bad")]
    told = found.describe(new)
    wanted = [plain_figures(text, at, fits, order, subwords) for text in new for at in range(len(text))]
    np.testing.assert_allclose(told.figures() / found.scale, wanted, rtol=1e-3, atol=2e-3)
    known = set(fits[0][0])
    for text, scores in zip(new, told.scores_NC, strict=True):
        bag = {gram for at in range(len(text)) for _, gram in grams_at(text, at, order, subwords)} & known
        sums = [sum(weights[gram] for gram in bag) / math.sqrt(max(len(bag), 1)) + bias for weights, _, bias in fits]
        np.testing.assert_allclose(scores, sums, rtol=1e-3, atol=3e-3)


def test_words_never_heard_say_nothing():
    made, truth = texts()
    found = learn(made, truth[:, None] == 1, Kinds(2, True)).evidence
    assert not found.describe([("qqq", "zzz")]).figures().any()
    np.testing.assert_allclose(found.describe([("qqq", "zzz")]).scores_NC[0], found.bias, rtol=1e-6)
    assert found.describe([]).figures().shape == (0, found.width)
    assert found.describe([()]).figures().shape == (0, found.width)


def test_a_training_text_is_told_nothing_of_its_own_label():
    made, truth = texts(60)
    truth_NC = truth[:, None] == 1
    found = learn(made, truth_NC, Kinds(2, False))
    starts = np.cumsum([0, *map(len, made)])
    told = cross_fitted(found.evidence, made, truth_NC)
    np.testing.assert_array_equal(found.told.figures(), told.figures())
    np.testing.assert_array_equal(found.told.scores_NC, told.scores_NC)
    for text in (0, 17, 59):
        other_NC = truth_NC.copy()
        other_NC[text] = ~other_NC[text]
        rows = slice(starts[text], starts[text + 1])
        again = cross_fitted(found.evidence, made, other_NC)
        np.testing.assert_array_equal(told.figures()[rows], again.figures()[rows])
        np.testing.assert_array_equal(told.scores_NC[text], again.scores_NC[text])
        assert not np.array_equal(told.figures(), again.figures())
        assert not np.array_equal(told.scores_NC, again.scores_NC)


def test_the_figures_of_training_texts_spread_equally():
    made, truth = texts(200)
    told = learn(made, truth[:, None] == 1, Kinds(2, True)).told
    np.testing.assert_allclose(told.figures().std(0), module.SPREAD, rtol=1e-3)


def test_units_behind_the_first_ones_count_for_the_text_alone():
    made, truth = texts(80)
    whole, short = (learn(made, truth[:, None] == 1, Kinds(2, True), most) for most in (0, 2))
    units = [at for text in made for at in range(len(text))]
    first = np.array(units) < 2
    for one, other in ((whole.told, short.told), (whole.evidence.describe(made), short.evidence.describe(made, 2))):
        np.testing.assert_array_equal(one.scores_NC, other.scores_NC)
        np.testing.assert_allclose(other.figures() / other.scale, one.figures()[first] / one.scale, rtol=1e-4)


def test_many_labels_tell_of_texts_and_not_of_units(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MOST_COLUMNS", 2)
    made, truth = texts()
    truth_NC = (truth + np.arange(len(truth)) % 2)[:, None] == np.arange(3)
    found = learn(made, truth_NC, Kinds(2, True))
    assert found.evidence.width == 0
    told = found.evidence.describe(made)
    assert told.scores_NC.shape == (len(made), 3)
    assert (told.scores_NC.argmax(1) == truth_NC.argmax(1)).mean() > 0.6
    ids = Ragged.from_iterable([[0] * len(text) for text in made])
    heard = told.of_batch(ids, [3, 1], ids.pad([3, 1])[0])
    assert heard.figures_BTF is None
    np.testing.assert_array_equal(heard.scores_BC, told.scores_NC[[3, 1]])
    found.evidence.save(tmp_path)
    again = Evidence.load(tmp_path)
    np.testing.assert_array_equal(again.describe(made).scores_NC, told.scores_NC)
    np.testing.assert_array_equal(cross_fitted(again, made, truth_NC).scores_NC, found.told.scores_NC)


def test_less_work_takes_fewer_folds_and_fewer_n_grams(monkeypatch):
    made, truth = texts(120)
    whole = learn(made, truth[:, None] == 1, Kinds(2, True))
    monkeypatch.setattr(module, "WORK", 1)
    monkeypatch.setattr(module, "MOST_GRAMS", 20)
    found = learn(made, truth[:, None] == 1, Kinds(2, True))
    assert (whole.least, len(whole.told.told)) == (1, module.FOLDS * len(whole.evidence.grams))
    assert found.least > 1
    assert len(found.evidence.grams.tokens) <= 20
    assert len(found.told.told) == 2 * len(found.evidence.grams)
    assert ((found.told.scores_NC[:, 0] > 0) == truth).mean() > 0.7


def test_work_is_told_of(monkeypatch):
    monkeypatch.setattr(regression, "VALUES_AT_ONCE", 1)
    made, truth = texts()
    heard = []
    with progress.heard(lambda *told: heard.append(told)):
        learn(made, truth[:, None] == 1, Kinds(1, False))
    steps = module.FOLDS * regression.STEPS
    assert heard == [(module.WORK_NAME, 0, 1), *((module.WORK_NAME, done, steps) for done in range(1, steps + 1))]


def test_evidence_comes_back_from_its_folder_as_it_was(tmp_path):
    made, truth = texts()
    found = learn(made, truth[:, None] == 1, Kinds(2, True)).evidence
    found.save(tmp_path)
    again = Evidence.load(tmp_path)
    one, other = again.describe([WORDS]), found.describe([WORDS])
    np.testing.assert_array_equal(one.figures(), other.figures())
    np.testing.assert_array_equal(one.scores_NC, other.scores_NC)
    assert (again.kinds.order, again.kinds.subwords) == (2, True)


def test_evidence_of_version_0_1_scores_no_texts(tmp_path):
    made, truth = texts()
    found = learn(made, truth[:, None] == 1, Kinds(2, True)).evidence
    replace(found, bias=None).save(tmp_path)
    told = Evidence.load(tmp_path).describe([WORDS])
    assert told.scores_NC is None
    np.testing.assert_array_equal(told.figures(), found.describe([WORDS]).figures())
    assert cross_fitted(Evidence.load(tmp_path), made, truth[:, None] == 1).scores_NC is None


@pytest.mark.parametrize("name", ["evidence.json", "evidence.safetensors"])
def test_damaged_evidence_is_named(name, tmp_path):
    made, truth = texts()
    learn(made, truth[:, None] == 1, Kinds(2, True)).evidence.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:30])
    with pytest.raises(RunError, match="evidence"):
        Evidence.load(tmp_path)


def test_padding_has_no_evidence():
    made, truth = [("good", "film", "not"), (), ("bad",)], np.array([True, False, False])
    found = learn(made, truth[:, None], Kinds(1, False))
    ids = Ragged.from_iterable([np.arange(len(text)) for text in made])
    ids_BT, _ = ids.pad([2, 1, 0])
    heard = found.told.of_batch(ids, [2, 1, 0], ids_BT)
    figures = found.told.figures()
    np.testing.assert_array_equal(heard.figures_BTF[0], [figures[3], 0 * figures[3], 0 * figures[3]])
    assert not heard.figures_BTF[1].any()
    np.testing.assert_array_equal(heard.figures_BTF[2], figures[:3])
    np.testing.assert_array_equal(heard.scores_BC, found.told.scores_NC[[2, 1, 0]])


def test_evidence_of_other_texts_counts_by_how_many_they_are():
    """Each weight is the mean of what either alone has, those of n-grams that one lacks being 0 there."""
    kinds, (first, truth), (second, more) = Kinds(2, True), texts(40, 1), texts(20, 2)
    second = [tuple(word.replace("film", "movie") for word in text) for text in second]
    before = learn(first, truth[:, None] == 1, kinds).evidence
    alone = learn(second, more[:, None] == 1, kinds).evidence
    both = learn(second, more[:, None] == 1, kinds, 0, before).evidence
    assert both.texts == 60
    assert set(both.grams.tokens) == {*before.grams.tokens, *alone.grams.tokens}
    assert both.grams.tokens[: len(before.grams.tokens)] == before.grams.tokens
    for gram in both.grams.tokens:
        at = both.grams.number(gram)
        for name in ("weights", "ratios"):
            parts = [getattr(one, name)[one.grams.number(gram), 0] * (gram in one.grams) for one in (before, alone)]
            assert getattr(both, name)[at, 0] == pytest.approx((2 * parts[0] + parts[1]) / 3, abs=1e-6)
    assert both.bias == pytest.approx((2 * before.bias + alone.bias) / 3)
    assert (both.scale[before.scale > 0] == before.scale[before.scale > 0]).all()


def test_texts_told_by_evidence_of_others_too_are_told_the_same_again(tmp_path):
    kinds, (first, truth), (second, more) = Kinds(2, True), texts(40, 1), texts(20, 2)
    before = learn(first, truth[:, None] == 1, kinds).evidence
    found = learn(second, more[:, None] == 1, kinds, 0, before)
    found.evidence.save(tmp_path)
    again = cross_fitted(Evidence.load(tmp_path), second, more[:, None] == 1)
    assert (again.figures() == found.told.figures()).all()
    assert (again.scores_NC == found.told.scores_NC).all()
    # A text is told by what has not seen its label.
    other = more.copy()
    other[3] = 1 - other[3]
    without = learn(second, other[:, None] == 1, kinds, 0, before).told
    assert without.scores_NC[3] == pytest.approx(found.told.scores_NC[3], abs=1e-6)


def test_of_two_classes_one_is_what_the_other_is_not_and_labels_on_one_side_alone_count_by_it():
    kinds, (first, truth), (second, more) = Kinds(2, True), texts(40, 1), texts(20, 2)
    before = learn(first, truth[:, None] == 1, kinds).evidence.of_columns([(0, -1), (0, 1), (0, 0), (0, 1)])
    assert (before.weights[:, 0] == -before.weights[:, 1]).all()
    columns = np.stack([more == 0, more == 1, more == 1, np.zeros(20, bool)], axis=1)
    found = learn(second, columns, kinds, 0, before).evidence
    assert found.share_C.tolist() == pytest.approx([1 / 3, 1 / 3, 1, 0])
    alone = learn(second, columns, kinds).evidence
    at = [found.grams.number(gram) for gram in alone.grams.tokens]
    assert found.weights[at, 2] == pytest.approx(alone.weights[2:, 2])
    assert found.weights[: len(before.weights), 3] == pytest.approx(before.weights[:, 3])
