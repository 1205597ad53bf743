"""What is said in new recordings, and in sound that is still coming."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.data.audio.features import SoundRecording, features_of, read_features, require_frames, stretch
from rnncli.data.audio.resampling import Resampler
from rnncli.data.audio.sound import SUFFIXES, Sound, pcm, read_blocks, read_sound
from rnncli.data.tables.sheet import Sheet, Sought, is_tabular
from rnncli.data.text.subtitles import Subtitles
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import files_of, json_line, require_path
from rnncli.tasks.predictors import Missing
from rnncli.tasks.speech.data import frontend
from rnncli.tasks.speech.examples import collate
from rnncli.tasks.speech.extras.decoding import Listener, joined
from rnncli.tasks.speech.extras.manifests import AUDIO_NAMES, recording_of
from rnncli.tasks.speech.extras.streaming import Stream
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.model import Recognizer

NOTHING_N = np.zeros(0, dtype=np.float32)
LONGEST_PIECE = 0.2
"""Seconds of raw samples that are heard at once."""


class SpeechPredictor:
    """Recordings in, a row each out: ``file``, ``text`` and ``words`` with seconds and confidences.

    An input is the path of a recording, or of .npy features such as the model was trained on. A causal model with
    global normalisation takes recordings of any length in the same memory, and answers raw samples as they come.
    """

    formats = ("text", "jsonl", "srt")
    whole = ("srt",)
    example = "recording.wav"
    sought = Sought("audio_column", AUDIO_NAMES, "recordings")
    other_forms, own_columns = ("text", "srt"), ("file",)
    together = 1  # so that memory is that of the longest

    def __init__(self, fitted: FittedSpeech, model: Recognizer, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.frontend = frontend(fitted.recipe.data)
        self.heard = self.spent = 0.0
        globally = fitted.recipe.data.normalise == "global"
        self.streams = model.causal and globally and not fitted.form.given and not self.frontend.deltas

    def expand(self, text: str) -> list[str]:
        """A file itself, or all recordings below a folder."""
        return files_of(text, SUFFIXES, "recording")

    def closing(self) -> str:
        """How long it took beside how long the recordings are."""
        if not self.heard:
            return ""
        factor = self.spent / self.heard
        return f"{self.heard:,.1f} s of audio in {self.spent:.2f} s: real-time factor {factor:.3f}"

    def parse(self, text: str) -> Path:
        """The path of a recording."""
        require_path(text, "recording", self.example)
        return Path(text)

    def read(self, path: Path, form: str = "") -> Iterator[Path]:
        """The recording itself."""
        yield path

    def is_table(self, path: Path) -> bool:
        """Whether a file is a manifest by its name."""
        return is_tabular(path)

    def rows(self, sheet: Sheet) -> Iterator[Path | SoundRecording | Missing]:
        """The recording of each row, or the stretch of it, found from the manifest's folder as in training."""
        column = sheet.column(self.sought)
        for number, values in sheet.rows:
            found = recording_of(values, column, sheet.folder, sheet.place(number))
            if found is None:
                yield Missing("row without a recording", Path())
            else:
                yield found if found.span or not isinstance(found.source, Path) else found.source

    def blank(self, example: Path | SoundRecording) -> dict[str, Any]:
        """The row of a recording of which nothing is heard."""
        return {"file": _name(example), "text": "", "words": []}

    def added(self, sheet: Sheet | None) -> dict[str, type]:
        """What is said, and each word with its times."""
        return {"text": str, "words": list}

    def cells(self, example: Path | SoundRecording, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is added to the row of a recording."""
        return [{"text": row["text"], "words": row["words"]}]

    def own(self, example: Path | SoundRecording) -> dict[str, Any]:
        """The file."""
        return {"file": _name(example)}

    @torch.no_grad()
    def predict(self, examples: Sequence[Path | SoundRecording]) -> list[dict[str, Any]]:
        """One row a recording, in order, each by itself."""
        with self._timed():
            return [{"file": _name(one)} | self._recognise(one) for one in examples]

    @torch.no_grad()
    def hear(self, stream: BinaryIO, form: str = "") -> Iterator[str]:
        """What is said in raw 16-bit little-endian samples of one channel at the model's rate, as they come.

        A line whenever a further word is known, beginning with ``...`` (in JSON ``final`` is false), and one behind
        each pause; a model that does not stream answers at the end. Raises DataError for what is no such sound.
        """
        write = _writer(form)
        if not self.streams:
            samples_N = np.concatenate([NOTHING_N, *_samples(stream, self.frontend.rate)])
            with self._timed():
                self._count(len(samples_N))
                row = self._whole(features_of(Sound(samples_N, self.frontend.rate), self.frontend, "stdin"))
            yield write(row, True)
            return
        listener, scores = Listener(self.fitted.decoder), self._stream()
        before, heard = "", 0
        for samples_N in _samples(stream, self.frontend.rate):
            heard += len(samples_N)
            with self._timed():
                self._count(len(samples_N))
                found = list(listener(scores(samples_N)))
                partial = listener.partial()
            yield from (write(row, True) for row in found)
            if partial not in ("", before):
                yield write({"text": partial}, False)
            before = partial
        require_frames(self.frontend, self.frontend.frames(heard), heard / self.frontend.rate, "stdin")
        with self._timed():
            found = [*listener(scores(NOTHING_N, last=True)), *listener.end()]
        yield from (write(row, True) for row in found)

    def text(self, example: Path, row: dict[str, Any], form: str = "") -> str:
        """File and text on a line, JSON, or subtitles."""
        if form == "jsonl":
            return json_line(row)
        if form == "srt":
            return Subtitles().blocks(row["words"])
        return f"{row['file']}\t{row['text']}\n"

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """The file and what is said in it."""
        return ["file", "text"], [[row["file"], row["text"]] for row in rows]

    def features(self, recording: Path | SoundRecording) -> np.ndarray:
        """The features (T, F) of a whole recording, as wide as the model reads them; raises DataError."""
        name = _name(recording)
        if isinstance(recording, Path):
            if recording.is_dir():
                raise DataError(f"{recording}: a folder, not a recording", f"rnncli predict RUN {recording}")
            given, span = recording.suffix == ".npy", None
        else:
            given, span = recording.features, recording.span
        if given:
            features_TF = stretch(read_features(Path(name)), span)
            self.heard += len(features_TF) * self.frontend.hop / 1000
        else:
            sound = read_sound(recording) if isinstance(recording, Path) else recording.sound()
            self.heard += sound.seconds
            features_TF = features_of(sound, self.frontend, name)
        if features_TF.shape[1] != self.fitted.form.width:
            hint = "give what it was trained on"
            width = self.fitted.form.width
            raise DataError(f"{name}: {features_TF.shape[1]} bins, where the model reads {width}", hint)
        return features_TF

    def _recognise(self, recording: Path | SoundRecording) -> dict[str, Any]:
        if self.streams and isinstance(recording, Path) and recording.suffix != ".npy" and not recording.is_dir():
            return self._in_blocks(recording)
        return self._whole(self.features(recording))

    def _whole(self, features_TF: np.ndarray) -> dict[str, Any]:
        batch = collate([self.fitted.form.scale(features_TF)], [self.fitted.units.encode("")])
        return self.fitted.recognize(self.model, placed(batch, self.device))[0]

    def _in_blocks(self, path: Path) -> dict[str, Any]:
        rate, blocks = read_blocks(path)
        resampler, scores, listener = Resampler(rate, self.frontend.rate), self._stream(), Listener(self.fitted.decoder)
        found: list[dict[str, Any]] = []
        samples = 0
        for block_N, last in _with_last(blocks):
            resampled_N = resampler(block_N, last=last)
            samples += len(resampled_N)
            found += listener(scores(resampled_N, last=last))
        self._count(samples)
        require_frames(self.frontend, self.frontend.frames(samples), samples / self.frontend.rate, path)
        return joined([*found, *listener.end()])

    def _stream(self) -> Stream:
        return Stream(self.model, self.frontend, self.fitted.form.scale, self.device)

    def _count(self, samples: int) -> None:
        self.heard += samples / self.frontend.rate

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.spent += time.perf_counter() - begun


def _name(recording: Path | SoundRecording) -> str:
    """The file of a recording, empty for none."""
    name = str(recording) if isinstance(recording, Path) else recording.name
    return "" if recording == Path() else name


def _with_last(blocks: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Each block and whether it is the last; an empty one where there is none."""
    before = next(blocks, NOTHING_N)
    for block_N in blocks:
        yield before, False
        before = block_N
    yield before, True


def _samples(stream: BinaryIO, rate: int) -> Iterator[np.ndarray]:
    """Samples as they come, ``LONGEST_PIECE`` seconds at most; raises DataError for a file and for half a sample."""
    read = getattr(stream, "read1", stream.read)
    rest = b""
    begun = False
    while content := read(2 * max(1, round(LONGEST_PIECE * rate))):
        content = rest + content
        if not begun and content[:4] in (b"RIFF", b"fLaC", b"OggS", b"NIST", b"ID3\x03", b"ID3\x04"):
            raise DataError("stdin: a file of audio, where raw 16-bit samples are wanted", "give the file's path")
        begun, whole = True, len(content) // 2 * 2
        rest = content[whole:]
        if whole:
            yield pcm(content[:whole])
    if rest:
        raise DataError("stdin: ends within a sample", "raw 16-bit samples of one channel are wanted")


def _writer(form: str) -> Callable[[dict[str, Any], bool], str]:
    """How a row of a stream is written; ``final`` rows change no more."""
    subtitles = Subtitles()

    def write(row: dict[str, Any], final: bool) -> str:
        if form == "jsonl":
            return json_line({"final": final} | row)
        if form == "srt":
            return subtitles.blocks(row["words"]) if final else ""
        return f"{row['text']}\n" if final else f"... {row['text']}\n"

    return write
