"""Texts from log probabilities: against plain enumeration, and cut anywhere."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text.ngram import learn
from rnncli.data.text.scorer import TextScorer, Weights, characters
from rnncli.data.text.subtitles import Subtitles
from rnncli.data.text.subwords import MARK
from rnncli.tasks.decode.language import Language
from rnncli.tasks.decode.sections import LanguageSection
from rnncli.tasks.decode.tuning import choose, tune
from rnncli.tasks.speech.extras.decoding import Decoder, Listener, joined

WORDS = learn([["go", "on"], ["go", "no"], ["on", "go"]], 2)


def probabilities(*labels, size=4, sure=0.9):
    """Log probabilities whose most probable path is ``labels``."""
    rows = np.full((len(labels), size), (1 - sure) / (size - 1))
    rows[np.arange(len(labels)), labels] = sure
    return np.log(rows)


def said(scorer, *labels):
    """What a scorer adds for some labels and the end, None where it forbids them."""
    total, state = 0.0, scorer.start()
    for label in labels:
        found = scorer.extend(state, label)
        if found is None:
            return None
        state, added = found
        total += added
    end = scorer.finish(state)
    return None if end is None else total + end


def test_a_language_model_weighs_whole_words_whatever_the_pieces():
    expected = 0.7 * WORDS.sentence(["go", "on"]) + 2 * 0.3
    weights = Weights(0.7, 0.3)
    assert said(TextScorer(["g", "o", "n", " "], WORDS, weights), 1, 2, 4, 2, 3) == pytest.approx(expected)
    assert said(TextScorer(["g", "o", "n", " "], WORDS, weights), 1, 2, 4, 2, 3, 4) == pytest.approx(expected)
    assert said(TextScorer(["go ", "on "], WORDS, weights), 1, 2) == pytest.approx(expected)
    assert said(TextScorer([" g", "o", " on"], WORDS, weights), 1, 2, 3) == pytest.approx(expected)


def test_a_language_model_of_characters_weighs_characters_and_spaces_between_words():
    model = learn([characters("go on"), characters("on go")], 3)
    expected = 0.7 * model.sentence(characters("go on")) + 2 * 0.3
    for pieces, labels in (
        (["g", "o", "n", " "], (1, 2, 4, 2, 3)),
        (["go ", "on "], (1, 2)),
        ([" g", "o", " on"], (1, 2, 3)),
    ):
        scorer = TextScorer(pieces, model, Weights(0.7, 0.3), by_character=True)
        assert said(scorer, *labels) == pytest.approx(expected)


def test_a_lexicon_lets_only_its_words_be_written():
    pieces = ["g", "o", "n", " "]
    scorer = TextScorer(pieces, None, Weights(0, 0), lexicon=["go", "on", "no"])
    for labels in product(range(1, 5), repeat=5):
        text = "".join(pieces[label - 1] for label in labels)
        wanted = all(word in ("go", "on", "no") for word in text.split())
        spaced = not text.startswith(" ") and "  " not in text
        assert (said(scorer, *labels) == 0.0) == (wanted and spaced), text


def test_weights_are_those_with_the_fewest_errors():
    assert tune(lambda weights: abs(weights.weight - 0.8) + abs(weights.bonus - 2)) == Weights(0.8, 2.0)


def test_weights_are_chosen_by_the_words_of_some_examples_of_dev_in_any_order():
    looked_at = set()

    def write_by(weights):
        def write(log_probs_TV):
            looked_at.add(number := int(log_probs_TV[0, 0]))
            return truths[number] if weights == Weights(1.2, 3.0) else ["wrong"]

        return write

    truths = [["go"], ["on", "go"], ["no"], ["go", "no"], ["on"]]
    found = [(number, np.full((2, 3), float(number))) for number in (3, 0, 4, 1, 2)]
    assert choose(found, truths, write_by, most=2) == Weights(1.2, 3.0)
    assert looked_at == {3, 4, 2}


def test_what_is_known_of_texts_comes_back_as_it_was_saved(tmp_path):
    settings = LanguageSection(lm="train", order=2)
    texts = ["go on", "go no", "on go"]
    known = Language.of(settings, texts, str).weighed(Weights(0.2, 3.0))
    assert known.lexicon == ("go", "no", "on")
    again = Language.load(settings, tmp_path, json.loads(json.dumps(known.save(tmp_path))))
    pieces, labels = ["g", "o", "n", " "], (1, 2, 4, 2, 3)
    assert said(again.scorer(pieces), *labels) == pytest.approx(said(known.scorer(pieces), *labels), abs=1e-4)
    assert again.lexicon == known.lexicon
    assert again.weights == known.weights


@pytest.mark.parametrize(
    ("unit", "labels", "path", "words"),
    [
        ("character", ("g", "o", " "), (1, 0, 2, 2, 3, 0, 1), [("go", 0.0, 0.08), ("g", 0.12, 0.14)]),
        ("word", ("go", "on"), (1, 1, 0, 2, 0), [("go", 0.0, 0.04), ("on", 0.06, 0.08)]),
        ("subword", (f"{MARK}g", "o", f"{MARK}on"), (1, 0, 2, 3), [("go", 0.0, 0.06), ("on", 0.06, 0.08)]),
    ],
)
def test_words_have_the_times_of_their_labels(unit, labels, path, words):
    row = Decoder(labels, unit, 0.02).row(probabilities(*path))
    assert [(word["word"], word["start"], word["end"]) for word in row["words"]] == words
    assert row["text"] == " ".join(word for word, _, _ in words)


def test_a_word_is_as_sure_as_its_least_sure_label():
    rows = np.concatenate([probabilities(1, 0, sure=0.9), probabilities(2, sure=0.5)])
    (word,) = Decoder(("g", "o", "n"), "character", 0.02).row(rows)["words"]
    assert word["confidence"] == 0.5


def test_hypotheses_are_the_most_probable_texts_by_brute_force():
    rows = np.log(np.random.default_rng(3).dirichlet(np.ones(3), 5))
    decoder = Decoder(("a", "b"), "character", 0.01, beam=1000, best=4)
    totals: dict[str, float] = {}
    for path in product(range(3), repeat=5):
        kept = [label for k, label in enumerate(path) if label and (k == 0 or path[k - 1] != label)]
        text = "".join("ab"[label - 1] for label in kept)
        totals[text] = totals.get(text, 0.0) + np.exp(rows[np.arange(5), path].sum())
    expected = sorted(totals, key=lambda text: -totals[text])[:4]
    (found,) = decoder.row(rows)["hypotheses"]
    assert [one["text"] for one in found] == expected
    assert found[0]["score"] == pytest.approx(np.log(totals[expected[0]]), abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3]), min_size=1, max_size=80), st.data())
def test_texts_do_not_depend_on_where_frames_are_cut(path, data):
    decoder = Decoder(("g", "o", " "), "character", 0.2)
    rows = probabilities(*path)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(path)), max_size=5)))
    listener, found = Listener(decoder), []
    for start, end in zip([0, *cuts], [*cuts, len(path)], strict=True):
        found += listener(rows[start:end])
    assert joined([*found, *listener.end()]) == decoder.row(rows)


def test_a_pause_ends_a_text_and_what_was_said_is_told_before():
    decoder = Decoder(("go", "on"), "word", 0.5)
    listener = Listener(decoder)
    assert list(listener(probabilities(1, 0, 2, size=3))) == []
    assert listener.partial() == "go on"
    (row,) = listener(probabilities(0, 0, 0, 0, size=3))
    assert row["text"] == "go on"
    assert listener.partial() == ""
    (row,) = [*listener(probabilities(1, size=3)), *listener.end()]
    assert row["words"][0]["start"] == 3.5


def test_a_word_is_told_when_it_is_whole():
    listener = Listener(Decoder(("g", "o", " "), "character", 0.1))
    list(listener(probabilities(1, 2)))
    assert listener.partial() == ""
    list(listener(probabilities(3)))
    assert listener.partial() == "go"


def test_subtitles_are_numbered_and_parted_by_pauses():
    words = [{"word": "go", "start": 0.5, "end": 1.0}, {"word": "on", "start": 3661.0, "end": 3661.25}]
    subtitles = Subtitles()
    assert subtitles.blocks(words) == (
        "1\n00:00:00,500 --> 00:00:01,000\ngo\n\n2\n01:01:01,000 --> 01:01:01,250\non\n\n"
    )
    assert subtitles.blocks(words[:1]).startswith("3\n")
