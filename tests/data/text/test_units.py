"""Text to units."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text import units
from rnncli.data.text.units import Cut, SplitUnits
from rnncli.errors import RunError, UsageError

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's good, isn't it?!", ["It", "'s", "good", ",", "is", "n't", "it", "?", "!"]),
        ("I can’t say they'll WON'T", ["I", "ca", "n’t", "say", "they", "'ll", "WO", "N'T"]),
        ("o'clock l'amour rock'n'roll", ["o'clock", "l'amour", "rock'n'roll"]),
        ("1,000.50 3d 1990s 5%", ["1,000.50", "3d", "1990s", "5", "%"]),
        ("wait... what!!! well-made", ["wait", "...", "what", "!!!", "well", "-", "made"]),
        ("snake_case __x__", ["snake", "_", "case", "__", "x", "__"]),
        ("味道很好ok吗", ["味", "道", "很", "好", "ok", "吗"]),
        ("カタカナ です", list("カタカナです")),
        ("Žižek Straße हिन्दी", ["Žižek", "Straße", "हिन्दी"]),
        ("cafe\u0301", ["café"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_words_numbers_and_marks_come_apart(text, expected):
    assert SplitUnits("word").split(text) == expected


@settings(deadline=None)
@given(TEXT)
def test_words_lose_no_character_but_spaces(text):
    expected = "".join(units.normalise(text).split())
    assert "".join(SplitUnits("word").split(text)) == expected


def test_whitespace_and_characters_and_lower_case():
    assert SplitUnits("whitespace", lower=True).split("Good , NOT bad") == ["good", ",", "not", "bad"]
    assert SplitUnits("character").split(" 好 吃\n\n了") == ["好", " ", "吃", " ", "了"]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["很快，好吃，味道足", "ok 没有送水"], "character"),
        (["おいしい", "ร้านนี้อร่อย"], "character"),
        (["good , not bad .", "a film ; nothing more ."], "whitespace"),
        (["Good, not bad.", "A film; nothing more."], "word"),
        (["no marks at all"], "word"),
        ([], "word"),
    ],
)
def test_the_automatic_choice_suits_the_script_and_says_why(texts, kind):
    made, reason = units.make("auto", texts)
    assert made == SplitUnits(kind)
    assert ":" in reason


def test_a_long_row_is_cut_and_counted():
    cut = Cut(3)
    assert [cut(list(text)) for text in ("abcdef", "abc", "")] == [list("abc"), list("abc"), []]
    assert cut.count == 1
    assert Cut(0)("x" * 100_000) == "x" * 100_000


def test_a_row_of_a_hundred_thousand_characters_is_split():
    assert len(SplitUnits("word").split("a" * 100_000)) == 1
    assert len(SplitUnits("word").split("n'" * 50_000)) > 0
    assert len(SplitUnits("word").split("味" * 100_000)) == 100_000


def test_subwords_are_learnt_saved_and_loaded(tmp_path):
    pytest.importorskip("tokenizers")
    learnt, _ = units.make("subword", ["low lower lowest", "new newer newest"] * 20, subwords=40, lower=True)
    units.save(learnt, tmp_path / "units.json")
    loaded = units.load(tmp_path / "units.json")
    pieces = loaded.split("Lowest newer zebra")
    assert pieces == learnt.split("Lowest newer zebra")
    assert "".join(pieces).startswith("▁lowest▁newer")
    assert "<unk>" in pieces
    assert learnt == units.make("subword", ["low lower lowest", "new newer newest"] * 20, subwords=40, lower=True)[0]


def test_subwords_without_their_package_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError) as caught:
        units.make("subword", ["a"])
    assert caught.value.hint == 'pip install "rnncli[subword]"'


@pytest.mark.parametrize("kind", ["whitespace", "word", "character"])
def test_units_survive_being_saved(tmp_path, kind):
    units.save(SplitUnits(kind, lower=True), tmp_path / "units.json")
    assert units.load(tmp_path / "units.json") == SplitUnits(kind, lower=True)


def test_units_of_no_known_kind_are_a_run_error(tmp_path):
    (tmp_path / "units.json").write_text('{"kind": "text units", "unit": "syllable"}')
    with pytest.raises(RunError, match="no units of the kind 'syllable'"):
        units.load(tmp_path / "units.json")
    pytest.importorskip("tokenizers")
    (tmp_path / "units.json").write_text('{"kind": "text units", "unit": "subword", "model": {"a": 1}}')
    with pytest.raises(RunError, match="learnt subwords"):
        units.load(tmp_path / "units.json").split("a")
