"""MIDI files: read into notes with right times, and written from notes of frames.

The loop over chunks and events is our own, so that what is odd costs as little as it may. After the Standard MIDI Files
1.0 of the MIDI Association (1996). Shape letters: N notes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data.music.miditracks import AGAIN, Cursor, MidiError, TrackReader
from rnncli.data.music.pieces import TEMPO
from rnncli.data.regular import require_regular

SUFFIXES = (".mid", ".midi")
OTHER_CHUNK = "chunks that are no tracks, passed over"
WRONG_LENGTH = "tracks that say a wrong length, read to their end"
FILM_TIME = "files timed by the frames of a film, a beat taken as a second"
SECOND, USUAL_BEAT = 1_000_000, 500_000
"""Microseconds, and how many a beat has where nothing says it."""
FIELDS = 6
"""What is known of a note of a score."""


@dataclass(frozen=True, eq=False)
class MidiScore:
    """``notes`` (N, 6) int64 by begin: first tick, tick of the end, MIDI number, velocity, channel, track, from 0 each.

    ``tempos`` are ticks from which on a beat has so many microseconds, the first of them 0; ``names`` those of the
    tracks; ``mended`` counts what was odd by how it was taken.
    """

    notes: np.ndarray
    ticks_a_beat: int
    tempos: tuple[tuple[int, int], ...]
    names: tuple[str, ...]
    mended: Counter[str]

    def seconds(self, tick_N: np.ndarray) -> np.ndarray:
        """When ticks (N,) come, in seconds from the begin of the file."""
        from_M, beat_M = np.array(self.tempos, np.float64).T
        begin_M = np.r_[0, np.cumsum(np.diff(from_M) * beat_M[:-1])]
        at_N = np.searchsorted(from_M, tick_N, "right") - 1
        return (begin_M[at_N] + (tick_N - from_M[at_N]) * beat_M[at_N]) / SECOND / self.ticks_a_beat

    @property
    def tempo(self) -> float:
        """Beats a minute: the mean over the time from the first note to the end of the last."""
        if not len(self.notes):
            return TEMPO
        span = np.array([self.notes[:, 0].min(), self.notes[:, 1].max()])
        ticks, seconds = float(np.diff(span)[0]), float(np.diff(self.seconds(span))[0])
        return 60 * ticks / self.ticks_a_beat / seconds if ticks else TEMPO


def read_midi(path: Path) -> MidiScore:
    """The notes of a MIDI file of format 0 or 1; raises MidiError with the file and, inside of it, track and byte.

    A key struck again while it sounds makes two notes, of which the first begun ends first. Tempos count for all tracks
    wherever they stand.
    """
    require_regular(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MidiError("unreadable file", f"{path}: cannot be read: {error.strerror}") from error
    return parse_midi(content, str(path))


def parse_midi(content: bytes, name: str) -> MidiScore:
    """The notes of the content of a MIDI file called ``name``; raises MidiError as :func:`read_midi` does."""
    cursor = Cursor(content, name, _start(content, name), len(content))
    count, ticks_a_beat, film_beat = _read_header(cursor)
    mended: Counter[str] = Counter({FILM_TIME: int(film_beat > 0)})
    tracks: list[TrackReader] = []
    while len(tracks) < count or _begins(content, cursor.at):
        cursor.track = len(tracks) + 1
        if not _begins(content, cursor.at):
            _pass_over(cursor, count)
            mended[OTHER_CHUNK] += 1
            continue
        track = _read_track(cursor)
        mended += track.mended
        tracks.append(track)
    tempos = _tempos([] if film_beat else [tempo for track in tracks for tempo in track.tempos], film_beat)
    return MidiScore(_notes(tracks), ticks_a_beat, tempos, tuple(track.name for track in tracks), +mended)


def _start(content: bytes, name: str) -> int:
    """Where the header begins: in a file of RIFF behind what wraps it."""
    begin = 20 if content[:4] == b"RIFF" and content[8:12] == b"RMID" else 0
    if content[begin : begin + 4] == b"MThd":
        return begin
    if not content:
        raise MidiError("empty file", f"{name}: an empty file", AGAIN)
    said = f"{name}: no MIDI file: it begins with {content[:4]!r}, where b'MThd' is wanted"
    raise MidiError("no MIDI file", said, "a MIDI file holds notes; a recording is none")


def _read_header(cursor: Cursor) -> tuple[int, int, int]:
    """How many tracks there are, the ticks of a beat, and the microseconds of a beat of film time, else 0."""
    cursor.at += 4
    size = int.from_bytes(cursor.take(4))
    begin = cursor.at
    header = cursor.take(size)
    if size < 6:
        raise cursor.error("damaged", f"a header of {size} bytes, where six are wanted", at=begin)
    kind, count, division = (int.from_bytes(header[i : i + 2]) for i in (0, 2, 4))
    if kind > 2 or (kind == 2 and count > 1):
        what = "whose tracks do not sound together" if kind == 2 else "which nobody defined"
        raise cursor.error("format not read", f"format {kind}, {what}", "write it again as format 0 or 1", begin)
    if not count:
        raise cursor.error("damaged", "the header says that there is no track", at=begin + 2)
    if not division:
        raise cursor.error("damaged", "a beat of 0 ticks, so that no time is known", at=begin + 4)
    ticks_a_beat, film_beat = _film_time(cursor, division, begin + 4) if division >= 0x8000 else (division, 0)
    return count, ticks_a_beat, film_beat


def _film_time(cursor: Cursor, division: int, begin: int) -> tuple[int, int]:
    """The ticks of a beat, for which 1 second is taken, and its microseconds, after the frames of a film a second."""
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in (24, 25, 29, 30) or not ticks:
        said = f"{frames} frames of a film a second, of {ticks} ticks, so that no time is known"
        raise cursor.error("damaged", said, at=begin)
    # 29 stands for 29.97: 30 frames in 1.001 seconds.
    return (30 if frames == 29 else frames) * ticks, 1_001_000 if frames == 29 else SECOND


def _begins(content: bytes, at: int) -> bool:
    """Whether a track begins here."""
    return content[at : at + 4] == b"MTrk"


def _pass_over(cursor: Cursor, count: int) -> None:
    """Go behind a chunk that is no track."""
    begin, size = cursor.at, len(cursor.content)
    if begin + 8 > size:
        said = f"{count} tracks are said to be there, and the file ends at byte {size:,}"
        raise cursor.error("cut short", said)
    kind = cursor.take(4)
    length = int.from_bytes(cursor.take(4))
    if cursor.at + length > size:
        raise cursor.error("damaged", f"{kind!r}, where a track is to begin", at=begin)
    cursor.at += length


def _read_track(cursor: Cursor) -> TrackReader:
    """The track that begins here; the cursor goes where the next one does.

    Where that cannot be, by the length that the track says of itself, it is behind the event that ended it.
    """
    begin, size = cursor.at, len(cursor.content)
    cursor.at += 4
    length = int.from_bytes(cursor.take(4))
    said_end = cursor.at + length
    cursor.end = min(said_end, size)
    track = TrackReader(cursor)
    track.read()
    if not track.ended and said_end > size:
        raise cursor.error(
            "cut short", f"the track of {length:,} bytes that begins at {begin:,} ends here with the file"
        )
    cursor.end = size
    if said_end > size or (_begins(cursor.content, cursor.at) and not _begins(cursor.content, said_end)):
        track.mended[WRONG_LENGTH] += 1
    else:
        cursor.at = said_end
    return track


def _tempos(found: list[tuple[int, int]], film_beat: int) -> tuple[tuple[int, int], ...]:
    """From which tick on a beat has how many microseconds; of those for one tick the last counts."""
    return tuple(sorted({0: film_beat or USUAL_BEAT, **dict(sorted(found, key=lambda tempo: tempo[0]))}.items()))


def _notes(tracks: list[TrackReader]) -> np.ndarray:
    rows = [(*note, number) for number, track in enumerate(tracks) for note in track.notes]
    notes_N6 = np.array(rows, np.int64).reshape(-1, FIELDS)
    return notes_N6[np.lexsort((notes_N6[:, 5], notes_N6[:, 2], notes_N6[:, 0]))]
