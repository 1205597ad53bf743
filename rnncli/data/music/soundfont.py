"""Pieces as sound with the instruments of a soundfont (.sf2 or .sf3), by the synthesiser of symusic.

symusic 0.6.0 reads soundfonts and cannot hand out what it makes of them, hence the range that the extra has.
Shape letters: C channels, L samples.
"""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.encodings import readable
from rnncli.data.regular import require_regular
from rnncli.errors import DataError, UsageError

RATE = 44_100
"""Samples a second."""
PEAK = 0.9
EXTRA = 'pip install "rnncli[soundfont]"'
ANOTHER = "name another file; without --soundfont a small synthesiser plays"
HEAD = 12
"""Bytes that tell a soundfont: RIFF, how many bytes follow the eighth, sfbk."""


class SoundFont:
    """A soundfont that is read; raises DataError for a file that is none, UsageError without the package to read it.

    >>> SoundFont(Path("piano.sf2")).wav(Path("tune.mid").read_bytes())[:4]
    b'RIFF'
    """

    def __init__(self, path: Path) -> None:
        _require_whole(path)
        self._path, self._symusic = path, _symusic()
        self._synthesizer = self._read()

    def wav(self, midi: bytes) -> bytes:
        """The content of a .wav file of two channels, 16 bit, of that of a MIDI file; raises DataError, UsageError."""
        score = self._symusic.Score.from_midi(midi)
        try:
            sound_CL = np.asarray(self._synthesizer.render(score, stereo=True), np.float32)
        except TypeError as error:
            raise UsageError("--soundfont: this release of the package symusic renders nothing", EXTRA) from error
        except RuntimeError as error:
            raise DataError(f"{self._path}: a soundfont that cannot be played: {error}", ANOTHER) from error
        loudest = float(np.abs(sound_CL).max(initial=0))
        if score.note_num() and not loudest:
            raise DataError(f"{self._path}: nothing sounds: it has no instrument 0, a piano as a rule", ANOTHER)
        return _wav(sound_CL * (PEAK / max(PEAK, loudest)))

    def _read(self) -> Any:
        try:
            return self._symusic.Synthesizer(sf_path=str(self._path), sample_rate=RATE, quality=0)
        except RuntimeError as error:
            raise DataError(f"{self._path}: a soundfont that cannot be read: {error}", ANOTHER) from error


def _require_whole(path: Path) -> None:
    """Raise DataError for what is not a soundfont, or the begin of one: the package would read beyond its end."""
    require_regular(path)
    with readable(str(path)):
        with path.open("rb") as file:
            head = file.read(HEAD)
        size = path.stat().st_size
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise DataError(f"{path}: not a soundfont", ANOTHER)
    if int.from_bytes(head[4:8], "little") + 8 > size:
        raise DataError(f"{path}: a soundfont that is cut off", "copy or fetch it again")


def _symusic() -> Any:
    try:
        import symusic
    except ImportError as error:
        raise UsageError("--soundfont needs the package symusic", EXTRA) from error
    return symusic


def _wav(sound_CL: np.ndarray) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(len(sound_CL))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(sound_CL.T * 32767).astype("<i2").tobytes())
    return stream.getvalue()
