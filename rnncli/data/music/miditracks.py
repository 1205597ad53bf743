"""The tracks of MIDI files: bytes to notes and tempos by ticks.

What notes and times do not need is passed over by its length, so that a key signature that breaks the rules harms
nobody. Positions in messages count bytes from 0, as hexadecimal viewers do.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from rnncli.errors import DataError

AGAIN = "take it from another copy, or leave it out"
NO_END = "notes without an end, held to the end of their track"
NO_TEMPO = "tempos of no use, left out"
META, SYSEX, SYSEX_MORE = 0xFF, 0xF0, 0xF7
NAME, TRACK_END, SET_TEMPO = 0x03, 0x2F, 0x51
NOTE_OFF, NOTE_ON = 0x80, 0x90
ONE_BYTE = 0xC0
"""Programs and pressures of channels, 0xC0 to 0xDF, have a byte of data; all else of channels two."""
SYSTEM = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}
"""The bytes of data of messages of the system."""


class MidiError(DataError):
    """One MIDI file that is of no use; ``reason`` is the kind of trouble, to count those of a kind."""

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass
class Cursor:
    """A place in the bytes of a file called ``name``; ``track`` is the number of that which is read, 0 for none yet."""

    content: bytes
    name: str
    at: int = 0
    end: int = 0
    """The byte behind what may be read."""
    track: int = 0

    def error(self, reason: str, message: str, hint: str = AGAIN, at: int | None = None) -> MidiError:
        """What is wrong at a byte, at this one where none is given."""
        where = f"track {self.track}, " if self.track else ""
        return MidiError(reason, f"{self.name}: {where}byte {self.at if at is None else at:,}: {message}", hint)

    def byte(self) -> int:
        """The next byte; raises MidiError where there is none."""
        if self.at >= self.end:
            self.take(1)
        self.at += 1
        return self.content[self.at - 1]

    def take(self, count: int) -> bytes:
        """The next bytes; raises MidiError where there are fewer."""
        if self.at + count > self.end:
            whose = "the track" if self.track else "the file"
            said = f"{whose} ends at byte {self.end:,}, {self.at + count - self.end:,} too early for what begins here"
            raise self.error("cut short", said)
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self) -> int:
        """A number of one to four bytes, of seven bits each; raises MidiError for a longer one."""
        value, begin = 0, self.at
        for _ in range(4):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise self.error("damaged", "a time or a length of more than four bytes", at=begin)


@dataclass
class TrackReader:
    """Reads the events of one track from ``cursor`` up to its end.

    ``notes`` are first tick, tick of the end, MIDI number, velocity and channel; ``tempos`` tick and microseconds of a
    beat; ``tick`` is that of the last event, ``ended`` whether it said that the track ends; ``mended`` counts what was
    odd.
    """

    cursor: Cursor
    notes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    name: str = ""
    tick: int = 0
    ended: bool = False
    mended: Counter[str] = field(default_factory=Counter)
    _status: int = 0
    _sounding: dict[tuple[int, int], deque[tuple[int, int]]] = field(default_factory=dict)
    """Of each channel and key the notes that go on, the first begun first: their first ticks and velocities."""

    def read(self) -> None:
        """Read all; raises MidiError."""
        while self.cursor.at < self.cursor.end and not self.ended:
            self.tick += self.cursor.number()
            self._event()
        for (channel, pitch), notes in self._sounding.items():
            self.mended[NO_END] += len(notes)
            self.notes += [(begin, self.tick, pitch, velocity, channel) for begin, velocity in notes]

    def _event(self) -> None:
        begin = self.cursor.at
        first = self.cursor.byte()
        if first == META:
            self._meta(self.cursor.byte(), self.cursor.take(self.cursor.number()))
        elif first in (SYSEX, SYSEX_MORE):
            self.cursor.take(self.cursor.number())
        elif first > SYSEX:
            self.cursor.take(self._length(first, begin))
        else:
            if first < NOTE_OFF:
                self.cursor.at = begin
                if not self._status:
                    raise self.cursor.error("damaged", "data before any message, running status of nothing")
            else:
                self._status = first
            self._channel_message()

    def _length(self, status: int, begin: int) -> int:
        """How many bytes of data follow a status."""
        if status < SYSEX:
            return 1 if status & 0xE0 == ONE_BYTE else 2
        if status not in SYSTEM:
            raise self.cursor.error("damaged", f"the status {status:#04x}, which nobody defined", at=begin)
        return SYSTEM[status]

    def _meta(self, kind: int, data: bytes) -> None:
        if kind == TRACK_END:
            self.ended = True
        elif kind == NAME and not self.name:
            self.name = _text(data)
        elif kind == SET_TEMPO:
            tempo = int.from_bytes(data) if len(data) == 3 else 0
            if tempo:
                self.tempos.append((self.tick, tempo))
            else:
                self.mended[NO_TEMPO] += 1

    def _channel_message(self) -> None:
        begin = self.cursor.at
        data = self.cursor.take(self._length(self._status, begin))
        if max(data) > 0x7F:
            at = next(i for i, byte in enumerate(data) if byte > 0x7F)
            raise self.cursor.error(
                "damaged", f"the byte {data[at]:#04x}, where data of a message are wanted", at=begin + at
            )
        if self._status & 0xF0 in (NOTE_OFF, NOTE_ON):
            self._note(self._status & 0xF0, self._status & 0x0F, *data)

    def _note(self, kind: int, channel: int, pitch: int, velocity: int) -> None:
        key = channel, pitch
        if kind == NOTE_ON and velocity:
            self._sounding.setdefault(key, deque()).append((self.tick, velocity))
        elif self._sounding.get(key):
            begin, struck = self._sounding[key].popleft()
            self.notes.append((begin, self.tick, pitch, struck, channel))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8").strip("\0 \r\n\t")
    except UnicodeDecodeError:
        return data.decode("latin-1").strip("\0 \r\n\t")
