"""Pieces as MIDI files. Shape letters: N notes."""

from __future__ import annotations

import io

import mido
import numpy as np

from rnncli.data.music.midi import SECOND
from rnncli.data.music.midipieces import DRUMS

VELOCITY = 80
TICKS = 480
"""Ticks a beat, at least: so many that frames begin on one."""
CHANNELS = 16
SLOWEST = 0xFFFFFF
"""The most microseconds that a beat may have."""


def midi_bytes(notes_N4: np.ndarray, beat: int, tempo: float) -> bytes:
    """The content of a MIDI file of notes by first frame, frame behind the last, MIDI number and voice.

    A beat has ``beat`` frames, a minute ``tempo`` beats.
    """
    ticks = -(-TICKS // beat)
    microseconds = int(np.clip(round(60 * SECOND / tempo), 1, SLOWEST))
    file = mido.MidiFile(type=1, ticks_per_beat=ticks * beat)
    for voice in range(int(notes_N4[:, 3].max(initial=0)) + 1):
        track = mido.MidiTrack()
        if not voice:
            track.append(mido.MetaMessage("set_tempo", tempo=microseconds))
        track.extend(_messages(notes_N4[notes_N4[:, 3] == voice, :3] * [ticks, ticks, 1], _channel(voice)))
        file.tracks.append(track)
    stream = io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()


def _channel(voice: int) -> int:
    """A channel for each voice while there are any but that of percussion; then they share the first."""
    channel = voice + (voice >= DRUMS)
    return channel if channel < CHANNELS else 0


def _messages(notes_N3: np.ndarray, channel: int) -> list[mido.Message]:
    """Messages of notes by first tick, tick of the end and MIDI number; ends come before what begins with them."""
    events = [(begin, 1, pitch) for begin, _, pitch in notes_N3.tolist()]
    events += [(end, 0, pitch) for _, end, pitch in notes_N3.tolist()]
    messages, last = [], 0
    for tick, begins, pitch in sorted(events):
        kind = "note_on" if begins else "note_off"
        messages.append(mido.Message(kind, note=pitch, velocity=VELOCITY, channel=channel, time=tick - last))
        last = tick
    return messages
