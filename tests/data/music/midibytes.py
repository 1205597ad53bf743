"""MIDI files put together by hand, and a plain reader of them to hold ours against."""

from __future__ import annotations

import io
from collections import defaultdict

import mido


def number(value: int) -> bytes:
    """A number of seven bits a byte."""
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(value & 0x7F | 0x80)
    return bytes(reversed(found))


def on(pitch: int, after: int = 0, channel: int = 0, velocity: int = 80) -> bytes:
    return number(after) + bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, after: int = 0, channel: int = 0) -> bytes:
    return number(after) + bytes([0x80 | channel, pitch, 64])


def meta(kind: int, data: bytes, after: int = 0) -> bytes:
    return number(after) + bytes([0xFF, kind]) + number(len(data)) + data


def tempo(microseconds: int, after: int = 0) -> bytes:
    return meta(0x51, microseconds.to_bytes(3), after)


END = meta(0x2F, b"")


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    return kind + (len(content) if length is None else length).to_bytes(4) + content


def track(*events: bytes, end: bytes = END) -> bytes:
    return chunk(b"MTrk", b"".join(events) + end)


def header(tracks: int, division: int = 480, kind: int = 1) -> bytes:
    return chunk(b"MThd", b"".join(value.to_bytes(2) for value in (kind, tracks, division)))


def file(*tracks: bytes, division: int = 480, kind: int = 1) -> bytes:
    return header(len(tracks), division, kind) + b"".join(tracks)


def plainly(content: bytes) -> list[tuple[int, int, int, int]]:
    """First tick, tick of the end, MIDI number and track of each note, by mido's own loop; OSError and the like."""
    found = []
    for at, messages in enumerate(mido.MidiFile(file=io.BytesIO(content)).tracks):
        tick, begun = 0, defaultdict(list)
        for message in messages:
            tick += message.time
            if message.type == "end_of_track":
                break
            if message.type not in ("note_on", "note_off"):
                continue
            waiting = begun[message.channel, message.note]
            if message.type == "note_on" and message.velocity:
                waiting.append(tick)
            elif waiting:
                found.append((waiting.pop(0), tick, message.note, at))
        found += [(begin, tick, note, at) for (_, note), waiting in begun.items() for begin in waiting]
    return sorted(found)
