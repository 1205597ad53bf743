"""Spectra and resampling against torchaudio: figures of its release 2.11.0, and itself where it loads."""

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from rnncli.data.audio import spectra
from rnncli.data.audio.frontend import FLOOR, FrameStream, Frontend
from rnncli.data.audio.resampling import Resampler, resample

FRAMES = [0, 10, 27]
SAMPLES = [0, 1, 500, 1001, -1]
LOG_MEL = [
    [5.270018, 5.468869, -1.244609, 1.212716, 2.156101, -9.921700, -13.785650, -13.813574],
    [-13.044427, -11.522211, -4.290971, 5.626721, 5.152061, -8.290504, -13.431115, -13.789964],
    [-13.802117, -13.768690, -13.110448, 1.212702, 2.156101, -0.517194, 5.974906, 3.636863],
]
MFCC = [
    [-47.625282, 32.836952, 2.432916, 2.239524, 1.582890, -15.374605],
    [-63.953186, 2.389993, -27.923100, -3.857401, 18.744572, 2.540027],
    [-62.047211, -17.825663, -8.503185, 10.405354, -3.051449, 10.314207],
]
DELTAS = [
    [-0.137422, -1.184258, -3.037081, -3.680226, -2.270994, 0.124735],
    [-1.774673, -2.366246, 1.202226, 4.602094, 0.248080, -3.984598],
    [-0.093376, -0.180411, 0.831612, -1.138430, 0.631024, 0.469670],
]
FBANK = [
    [23.112280, 23.504362, 17.341036, 21.827570, 22.872667, 11.454082, 5.400268, 2.887138],
    [8.692755, 10.003143, 16.372095, 26.062220, 25.699442, 13.256626, 7.781233, 5.153962],
    [7.087083, 6.106527, 8.234693, 21.827559, 22.872669, 21.331186, 27.791189, 25.548515],
]
RESAMPLED = {
    (8000, 16000): [0.000272, 0.038441, 0.230285, 0.309315, -0.183904],
    (44100, 16000): [0.004488, 0.046208, 0.230370, 0.309473, -0.212530],
    (16000, 8000): [0.008104, 0.086934, 0.247402, -0.214634, -0.233726],
}


def chirp(rate, seconds=0.3):
    times = np.arange(int(rate * seconds)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (200 + 4000 * times) * times) + 0.05 * np.sin(2 * np.pi * 1234 * times)
    return tone.astype(np.float32)


def noise(samples):
    """Noise that grows over five powers of ten, so that loud and soft bands stand beside each other."""
    return (np.random.default_rng(5).normal(size=samples) * np.logspace(-5, 0, samples)).astype(np.float32)


@pytest.fixture(scope="module")
def torchaudio() -> Any:
    """The package, where a release of it loads beside this torch."""
    try:
        for part in ("transforms", "functional", "compliance.kaldi"):
            importlib.import_module(f"torchaudio.{part}")
        return importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"torchaudio does not load: {error}")


def test_log_mel_has_the_figures_of_torchaudio():
    np.testing.assert_allclose(Frontend("log-mel", 8000, 8)(chirp(8000))[FRAMES], LOG_MEL, atol=1e-4)


def test_mfcc_and_its_derivatives_have_the_figures_of_torchaudio():
    found = Frontend("mfcc", 8000, 6, deltas=1)(chirp(8000))[FRAMES]
    np.testing.assert_allclose(found, np.hstack([MFCC, DELTAS]), atol=2e-4)


def test_the_filter_bank_of_kaldi_has_the_figures_of_torchaudio():
    np.testing.assert_allclose(Frontend("fbank", 8000, 8)(chirp(8000))[FRAMES], FBANK, atol=1e-4)


@pytest.mark.parametrize("rates", RESAMPLED, ids=str)
def test_resampling_has_the_figures_of_torchaudio(rates):
    rate, wanted = rates
    found = resample(chirp(rate), rate, wanted)
    assert len(found) == 0.3 * wanted
    np.testing.assert_allclose(found[SAMPLES], RESAMPLED[rates], atol=2e-6)


@pytest.mark.parametrize("bins", [20, 80])
@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_mel_and_mfcc_are_those_of_torchaudio(torchaudio, rate, bins):
    frontend, samples = Frontend("log-mel", rate, bins), noise(rate)
    window, hop = frontend.window_samples, frontend.hop_samples
    size = spectra.transform_size(window)
    front = (size - window) // 2
    wave_1N = torch.nn.functional.pad(torch.from_numpy(samples)[None], (front, size - window - front))
    options = {"n_fft": size, "win_length": window, "hop_length": hop, "center": False, "f_min": 20.0}
    mel_FT = torchaudio.transforms.MelSpectrogram(rate, n_mels=bins, **options)(wave_1N)[0]
    np.testing.assert_allclose(frontend(samples), (mel_FT + FLOOR).log().T, atol=1e-6)
    bands = {"n_mels": 40, **options}
    mfcc_CT = torchaudio.transforms.MFCC(rate, bins // 2, log_mels=True, melkwargs=bands)(wave_1N)[0]
    deltas_CT = torchaudio.functional.compute_deltas(mfcc_CT)
    expected_CT = torch.cat([mfcc_CT, deltas_CT, torchaudio.functional.compute_deltas(deltas_CT)])
    np.testing.assert_allclose(Frontend("mfcc", rate, bins // 2, deltas=2)(samples), expected_CT.T, atol=1e-6)


@pytest.mark.parametrize("bins", [23, 80])
@pytest.mark.parametrize("rate", [8000, 11060, 44100])
def test_the_filter_bank_of_kaldi_is_that_of_torchaudio(torchaudio, rate, bins):
    frontend, samples = Frontend("fbank", rate, bins), noise(rate)
    wave_1N = torch.from_numpy(samples)[None] * 32768
    expected_TF = torchaudio.compliance.kaldi.fbank(
        wave_1N, num_mel_bins=bins, sample_frequency=float(rate), dither=0.0
    )
    assert frontend.frames(len(samples)) == len(expected_TF)
    np.testing.assert_allclose(frontend(samples), expected_TF, atol=1e-6)


@pytest.mark.parametrize("rates", [(8000, 16000), (44100, 16000), (22050, 8000), (16100, 16000), (96000, 8000)])
@pytest.mark.parametrize("samples", [1, 7, 30011])
def test_resampling_is_that_of_torchaudio(torchaudio, rates, samples):
    expected = torchaudio.functional.resample(torch.from_numpy(noise(samples)), *rates).numpy()
    found = resample(noise(samples), *rates)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_samples_in_double_precision_are_resampled_as_others():
    np.testing.assert_array_equal(resample(chirp(8000).astype(np.float64), 8000, 16000).dtype, np.float32)


@pytest.mark.parametrize("rate", [2060, 11025, 11060])
def test_a_stream_at_a_rate_without_whole_windows_gives_the_frames_of_kaldi(rate):
    frontend, samples = Frontend("fbank", rate, 23), noise(rate)
    stream = FrameStream(frontend)
    found = np.concatenate([stream(piece) for piece in np.array_split(samples, 13)])
    np.testing.assert_allclose(found, frontend(samples), atol=1e-3)


def test_pieces_are_resampled_as_the_whole():
    samples, resampler = noise(20000), Resampler(44100, 16000)
    pieces = np.array_split(samples, [1, 700, 9000])
    found = [resampler(piece) for piece in pieces] + [resampler(samples[:0], last=True)]
    np.testing.assert_allclose(np.concatenate(found), resample(samples, 44100, 16000), atol=1e-6)


def test_more_cepstral_coefficients_than_forty_come_of_as_many_bands():
    frontend = Frontend("mfcc", 16000, 80)
    assert frontend.bands == 80
    assert Frontend("mfcc", 16000, 13).bands == 40
    assert frontend(noise(4000)).shape == (frontend.frames(4000), 80)


@pytest.mark.parametrize("kind", ["log-mel", "mfcc", "fbank"])
def test_bands_between_two_points_of_the_spectrum_are_counted(kind):
    assert Frontend(kind, 8000, 40).empty_bands == 0
    crowded = Frontend(kind, 2000, 200)
    # 33 points, of which each lies in two bands at most.
    assert 200 - 2 * 33 <= crowded.empty_bands < 200
