"""N-grams by their numbers, held to counting with dictionaries."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
import scipy.sparse

from rnncli.data.text import grams as module
from rnncli.data.text.grams import InnerGrams, Kinds, count, locate

WORDS = ["bad", "good", "film", "not", "a", "很好"]


def texts(number=50, seed=0):
    draw = random.Random(seed)
    return [tuple(draw.choices(WORDS, k=draw.randrange(7))) for _ in range(number)]


def plain(units, at, kinds):
    """Names of the n-grams that end at a unit, by kind."""
    found = [
        [f"{size} {' '.join(units[at + 1 - size : at + 1])}"] * (size <= at + 1) for size in range(1, kinds.order + 1)
    ]
    word = f"<{units[at]}>"
    inside = [f"c {word[i : i + n]}" for n in (4, 5) for i in range(len(word) - n + 1)]
    return [*found, inside] if kinds.subwords else found


def whole(found, unknown):
    return scipy.sparse.vstack([part.for_scipy() for part in found.parts(unknown)], format="csr")


ALL_KINDS = [Kinds(1, False), Kinds(2, True), Kinds(3, False), Kinds(3, True)]


@pytest.mark.parametrize("kinds", ALL_KINDS, ids=str)
def test_n_grams_are_those_of_counting_by_hand(kinds):
    made = texts()
    counted = Counter(name for t in made for at in range(len(t)) for names in plain(t, at, kinds) for name in names)
    grams, least, found = count(made, kinds, 10_000)
    assert least == 1
    assert set(grams.tokens) == set(counted)
    unit = 0
    for text in made:
        for at in range(len(text)):
            *orders, inside = plain(text, at, Kinds(kinds.order, True))
            wanted = [grams.number(*names) if names else grams.unknown for names in orders]
            assert found.numbers_OU[:, unit].tolist() == wanted
            row = found.inside_WF.for_scipy()[found.word_U[unit]].tocoo()
            here = {grams.tokens[f - 2]: n for f, n in zip(row.col, row.data, strict=True)}
            assert here == (Counter(inside) if kinds.subwords else {})
            unit += 1
    assert unit == len(found.word_U)
    assert found.lengths_N.tolist() == [len(text) for text in made]


def test_the_rarest_are_left_out_where_there_are_too_many():
    made, kinds = texts(), Kinds(2, True)
    all_grams, _, _ = count(made, kinds, 10_000)
    counted = Counter(name for t in made for at in range(len(t)) for names in plain(t, at, kinds) for name in names)
    grams, least, found = count(made, kinds, 30)
    assert 0 < len(grams.tokens) <= 30 < len(all_grams.tokens)
    assert set(grams.tokens) == {name for name, n in counted.items() if n >= least}
    assert sum(n >= least - 1 for n in counted.values()) > 30
    again = locate(made, kinds, InnerGrams(grams))
    np.testing.assert_array_equal(found.numbers_OU, again.numbers_OU)
    assert (found.inside_WF.for_scipy() != again.inside_WF.for_scipy()).nnz == 0


@pytest.mark.parametrize("at_once", [1, 7, 8192])
def test_the_matrix_says_which_text_has_which(at_once, monkeypatch):
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", at_once)
    made, kinds = texts(), Kinds(2, True)
    grams, _, found = count(made, kinds, 40)
    matrix = whole(found, grams.unknown)
    assert matrix.dtype == np.float32
    dense = matrix.toarray()
    for row, text in enumerate(made):
        here = {name for at in range(len(text)) for names in plain(text, at, kinds) for name in names}
        assert {grams.tokens[f - 2] for f in np.flatnonzero(dense[row])} == here & set(grams.tokens)
    assert set(np.unique(dense)) == {0, 1}


def test_beginnings_are_the_first_units_of_each_text():
    _, _, found = count([("a", "b", "c"), (), ("d",), ("e", "f", "g", "h")], Kinds(1, False), 99)
    assert found.beginnings(2).tolist() == [0, 1, 3, 4, 5]
    assert found.beginnings(0).tolist() == list(range(8))


@pytest.mark.parametrize("made", [[], [()], [(), ("a",), ()]])
@pytest.mark.parametrize("kinds", ALL_KINDS, ids=str)
def test_nothing_is_no_stumbling_block(made, kinds):
    grams, _, found = count(made, kinds, 10)
    again = locate(made, kinds, InnerGrams(grams))
    assert whole(found, grams.unknown).shape == whole(again, grams.unknown).shape == (len(made), len(grams))
