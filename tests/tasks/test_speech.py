"""The parts of the speech task against plain computations."""

import numpy as np
import pytest
import torch

from rnncli.data.ngram import learn
from rnncli.heads.ctc import Decoded
from rnncli.tasks.speech import corpus, scores
from rnncli.tasks.speech.examples import Scale, Varying, collate
from rnncli.tasks.speech.language import Weights, WordScorer, tune
from rnncli.tasks.speech.model import Recogniser, frames_after
from rnncli.tasks.speech.schema import SpeechModel, Variation

SETTINGS = SpeechModel(hidden=6, channels=5, layers=2)


def features(*lengths, width=4):
    random = np.random.default_rng(1)
    return [random.normal(size=(length, width)).astype(np.float32) for length in lengths]


@pytest.mark.parametrize("subsampling", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_scores_of_a_recording_do_not_depend_on_its_batch_mates(subsampling, bidirectional):
    settings = SETTINGS.model_copy(update={"subsampling": subsampling, "bidirectional": bidirectional})
    model = Recogniser(4, settings, 7).eval()
    found = features(23, 8, 1, 17)
    none = [np.zeros(0, dtype=np.int64)]
    together = collate(found, none * 4)
    with torch.no_grad():
        both, lengths = model(together.x_BTF, together.lengths_B)
        for i, one in enumerate(found):
            alone, length = model(*_inputs(one, none))
            assert length.item() == lengths[i] == frames_after(len(one), subsampling)
            torch.testing.assert_close(both[i, : lengths[i]], alone[0], atol=1e-5, rtol=1e-5)


def _inputs(one, none):
    batch = collate([one], none)
    return batch.x_BTF, batch.lengths_B


@pytest.mark.parametrize("kind", ["spectrum", "cepstrum", "other"])
@pytest.mark.parametrize("scale", [Scale(), Scale.learn(features(40, width=13))], ids=["utterance", "global"])
def test_varied_features_stay_finite_and_long_enough(kind, scale):
    vary = Varying(Variation(stretch=0.5, noise=0.5, gain=6), kind, 13, scale)
    random = np.random.default_rng(1)
    for length in (1, 2, 7, 300):
        (given,) = features(length, width=13)
        for _ in range(20):
            found = vary(given, random, length - 1)
            assert np.isfinite(found).all()
            assert found.dtype == np.float32
            assert len(found) >= length - 1


def test_nothing_varied_is_normalised():
    still = Variation(stretch=0, warp=0, time_masks=0, band_masks=0)
    (given,) = features(50, width=13)
    for kind in ("spectrum", "cepstrum", "other"):
        found = Varying(still, kind, 13, Scale())(given, np.random.default_rng(1), 0)
        np.testing.assert_allclose(found, Scale()(given), atol=0.01)


def test_silence_is_normalised_to_zero():
    assert (Scale()(np.full((5, 3), -13.8, dtype=np.float32)) == 0).all()


def test_words_have_the_times_of_their_labels_and_the_confidence_of_the_least_sure():
    decoded = Decoded([1, 2, 3, 1], [0, 2, 5, 7], [1, 3, 6, 9], [0.9, 0.5, 0.8, 0.7])
    row = scores.row("go g", decoded, ["g", "o", " ", "g"], 0.02)
    assert row["words"] == [
        {"word": "go", "start": 0.0, "end": 0.06, "confidence": 0.5},
        {"word": "g", "start": 0.14, "end": 0.18, "confidence": 0.7},
    ]
    whole = scores.row("go on", Decoded([1, 2], [0, 4], [1, 5], [0.9, 0.8]), ["go ", "on "], 0.01)
    assert [word["word"] for word in whole["words"]] == ["go", "on"]


def test_the_synthesiser_says_the_same_again_and_voices_differ():
    (one, text, voice), (two, _, other) = (next(iter(corpus.generate())), list(corpus.generate())[1])
    again = next(iter(corpus.generate()))
    np.testing.assert_array_equal(one, again[0])
    assert set(text.split()) <= set(corpus.WORDS)
    assert voice != other
    assert np.abs(one).max() <= 1
    assert np.abs(two).max() <= 1


def test_a_language_model_weighs_whole_words_and_keeps_to_its_lexicon():
    model = learn([["go", "on"], ["go", "no"], ["on", "go"]], 2)
    labels = ["g", "o", "n", " "]
    scorer = WordScorer(labels, False, model, Weights(0.7, 0.3), ["go", "on", "no"])
    total, state = 0.0, scorer.start()
    for label in (1, 2, 4, 2, 3):
        found = scorer.extend(state, label)
        assert found is not None
        state, added = found
        total += added
    end = scorer.finish(state)
    assert end is not None
    assert total + end == pytest.approx(0.7 * model.sentence(["go", "on"]) + 2 * 0.3)
    assert scorer.extend(scorer.start(), 4) is None  # no space without a word before it
    assert scorer.extend((model.start(), "g"), 3) is None  # "gn" begins no word
    assert scorer.finish((model.start(), "g")) is None


def test_weights_are_those_with_the_fewest_errors():
    assert tune(lambda weights: abs(weights.weight - 0.8) + abs(weights.bonus - 2)) == Weights(0.8, 2.0)


def test_a_global_scale_is_that_of_all_frames_together():
    found = features(30, 5, 12)
    scale = Scale.learn(found)
    together = np.concatenate([scale(one) for one in found])
    np.testing.assert_allclose(together.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(together.std(0), 1, atol=5e-3)
