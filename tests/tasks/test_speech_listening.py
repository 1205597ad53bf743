"""Recordings as spectrograms and sound for a page."""

import io

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from rnncli.report.figures import Sample
from rnncli.tasks.speech.metrics import cell_samples, illustrated, samples

RATE = 16_000


def tone(hertz, seconds=1.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_a_recording_is_played_and_its_pitch_is_seen(tmp_path):
    soundfile.write(tmp_path / "a.flac", tone(2000), RATE)
    picture, sound = illustrated(Sample("", file=str(tmp_path / "a.flac")), None).media
    played, rate = soundfile.read(io.BytesIO(sound.content), dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(played, tone(2000), atol=1e-3)
    dark = imread(io.BytesIO(picture.content))[..., 0].mean(1)
    assert 1 - dark.argmin() / len(dark) == pytest.approx(0.25, abs=0.02)


def test_only_the_stretch_that_was_recognised_is_played_and_no_more_than_a_little(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.concatenate([tone(500, 2), tone(3000, 30)]), RATE)
    for span, seconds in (((2.0, 1.5), 1.5), ((1.0, 40.0), 15.0), (None, 15.0)):
        _, sound = illustrated(Sample("", file=str(tmp_path / "a.wav"), span=span), None).media
        assert len(soundfile.read(io.BytesIO(sound.content))[0]) == round(seconds * RATE)


@pytest.mark.parametrize("samples_N", [np.zeros(1000), np.zeros(3), np.ones(1)])
def test_silence_and_the_shortest_sound_are_drawn_too(tmp_path, samples_N):
    soundfile.write(tmp_path / "a.wav", samples_N, RATE)
    assert len(illustrated(Sample("", file=str(tmp_path / "a.wav")), None).media) == 2


@pytest.mark.parametrize("name", ["gone.wav", "text.wav", "a.npy", "."])
def test_what_cannot_be_heard_leaves_the_example_as_it_is(tmp_path, name):
    (tmp_path / "text.wav").write_text("no sound")
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    sample = Sample("", file=str(tmp_path / name))
    assert illustrated(sample, None) == sample


def test_a_page_knows_file_and_stretch_and_the_cell_of_single_words():
    row = {"place": "a.csv:1", "truth": "yes", "text": "no", "words": [], "file": "a.wav", "span": [1.0, 0.5]}
    (sample,) = samples([row], {}, 1)
    assert (sample.file, sample.span) == ("a.wav", (1.0, 0.5))
    rows = [row, {**row, "truth": "no"}, {**row, "truth": "no"}, {**row, "text": "maybe"}]
    assert [one.cell for one in cell_samples(rows, 1)] == [("yes", "no"), ("no", "no"), ("yes", "(other)")]
    assert cell_samples([{**row, "truth": "yes or no"}], 1) == []
