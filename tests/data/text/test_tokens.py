"""Tokens that make the text again, and do not depend on how it comes in pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text import tokens

TEXTS = st.text(st.one_of(st.sampled_from(" \n\t'.a1_é漢ำ"), st.characters(codec="utf-8")), max_size=60)
SPACED = st.text(st.sampled_from("ab'.1 \n\té漢"), max_size=80)
PLAIN = settings(max_examples=150, deadline=None)


@PLAIN
@given(TEXTS)
def test_tokens_put_together_are_the_text(text):
    assert "".join(tokens.words(text)) == "".join(tokens.spans(text)) == "".join(tokens.chunks(text)) == text
    assert tokens.spaced(text.replace("\n", " ")) == text.split()


@PLAIN
@given(TEXTS)
def test_words_between_blanks_begin_where_they_are_found(text):
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    begins = tokens.starts(codes).tolist()
    assert [text[at : at + len(token)] for at, token in zip(begins, tokens.spaced(text), strict=True)] == tokens.spaced(
        text
    )


@PLAIN
@given(SPACED, st.integers(1, 9))
def test_pieces_do_not_change_tokens(text, size):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    for with_blanks, cut in ((True, tokens.spaced), (False, tokens.words), (False, tokens.spans)):
        whole = list(tokens.whole(pieces, with_blanks=with_blanks))
        assert "".join(whole) == text
        assert [token for piece in whole for token in cut(piece)] == cut(text)
        assert not with_blanks or all(tokens.spaced(piece) for piece in whole) or not tokens.spaced(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's 12 o'clock,  she said.", ["It's", " 1", "2", " o'clock", ",", " ", " she", " said", "."]),
        ("a\n\n b\tc", ["a", "\n", "\n", " b", "\t", "c"]),
        ("wait... what?!", ["wait", "...", " what", "?", "!"]),
        ("我喜欢 tea", ["我", "喜", "欢", " tea"]),
        ("snake_case __x", ["snake", "_", "case", " __", "x"]),
        ("नमस्ते", ["नमस्ते"]),
    ],
)
def test_words_are_cut_as_people_read_them(text, found):
    assert tokens.words(text) == found


def test_a_text_without_blanks_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(tokens, "LONGEST_WORD", 10)
    pieces = list(tokens.whole(["abcdef"] * 10, with_blanks=False))
    assert max(map(len, pieces)) <= 16
    assert "".join(pieces) == "abcdef" * 10
