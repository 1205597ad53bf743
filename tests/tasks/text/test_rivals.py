"""What simple models make of texts: n-grams under their names, and xz."""

import lzma
import random

import numpy as np
import pytest

from rnncli.data.steps import Steps
from rnncli.data.text.documents import Document, Documents, FilePlaces, TextStore
from rnncli.data.text.kneser_ney import KneserNey
from rnncli.tasks.text.extras import rivals as module
from rnncli.tasks.text.extras.rivals import learn_ngrams, limited, ngram_orders, xz, xz_limited


def steps(seed, lengths, size=6):
    generator = np.random.default_rng(seed)
    return Steps.of([generator.integers(0, size, length).astype(np.uint8) for length in lengths])


def documents(*texts):
    store = TextStore("texts")
    begin_D, end_D = np.array([store.append(text) for text in texts]).T
    return Documents(store, begin_D, end_D, FilePlaces(["texts"], np.zeros(len(texts), int), np.zeros(len(texts), int)))


def prose(seed, words):
    draw = random.Random(seed)
    return " ".join(draw.choice(("to", "be", "or", "not", "naïve", "is", "the", "question")) for _ in range(words))


@pytest.mark.parametrize(("unit", "best"), [("character", 7), ("byte", 7), ("word", 5), ("subword", 5)])
def test_n_grams_of_characters_are_longer_than_those_of_words(unit, best):
    assert ngram_orders(unit)[-1] == best
    assert {3, 5} <= set(ngram_orders(unit))


def test_of_long_training_parts_n_grams_know_the_last_and_it_is_said(monkeypatch):
    train, test = steps(1, [30, 20, 50]), steps(2, [40])
    assert limited(train) == ""
    monkeypatch.setattr(module, "MAX_STEPS", 60)
    assert limited(train) == "n-grams are learnt from the last 60 of 100 symbols"
    last = Steps(train.values[40:], np.array([0, 10, 60]))
    expected = KneserNey.learn(last.values, last.bounds_D1, 3, 6).nats(test.values, test.bounds_D1)
    assert learn_ngrams(train, 6, [3])[3].nats(test.values, test.bounds_D1).tolist() == expected.tolist()


def test_xz_is_charged_what_a_text_adds_to_the_training_part():
    train, test = prose(1, 3000), prose(2, 400)
    found = xz([Document.of(train[:999]), Document.of(train[999:])], [Document.of(test)])
    coded = [len(lzma.compress(one.encode(), preset=9, check=lzma.CHECK_NONE)) for one in (train, train + test)]
    assert found["bits_per_character"] == pytest.approx(8 * (coded[1] - coded[0]) / len(test), abs=32 / len(test))
    assert found["bits_per_byte"] * len(test.encode()) == pytest.approx(found["bits_per_character"] * len(test))


def test_xz_has_seen_the_training_part():
    text = "".join(random.Random(1).choices("abcdefgh", k=20_000))
    again, other = (xz([Document.of(text)], [Document.of(one)]) for one in (text[3000:9000], prose(2, 1000)[::-1]))
    assert again["bits_per_character"] < 0.1 < 1 < other["bits_per_character"]


def test_xz_is_given_the_end_of_training_and_the_begin_of_the_rest(monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    text = "".join(random.Random(1).choices("abcdefgh", k=3000))
    train = [Document.of(text[:2500]), Document.of(text[2500:])]
    assert xz(train, [Document.of(text[2000:])])["bits_per_character"] < 0.2
    assert xz(train, [Document.of(text[:900]), Document.of(text[900:])])["bits_per_character"] > 2


def test_where_xz_is_not_given_all_it_is_said(monkeypatch):
    short, long = documents("to be"), documents("to be", "or not to be" * 50)
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 20)
    assert xz_limited(short, long) == ""
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    assert "of a part at most: the last of train, the first of test" in xz_limited(short, long)
    assert xz_limited(long, short)
    assert xz_limited(short, short) == ""


@pytest.mark.slow
def test_shakespeare_costs_xz_more_than_n_grams(real_data):
    text = (real_data / "generate/tiny-shakespeare/input.txt").read_text(encoding="utf-8")
    found = xz([Document.of(text[:1_003_854])], [Document.of(text[1_003_854:])])
    assert found["bits_per_character"] == pytest.approx(2.516, abs=0.01)
