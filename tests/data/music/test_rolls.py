"""Rolls and voices from files: what is read, and what ends in one sentence."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from rnncli.data.music.rolls import read_rolls
from rnncli.data.music.voices import read_voices
from rnncli.errors import DataError

ROLL = np.zeros((6, 88), np.uint8)
ROLL[range(6), [0, 3, 3, 40, 41, 87]] = 1
KEYS = [[0], [3], [3], [40], [41], [87]]


def rolls(folder, **arrays):
    np.savez(folder / "x.npz", **arrays)
    return read_rolls(folder / "x.npz", 2)


def frames(found, part):
    return [piece.frames.tolist() for piece in found.pieces[part]]


WIDE = np.zeros((6, 128), np.uint8)
WIDE[:, 21:109] = ROLL
SAME = {
    "numbers": ROLL,
    "truth values": ROLL.astype(bool),
    "loudness": ROLL * 0.7,
    "packed bits": np.packbits(ROLL, axis=1),
    "MIDI numbers": WIDE,
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_roll_is_read_from_each_kind_of_array(kind, tmp_path):
    found = rolls(tmp_path, roll=SAME[kind])
    assert frames(found, "roll") == [KEYS]
    assert (found.form, found.pieces["roll"][0].beat, found.pieces["roll"][0].place) == ("rolls", 2, "x.npz#roll[1]")


def test_pieces_one_behind_the_other_are_parted_by_their_lengths(tmp_path):
    found = rolls(tmp_path, train=ROLL, train_lengths=[2, 0, 4], test=ROLL[:1], test_lengths=[1])
    assert frames(found, "train") == [KEYS[:2], KEYS[2:]]
    assert frames(found, "test") == [KEYS[:1]]
    assert +found.dropped == {"piece without a frame": 1}


def test_pieces_of_one_array_are_cut_where_only_silence_follows_or_by_their_lengths(tmp_path):
    both = np.stack([ROLL, np.pad(ROLL[:2], ((0, 4), (0, 0)))])
    assert frames(rolls(tmp_path, all=both), "all") == [KEYS, KEYS[:2]]
    assert [len(one) for one in frames(rolls(tmp_path, all=both, lengths=[6, 3]), "all")] == [6, 3]


def test_a_file_of_one_array_is_read(tmp_path):
    np.save(tmp_path / "x.npy", ROLL)
    assert frames(read_rolls(tmp_path / "x.npy", 4), "all") == [KEYS]


REFUSED = {
    "no rolls": ({"lengths": [1]}, "x.npz: holds no array of piano rolls"),
    "of text": ({"roll": np.array(["a"])}, 'x.npz: array "roll": <U1 of shape (1,), not frames by keys'),
    "one row": ({"roll": ROLL[0]}, 'x.npz: array "roll": uint8 of shape (88,), not frames by keys'),
    "90 keys": ({"roll": np.zeros((6, 90))}, 'x.npz: array "roll": frames are 90 wide, and not 88 keys'),
    "bits as numbers": ({"roll": np.zeros((6, 11))}, 'x.npz: array "roll": float64, and 11 bytes'),
    "other lengths": ({"a": ROLL, "a_lengths": [2, 2]}, 'x.npz: array "a": 6 frames, and its lengths add up to 4'),
    "negative lengths": ({"a": ROLL, "a_lengths": [8, -2]}, 'x.npz: array "a": its lengths are no list of whole'),
    "lengths of numbers": ({"a": ROLL, "a_lengths": [2.0, 4.0]}, 'x.npz: array "a": its lengths are no list of'),
    "long pieces": ({"a": ROLL[None], "a_lengths": [9]}, 'x.npz: array "a": 1 lengths up to 9 for shape (1, 6, 88)'),
    "negative": ({"roll": -1.0 * ROLL}, 'x.npz: array "roll": -1.0 in frame 1 of a piece, where 0 is silence'),
    "no number": ({"roll": ROLL * np.nan}, 'x.npz: array "roll": nan in frame 1 of a piece, where 0 is silence'),
    "no frames": ({"roll": ROLL[:0]}, 'x.npz: array "roll": holds no frame'),
    "all silent": ({"roll": 0 * ROLL[None]}, 'x.npz: array "roll": holds no frame'),
    "objects": ({"roll": np.array([{}, 1], object)}, "x.npz: holds pickled objects, which are never loaded"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_arrays_of_no_use_end_in_one_sentence(kind, tmp_path):
    arrays, said = REFUSED[kind]
    with pytest.raises(DataError) as caught:
        rolls(tmp_path, **arrays)
    assert caught.value.message.replace(f"{tmp_path}/", "").startswith(said)
    assert caught.value.hint


class Harm:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled_and_what_is_no_archive_is_said_to_be_none(tmp_path):
    (tmp_path / "x.npz").write_bytes(pickle.dumps(Harm()))
    for content, said in ((pickle.dumps(Harm()), "pickled objects"), (b"PK\3\4 and so on", "not a whole file")):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(DataError, match=said):
            read_rolls(tmp_path / "x.npz", 4)


def voices(folder, body, form="auto"):
    text = body if isinstance(body, str) else json.dumps(body)
    (folder / "x.json").write_text(text)
    return read_voices(folder / "x.json", 4, form)


def test_voices_are_keys_and_the_number_of_keys_for_silence(tmp_path):
    found = voices(tmp_path, {"train": [[[65, 60, -1], [65.0, None, float("nan")]]], "test": [[[21, 108, 2]]]})
    assert frames(found, "train") == [[[44, 39, 88], [44, 88, 88]]]
    assert frames(found, "test") == [[[0, 87, 88]]]
    assert found.form == "voices"
    assert found.notes == ["x.json: beside the 88 keys of a piano, left out: 1 of the notes of frames"]


def test_frames_are_sets_of_keys_where_that_is_asked_for(tmp_path):
    found = voices(tmp_path, [[[65, 60], [60, 65, 70], []]], "rolls")
    assert frames(found, "all") == [[[39, 44, -1], [39, 44, 49], [-1, -1, -1]]]
    assert found.form == "rolls"


def test_pieces_without_a_frame_are_left_out_and_counted(tmp_path):
    found = voices(tmp_path, [[], [[60]]])
    assert len(found.pieces["all"]) == 1
    assert +found.dropped == {"piece without a frame": 1}


BAD_VOICES = {
    "nothing": ("", "x.json: an empty file"),
    "no json": ("[[[60", "x.json:1: no JSON, or cut short"),
    "deep": ("[" * 100_000, "x.json: no JSON of voices"),
    "a number": (7, 'x.json: "all": 7, where a list is wanted'),
    "a text": (["tune"], 'x.json: all[1]: "tune", where a list is wanted'),
    "no nesting": ([[60, 61]], "x.json: all[1], frame 1: 60, where a list is wanted"),
    "a word": ([[["C4"]]], 'x.json: all[1], frame 1: "C4" is no MIDI number'),
    "a truth value": ([[[True]]], "x.json: all[1], frame 1: true is no MIDI number"),
    "half a key": ([[[60.5]]], "x.json: all[1], frame 1: 60.5 is no MIDI number"),
    "out of range": ([[[60], [128]]], "x.json: all[1], frame 2: 128 is no MIDI number"),
    "below": ([[[-2]]], "x.json: all[1], frame 1: -2 is no MIDI number"),
    "endless": ("[[[1e999]]]", "x.json: all[1], frame 1: Infinity is no MIDI number"),
    "5 and 4 voices": (
        {"train": [[[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5], [1, 2, 3, 4]]]},
        "x.json: train[2], frame 2: 4 voices, and 5 voices before it",
    ),
    "no voices": ([[[]]], "x.json: all[1]: frames without a voice"),
    "no pieces": ({"train": []}, 'x.json: "train" holds no frame'),
    "no parts": ({}, "x.json: holds no piece"),
}


@pytest.mark.parametrize("kind", BAD_VOICES)
def test_json_that_holds_no_voices_ends_in_one_sentence(kind, tmp_path):
    body, said = BAD_VOICES[kind]
    with pytest.raises(DataError) as caught:
        voices(tmp_path, body)
    assert caught.value.message.replace(f"{tmp_path}/", "").startswith(said)
    assert caught.value.hint
