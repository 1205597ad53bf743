"""Long recordings cut at silences: every word in one piece, no piece too long, nothing by guess."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.audio.cutting import MOST_SILENCE_KEPT, Segment, lines_in, pieces
from rnncli.data.audio.sound import Sound

RATE = 8000


def laid(*pairs):
    """Words behind each other: the silence before each, and how long it is."""
    found, at = [], 0.0
    for number, (silence, length) in enumerate(pairs):
        found.append(Segment(f"w{number}", at + silence, at + silence + length))
        at += silence + length
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0.05, 4)), min_size=1, max_size=30),
    st.floats(0.5, 12),
    st.floats(0, 2),
)
def test_each_word_is_in_one_piece_and_no_piece_is_too_long(pairs, longest, after):
    said = laid(*pairs)
    seconds = said[-1].end + after
    found, lost = pieces(said, seconds, longest)
    words = [word for piece in found for word in piece.text.split()]
    assert words == [word for word in (one.text for one in said) if word in words]
    assert len(words) + lost == len(said)
    assert all(one.end - one.start > longest - 2 * MOST_SILENCE_KEPT for one in said if one.text not in words)
    end = 0.0
    for piece in found:
        inside = [one for one in said if one.text in piece.text.split()]
        assert end - 1e-9 <= piece.start <= inside[0].start
        assert inside[-1].end <= piece.end <= seconds + 1e-9
        assert piece.end - piece.start <= longest + 1e-9
        end = piece.end


def test_a_piece_ends_at_the_longest_silence_in_the_second_half_of_what_fits():
    said = laid((0, 1), (3, 1), (0.2, 1), (0.6, 1), (0.1, 1), (0.1, 1))
    found, lost = pieces(said, 10.0, 8.5)
    assert [piece.text for piece in found] == ["w0 w1 w2", "w3 w4 w5"]
    assert not lost
    assert found[0].end == pytest.approx(said[2].end + MOST_SILENCE_KEPT)
    assert found[1].start == pytest.approx(said[3].start - MOST_SILENCE_KEPT)


def test_what_fits_stays_whole_and_what_is_longer_alone_is_left_out():
    said = laid((1, 1), (2, 1))
    assert [piece.text for piece in pieces(said, 6.0, 6.0)[0]] == ["w0 w1"]
    found, lost = pieces(laid((0, 1), (0.5, 9), (0.5, 1)), 12.0, 5.0)
    assert [piece.text for piece in found] == ["w0", "w2"]
    assert lost == 1


def spoken(*pairs, noise=1e-4):
    """Sound: seconds of silence and of a tone by turns, in noise."""
    parts = []
    for silence, length in pairs:
        tone = np.sin(2 * np.pi * 300 * np.arange(round(length * RATE)) / RATE)
        parts += [np.zeros(round(silence * RATE)), 0.3 * tone]
    samples = np.concatenate([*parts, np.zeros(RATE // 2)])
    return Sound((samples + noise * np.random.default_rng(1).normal(size=len(samples))).astype(np.float32), RATE)


@pytest.mark.parametrize("noise", [0, 1e-4, 0.02])
def test_lines_lie_between_long_silences(noise):
    sound = spoken((0.7, 1.0), (0.2, 0.8), (1.1, 2.0), (0.9, 0.5), (0.3, 0.5), noise=noise)
    found = lines_in(sound, ["one", "two", "three"])
    assert found is not None
    expected = [("one", 0.7, 2.7), ("two", 3.8, 5.8), ("three", 6.7, 8.0)]
    for line, (text, start, end) in zip(found, expected, strict=True):
        assert line.text == text
        assert line.start == pytest.approx(start, abs=0.02)
        assert line.end == pytest.approx(end, abs=0.02)


def test_a_click_in_a_silence_is_no_stretch():
    sound = spoken((0.5, 1.0), (1.0, 1.0))
    sound.samples[2 * RATE : 2 * RATE + 80] = 0.5
    found = lines_in(sound, ["one", "two"])
    assert found is not None
    assert found[1].start == pytest.approx(2.5, abs=0.02)


@pytest.mark.parametrize(
    ("sound", "lines"),
    [
        (spoken((0.5, 1.0), (1.0, 1.0), (1.0, 1.0)), 2),  # one line for two of three stretches: which?
        (spoken((0.5, 1.0), (1.0, 1.0)), 3),
        (spoken((0.5, 1.0), (0.4, 1.0)), 2),  # a short silence may be within a line
        (spoken((0.5, 1.0), (0.9, 1.0), (0.7, 1.0)), 2),
        (spoken((0.5, 1.0), (1.0, 1.0)), 1),
        (spoken((0.5, 1.0), (1.0, 1.0)), 0),
        (Sound(np.zeros(RATE, np.float32), RATE), 2),
        (Sound(np.zeros(0, np.float32), RATE), 2),
    ],
)
def test_lines_are_not_laid_where_the_silences_leave_a_doubt(sound, lines):
    assert lines_in(sound, [f"line {n}" for n in range(lines)]) is None
