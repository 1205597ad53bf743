"""What is said in new recordings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from rnncli.data.audio import SUFFIXES, read_sound
from rnncli.data.clips import features_of, read_features
from rnncli.errors import DataError
from rnncli.tasks.speech.data import frontend
from rnncli.tasks.speech.examples import collate

if TYPE_CHECKING:
    from rnncli.tasks.speech.task import FittedSpeech


class SpeechPredictor:
    """Recordings in, a row each out: ``file``, ``text`` and ``words`` with seconds and confidences.

    An input is the path of a recording, or of .npy features such as the model was trained on; a stream has one a line.
    """

    formats = ("text", "jsonl", "srt")
    example = "recording.wav"
    together = 1  # so that memory is that of the longest

    def __init__(self, fitted: FittedSpeech, model: nn.Module, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.frontend = frontend(fitted.recipe.data)
        self.heard = self.spent = 0.0

    def expand(self, text: str) -> list[str]:
        """A file itself, or all recordings below a folder."""
        folder = Path(text)
        if not folder.is_dir():
            return [text]
        files = sorted(str(file) for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise DataError(f"{text}: no recording in this folder", f"known are {', '.join(SUFFIXES)}")
        return files

    def closing(self) -> str:
        """How long it took beside how long the recordings are."""
        if not self.heard:
            return ""
        factor = self.spent / self.heard
        return f"{self.heard:,.1f} s of audio in {self.spent:.2f} s: real-time factor {factor:.3f}"

    def parse(self, text: str) -> Path:
        """The path of a recording."""
        if not text.strip():
            raise DataError("an empty path of a recording", "rnncli predict RUN recording.wav")
        return Path(text)

    def read(self, path: Path, form: str = "") -> Iterator[Path]:
        """The recording itself."""
        yield path

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Path]:
        """A path a line; blank lines are skipped."""
        return (Path(line.rstrip("\r\n")) for line in lines if line.strip())

    @torch.no_grad()
    def predict(self, examples: Sequence[Path]) -> list[dict[str, Any]]:
        """One row a recording, in order, each by itself."""
        begun = time.perf_counter()
        rows = [{"file": str(path)} | self._recognise(path) for path in examples]
        self.spent += time.perf_counter() - begun
        return rows

    def text(self, example: Path, row: dict[str, Any], form: str = "") -> str:
        """File and text on a line, JSON, or subtitles."""
        if form == "jsonl":
            return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
        if form == "srt":
            return _subtitles(row["words"])
        return f"{row['file']}\t{row['text']}\n"

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """The file and what is said in it."""
        return ["file", "text"], [[row["file"], row["text"]] for row in rows]

    def _recognise(self, path: Path) -> dict[str, Any]:
        if path.is_dir():
            raise DataError(f"{path}: a folder, not a recording", f"rnncli predict RUN {path}")
        name = str(path)
        features = path.suffix == ".npy"
        features_TF = read_features(path) if features else features_of(read_sound(path), self.frontend, name)
        if features_TF.shape[1] != self.fitted.width:
            hint = "give what it was trained on"
            raise DataError(f"{name}: {features_TF.shape[1]} bins, where the model reads {self.fitted.width}", hint)
        self.heard += len(features_TF) * self.frontend.hop / 1000
        batch = collate([self.fitted.scale(features_TF)], [self.fitted.encode_text("")]).to(self.device)
        return self.fitted.recognise(self.model, batch)[0]


def _subtitles(words: Sequence[dict[str, Any]]) -> str:
    """Words in groups of at most ten as SubRip writes them."""
    blocks = []
    for number, at in enumerate(range(0, len(words), 10), start=1):
        group = words[at : at + 10]
        text = " ".join(word["word"] for word in group)
        blocks.append(f"{number}\n{_clock(group[0]['start'])} --> {_clock(group[-1]['end'])}\n{text}\n\n")
    return "".join(blocks)


def _clock(seconds: float) -> str:
    thousandths = round(1000 * seconds)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
