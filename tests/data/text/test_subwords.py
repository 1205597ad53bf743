"""Pieces of words against a plain way of joining pairs."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text.subwords import MARK, Subwords, learn

TEXTS = st.lists(st.text("abc ", max_size=20), min_size=1, max_size=8)


def plainly(texts, size):
    """Count all pairs of all words anew before each merge."""
    words = [list(MARK + word) for text in texts for word in text.split()]
    known, merges = {piece for word in words for piece in word}, []
    while len(known) < size:
        pairs = Counter(pair for word in words for pair in pairwise(word))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < 2:
            break
        merges.append(best)
        known.add("".join(best))
        for word in words:
            at = 0
            while at < len(word) - 1:
                if (word[at], word[at + 1]) == best:
                    word[at : at + 2] = ["".join(best)]
                at += 1
    return merges


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(2, 15))
def test_pairs_are_joined_by_frequency(texts, size):
    assert list(learn(texts, size).merges) == plainly(texts, size)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.text("abcd ", max_size=12))
def test_pieces_spell_the_text_that_was_cut(texts, text):
    pieces = learn(texts, 12).cut_text(text)
    assert "".join(pieces).replace(MARK, " ").split() == text.split()


def test_frequent_words_become_one_piece():
    subwords = learn(["go on"] * 9 + ["gone"], 12)
    assert subwords.cut_text("go on gone") == [f"{MARK}go", f"{MARK}on", f"{MARK}go", "n", "e"]
    assert Subwords(()).cut("go") == [MARK, "g", "o"]
