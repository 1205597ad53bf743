"""Recordings as samples: wav, flac, ogg, opus, mp3, sph and what else libsndfile reads, as one channel of float32.

Shape letters: N samples, C channels.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.regular import require_regular
from rnncli.errors import DataError, UserError

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph", ".aiff", ".aif", ".au", ".w64", ".caf")
CLIPPED = 0.999
"""From this part of full scale a sample counts as clipped."""
CANCELLED = 0.01
"""Share of the power of the channels below which they cancel each other in their mean."""
SILENCE = 1e-8
"""Power, of full scale, below which a recording is silent anyway."""
OPPOSITE = "channels of opposite phase cancel each other in the mean; the first is read alone"
UNSIZED = "the header says that there are no samples; those that follow it are read"
LEAST_RATE, MOST_RATE = 1000, 768_000
MISSING = "paths are taken from the folder of the file that names them"
AGAIN = "record it again, or take it out of the data"


class RecordingError(DataError):
    """One recording that is of no use; ``reason`` is the kind of trouble, to count those of a kind."""

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples of one channel, float32 from -1 to 1, (N,), their rate in Hz, and how many channels were mixed.

    ``remark`` is what a person should know of how they were read, empty for nothing.
    """

    samples: np.ndarray
    rate: int
    channels: int = 1
    remark: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


def read_sound(source: Path | bytes, name: str = "", span: tuple[float, float] | None = None) -> Sound:
    """A recording, its channels mixed by their mean; a path, or the content of a file called ``name``.

    Of channels that cancel each other one is taken. ``span`` cuts a stretch: where it begins and how long it
    is, in seconds.
    Raises RecordingError naming the file for what is missing, unreadable, empty, or holds samples that are no numbers.
    """
    name = name or str(source)
    content = read_content(source) if isinstance(source, Path) else source
    if not content:
        raise RecordingError("empty file", f"{name}: an empty file", AGAIN)
    soundfile = import_soundfile()
    sized = with_size(content)
    try:
        with soundfile.SoundFile(io.BytesIO(sized)) as file:
            rate = file.samplerate
            start, length = (0, -1) if span is None else (round(part * rate) for part in span)
            start = min(start, file.frames)
            file.seek(start)
            samples_NC = file.read(length, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise _unreadable(name, error, content) from error
    _require_rate(name, rate)
    if not len(samples_NC):
        raise RecordingError("recording without samples", f"{name}: holds no samples", AGAIN)
    _require_numbers(name, samples_NC)
    cancels = _cancels(samples_NC)
    remark = OPPOSITE if cancels else UNSIZED if sized is not content else ""
    return Sound(_mixed(samples_NC, cancels), int(rate), samples_NC.shape[1], remark)


def read_blocks(path: Path, seconds: float = 10.0) -> tuple[int, Iterator[np.ndarray]]:
    """The rate of a recording, and its samples a block after the other, mixed; raises RecordingError, as does reading.

    What is in memory at a time is a block.
    """
    name = str(path)
    _require_regular(path)
    if path.is_file() and not path.stat().st_size:
        raise RecordingError("empty file", f"{name}: an empty file", AGAIN)
    soundfile = import_soundfile()
    try:
        opened = soundfile.SoundFile(path)
        if not opened.frames:
            opened = soundfile.SoundFile(io.BytesIO(with_size(path.read_bytes())))
    except FileNotFoundError as error:
        raise RecordingError("missing file", f"{name}: no such file", MISSING) from error
    except OSError as error:
        raise RecordingError("unreadable file", f"{name}: cannot be read: {error.strerror or error}") from error
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise _unreadable(name, error, path.read_bytes()[:64]) from error
    _require_rate(name, opened.samplerate)

    def blocks() -> Iterator[np.ndarray]:
        with opened:
            try:
                for block_NC in opened.blocks(int(seconds * opened.samplerate), dtype="float32", always_2d=True):
                    _require_numbers(name, block_NC)
                    yield _mixed(block_NC, _cancels(block_NC))
            except soundfile.SoundFileError as error:
                raise _unreadable(name, error, b"") from error

    return int(opened.samplerate), blocks()


def read_wave(path: Path) -> Sound:
    """A wav file of whole numbers as :func:`read_sound` reads it, without a package; raises RecordingError."""
    content = read_content(path)
    if not content:
        raise RecordingError("empty file", f"{path}: an empty file", AGAIN)
    try:
        with wave.open(io.BytesIO(with_size(content))) as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            samples_NC = _whole_numbers(file.readframes(file.getnframes()), width).reshape(-1, channels)
    except (wave.Error, EOFError, ValueError) as error:
        said = f"{path}: no wav file of whole numbers, which is all that is read here: {error}"
        raise RecordingError("unreadable recording", said, "convert it to a wav file of 16 bits") from error
    _require_rate(str(path), rate)
    if not len(samples_NC):
        raise RecordingError("recording without samples", f"{path}: holds no samples", AGAIN)
    return Sound(_mixed(samples_NC, _cancels(samples_NC)), rate, channels)


def read_content(path: Path) -> bytes:
    """The bytes of a regular file; raises RecordingError."""
    _require_regular(path)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RecordingError("missing file", f"{path}: no such file", MISSING) from error
    except OSError as error:
        raise RecordingError("unreadable file", f"{path}: cannot be read: {error.strerror or error}") from error


def with_size(content: bytes) -> bytes:
    """A wav file whose header says how many bytes of samples follow, where it says 0 as one that was streamed does."""
    order = {b"RIFF": "little", b"RIFX": "big"}.get(content[:4])
    if (order != "little" and order != "big") or content[8:12] != b"WAVE":
        return content
    at = 12
    while at + 8 <= len(content):
        size, body = int.from_bytes(content[at + 4 : at + 8], order), at + 8
        if content[at : at + 4] == b"data":
            rest = len(content) - body
            # Behind no samples there may be other chunks, which begin with a name of letters and a size that fits.
            follows = (
                content[body : body + 4].isalpha() and int.from_bytes(content[body + 4 : body + 8], order) <= rest - 8
            )
            if size or not rest or follows:
                return content
            return content[: at + 4] + rest.to_bytes(4, order) + content[body:]
        at = body + size + size % 2
    return content


def pcm(content: bytes) -> np.ndarray:
    """Raw 16-bit little-endian samples as float32, (N,)."""
    return np.frombuffer(content, dtype="<i2").astype(np.float32) / 32768


def _whole_numbers(content: bytes, width: int) -> np.ndarray:
    """Samples of so many bytes as float32, (N,)."""
    if width == 1:
        return (np.frombuffer(content, np.uint8).astype(np.float32) - 128) / 128
    if width == 2:
        return pcm(content)
    filled = np.zeros((len(content) // width, 4), np.uint8)
    filled[:, 4 - width :] = np.frombuffer(content, np.uint8).reshape(-1, width)
    return (filled.view("<i4")[:, 0] / 2.0**31).astype(np.float32)


def import_soundfile() -> Any:
    """The module soundfile; raises UserError with the remedy where it cannot be had."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise UserError(
            f"recordings cannot be read: the package soundfile does not work here: {_reason(error)}",
            "pip install --force-reinstall soundfile; .npy features (column features) do without it",
        ) from error
    return soundfile


def _require_regular(path: Path) -> None:
    try:
        require_regular(path)
    except DataError as error:
        raise RecordingError("no regular file", error.message, error.hint) from error


def _cancels(samples_NC: np.ndarray) -> bool:
    """Whether little is left of the mean of the channels, as of two of opposite phase."""
    if samples_NC.shape[1] == 1:
        return False
    power = float(np.square(samples_NC, dtype=np.float64).mean())
    return power > SILENCE and float(np.square(samples_NC.mean(1), dtype=np.float64).mean()) < CANCELLED * power


def _mixed(samples_NC: np.ndarray, cancels: bool) -> np.ndarray:
    """One channel (N,): the mean, or the first of the loud ones where channels cancel each other."""
    if not cancels:
        return samples_NC.mean(1)
    loud_C = np.abs(samples_NC).sum(0)
    return np.ascontiguousarray(samples_NC[:, (2 * loud_C >= loud_C.max()).argmax()])


def _require_rate(name: str, rate: int) -> None:
    if not LEAST_RATE <= rate <= MOST_RATE:
        hint = f"from {LEAST_RATE} to {MOST_RATE} Hz can be read"
        raise RecordingError("odd sample rate", f"{name}: a sample rate of {rate} Hz", hint)


def _require_numbers(name: str, samples_NC: np.ndarray) -> None:
    if not np.isfinite(samples_NC).all():
        hint = "write it again as 16-bit audio"
        raise RecordingError("samples that are no numbers", f"{name}: holds samples that are no numbers", hint)


def _unreadable(name: str, error: Exception, content: bytes) -> RecordingError:
    said = f"{name}: cannot be read as audio: {_reason(error)}"
    return RecordingError("unreadable recording", said, _hint(content))


def _hint(content: bytes) -> str:
    if content[:8] == b"NIST_1A\n":
        return "of sph files those with plain PCM or mu-law are read: convert it to flac"
    if content[4:8] == b"ftyp" or content[:4] == b"\x1aE\xdf\xa3":
        return "it is of the kind of mp4 or webm: convert it to flac or wav"
    return "is it whole, and audio? wav, flac, ogg, opus, mp3 and sph are read"


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    said = (lines[0] if lines else type(error).__name__).rstrip(".")
    return said.partition(": ")[2] or said if said.startswith("Error opening") else said
