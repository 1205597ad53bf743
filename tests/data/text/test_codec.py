"""Texts as symbols and back, in every unit."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncli.data import temporary
from rnncli.data.text import documents as module
from rnncli.data.text.codec import UNITS, Codec, TextForm
from rnncli.data.text.documents import Document
from rnncli.data.text.encoded import encode
from rnncli.errors import DataError, RunError

BOOK = "The cat sat on the mat.\n\nThe dog, it's said,  sat on 12 cats.\nüber naïve 漢字 cats!\n" * 3
LOSSLESS = [unit for unit in UNITS if unit != "whitespace"]
PLAIN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def asked(unit, **keys):
    usual = {"lower": False, "line_ends": "keep", "vocabulary": 0, "min_count": 1, "pieces": 60}
    return SimpleNamespace(unit=unit, **usual | keys)


def learnt(unit, text=BOOK, **keys):
    return Codec.learn(asked(unit, **keys), [Document.of(text)])[0]


def numbers(codec, text):
    return np.concatenate([*codec.encode(Document.of(text)), np.zeros(0, codec.dtype)])


@pytest.mark.parametrize("unit", LOSSLESS)
@PLAIN
@given(text=st.text(st.sampled_from(BOOK), max_size=80))
def test_known_text_comes_back_to_the_letter(unit, text):
    codec = learnt(unit)
    found = numbers(codec, text)
    if unit in ("character", "byte", "subword"):
        assert (found > 0).all()
    if (found > 0).all():
        assert codec.text(found) == text


@pytest.mark.parametrize("unit", UNITS)
def test_symbols_are_in_range_and_0_is_the_unknown_one(unit):
    codec = learnt(unit)
    found = numbers(codec, BOOK)
    assert found.dtype == codec.dtype
    assert found.min() >= 1
    assert found.max() < codec.size
    assert [codec.number(codec.token(n)) for n in range(1, codec.size)] == list(range(1, codec.size))
    assert codec.token(0) == "<unk>"
    assert unit == "byte" or (numbers(codec, "☃") == 0).any()


def test_symbols_are_numbered_by_frequency():
    assert learnt("character", "bab\nab").tokens == ("b", "a", "\n")
    assert learnt("whitespace", "b a b\nc a b\n").tokens == ("b", "\n", "a", "c")
    assert learnt("byte").size == 257
    assert numbers(learnt("byte"), "né").tolist() == [111, 196, 170]


@pytest.mark.parametrize("unit", ["character", "whitespace", "word", "subword"])
def test_what_is_rare_counts_as_unknown(unit):
    text = "a b a b a b q"
    codec, why = Codec.learn(asked(unit, min_count="auto"), [Document.of(text)])
    assert (numbers(codec, text)[-1:] == 0).all()
    assert "unknown" in why
    assert (numbers(learnt(unit, text), text) > 0).all()


def test_a_marked_unknown_word_is_symbol_0_and_leaves_the_others_known():
    codec, why = Codec.learn(asked("whitespace", min_count="auto"), [Document.of(" the <unk> cat \n the dog \n")])
    assert numbers(codec, " the <unk> cat \n").tolist() == [2, 0, 3, 1]
    assert codec.size == 5
    assert "1 are <unk> in the text" in why
    assert codec.text([2, 0, 1, 2]) == "the <unk>\nthe"
    assert codec.prompt("the <unk> cow")[0].tolist() == [2, 0]
    assert codec.prompt("the <unk> cow")[1] == ["cow"]


def test_the_most_frequent_are_kept():
    codec, why = Codec.learn(asked("word", vocabulary=2), [Document.of("a a a b b c\n")])
    assert codec.tokens == (" a", " b")
    assert "3 of 7" in why


@pytest.mark.parametrize("unit", UNITS)
def test_lengths_add_up_to_the_text_however_it_comes(unit, monkeypatch):
    texts = ["  \n lead", BOOK, "one", "tail  \n "]
    whole = encode(learnt(unit), [Document.of(text) for text in texts])
    monkeypatch.setattr(module, "PIECE", 7)
    monkeypatch.setattr(temporary, "IN_MEMORY", 8)
    cut = encode(learnt(unit), [Document.of(text) for text in texts])
    assert isinstance(cut.steps.values, np.memmap)
    assert cut.steps.values.tolist() == whole.steps.values.tolist()
    for found in (whole, cut):
        for at, text in enumerate(texts):
            inside = slice(found.steps.bounds_D1[at], found.steps.bounds_D1[at + 1])
            ones = np.ones(len(found.steps.values), int)
            characters = (ones if found.characters_N is None else found.characters_N)[inside].sum()
            assert (characters, (ones if found.bytes_N is None else found.bytes_N)[inside].sum()) == (
                len(text),
                len(text.encode()),
            )


def test_lengths_take_the_type_that_holds_them():
    found = encode(learnt("whitespace", "a b\n"), [Document.of("a " * 5 + "b" * 300 + " a" * 3 + "c" * 70_000)])
    assert found.characters_N is not None
    assert found.characters_N.dtype == np.uint32
    assert found.characters_N.tolist() == [2] * 5 + [301, 2, 2, 70_001]
    assert encode(learnt("character"), [Document.of("cats")]).characters_N is None


@pytest.mark.parametrize("unit", UNITS)
def test_symbols_one_by_one_are_written_as_all_at_once(unit):
    codec = learnt(unit)
    found = [*numbers(codec, BOOK).tolist(), 0, 5, 0]
    decoder = codec.decoder()
    assert "".join([*map(decoder.feed, found), decoder.close()]) == codec.text(found)


def test_bytes_wait_for_the_whole_character():
    decoder = learnt("byte").decoder()
    fed = [decoder.feed(byte + 1) for byte in "漢".encode()]
    assert fed == ["", "", "漢"]
    assert decoder.feed(0xE6 + 1) + decoder.close() == "\ufffd"


def test_words_between_blanks_are_written_with_one_blank():
    codec = learnt("whitespace", "to  be or\n\n not to\n")
    assert codec.text(numbers(codec, "to  be or\n\n not to\n")) == "to be or\n\nnot to\n"


@pytest.mark.parametrize("unit", UNITS)
def test_unknown_parts_of_a_prompt_are_named_once_and_left_out(unit):
    found, unknown = learnt(unit).prompt("The ☃ cat ☃")
    assert unknown == ([] if unit == "byte" else ["☃"])
    assert (found > 0).all()
    assert len(found)


def test_a_prompt_takes_the_form_of_the_text():
    codec = learnt("character", BOOK, lower=True, line_ends="drop")
    assert codec.text(codec.prompt("The\r\nCat")[0]) == "thecat"
    assert TextForm.asked(asked("word", line_ends="drop")).of("a\rb\r\nc") == "a b c"
    assert learnt("word", " cat cats\n").prompt("cat cats")[1] == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_codec_comes_back_from_its_file(unit, tmp_path):
    codec = learnt(unit, lower=unit == "word")
    codec.save(tmp_path / "codec.json")
    assert Codec.load(tmp_path / "codec.json", codec.size) == codec
    with pytest.raises(RunError, match=f"{codec.size} symbols, not 7"):
        Codec.load(tmp_path / "codec.json", 7)


@pytest.mark.parametrize(
    ("key", "value"),
    [("unit", "letter"), ("tokens", ["a", "a"]), ("tokens", [1]), ("merges", [["a"]]), ("lower", 3), ("line_end", 0)],
)
def test_a_damaged_codec_is_refused(key, value):
    with pytest.raises(ValueError, match=r"codec|tokens|merges"):
        Codec.from_dict(learnt("subword").to_dict() | {key: value})


@pytest.mark.parametrize("text", ["aaaa", "a"])
def test_a_text_of_one_symbol_is_refused(text):
    with pytest.raises(DataError, match="a single kind, 'a'"):
        learnt("character", text)
    with pytest.raises(DataError, match="no kind of characters"):
        learnt("character", "ab", min_count=9)


def test_a_piece_that_only_stood_within_others_is_known_all_the_same():
    codec = learnt("subword", "quest quest request\n" * 9, pieces=40)
    assert (numbers(codec, "q u e s t qu que") > 0).all()
