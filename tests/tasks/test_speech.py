"""The parts of the speech task against plain computations."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rnncli.data.audio.features import SoundClip, SoundRecording, compute
from rnncli.data.audio.frontend import Frontend
from rnncli.data.audio.sound import Sound
from rnncli.errors import DataError
from rnncli.tasks.speech import builtin, task
from rnncli.tasks.speech.data import read_corpus
from rnncli.tasks.speech.examples import collate
from rnncli.tasks.speech.extras.augmentation import Varying, strength_for, weakened
from rnncli.tasks.speech.extras.form import Scale
from rnncli.tasks.speech.model import Recognizer, _windows, frames_after
from rnncli.tasks.speech.schema import SpeechData, SpeechModel, SpeechRecipe, Variation
from tests.tasks.recordings import write_recordings

SETTINGS = SpeechModel(hidden=6, channels=5, layers=2)


def features(*lengths, width=4):
    random = np.random.default_rng(1)
    return [random.normal(size=(length, width)).astype(np.float32) for length in lengths]


def clip(features_TF):
    """Features as if they were given."""
    return SoundClip(features_TF, features_TF.shape, SoundRecording(Path("x.npy"), "x.npy", features=True), given=True)


@pytest.mark.parametrize("subsampling", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_scores_of_a_recording_do_not_depend_on_its_batch_mates(subsampling, bidirectional):
    settings = SETTINGS.model_copy(update={"subsampling": subsampling, "bidirectional": bidirectional})
    model = Recognizer(4, settings, 7).eval()
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
    (model,) = Recognizer(4, settings, 7).eval().members
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
            found = vary(clip(given), random, length - 1)
            assert np.isfinite(found).all()
            assert found.dtype == np.float32
            assert len(found) >= length - 1


STILL = Variation(stretch=0, warp=0, time_masks=0, band_masks=0)
AS_IT_IS = Scale(np.zeros(20, dtype=np.float32), np.ones(20, dtype=np.float32))
FRONTEND = Frontend("log-mel", 8000, 20)


def test_weak_variation_is_less_and_a_strength_of_one_is_what_the_recipe_says():
    (given,) = features(300, width=20)
    still, changes = AS_IT_IS(given), []
    for strength in (0.0, 0.3, 1.0):
        vary = Varying(Variation(stretch=0, strength=strength), "spectrum", 20, AS_IT_IS)
        found = [vary(clip(given), np.random.default_rng(seed), 0) for seed in range(9)]
        changes.append(np.mean([np.abs(one - still).mean() for one in found]))
    assert changes[0] == 0 < changes[1] < changes[2]
    assert weakened(Variation()) == Variation()


def test_few_recordings_are_varied_less():
    assert [strength_for(count) for count in (1, 48, 250, 500, 9000)] == [0.4, 0.4, 0.5, 1.0, 1.0]


def test_noise_is_in_the_recording_so_far_below_it_as_was_drawn():
    tone = (0.3 * np.sin(2 * np.pi * 500 * np.arange(16000) / 8000)).astype(np.float32)
    (found,) = compute([SoundRecording(Sound(tone, 8000), "tone")], FRONTEND, None)
    assert isinstance(found, SoundClip)
    vary = Varying(STILL.model_copy(update={"noise": 0.999}), "spectrum", 20, AS_IT_IS, FRONTEND)
    levels = []
    for seed in range(60):
        noisy = vary(found, np.random.default_rng(seed), 0)
        white = FRONTEND(np.random.default_rng(1).normal(0, 0.3 / np.sqrt(2), 16000).astype(np.float32))
        quiet = np.exp(noisy[:, 15:]).mean() / np.exp(white[:, 15:]).mean()  # bands that the tone is not in
        levels.append(-10 * np.log10(quiet))
    assert 5 <= round(min(levels)) < 8
    assert 27 < max(levels) <= 30.5


def test_noise_in_given_spectra_is_as_far_below_their_power():
    given = np.full((400, 20), 2.0, dtype=np.float32)
    vary = Varying(STILL.model_copy(update={"noise": 0.999}), "spectrum", 20, AS_IT_IS)
    found = [1.001 * vary(clip(given), np.random.default_rng(seed), 0) for seed in range(60)]  # as it was scaled
    levels = [10 * np.log10(np.exp(noisy_TF - 2) - 1) for noisy_TF in found]
    assert np.ptp(levels[0]) < 0.1
    assert -30.5 < np.min(levels) < -27
    assert -8 < np.max(levels) < -4.5


def test_recordings_at_other_speeds_are_learnt_from_where_their_texts_fit(tmp_path):
    write_recordings(tmp_path, 40)
    keys = {"root": str(tmp_path), "train": "train.csv", "rate": 8000, "bins": 20, "cache": str(tmp_path / "cache")}
    recipe = SpeechRecipe(
        data=SpeechData(**keys), variation=Variation(speeds=(0.5, 2), stretch=0, time_masks=0, band_masks=0, warp=0)
    )
    corpus = read_corpus(recipe)
    train = task.fit(recipe, corpus).encode(corpus.parts["train"], training=True)
    torch.manual_seed(1)
    seconds = {round(len(train.batch(np.array([0])).x_BTF[0]) / train.lengths[0], 1) for _ in range(30)}
    assert seconds == {0.5, 1.0, 2.0}
    train.least[0] = train.lengths[0]
    seconds = {round(len(train.batch(np.array([0])).x_BTF[0]) / train.lengths[0], 1) for _ in range(30)}
    assert seconds == {1.0, 2.0}
    dev = task.fit(recipe, corpus).encode(corpus.parts["dev"])
    assert not dev.others


def test_features_are_not_played_at_other_speeds(tmp_path):
    for number in range(12):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).normal(size=(60, 13)))
    (tmp_path / "train.csv").write_text("features,text\n" + "".join(f"{n}.npy,go on\n" for n in range(12)))
    recipe = SpeechRecipe(
        data=SpeechData(root=str(tmp_path), train="train.csv"), variation=Variation(speeds=(0.9, 1.1))
    )
    corpus = read_corpus(recipe)
    with pytest.raises(DataError, match=r"train.csv:\d+: features cannot be played at other speeds"):
        task.fit(recipe, corpus).encode(corpus.parts["train"], training=True)


def test_nothing_varied_is_normalised():
    still = Variation(stretch=0, warp=0, time_masks=0, band_masks=0)
    (given,) = features(50, width=13)
    for kind in ("spectrum", "cepstrum", "other"):
        found = Varying(still, kind, 13, Scale())(clip(given), np.random.default_rng(1), 0)
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


@pytest.mark.parametrize(("bins", "noted"), [(20, False), (200, True)])
def test_bands_that_hear_nothing_are_noted(tmp_path, bins, noted):
    write_recordings(tmp_path, 10)
    data = SpeechData(root=str(tmp_path), train="train.csv", rate=2000, bins=bins, cache="none")
    notes = read_corpus(SpeechRecipe(data=data)).notes
    assert any("of 200 mel bands lie between two points of the spectrum at 2,000 Hz" in note for note in notes) == noted


def test_silence_is_normalised_to_zero():
    assert (Scale()(np.full((5, 3), -13.8, dtype=np.float32)) == 0).all()


def test_the_synthesiser_says_the_same_again_and_voices_differ():
    (one, text, voice), (two, _, other) = (next(iter(builtin.generate())), list(builtin.generate())[1])
    again = next(iter(builtin.generate()))
    np.testing.assert_array_equal(one, again[0])
    assert set(text.split()) <= set(builtin.WORDS)
    assert voice != other
    assert np.abs(one).max() <= 1
    assert np.abs(two).max() <= 1


def test_a_global_scale_is_that_of_all_frames_together():
    found = features(30, 5, 12)
    scale = Scale.learn(found)
    together = np.concatenate([scale(one) for one in found])
    np.testing.assert_allclose(together.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(together.std(0), 1, atol=5e-3)
