"""Soundfonts: what is played with one of a single tone, and what is said of files that are none."""

import io
import sys
import wave
from importlib.metadata import version

import numpy as np
import pytest

from rnncli.data.music.midiwriting import midi_bytes
from rnncli.data.music.soundfont import RATE, SoundFont
from rnncli.errors import DataError, UsageError
from tests.data.music.soundfonts import SYMUSIC, chunk, soundfont

BEATS = midi_bytes(np.array([[0, 4, 69, 0], [4, 8, 57, 0]]), 4, 120.0)
"""A second of two tones, of 440 and 220 Hz."""


@pytest.fixture
def symusic(monkeypatch) -> None:
    """A synthesiser of known sounds instead of that of the package."""
    monkeypatch.setitem(sys.modules, "symusic", SYMUSIC)


def heard(content: bytes) -> np.ndarray:
    """The samples of a .wav file, (C, L)."""
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        frames = file.readframes(file.getnframes())
        return np.frombuffer(frames, "<i2").reshape(-1, file.getnchannels()).T


@pytest.mark.skipif(version("symusic") == "0.6.0", reason="this release renders nothing")
def test_tones_are_as_high_as_they_are_struck_and_where_they_are(tmp_path):
    (tmp_path / "tone.sf2").write_bytes(soundfont())
    sound_CL = heard(SoundFont(tmp_path / "tone.sf2").wav(BEATS))
    for begin, hertz in ((0, 440), (RATE // 2, 220)):
        part_L = sound_CL[0, begin + 2000 : begin + 20_000]
        assert np.abs(np.fft.rfft(part_L)).argmax() * RATE / len(part_L) == pytest.approx(hertz, abs=2)


@pytest.mark.skipif(version("symusic") == "0.6.0", reason="this release renders nothing")
def test_a_damaged_soundfont_is_said_to_be_one(tmp_path):
    (tmp_path / "tone.sf2").write_bytes(soundfont().replace(b"shdr", b"rdhs"))
    with pytest.raises(DataError, match=r"tone\.sf2: a soundfont that cannot be (read|played): "):
        SoundFont(tmp_path / "tone.sf2").wav(BEATS)


def test_sound_is_written_in_two_channels_none_of_them_cut(tmp_path, symusic):
    (tmp_path / "tone.sf2").write_bytes(soundfont())
    sound_CL = heard(SoundFont(tmp_path / "tone.sf2").wav(BEATS))
    assert sound_CL.shape == (2, RATE // 2)
    assert set(sound_CL[0].tolist()) == {round(0.9 * 32767)}
    assert set(sound_CL[1].tolist()) == {round(0.45 * 32767)}


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", DataError, "not a soundfont"),
        (b"RIFF\x04\0\0\0WAVE", DataError, "not a soundfont"),
        (soundfont()[:600], DataError, "a soundfont that is cut off"),
        (chunk(b"RIFF", b"sfbkdamaged"), DataError, "a soundfont that cannot be read: no such chunk"),
        (chunk(b"RIFF", b"sfbksilent"), DataError, "nothing sounds"),
        (chunk(b"RIFF", b"sfbkodd"), UsageError, "this release of the package symusic renders nothing"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(content, kind, says, tmp_path, symusic):
    (tmp_path / "tone.sf2").write_bytes(content)
    with pytest.raises(kind, match=says) as raised:
        SoundFont(tmp_path / "tone.sf2").wav(BEATS)
    assert raised.value.hint


def test_a_missing_file_and_a_missing_package_are_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"none\.sf2: cannot be read: No such file"):
        SoundFont(tmp_path / "none.sf2")
    (tmp_path / "tone.sf2").write_bytes(soundfont())
    monkeypatch.setitem(sys.modules, "symusic", None)
    with pytest.raises(UsageError, match="needs the package symusic") as raised:
        SoundFont(tmp_path / "tone.sf2")
    assert raised.value.hint == 'pip install "rnncli[soundfont]"'
