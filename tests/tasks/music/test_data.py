"""Which pieces train, choose and test, from files of every kind; and what ends in one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnncli.data.music.midiwriting import midi_bytes
from rnncli.data.music.pieces import KEYS, MusicPiece, notes_of, sounding
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.music.builtin import tunes
from rnncli.tasks.music.data import MusicPart, read_corpus, read_part
from rnncli.tasks.music.extras import checks
from rnncli.tasks.music.schema import MusicRecipe
from tests.data.music.midibytes import file, meta, off, on, track


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(**data):
    return MusicRecipe().having({f"data.{key}": value for key, value in data.items()})


def corpus(**data):
    return read_corpus(recipe(**data), tunes)


def tune(number, length=32):
    """A melody that no other number has."""
    keys = np.random.default_rng(number).integers(30, 60, length)
    return MusicPiece(f"tune{number}", keys[:, None].astype(np.int16), 4, 90.0)


def write_midi(path, piece):
    path.write_bytes(midi_bytes(notes_of(piece.frames), piece.beat, piece.tempo))


def read_piece(path, **data):
    found = read_part(recipe(**data), path)
    return found.parts["test"].pieces[0], found.notes


def write_tunes(folder, count, start=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        write_midi(folder / f"t{number:02}.mid", tune(number))


def sizes(found):
    return {name: len(part) for name, part in found.parts.items()}


def refusal(**data):
    with pytest.raises(DataError) as caught:
        corpus(**data)
    assert caught.value.hint
    return caught.value.message


def test_a_folder_of_midi_files_is_split_by_pieces(here):
    write_tunes(here / "midi", 20)
    found = corpus(train="midi")
    assert sizes(found) == {"train": 16, "dev": 2, "test": 2}
    assert found.headline == "midi: 20 pieces, 640 frames, piano rolls"
    assert found.chosen == {"data.form": "rolls"}
    places = {part.place(row) for part in found.parts.values() for row in range(len(part))}
    assert places == {f"midi/t{number:02}.mid" for number in range(20)}
    first = next(piece for piece in found.parts["train"].pieces if piece.place == "midi/t00.mid")
    assert (first.frames == tune(0).frames).all()
    assert first.tempo == pytest.approx(90, rel=1e-4)
    again = corpus(train="midi/*.mid", root=str(here))
    assert {part.place(0) for part in again.parts.values()} == {part.place(0) for part in found.parts.values()}


def test_folders_named_after_parts_are_those_parts(here):
    for name, count in (("train", 3), ("valid", 2), ("test", 1)):
        write_tunes(here / "midi" / name / "deeper", count)
    assert sizes(corpus(train="midi")) == {"train": 3, "dev": 2, "test": 1}


def test_files_of_dev_and_test_are_those_parts(here):
    write_tunes(here / "a", 3)
    write_tunes(here / "b", 2, 10)
    write_tunes(here / "c", 1, 20)
    found = corpus(train="a", dev="b", test="c")
    assert sizes(found) == {"train": 3, "dev": 2, "test": 1}
    assert found.parts["test"].place(0) == "c/t20.mid"


def test_few_pieces_are_cut_by_place(here):
    write_midi(here / "x.mid", tune(1, 100))
    found = corpus(train="x.mid")
    assert [len(part.pieces[0]) for part in found.parts.values()] == [80, 10, 10]
    whole = np.concatenate([part.pieces[0].frames for part in found.parts.values()])
    assert (whole == tune(1, 100).frames).all()
    assert found.parts["dev"].place(0) == "x.mid, frame 81"
    write_midi(here / "y.mid", tune(2))
    given = corpus(train="x.mid", test="y.mid")
    assert [len(part.pieces[0]) for part in given.parts.values()] == [90, 10, 32]


def test_rolls_and_voices_have_parts_of_their_own(here):
    roll = sounding(tune(1).frames)
    np.savez(here / "x.npz", train=roll, train_lengths=[20, 12], valid=roll[:9], test=roll[:5], other=roll)
    found = corpus(train="x.npz", grid=2)
    assert sizes(found) == {"train": 2, "dev": 1, "test": 1}
    assert found.notes[0] == "x.npz: parts left out: other"
    assert found.parts["train"].pieces[0].beat == 2
    (here / "x.json").write_text(json.dumps({"a": [[[60, 48]] * 4], "valid": [[[62, -1]]], "b": [[[64, 50]]]}))
    named = corpus(train="x.json", splits={"train": "a", "dev": "valid", "test": "b"})
    assert named.parts["dev"].pieces[0].frames.tolist() == [[41, KEYS]]
    assert (named.parts["train"].form, named.parts["train"].slots) == ("voices", 2)
    as_sets = corpus(train="x.json", splits={"train": "a", "dev": "valid", "test": "b"}, form="rolls")
    assert as_sets.parts["train"].pieces[0].frames[0].tolist() == [27, 39]


def test_steps_have_as_many_slots_in_all_pieces():
    one, two = np.array([[3], [4]], np.int16), np.array([[1, 2, 3]], np.int16)
    part = MusicPart((MusicPiece("a", one), MusicPiece("b", two)), "rolls")
    steps = part.steps()
    assert steps.values.tolist() == [[3, -1, -1], [4, -1, -1], [1, 2, 3]]
    assert steps.bounds_D1.tolist() == [0, 2, 3]
    assert part.take(np.array([1])).place(0) == "b"


def voices_file():
    conductor = track(meta(0x03, b"conductor"))
    high = track(meta(0x03, b"Soprano"), on(72), off(72, 480), on(74), off(74, 480))
    low = track(meta(0x03, b"Bass"), on(48, channel=1), on(52, channel=1), off(48, 960, 1), off(52, 0, 1))
    drums = track(on(36, channel=9), off(36, 480, 9))
    return file(conductor, high, low, drums)


def test_tracks_are_chosen_by_number_or_name_and_drums_stand_apart(here):
    (here / "x.mid").write_bytes(voices_file())

    def pitches(**data):
        found, notes = read_piece(here / "x.mid", **data)
        return sorted({pitch for _, _, pitch, _ in notes_of(found.frames).tolist()}), notes

    assert pitches() == ([48, 52, 72, 74], ("percussion (channel 10), left out: 1 hit",))
    assert pitches(drums="keep")[0] == [36, 48, 52, 72, 74]
    assert pitches(tracks=(2,)) == ([72, 74], ())
    assert pitches(tracks=("2", "bass"))[0] == [48, 52, 72, 74]
    for missing in ((7,), ("alto",)):
        with pytest.raises(DataError, match="no track") as caught:
            pitches(tracks=missing)
        assert caught.value.hint == "data.tracks: there are 1 conductor, 2 Soprano, 3 Bass, 4"


def test_tracks_are_voices_where_that_is_asked_for(here):
    (here / "x.mid").write_bytes(voices_file())
    found, notes = read_piece(here / "x.mid", form="voices", grid=1)
    assert found.frames.tolist() == [[51, 31], [53, 31]]
    assert "below others of their track, left out: 2 of the notes of frames" in notes


def test_files_with_another_number_of_voices_are_left_out_and_counted(here):
    for number in range(12):
        (here / f"{number:02}.mid").write_bytes(file(track(on(60 + number), off(60 + number, 4800))))
    (here / "99.mid").write_bytes(voices_file())
    found = corpus(train=".", form="voices")
    assert sum(sizes(found).values()) == 12
    assert found.dropped == {"MIDI file, with another number of voices": 1}


def test_silence_before_the_first_note_goes_by_whole_beats(here):
    (here / "x.mid").write_bytes(file(track(on(60, 480 * 8 + 240), off(60, 240))))
    found, _ = read_piece(here / "x.mid")
    assert found.frames.tolist() == [[-1], [-1], [39], [39]]


def test_what_the_grid_and_frames_cannot_tell_is_said(here):
    triplets = file(track(*(event for _ in range(6) for event in (on(60), off(60, 160)))))
    (here / "x.mid").write_bytes(triplets)
    _, notes = read_piece(here / "x.mid")
    assert notes == (
        "beside the grid of 4 frames a beat, moved to it: 4 of 6 notes; data.grid=6 has nearly all of them on it",
        "right behind one of their key, which frames show as one that is held: 5 of 6 notes",
    )


def test_files_of_no_use_are_left_out_counted_and_named(here):
    write_tunes(here / "midi", 12)
    whole = (here / "midi" / "t00.mid").read_bytes()
    for number in range(5):
        (here / "midi" / f"bad{number}.mid").write_bytes(whole[: 40 + number])
    (here / "midi" / "silent.mid").write_bytes(file(track()))
    (here / "midi" / "._t00.mid").write_bytes(b"\0\5\x16\7")
    (here / "midi" / "notes.txt").write_text("of mine")
    found = corpus(train="midi")
    assert sum(sizes(found).values()) == 12
    assert found.dropped == {"MIDI file, cut short": 5, "MIDI file, without notes": 1}
    assert "left out: 3 more files" in found.notes


def test_a_piece_that_would_fill_the_memory_is_refused(here):
    late = b"\x8f\xff\xff\x7f"
    (here / "x.mid").write_bytes(file(track(on(60), off(60, 1), late + on(60)[1:], off(60, 1)), division=1))
    assert refusal(train="x.mid") == ("x.mid: its notes lie 33,554,433 beats apart, at most 1,000,000 frames are read")


def test_what_cannot_be_read_ends_in_one_sentence(here):
    (here / "empty").mkdir()
    (here / "two").mkdir()
    for name in ("two/a.npz", "two/b.npz", "one.npz"):
        np.savez(here / name, roll=np.ones((3, 88)))
    np.savez(here / "unknown.npz", a=np.ones((3, 88)), b=np.ones((3, 88)))
    np.savez(here / "twice.npz", train=np.ones((3, 88)), valid=np.ones((3, 88)), dev=np.ones((3, 88)))
    np.savez(here / "late.npz", valid=np.ones((3, 88)), test=np.ones((3, 88)))
    np.savez(here / "silent.npz", **{name: np.zeros((9, 88)) for name in ("train", "valid", "test")})
    (here / "x.json").write_text(json.dumps([[[60, 61]]] * 30))
    (here / "y.json").write_text(json.dumps([[[60, 61, 62]]] * 30))
    (here / "x.wav").write_bytes(b"RIFF")
    said = {
        "empty": "empty: holds no MIDI file, nor one of rolls or voices",
        "two": "two: holds several files of pieces: a.npz, b.npz",
        "two/*.npz": "two/*.npz: two/a.npz is no MIDI file",
        "none/*.mid": "none/*.mid: no such file or folder",
        "no.mid": "no.mid: no such file or folder",
        "x.wav": 'x.wav: no reader for files that end in ".wav"',
        "unknown.npz": "unknown.npz: holds a, b, none of them train",
        "twice.npz": "twice.npz: two parts that mean dev",
        "late.npz": "there is no train part, only dev, test",
        "silent.npz": "silent.npz: no note sounds in any piece of train",
    }
    assert {place: refusal(train=place) for place in said} == said
    assert refusal(train="one.npz", form="voices") == "one.npz: piano rolls do not tell voices"
    assert refusal(train="x.json", dev="one.npz") == "one.npz: rolls, and data.train has voices"
    assert refusal(train="x.json", dev="y.json") == "y.json: 3 voices, and data.train has 2"
    assert refusal(train="x.json", split_column="a") == 'data.split_column: pieces have no column "a"'
    assert refusal(train="x.json", splits={"train": "b"}) == 'data.splits: x.json has no part "b"'
    assert refusal(train="a/b", source="datasets") == "data.source=datasets: music is read from files"
    assert "nothing is left" in refusal(train="one.npz", test_fraction=0.01)


def test_a_further_file_is_a_test_part(here):
    write_midi(here / "x.mid", tune(1))
    found = read_part(recipe(), here / "x.mid")
    assert sizes(found) == {"test": 1}
    np.savez(here / "x.npz", train=np.ones((3, 88)), test=np.ones((2, 88)))
    assert len(read_part(recipe(), here / "x.npz").parts["test"].pieces[0]) == 2
    np.savez(here / "y.npz", train=np.ones((3, 88)), valid=np.ones((2, 88)))
    with pytest.raises(DataError, match=r"y.npz: holds train, dev, no test"):
        read_part(recipe(), here / "y.npz")


def test_built_in_tunes_are_the_same_each_time_and_their_phrases_return():
    first, again = tunes(2), tunes(2)
    assert len(first) == 60
    for one, other in zip(first, again, strict=True):
        assert (one.frames == other.frames).all()
        phrases = np.split(sounding(one.frames), 4)
        assert (phrases[0] == phrases[1]).all()
        assert (phrases[0] != phrases[2]).any()
        # The last phrase is the first but for its close, on the home chord.
        assert (phrases[0][:24] == phrases[3][:24]).all()
        assert 100 < len(one) <= 128
    assert len({one.frames.tobytes() for one in first}) == 60


def test_built_in_tunes_on_a_finer_grid_are_the_same_music():
    for coarse, fine in zip(tunes(2), tunes(4), strict=True):
        assert (np.repeat(sounding(coarse.frames), 2, axis=0) == sounding(fine.frames)).all()


def test_tables_and_findings_tell_of_pieces_that_train_has_too(here):
    write_tunes(here / "a", 12)
    write_tunes(here / "b", 3, 20)
    higher = here / "c"
    higher.mkdir()
    for number in range(4):
        notes_N4 = notes_of(tune(number).frames)
        notes_N4[:, 2] += 5
        (higher / f"{number}.mid").write_bytes(midi_bytes(notes_N4, 4, 120.0))
    found = corpus(train="a", dev="b", test="c")
    tables = {table.title: table.rows for table in checks.tables(recipe(), found)}
    assert tables["pieces, and their lengths in frames"][0] == ("train", "12", "384", "32", "32", "32", "32")
    assert dict(tables["equal pieces, in whatever key"])["test also in train"] == "4"
    assert dict(tables["equal pieces, in whatever key"])["dev also in train"] == "0"
    alike = tables["pieces most of whose runs of 8 chords stand in train, in any key"]
    assert [row[1] for row in alike] == ["0 of 3", "4 of 4"]
    [advice] = checks.findings(found)
    assert advice.says.startswith("4 of the 4 pieces of test resemble pieces of train (c/0.mid, c/1.mid, c/2.mid, say)")


def test_findings_tell_of_a_grid_that_is_too_fine_and_of_silence(here):
    frames = np.repeat(np.array([[40], [41], [-1], [-1], [-1], [45]], np.int16), 4, axis=0)
    part = MusicPart(tuple(MusicPiece(f"{number}", frames) for number in range(3)), "rolls")
    said = [advice.says for advice in checks.findings(Corpus({"train": part}, ""))]
    assert said == ["what sounds changes every 4 frames at most"]
    quiet = MusicPart((MusicPiece("x", np.where(frames == 40, frames, -1)),), "rolls")
    assert any(
        "83 % of the frames are silent" in advice.says for advice in checks.findings(Corpus({"train": quiet}, ""))
    )


REAL = {
    ("jsb", "rolls.npz"): ((229, 76, 77), (13_807, 4_602, 4_725), "rolls", 4),
    ("jsb", "satb16.json"): ((229, 76, 77), (55_228, 18_408, 18_900), "voices", 4),
    ("nottingham", "rolls.npz"): ((694, 173, 170), (176_561, 45_513, 44_463), "rolls", 9),
}


@pytest.mark.slow
@pytest.mark.parametrize("source", REAL, ids="-".join)
def test_chorales_and_folk_tunes_are_read_in_their_splits(source, real_data):
    folder, name = source
    pieces, frames, form, slots = REAL[source]
    found = corpus(root=str(real_data / "music" / folder), train=name)
    assert tuple(sizes(found).values()) == pieces
    assert tuple(len(part.steps().values) for part in found.parts.values()) == frames
    assert (found.parts["train"].form, found.parts["train"].slots) == (form, slots)


@pytest.mark.slow
def test_a_folder_of_all_of_nottingham_is_read(real_data):
    found = corpus(root=str(real_data / "music"), train="nottingham-midi")
    assert sum(sizes(found).values()) == 428
    assert not found.dropped
    assert [note.split(": ")[-1] for note in found.notes[:2]] == ["342 of 166,112 notes", "2 of 166,112 notes"]


@pytest.mark.slow
def test_odd_files_are_pieces(real_data):
    found = corpus(root=str(real_data / "music"), train="odd-midi")
    assert found.headline.startswith("odd-midi: 8 pieces")
    assert not found.dropped
