"""Recognizers that leave: features in the figures of torch, texts as by the program."""

import wave
from typing import Any

import numpy as np
import pytest
import torch

from rnncli.data.audio.bare import Analysis, resample
from rnncli.data.audio.frontend import Frontend
from rnncli.data.audio.resampling import resample as by_torch
from rnncli.data.audio.sound import read_sound, read_wave
from rnncli.data.text.labelunits import LabelUnits
from rnncli.errors import DataError, RecipeError
from rnncli.runs.predicting import predict
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.decode.language import Language
from rnncli.tasks.speech import task
from rnncli.tasks.speech.extras.form import FeatureForm, Scale
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.predictor import SpeechPredictor
from tests.export.bundles import alone, lively, made, require_alike

TEXTS = ["go on", "no go", "on on go"]


def trained(*overrides):
    """A recognizer that was never trained, and what belongs to it."""
    tiny = ("data.rate=8000", "data.bins=12", "model.hidden=5", "model.channels=6", "model.layers=2")
    recipe: Any = load_recipe("speech/own-data", ["data.train=c.csv", *tiny, *overrides])
    units = LabelUnits.learn(TEXTS, recipe.data.unit, 9)
    language = Language.of(recipe.decoding, TEXTS, str)
    some_TF = np.random.default_rng(1).normal(-7, 3, size=(50, 12))
    scale = Scale.learn([some_TF]) if recipe.data.normalise == "global" else Scale()
    torch.manual_seed(2)
    fitted = FittedSpeech(recipe, units, language, FeatureForm(12, False, scale))
    model = lively(fitted.build())
    for member in model.members:
        torch.nn.init.normal_(member.linear.weight, std=3)  # or a single label is all that there is
    return recipe, fitted, model


def record(path, rate, channels=1, width=2):
    """Two seconds that are quiet and loud in turn, as a wav file."""
    random, count = np.random.default_rng(3), 2 * rate
    samples_N = random.normal(size=count) * np.repeat([0.001, 0.3], count // 2)
    mixed_NC = np.stack([samples_N * (1 - 0.4 * channel) for channel in range(channels)], 1).clip(-1, 1)
    bits = {1: np.uint8, 2: np.dtype("<i2"), 4: np.dtype("<i4")}[width]
    whole_NC = (mixed_NC * 127 + 128 if width == 1 else mixed_NC * (2 ** (8 * width - 1) - 2**8)).astype(bits)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(whole_NC.tobytes())
    return path


@pytest.mark.parametrize(("rate", "channels", "width"), [(8000, 1, 2), (44100, 2, 4), (11025, 1, 1)])
def test_waves_are_read_as_by_libsndfile(tmp_path, rate, channels, width):
    path = record(tmp_path / "a.wav", rate, channels, width)
    found, wanted = read_wave(path), read_sound(path)
    assert (found.rate, found.channels) == (wanted.rate, wanted.channels)
    np.testing.assert_allclose(found.samples, wanted.samples, atol=1e-7)
    np.testing.assert_allclose(resample(found.samples, rate, 8000), by_torch(wanted.samples, rate, 8000), atol=2e-6)


def test_other_files_are_refused_in_a_sentence(tmp_path):
    (tmp_path / "a.flac").write_bytes(b"fLaC and more")
    with pytest.raises(DataError, match="no wav file of whole numbers"):
        read_wave(tmp_path / "a.flac")


@pytest.mark.parametrize("settings", [{}, {"kind": "mfcc", "bins": 13, "deltas": 2}, {"kind": "fbank", "window": 20}])
def test_features_are_those_of_torch(tmp_path, settings):
    frontend = Frontend(rate=8000, **settings)
    sound = read_sound(record(tmp_path / "a.wav", 8000))
    analysis = Analysis.of(frontend)
    again = Analysis.kept(analysis.settings(), analysis.arrays())
    np.testing.assert_allclose(again(sound.samples), frontend(sound.samples), rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize(
    "overrides",
    [
        ("model.cell=lstm", "model.bidirectional=false", "model.lookahead=3", "model.subsampling=6"),
        ("model.members=2", "model.bidirectional=true", "model.subsampling=3", "data.unit=subword"),
    ],
)
def test_a_recognizer_leaves_whole(monkeypatch, tmp_path, overrides):
    made(monkeypatch, tmp_path, *trained(*overrides))


def test_predict_py_says_what_the_program_says(monkeypatch, tmp_path):
    search = ("decoding.lm=train", "decoding.lexicon=none", "decoding.beam=4", "decoding.best=2")
    recipe, fitted, model = trained(*search, "data.normalise=global")
    folder = made(monkeypatch, tmp_path, recipe, fitted, model)
    files = [str(record(tmp_path / "a.wav", 8000)), str(record(tmp_path / "b.wav", 16000, 2))]
    predictor: Any = SpeechPredictor(fitted, model, torch.device("cpu"))
    wanted = predict(predictor, files)
    assert all(row["words"] for row in wanted)
    require_alike(alone(folder, *files), wanted)


def test_what_has_no_graph_is_refused_by_name():
    with pytest.raises(RecipeError, match="step by step"):
        task.export(*trained()[1:], stream=True)
