"""What streams cost: by hand on small cases, block by block whatever the unit, with intervals as numpy draws them."""

import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnncli.data.steps import Steps
from rnncli.metrics.paired import difference
from rnncli.tasks.write import scoring
from rnncli.tasks.write.scoring import (
    dearest,
    midi_frames,
    music_blocks,
    music_rows,
    music_scores,
    of_rows,
    text_blocks,
    text_rows,
    text_scores,
    text_truth,
)


class Letters:
    """Symbols that are letters, or words of these."""

    def __init__(self, tokens):
        self.tokens = tokens

    def token(self, number):
        return self.tokens[number]

    def text(self, numbers):
        return "".join(self.tokens[number] for number in numbers)


def stream(*documents):
    """Texts as lists of tokens: their steps, characters and bytes a token, and what writes them."""
    tokens = sorted({token for document in documents for token in document})
    numbers = {token: number for number, token in enumerate(tokens)}
    steps = Steps.of([np.array([numbers[token] for token in document]) for document in documents])
    every = [token for document in documents for token in document]
    sizes = ([len(token) for token in every], [len(token.encode()) for token in every])
    return steps, *(np.array(one, np.uint8) for one in sizes), Letters(tokens)


def rows_of(steps, nats_N, codec, *sizes, places=("a.txt",), texts=("",), **more):
    blocks = text_blocks(steps, *sizes)
    truths = [text_truth([text]) for text in texts]
    return list(text_rows(blocks, steps, nats_N, codec=codec, places=places, truths=truths, **more))


def test_perplexity_and_bits_of_a_small_text_are_those_worked_out_by_hand():
    # "né né" by words: probabilities 1/2, 1/4, 1/8 of "né", " ", "né": 6 bits over 5 characters, 7 bytes, 3 tokens.
    steps, characters_N, bytes_N, codec = stream(["né", " ", "né"])
    nats_N = -np.log([1 / 2, 1 / 4, 1 / 8])
    [row] = rows_of(steps, nats_N, codec, characters_N, bytes_N)
    assert row["sums"] == pytest.approx([6 * math.log(2), 3, 5, 7, 0])
    found = of_rows([row], text_scores).values()
    assert found == pytest.approx(
        {"bits_per_character": 6 / 5, "bits_per_byte": 6 / 7, "perplexity": 4, "nats_per_token": math.log(4)}
    )
    assert list(found) == ["bits_per_character", "bits_per_byte", "perplexity", "nats_per_token"]


def test_a_model_in_doubt_between_k_symbols_has_perplexity_k_and_a_sure_one_costs_nothing():
    steps, *sizes, codec = stream("abcd" * 50)
    for nats, perplexity in ((math.log(7), 7), (0.0, 1)):
        rows = rows_of(steps, np.full(200, nats), codec, *sizes)
        found = of_rows(rows, text_scores).values()
        assert (found["perplexity"], found["nats_per_token"]) == pytest.approx((perplexity, nats))


def test_documents_are_cut_into_equal_blocks_of_two_thousand_characters_or_more():
    steps, *_, codec = stream("x" * 4100, "y" * 10, "z" * 2000)
    rows = rows_of(steps, np.ones(6110), codec, places=("a.txt", "b.txt:1", "b.txt:2"), texts="xyz")
    assert [row["place"] for row in rows] == [
        "a.txt, characters 1-2,050",
        "a.txt, characters 2,051-4,100",
        "b.txt:1",
        "b.txt:2",
    ]
    assert [row["example"] for row in rows] == [0, 0, 1, 2]
    assert [row["sums"][1] for row in rows] == [2050, 2050, 10, 2000]
    assert [row["text"] for row in rows] == ["x" * 80, "x" * 80, "y" * 10, "z" * 80]
    assert [row["truth"] for row in rows] == [zlib.crc32(text) for text in (b"x", b"x", b"y", b"z")]


UNITS = ("character", "byte", "word", "long")


def cut(text, unit):
    """Tokens of a text as units have them; of bytes a token is the bytes' own, the first of which is the character."""
    if unit == "word":
        return [part for word in text.split(" ") for part in (word, " ")][:-1]
    if unit == "long":
        return [text[i : i + 700] for i in range(0, len(text), 700)]
    return list(text)


def coded(texts, unit):
    """Steps, characters and bytes of texts, of a unit."""
    if unit == "byte":
        steps = Steps.of([np.frombuffer(text.encode(), np.uint8) for text in texts])
        return steps, ((steps.values & 0xC0) != 0x80).astype(np.uint8), None
    cuts = [cut(text, unit) for text in texts]
    steps = Steps.of([np.zeros(len(one), np.int32) for one in cuts])
    every = [token for one in cuts for token in one]
    characters_N = None if unit == "character" else np.array([len(token) for token in every], np.uint16)
    return steps, characters_N, np.array([len(token.encode()) for token in every], np.uint16)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("aé漢 ", min_size=1, max_size=90), min_size=1, max_size=5), st.integers(1, 25), st.integers(1, 9)
)
def test_blocks_have_the_same_places_whatever_the_unit_and_lose_nothing(texts, block, chunk):
    places = [f"{d}.txt" for d in range(len(texts))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "BLOCK_CHARACTERS", block)
        patch.setattr(scoring, "_CHUNK", chunk)
        made = {unit: text_blocks(*coded(texts, unit)) for unit in UNITS}
    named = {unit: blocks.places(places, "characters") for unit, blocks in made.items()}
    assert len({tuple(one) for one in named.values()}) == 1
    for unit, blocks in made.items():
        assert blocks.counts_KC[:, 1].sum() == sum(map(len, texts))
        assert blocks.counts_KC[:, 2].sum() == sum(len(text.encode()) for text in texts)
        if unit != "long":
            continue
        # A token is in the block in which its first character lies, which plain counting says as well.
        begins = [(d, at) for d, text in enumerate(texts) for at in range(0, len(text), 700)]
        for k, (d, (low, high)) in enumerate(zip(blocks.document_K, blocks.parts.span_K2, strict=True)):
            assert blocks.counts_KC[k, 0] == sum(one == d and low <= at < high for one, at in begins)
    bytewise, charwise = made["byte"].counts_KC, made["character"].counts_KC
    assert bytewise[:, 1:3].tolist() == charwise[:, 1:3].tolist()


def test_a_model_of_words_and_one_of_characters_are_held_against_each_other_block_by_block():
    random = np.random.default_rng(0)
    text = " ".join("".join(random.choice(list("abcdé"), random.integers(2, 9))) for _ in range(4000))
    made = {}
    for unit, each in (("character", 2.0), ("word", 9.0)):
        steps, characters_N, bytes_N = coded([text], unit)
        nats_N = random.exponential(each, len(steps.values))
        made[unit] = rows_of(steps, nats_N, Letters([""]), characters_N, bytes_N, texts=(text,))
    words, letters = made["word"], made["character"]
    assert len(words) == len(text) // 2000 > 8
    assert [(row["place"], row["truth"]) for row in words] == [(row["place"], row["truth"]) for row in letters]
    parts = [of_rows(rows, text_scores).parts()["bits_per_character"] for rows in (letters, words)]
    found = difference([parts[0]], [parts[1]])
    bits = [sum(row["sums"][0] for row in rows) / math.log(2) / len(text) for rows in (letters, words)]
    assert found.value == pytest.approx(bits[1] - bits[0])
    assert found.low < found.value < found.high
    one, other = (np.array([row["sums"][0] / row["sums"][2] for row in rows]) for rows in (letters, words))
    assert found.p < 0.01
    assert stats.ttest_rel(one, other).pvalue < 0.01


def test_intervals_are_those_that_numpy_draws_over_blocks():
    random = np.random.default_rng(1)
    steps, *_, codec = stream("x" * 2000 * 40)
    level_N = np.repeat(random.gamma(4, 0.5, 40), 2000)
    rows = rows_of(steps, level_N * random.exponential(1, len(level_N)), codec)
    low, high = of_rows(rows, text_scores).intervals(resamples=4000, confidence=0.95, seed=1)["bits_per_character"]
    nats_K, characters_K = np.array([row["sums"] for row in rows])[:, [0, 2]].T
    found = stats.bootstrap(
        (nats_K, characters_K),
        lambda nats, characters, axis: nats.sum(axis) / characters.sum(axis) / np.log(2),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert (low, high) == pytest.approx((found.low, found.high), rel=0.01)


def test_a_single_block_has_no_interval_and_is_not_held_against_another():
    steps, *_, codec = stream("abc")
    found = of_rows(rows_of(steps, np.ones(3), codec), text_scores)
    assert found.intervals(resamples=100, confidence=0.95, seed=1) == {}
    assert found.parts() == {}
    assert found.values()["nats_per_token"] == 1


def test_rivals_and_ways_that_help_are_statistics_of_the_same_blocks():
    steps, *sizes, codec = stream("ab" * 3000, "ba" * 10)
    nats_N = np.random.default_rng(3).random((2, len(steps.values)))
    helped = {"n-gram": nats_N[1]}
    rows = rows_of(steps, nats_N[0], codec, *sizes, places=("a", "b"), texts=("a", "b"), helped=helped)
    rival = text_blocks(steps, *sizes).statistics(nats_N[1])
    assert rival.values() == pytest.approx(of_rows(rows, text_scores, "n-gram").values())
    assert rival.values()["nats_per_token"] == pytest.approx(nats_N[1].mean())
    shape = rival.parts()["perplexity"].counts_NC.shape
    assert shape == of_rows(rows, text_scores).parts()["perplexity"].counts_NC.shape == (4, 5)


def test_symbols_that_stand_for_several_texts_are_counted():
    steps, characters_N, bytes_N, _ = stream("ab" * 2000)
    unknown_N = np.zeros(4000, bool)
    unknown_N[[5, 3000, 3999]] = True
    assert text_blocks(steps, characters_N, bytes_N, unknown_N).counts_KC[:, 3].tolist() == [1, 2]


def test_the_dearest_symbols_stand_in_the_row_of_their_block_with_what_is_ahead_of_them():
    steps, *sizes, codec = stream("a" * 2100 + "q" + "a" * 2100 + "zq", "cz")
    nats_N = np.full(len(steps.values), 0.1)
    nats_N[[2100, 4201, 4202, 4203, 4204]] = 5, 9, 7, 3, 2
    rows = rows_of(steps, nats_N, codec, *sizes, places=("a", "b"), texts=("a", "b"), keep=3)
    assert [row.get("dearest") for row in rows] == [
        None,
        [("z", 9.0, "a" * 40), ("q", 7.0, "a" * 39 + "z")],
        [("c", 3.0, "")],
    ]


@given(st.lists(st.floats(0, 9), min_size=1, max_size=60), st.integers(1, 5), st.integers(1, 7))
def test_the_dearest_symbols_are_those_of_a_sorted_list(nats, keep, chunk):
    nats_N = np.array(nats)
    values_N = np.arange(len(nats)) % 4
    expected = {}
    for at in sorted(range(len(nats)), key=lambda at: (-nats_N[at], at)):
        expected.setdefault(values_N[at], at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "_CHUNK", chunk)
        assert dearest(nats_N, values_N, keep) == list(expected.values())[:keep]


def pieces(*frames):
    return Steps.of([np.array(one, np.int16) for one in frames])


def music(steps, nats_N, *, first=True, **more):
    blocks = music_blocks(steps, first=first)
    places = [f"{d}.mid" for d in range(len(steps))]
    return list(music_rows(blocks, steps, nats_N, pitches=lambda one: midi_frames(one, 60, 88), places=places, **more))


def test_nats_a_frame_and_a_note_of_small_pieces_are_those_worked_out_by_hand():
    steps, nats_N = pieces([[0, 4, 7], [0, -1, -1], [-1, -1, -1]], [[5, 9, -1]]), np.array([4.0, 2.0, 1.0, 5.0])
    rows = music(steps, nats_N)
    assert [row["sums"] for row in rows] == [[7, 3, 4], [5, 1, 2]]
    assert of_rows(rows, music_scores).values() == {"nats_per_frame": 12 / 4, "nats_per_note": 12 / 6}
    rows = music(steps, nats_N, first=False)
    assert [row["sums"] for row in rows] == [[3, 2, 1], [0, 0, 0]]
    assert of_rows(rows, music_scores).values() == {"nats_per_frame": 3 / 2, "nats_per_note": 3}
    assert nats_N[0] == 4
    assert [row["place"] for row in rows] == ["0.mid", "1.mid"]


def test_of_voices_silence_is_a_note_too_and_what_tells_pieces_apart_is_what_sounds():
    steps = pieces([[0, 88, 7, 9], [0, 4, 88, 9]])
    [row] = music(steps, np.array([1.0, 3.0]))
    assert row["sums"] == [4, 2, 8]
    assert row["frames"] == [[60, -1, 67, 69], [60, 64, -1, 69]]
    rolls = [music(pieces(one), np.ones(1))[0]["truth"] for one in ([[0, 4]], [[0, 4, -1]], [[0, 5]])]
    assert rolls[0] == rolls[1] != rolls[2]


def test_long_pieces_are_cut_and_the_hardest_and_easiest_blocks_can_be_drawn():
    steps = pieces(*(np.full((length, 2), 3) for length in (401, 30, 30, 30, 30, 30, 2)))
    level = [1, 1, 1, 5, 4, 3, 2, 9]
    nats_N = np.repeat(np.array(level, float), [200, 201, 30, 30, 30, 30, 30, 2])
    rows = music(steps, nats_N, seconds=[0.25] * 7)
    assert [row["place"] for row in rows[:3]] == ["0.mid, frames 1-200", "0.mid, frames 201-401", "1.mid"]
    drawn = [row for row in rows if "frames" in row]
    assert [row["sums"][0] / row["sums"][1] for row in drawn] == [1, 5, 4, 2]
    assert all(row["seconds"] == 0.25 and len(row["frames"]) == row["sums"][1] for row in drawn)
