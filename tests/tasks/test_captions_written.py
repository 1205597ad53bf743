"""Captions from what ctc says of each frame, alone and with what is known of captions."""

from dataclasses import replace

import numpy as np
import pytest

from rnncli.data.text.ngram import learn
from rnncli.data.text.units import make
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.captioning.extras.writer import CaptionWriter
from rnncli.tasks.captioning.schema import CaptionDecoding
from rnncli.tasks.decode.language import Language
from rnncli.tasks.decode.tuning import choose

TEXTS = ["ab cd", "ab ef", "ab cd"]


def spelling(unit="character", texts=TEXTS):
    units, _ = make(unit, texts)
    return Spelling(units, tuple(sorted({one for text in texts for one in units.split(text)})), ctc=True)


def heard(labels, count, sure=0.9):
    """Log probabilities (T, V) that tell these labels, each at a frame of its own with a blank behind it."""
    rows = np.full((2 * len(labels), count), (1 - sure) / (count - 1))
    for at, label in enumerate(labels):
        rows[2 * at, label], rows[2 * at + 1, 0] = sure, sure
    return np.log(rows / rows.sum(1, keepdims=True))


def best(writer, log_probs_TV):
    (found,) = writer.search(log_probs_TV)
    return " ".join(writer.spelling.read(found.words))


@pytest.mark.parametrize("unit", ["character", "whitespace"])
def test_a_caption_comes_back_from_its_numbers(unit):
    spelled = spelling(unit)
    assert " ".join(spelled.read(spelled.numbers("ab ef"))) == spelled.caption(spelled.numbers("ab ef")) == "ab ef"
    assert spelled.words("ab ef") == ["ab", "ef"]


def test_characters_without_spaces_are_scored_and_shown_as_they_are():
    spelled = spelling(texts=["abc", "cab"])
    assert spelled.words("cab") == ["c", "a", "b"]
    assert spelled.caption(spelled.numbers("cab")) == "cab"


def test_a_lexicon_lets_no_other_word_stand():
    spelled = spelling()
    log_probs_TV = heard(spelled.numbers("ab ed"), spelled.size, sure=0.7)
    settings = CaptionDecoding(beam=50, best=1)
    assert best(CaptionWriter(spelled, settings), log_probs_TV) == "ab ed"
    only = CaptionWriter(spelled, settings, Language(lexicon=("ab", "cd", "ef")))
    assert best(only, log_probs_TV) in ("ab cd", "ab ef")


def test_a_language_model_settles_what_is_not_heard_well():
    spelled = spelling()
    cd, ef = (heard(spelled.numbers(text), spelled.size, sure=0.8) for text in ("ab cd", "ab ef"))
    unsure_TV = np.logaddexp(cd + np.log(0.49), ef + np.log(0.51))
    settings = CaptionDecoding(beam=50, best=1, order=2)
    only = Language(lexicon=("ab", "cd", "ef"))
    known = replace(only, model=learn(text.split() for text in TEXTS))
    writer = CaptionWriter(spelled, settings, known)
    assert best(CaptionWriter(spelled, settings, only), unsure_TV) == "ab ef"
    assert best(writer, unsure_TV) == "ab cd"

    def write_by(weights):
        narrow = writer.narrower().weighed(weights)
        return lambda log_probs_TV: spelled.read(narrow.search(log_probs_TV)[0].words)

    weights = choose([(0, unsure_TV)], [["ab", "cd"]], write_by, most=1)
    assert best(writer.weighed(weights), unsure_TV) == "ab cd"
