"""Frames of rolls and voices, the notes in them, the grid, and the sound."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.music.grid import gridded, indistinct, off_grid, roll, top_of_tracks
from rnncli.data.music.midi import parse_midi
from rnncli.data.music.midiwriting import midi_bytes
from rnncli.data.music.pieces import (
    KEYS,
    LOWEST,
    MusicPiece,
    notes_of,
    of_roll,
    of_voices,
    slotted,
    sounding,
)
from rnncli.data.music.synth import RATE, wav
from tests.data.music.midibytes import file, off, on, track

ROLLS = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(0, 0.4))


def drawn(shape):
    seed, frames, share = shape
    return np.random.default_rng(seed).random((frames, KEYS)) < share


@given(ROLLS)
@settings(max_examples=40, deadline=None)
def test_frames_are_the_keys_of_a_roll_ascending_and_nothing_behind(shape):
    on_TK = drawn(shape)
    frames_TS = slotted(on_TK)
    assert frames_TS.dtype == np.int16
    for frame, row in zip(frames_TS.tolist(), on_TK, strict=True):
        keys = np.flatnonzero(row).tolist()
        assert frame == keys + [-1] * (len(frame) - len(keys))
    assert frames_TS.shape[1] == max(1, on_TK.sum(1).max())
    assert (sounding(frames_TS) == on_TK).all()


@given(ROLLS)
@settings(max_examples=40, deadline=None)
def test_a_roll_comes_back_from_its_notes_and_from_a_midi_file_of_them(shape):
    on_TK = drawn(shape)
    notes_N4 = notes_of(slotted(on_TK))
    heard = np.flatnonzero(on_TK.any(1))
    length = heard[-1] + 1 if len(heard) else 0
    assert (roll(*notes_N4[:, :3].T)[:, LOWEST : LOWEST + KEYS] == on_TK[:length]).all()
    back_N4 = gridded(parse_midi(midi_bytes(notes_N4, 4, 120.0), "x.mid"), 4)
    assert back_N4.tolist() == notes_N4.tolist()


def test_notes_of_voices_stay_in_their_voices_where_these_meet():
    frames = np.array([[40, 40], [40, 88], [41, 40]])
    assert notes_of(frames, "voices").tolist() == [[0, 2, 61, 0], [0, 1, 61, 1], [2, 3, 62, 0], [2, 3, 61, 1]]


def test_notes_beside_the_keyboard_are_cut_and_counted():
    on_TP = np.zeros((2, 128), bool)
    on_TP[0, [20, 21, 108, 109]] = True
    frames, cut = of_roll(on_TP)
    assert (frames.tolist(), cut) == ([[0, 87], [-1, -1]], 2)
    voices, cut = of_voices(np.array([[108, 21, -1, 120, 20]]))
    assert (voices.tolist(), cut) == ([[87, 0, 88, 88, 88]], 2)


def score_of(*events, division=480):
    return parse_midi(file(track(*events), division=division), "x.mid")


def test_begins_and_ends_go_to_the_nearest_frame_and_a_note_has_one_at_least():
    score = score_of(on(60, 59), off(60, 122), on(61, 60), off(61, 1), on(62, 418), off(62, 300))
    # At 4 frames a beat, 120 ticks each: 59 -> 0 and 181 -> 2; 241 to 242 -> 2 to 3; 660 -> 6 and 960 -> 8.
    assert gridded(score, 4)[:, :3].tolist() == [[0, 2, 60], [2, 3, 61], [6, 8, 62]]
    assert off_grid(score, 4) == 2


def test_triplets_are_beside_a_grid_of_16ths_and_on_one_of_12():
    score = score_of(*(event for _ in range(6) for event in (on(60), off(60, 160))))
    assert (off_grid(score, 4), off_grid(score, 3), off_grid(score, 12)) == (4, 0, 0)


def test_notes_that_frames_do_not_tell_apart_are_counted():
    rows = [[0, 2, 60, 0], [2, 3, 60, 0], [1, 4, 61, 0], [1, 2, 61, 1], [2, 3, 61, 1], [5, 6, 61, 0], [2, 3, 62, 0]]
    assert indistinct(np.array(rows)) == (1, 2)
    assert indistinct(np.zeros((0, 4), np.int64)) == (0, 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_that_count_is_that_of_a_plain_search(seed, count):
    generator = np.random.default_rng(seed)
    begin_N = generator.integers(0, 12, count)
    rows = np.column_stack([begin_N, begin_N + generator.integers(1, 4, count), generator.integers(60, 63, count)])
    together = count - len({(begin, pitch) for begin, _, pitch in rows.tolist()})
    begins = {(begin, pitch) for begin, _, pitch in rows.tolist()}
    again = sum(
        any(other < begin <= end and pitch == key for other, end, key in rows.tolist()) for begin, pitch in begins
    )
    assert indistinct(np.column_stack([rows, np.zeros(count, np.int64)])) == (together, again)


def test_the_highest_note_of_each_track_is_a_voice():
    rows = np.array([[0, 2, 60, 0], [1, 3, 64, 0], [1, 2, 40, 2]])
    pitch_TS, below = top_of_tracks(rows, [0, 2])
    assert pitch_TS.tolist() == [[60, -1], [64, 40], [64, -1]]
    assert below == 1


def heard(content):
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32767


def strongest(samples):
    """The frequency in Hz that sounds most."""
    return np.fft.rfftfreq(len(samples), 1 / RATE)[np.abs(np.fft.rfft(samples)).argmax()]


def test_a_key_sounds_at_its_pitch_for_as_long_as_it_is_held():
    frames = np.array([[48]] * 4 + [[-1]] * 2 + [[60]] * 2)  # 440 Hz, and an octave above it
    samples = heard(wav(MusicPiece("x", frames, 2, 60.0)))
    assert len(samples) == pytest.approx(4 * RATE, abs=RATE // 5)
    assert strongest(samples[: 2 * RATE]) == pytest.approx(440, abs=1)
    assert strongest(samples[3 * RATE :]) == pytest.approx(880, abs=2)
    assert np.abs(samples[int(1.9 * RATE) : 2 * RATE]).max() > 0.02
    assert np.abs(samples[int(2.5 * RATE) : 3 * RATE]).max() == 0


def test_however_many_keys_sound_the_sound_is_not_clipped():
    frames = np.tile(np.arange(88), (3, 1))
    samples = heard(wav(MusicPiece("x", frames)))
    assert 0.8 < np.abs(samples).max() < 1


def test_silence_is_a_sound_too():
    samples = heard(wav(MusicPiece("x", np.full((4, 3), 88), 4, 120.0), "voices"))
    assert len(samples) >= RATE // 2
    assert not samples.any()
