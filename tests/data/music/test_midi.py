"""MIDI files give right notes at right times, or one sentence with file, track and byte."""

from __future__ import annotations

import io
import json
import random

import mido
import numpy as np
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.music.grid import gridded
from rnncli.data.music.midi import WRONG_LENGTH, parse_midi, read_midi
from rnncli.data.music.midipieces import MidiChoice, Tally, midi_piece
from rnncli.data.music.miditracks import NO_END, NO_TEMPO, MidiError
from rnncli.data.music.midiwriting import midi_bytes
from rnncli.data.music.pieces import notes_of
from tests.data.music.midibytes import END, chunk, file, header, meta, number, off, on, plainly, tempo, track

BEAT = on(60) + off(60, 480)


def notes(content):
    return parse_midi(content, "x.mid").notes.tolist()


def sentence(content):
    with pytest.raises(MidiError) as caught:
        parse_midi(content, "x.mid")
    return caught.value.message


def seconds(score):
    return score.seconds(score.notes[:, :2].ravel()).reshape(-1, 2).tolist()


def test_a_note_is_begin_end_key_velocity_channel_and_track():
    assert notes(file(track(), track(on(60, 10, 3, 70), off(60, 20, 3)))) == [[10, 30, 60, 70, 3, 1]]


def test_running_status_goes_on_and_a_velocity_of_0_ends_a_note():
    events = on(60) + number(480) + bytes([60, 0]) + number(0) + bytes([62, 80]) + number(480) + bytes([62, 0])
    assert [note[:3] for note in notes(file(track(events)))] == [[0, 480, 60], [480, 960, 62]]


def test_running_status_goes_on_behind_metadata_and_sysex_as_many_programs_write_it():
    events = on(60) + meta(0x01, b"text") + number(0) + b"\xf0\x02\x7e\xf7" + number(480) + bytes([60, 0])
    assert notes(file(track(events)))[0][:2] == [0, 480]


def test_a_key_struck_again_while_it_sounds_is_two_notes_the_first_of_which_ends_first():
    assert [note[:2] for note in notes(file(track(on(60), on(60, 240), off(60, 240), off(60, 240))))] == [
        [0, 480],
        [240, 720],
    ]


def test_the_same_key_on_two_channels_or_tracks_is_two_notes_that_do_not_end_each_other():
    one = track(on(60), on(60, 10, 1), off(60, 10, 0), off(60, 10, 1))
    assert [note[:2] for note in notes(file(one, track(on(60, 5), off(60, 5))))] == [[0, 20], [5, 10], [10, 30]]


def test_a_tempo_counts_for_all_tracks_wherever_it_stands():
    score = parse_midi(file(track(BEAT), track(tempo(1_000_000))), "x.mid")
    assert seconds(score) == [[0, 1]]
    assert score.tempo == 60


def test_tempos_change_inside_of_a_note():
    changes = track(tempo(500_000), tempo(1_000_000, 960), tempo(250_000, 960))
    score = parse_midi(file(changes, track(on(60, 480), off(60, 1920))), "x.mid")
    assert seconds(score) == [[0.5, 3.25]]


def test_a_tempo_of_no_use_is_left_out_and_counted():
    score = parse_midi(file(track(tempo(0), meta(0x51, b"\x01"), BEAT)), "x.mid")
    assert seconds(score) == [[0, 0.5]]
    assert score.mended == {NO_TEMPO: 2}


@pytest.mark.parametrize(("fps", "length"), [(24, 1 / 24), (25, 1 / 25), (29, 1.001 / 30), (30, 1 / 30)])
def test_time_by_the_frames_of_a_film_has_no_tempo(fps, length):
    events = tempo(123_456) + on(60, 40) + off(60, 80)
    score = parse_midi(file(track(events), division=(256 - fps) << 8 | 40), "x.mid")
    assert seconds(score) == [pytest.approx([length, 3 * length])]
    assert len(score.mended) == 1


def test_what_breaks_rules_and_harms_no_note_is_passed_over():
    odd = meta(0x59, b"\x55\x99") + meta(0x58, b"") + meta(0x54, b"\xff" * 5) + meta(0x77, b"abc") + meta(0x00, b"")
    assert len(notes(file(track(odd, meta(0x03, b"fl\xfcte"), BEAT)))) == 1
    assert parse_midi(file(track(meta(0x03, b"fl\xfcte"), BEAT)), "x.mid").names == ("flüte",)


def test_chunks_that_are_no_tracks_are_passed_over():
    content = header(1) + chunk(b"XFIH", b"\1\2\3") + track(BEAT) + chunk(b"junk", b"behind")
    assert len(notes(content)) == 1


def test_a_file_wrapped_in_riff_is_read():
    inside = file(track(BEAT))
    whole = (
        b"RIFF" + (len(inside) + 12).to_bytes(4, "little") + b"RMIDdata" + len(inside).to_bytes(4, "little") + inside
    )
    assert len(notes(whole)) == 1


def test_a_longer_header_more_tracks_than_said_and_bytes_behind_are_read():
    long = chunk(b"MThd", bytes([0, 1, 0, 1, 1, 224, 9, 9]))
    assert len(notes(long + track(BEAT) + track(BEAT) + b"\0\0\0")) == 2


def test_a_track_without_an_event_for_its_end_is_read():
    assert len(notes(file(track(BEAT, end=b"")))) == 1


def test_what_stands_behind_the_end_of_a_track_is_not_read():
    assert len(notes(file(chunk(b"MTrk", BEAT + END + BEAT), track(BEAT)))) == 2


@pytest.mark.parametrize("length", [20, 40, 10_000])
def test_a_track_that_says_too_great_a_length_is_read_to_its_end(length):
    score = parse_midi(header(2) + chunk(b"MTrk", BEAT + END, length) + track(BEAT), "x.mid")
    assert len(score.notes) == 2
    assert score.mended == {WRONG_LENGTH: 1}


def test_a_track_that_says_too_small_a_length_is_refused():
    said = sentence(header(2) + chunk(b"MTrk", BEAT + END, 3) + track(BEAT))
    assert said == "x.mid: track 1, byte 24: the track ends at byte 25, 1 too early for what begins here"


def test_a_note_without_an_end_lasts_as_long_as_its_track_and_is_counted():
    score = parse_midi(file(track(on(60), on(62, 10), off(62, 10), end=meta(0x2F, b"", 100))), "x.mid")
    assert [note[:3] for note in score.notes.tolist()] == [[0, 120, 60], [10, 20, 62]]
    assert score.mended == {NO_END: 1}


def test_an_end_of_no_note_is_nothing():
    assert len(notes(file(track(off(60), BEAT, off(60))))) == 1


ONE = file(track(BEAT))
REFUSED = {
    "empty": (b"", "x.mid: an empty file"),
    "not midi": (b"\xff\xfb\x90abc", r"x.mid: no MIDI file: it begins with b'\xff\xfb\x90a', where b'MThd' is wanted"),
    "no ticks": (file(track(BEAT), division=0), "x.mid: byte 12: a beat of 0 ticks, so that no time is known"),
    "film of no ticks": (
        file(track(BEAT), division=0xE700),
        "x.mid: byte 12: 25 frames of a film a second, of 0 ticks, so that no time is known",
    ),
    "film of 99 frames": (
        file(track(BEAT), division=(256 - 99) << 8 | 4),
        "x.mid: byte 12: 99 frames of a film a second, of 4 ticks, so that no time is known",
    ),
    "format 2": (
        file(track(BEAT), track(BEAT), kind=2),
        "x.mid: byte 8: format 2, whose tracks do not sound together",
    ),
    "format 7": (file(track(BEAT), kind=7), "x.mid: byte 8: format 7, which nobody defined"),
    "no tracks": (header(0), "x.mid: byte 10: the header says that there is no track"),
    "header alone": (header(2), "x.mid: track 1, byte 14: 2 tracks are said to be there, and the file ends at byte 14"),
    "short header": (chunk(b"MThd", b"\0\1"), "x.mid: byte 8: a header of 2 bytes, where six are wanted"),
    "cut header": (header(1)[:11], "x.mid: byte 8: the file ends at byte 11, 3 too early for what begins here"),
    "a track too few": (
        header(2) + track(BEAT),
        "x.mid: track 2, byte 35: 2 tracks are said to be there, and the file ends at byte 35",
    ),
    "cut between events": (
        ONE[:26],
        "x.mid: track 1, byte 26: the track of 13 bytes that begins at 14 ends here with the file",
    ),
    "cut in a time": (
        ONE[:27],
        "x.mid: track 1, byte 27: the track ends at byte 27, 1 too early for what begins here",
    ),
    "cut in a message": (
        ONE[:30],
        "x.mid: track 1, byte 29: the track ends at byte 30, 1 too early for what begins here",
    ),
    "data first": (
        file(track(b"\0\x3c\x50")),
        "x.mid: track 1, byte 23: data before any message, running status of nothing",
    ),
    "status in data": (
        file(track(on(60), b"\0\x90\x3c\x90")),
        "x.mid: track 1, byte 29: the byte 0x90, where data of a message are wanted",
    ),
    "unknown status": (
        file(track(b"\0\xf4")),
        "x.mid: track 1, byte 23: the status 0xf4, which nobody defined",
    ),
    "long time": (
        file(track(b"\x81\x81\x81\x81\x01" + BEAT)),
        "x.mid: track 1, byte 22: a time or a length of more than four bytes",
    ),
    "long text": (
        file(track(b"\0\xff\x01\x60abc")),
        "x.mid: track 1, byte 26: the track ends at byte 33, 89 too early for what begins here",
    ),
    "other chunk": (
        header(1) + b"what\x00\xff\xff\xff???",
        "x.mid: track 1, byte 14: b'what', where a track is to begin",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_ends_in_one_sentence_with_file_track_and_byte(kind):
    content, message = REFUSED[kind]
    assert sentence(content) == message


@pytest.mark.parametrize("count", range(len(ONE)))
def test_no_file_that_is_cut_short_passes_for_a_whole_one(count):
    assert "x.mid" in sentence(ONE[:count])


def made(generator, count, keys=127):
    begin_N = generator.integers(0, 60, count)
    columns = (begin_N, begin_N + generator.integers(1, 9, count), generator.integers(0, keys + 1, count))
    notes_N4 = np.column_stack([*columns, generator.integers(0, 12, count)])
    return notes_N4[np.lexsort(notes_N4.T[[3, 2, 0]])]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([1, 2, 3, 4, 7, 12, 96]))
@settings(max_examples=50, deadline=None)
def test_written_notes_come_back(seed, count, beat):
    notes_N4 = made(np.random.default_rng(seed), count)
    score = parse_midi(midi_bytes(notes_N4, beat, 90.0), "x.mid")
    back_N4 = gridded(score, beat)
    columns = [0, 2, 3]
    assert back_N4[:, columns].tolist() == notes_N4[:, columns].tolist()
    assert score.tempo == pytest.approx(90, rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_notes_and_times_are_those_that_symusic_reads(seed, count):
    generator = np.random.default_rng(seed)
    content = midi_bytes(made(generator, count), 4, float(generator.uniform(30, 300)))
    score = parse_midi(content, "x.mid")
    theirs = symusic.Score.from_midi(content)
    found = [(note.start, note.end, note.pitch) for one in theirs.tracks for note in one.notes]
    assert sorted(found) == sorted(map(tuple, score.notes[:, :3].tolist()))
    by_second = symusic.Score.from_midi(content, ttype="second")
    found = sorted(note.end for one in by_second.tracks for note in one.notes)
    assert np.sort(score.seconds(score.notes[:, 1])) == pytest.approx(found, abs=1e-4)


DAMAGED = 1000


def damaged(generator):
    """A file of two tracks with some bytes changed, put in, taken out, or cut off."""
    whole = midi_bytes(made(np.random.default_rng(generator.randrange(99)), 20), 4, 120)
    content = bytearray(whole)
    kind = generator.choice(("flip", "flip", "cut", "insert", "delete"))
    for _ in range(1 if kind == "cut" else generator.choice((1, 1, 2, 9))):
        at = generator.randrange(8, len(content))
        if kind == "cut":
            del content[at:]
        elif kind == "flip":
            content[at] = generator.randrange(256)
        elif kind == "insert":
            content[at:at] = generator.randbytes(generator.randrange(1, 5))
        else:
            del content[at : at + generator.randrange(1, 5)]
    return bytes(content)


def test_damaged_files_give_the_notes_that_mido_reads_or_one_sentence():
    generator = random.Random(1)
    same = refused = other = 0
    for _ in range(DAMAGED):
        content = damaged(generator)
        try:
            score = parse_midi(content, "x.mid")
            midi_piece(score, "x.mid", MidiChoice(), Tally())
        except MidiError as error:
            refused += error.message.startswith("x.mid: ") and bool(error.hint)
            continue
        try:
            expected = plainly(content)
        except (OSError, ValueError, LookupError, EOFError):  # mido refuses keys and tempos that harm no note
            other += 1
            continue
        assert sorted(map(tuple, score.notes[:, [0, 1, 2, 5]].tolist())) == expected
        same += 1
    assert same > 50
    assert same + refused + other == DAMAGED


def test_a_piece_is_written_voice_by_voice_at_its_tempo(tmp_path):
    frames = np.array([[50, 30], [50, 88], [88, 31]])
    (tmp_path / "x.mid").write_bytes(midi_bytes(notes_of(frames, "voices"), 2, 100.0))
    score = read_midi(tmp_path / "x.mid")
    assert gridded(score, 2).tolist() == [[0, 1, 51, 1], [0, 2, 71, 0], [2, 3, 52, 1]]
    assert score.tempo == pytest.approx(100, rel=1e-5)
    assert mido.MidiFile(tmp_path / "x.mid").length == pytest.approx(0.9)


def test_a_file_that_is_not_there_or_no_file_is_one_sentence(tmp_path):
    for path in (tmp_path / "no.mid", tmp_path):
        with pytest.raises(MidiError, match="cannot be read"):
            read_midi(path)


@pytest.mark.slow
def test_odd_files_are_read_right(real_data):
    folder = real_data / "music" / "odd-midi"
    expected = json.loads((folder / "expected.json").read_text())
    ends = {"tempo-changes.mid": 4.0, "tempo-in-track-2.mid": 4.0, "type0.mid": 4.0, "running-status.mid": 1.5}
    assert set(ends) < set(expected)
    for name, what in expected.items():
        score = read_midi(folder / name)
        assert len(score.notes) == what["notes"], name
        assert not score.mended, name
        if name in ends:
            assert score.seconds(score.notes[:, 1]).max() == pytest.approx(ends[name]), name


@pytest.mark.slow
def test_all_of_nottingham_comes_back_from_what_is_written_of_it(real_data):
    files = sorted((real_data / "music" / "nottingham-midi" / "midi").glob("*.mid"))
    assert len(files) == 428
    count = 0
    for path in files:
        score = read_midi(path)
        found = [(note.start, note.end, note.pitch) for one in symusic.Score(path).tracks for note in one.notes]
        assert sorted(found) == sorted(map(tuple, score.notes[:, :3].tolist())), path
        notes_N4 = gridded(score, 4)
        back_N4 = gridded(parse_midi(midi_bytes(notes_N4, 4, score.tempo), path.name), 4)
        order = [np.lexsort(one.T[[3, 2, 0]]) for one in (notes_N4, back_N4)]
        assert (notes_N4[order[0]][:, [0, 2, 3]] == back_N4[order[1]][:, [0, 2, 3]]).all(), path
        count += len(score.notes)
    assert count == 166_112


def test_a_file_that_mido_writes_is_read():
    stream = io.BytesIO()
    whole = mido.MidiFile(ticks_per_beat=96)
    whole.tracks.append(mido.MidiTrack([mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=96)]))
    whole.save(file=stream)
    assert notes(stream.getvalue()) == [[0, 96, 60, 64, 0, 0]]
