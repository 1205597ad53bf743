"""The parts of the speech task against plain computations."""

import numpy as np
import pytest
import torch

from rnncli.tasks.speech import corpus
from rnncli.tasks.speech.data import read_corpus
from rnncli.tasks.speech.examples import Scale, Varying, collate
from rnncli.tasks.speech.model import Recogniser, _windows, frames_after
from rnncli.tasks.speech.schema import SpeechData, SpeechModel, SpeechRecipe, Variation
from tests.tasks.recordings import write_recordings

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


@pytest.mark.parametrize("bidirectional", [True, False])
def test_windows_hear_nothing_of_each_other_and_nothing_behind_a_recording(bidirectional):
    torch.manual_seed(1)
    settings = SETTINGS.model_copy(update={"subsampling": 1, "bidirectional": bidirectional})
    model = Recogniser(4, settings, 7).eval()
    x_BRC = torch.randn(2, 17, 5)
    lengths = torch.tensor([17, 9])
    windows, filled = _windows(x_BRC, lengths, 6, 4)
    assert filled.tolist() == [6, 6, 6, 3, 6, 6, 1, 0]
    found, _ = model.remembered(windows, filled, [None, None])
    joined = found.reshape(2, 24, -1)[:, 4:21]
    for start, end in ((2, 8), (8, 14), (14, 17)):
        alone, _ = model.remembered(x_BRC[:1, start:end], torch.tensor([end - start]), [None, None])
        torch.testing.assert_close(joined[:1, start:end], alone)
    alone, _ = model.remembered(x_BRC[1:, 8:9], torch.tensor([1]), [None, None])
    torch.testing.assert_close(joined[1:, 8:9], alone)


@pytest.mark.parametrize("kind", ["spectrum", "cepstrum", "other"])
@pytest.mark.parametrize("scale", [Scale(), Scale.learn(features(40, width=13))], ids=["utterance", "global"])
def test_varied_features_stay_finite_and_long_enough(kind, scale):
    vary = Varying(Variation(stretch=0.5, noise=0.5, gain=6), kind, 13, scale)
    random = np.random.default_rng(1)
    for length in (1, 2, 7, 300):
        (given,) = features(length, width=13)
        for _ in range(20):
            (found,) = vary(given, random, length - 1)
            assert np.isfinite(found).all()
            assert found.dtype == np.float32
            assert len(found) >= length - 1


def test_variants_that_are_to_agree_have_the_same_frames_and_share_their_text():
    vary = Varying(Variation(agreement=0.2, gain=6), "spectrum", 13, Scale())
    (given,) = features(60, width=13)
    one, other = vary(given, np.random.default_rng(1), 0)
    assert one.shape == other.shape
    assert (one != other).any()
    labels = [np.array([1, 2]), np.array([3])]
    batch = collate([one, given, other, given], labels * 2, views=2)
    assert batch.size == 2
    torch.testing.assert_close(batch.labels_BS[:2], batch.labels_BS[2:])


def test_nothing_varied_is_normalised():
    still = Variation(stretch=0, warp=0, time_masks=0, band_masks=0)
    (given,) = features(50, width=13)
    for kind in ("spectrum", "cepstrum", "other"):
        (found,) = Varying(still, kind, 13, Scale())(given, np.random.default_rng(1), 0)
        np.testing.assert_allclose(found, Scale()(given), atol=0.01)


def test_folds_leave_out_speakers_where_speakers_are_named(tmp_path):
    rows = [line.split(",") for line in write_recordings(tmp_path, 60).read_text(encoding="utf-8").splitlines()[1:]]
    speakers = sorted({speaker for _, _, speaker in rows})
    left_out, tested = [], 0
    for fold in range(len(speakers)):
        data = SpeechData(
            root=str(tmp_path), train="train.csv", rate=8000, bins=20, cache="none", folds=len(speakers), fold=fold
        )
        parts = read_corpus(SpeechRecipe(data=data)).parts
        assert not set(parts["train"].speakers) & set(parts["test"].speakers)
        left_out += set(parts["test"].speakers)
        tested += len(parts["test"])
    assert sorted(left_out) == speakers
    assert tested == len(rows)


def test_silence_is_normalised_to_zero():
    assert (Scale()(np.full((5, 3), -13.8, dtype=np.float32)) == 0).all()


def test_the_synthesiser_says_the_same_again_and_voices_differ():
    (one, text, voice), (two, _, other) = (next(iter(corpus.generate())), list(corpus.generate())[1])
    again = next(iter(corpus.generate()))
    np.testing.assert_array_equal(one, again[0])
    assert set(text.split()) <= set(corpus.WORDS)
    assert voice != other
    assert np.abs(one).max() <= 1
    assert np.abs(two).max() <= 1


def test_a_global_scale_is_that_of_all_frames_together():
    found = features(30, 5, 12)
    scale = Scale.learn(found)
    together = np.concatenate([scale(one) for one in found])
    np.testing.assert_allclose(together.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(together.std(0), 1, atol=5e-3)
