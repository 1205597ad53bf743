"""What pieces cost under a model, and pieces that it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnncli.data.music import midi
from rnncli.data.music.midiwriting import midi_bytes
from rnncli.data.music.pieces import SILENT, MusicPiece, notes_of
from rnncli.data.music.soundfont import SoundFont
from rnncli.data.music.synth import wav
from rnncli.data.wording import counted
from rnncli.errors import DataError, UsageError
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.predicting import files_of, json_line, require_path
from rnncli.tasks.music.data import MusicPart, read_part
from rnncli.tasks.music.extras.composing import Composer, Reached
from rnncli.tasks.music.fitted import FittedMusic
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.predictors import Composition
from rnncli.tasks.write.sampling import Drawing

BAR = 4
"""Beats of what ``--bars`` counts."""
USUAL_BARS = 16


@dataclass(frozen=True, eq=False)
class Beginning:
    """What is gone on behind: the frames of ``primer`` (T, S), none of them for the begin of a piece; or a melody.

    ``soundfont`` is what is played with.
    """

    primer_TS: np.ndarray
    reached: Reached
    melody_T: np.ndarray | None
    tempo: float
    soundfont: SoundFont | None = None


class PiecePredictor:
    """MIDI files in, one row each out: ``file``, ``nats_per_frame``; or pieces to go on with."""

    formats = ("jsonl",)
    example = "tune.mid"
    together = 16
    endings = (".mid", ".wav")

    def __init__(self, fitted: FittedMusic, model: MusicModel, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.form = fitted.form

    def expand(self, text: str) -> list[str]:
        """A file itself, or all MIDI files below a folder."""
        return files_of(text, midi.SUFFIXES, "MIDI file")

    def parse(self, text: str) -> MusicPiece:
        """The piece of a file."""
        require_path(text, "piece", self.example)
        return self._first(Path(text), self._own)[0]

    def read(self, path: Path, form: str = "") -> Iterator[MusicPiece]:
        """The pieces of a file."""
        yield from self._read(path, self._own).parts["test"].pieces

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[MusicPiece]:
        """A path a line; blank lines are skipped."""
        return (self.parse(line.rstrip("\r\n")) for line in lines if line.strip())

    @torch.no_grad()
    def predict(self, examples: Sequence[MusicPiece]) -> list[dict[str, Any]]:
        """One row a piece, in order; batch mates do not matter."""
        steps = self.fitted.encode(self._part(examples)).steps
        nats_N = self.fitted.nats(self.model, steps)
        skipped = 0 if self.fitted.recipe.evaluation.first else 1
        spans = pairwise(steps.bounds_D1.tolist())
        return [
            self.form.row(piece, nats_N[begin:end][skipped:])
            for piece, (begin, end) in zip(examples, spans, strict=True)
        ]

    def text(self, example: MusicPiece, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Nats a frame, how many, notes, the file."""
        means = ("-" if row["nats_per_frame"] is None else f"{row['nats_per_frame']:.3f}" for row in rows)
        cells = [
            [mean, f"{row['frames']:,}", f"{row['notes']:,}", row["file"]]
            for mean, row in zip(means, rows, strict=True)
        ]
        return ["nats per frame", "frames", "notes", "file"], cells

    def begin(
        self, primer: Path | None, melody: Path | None, soundfont: Path | None = None
    ) -> tuple[Beginning, tuple[str, ...]]:
        """What is gone on behind, and what is to be said of how its file was read; raises DataError and UsageError."""
        if primer is not None and melody is not None:
            raise UsageError("--primer and --harmonise both say what a piece begins with", "leave one of them away")
        begun, notes = self._begun(primer, melody)
        return replace(begun, soundfont=None if soundfont is None else SoundFont(soundfont)), notes

    def compose(self, begun: Beginning, sampling: Drawing, number: int, *, length: int, bars: int) -> Composition:
        """Sample ``number`` behind or below what is begun, as MIDI and as sound."""
        wanted = length or max(1, round((bars or USUAL_BARS) * BAR * self.form.beat))
        frames = wanted
        if begun.melody_T is not None:
            frames = min(wanted, len(begun.melody_T)) if length or bars else len(begun.melody_T)
        new_TS = self._composer.frames(begun.reached, sampling, number, frames, begun.melody_T)
        piece = MusicPiece(f"sample {number}", _joined(begun.primer_TS, new_TS), round(self.form.beat), begun.tempo)
        notes_N4 = notes_of(piece.frames, self.form.form, **self._where)
        seconds = len(piece) * piece.frame_seconds
        row = {"frames": len(piece), "primer": len(begun.primer_TS), "notes": len(notes_N4), "seconds": seconds}
        behind = f" behind {len(begun.primer_TS):,} of the primer" if len(begun.primer_TS) else ""
        ended = f", not the {wanted:,} asked for: the melody ends there" if frames < wanted and (length or bars) else ""
        said = f"{counted(frames, 'frame')}{behind}{ended}, {counted(len(notes_N4), 'note')}, "
        said += f"{seconds:.0f} s at {piece.tempo:g} beats a minute"
        return Composition(self._files(piece, notes_N4, begun.soundfont), row, said)

    def _files(self, piece: MusicPiece, notes_N4: np.ndarray, soundfont: SoundFont | None) -> dict[str, bytes]:
        """The content of each file of a piece."""
        midi_file = midi_bytes(notes_N4, piece.beat, piece.tempo)
        sound = wav(piece, self.form.form, **self._where) if soundfont is None else soundfont.wav(midi_file)
        return {".mid": midi_file, ".wav": sound}

    def _begun(self, primer: Path | None, melody: Path | None) -> tuple[Beginning, tuple[str, ...]]:
        nothing_0S = np.empty((0, self.form.slots), np.int64)
        if melody is not None:
            # The tracks that the recipe names are those of train; a melody comes in a file of its own.
            piece, notes = self._first(melody, {"data.form": "rolls", "data.tracks": "all"})
            melody_T = piece.frames.max(1, initial=-1)
            if (melody_T < 0).all():
                raise DataError(f"{melody}: no note, where a melody is wanted", "name another file")
            return Beginning(nothing_0S, self._composer.begin(), melody_T, piece.tempo), notes
        if primer is None:
            return Beginning(nothing_0S, self._composer.begin(), None, self.form.tempo), ()
        piece, notes = self._first(primer, self._own)
        self.fitted.require_form(self._part([piece]))
        return Beginning(piece.frames, self._composer.begin(piece.frames), None, piece.tempo), notes

    @cached_property
    def _composer(self) -> Composer:
        return Composer(self.model)

    @property
    def _where(self) -> dict[str, int]:
        """Where the keys lie."""
        return {"keys": self.form.keys, "lowest": self.form.lowest}

    @property
    def _own(self) -> dict[str, str]:
        """What is to be changed of the recipe to read files as train was read: what was found where it says auto."""
        return {"data.form": self.form.form}

    def _part(self, pieces: Sequence[MusicPiece]) -> MusicPart:
        return MusicPart(tuple(pieces), self.form.form, self.form.keys, self.form.lowest)

    def _first(self, path: Path, changes: dict[str, str]) -> tuple[MusicPiece, tuple[str, ...]]:
        """The piece of a file that holds one, and what is to be said of how it was read."""
        corpus = self._read(path, changes)
        pieces = corpus.parts["test"].pieces
        if len(pieces) > 1:
            raise DataError(f"{path}: {len(pieces):,} pieces, where one is wanted", "name a file of a single one")
        return pieces[0], corpus.notes

    def _read(self, path: Path, changes: dict[str, str]) -> Corpus:
        return read_part(self.fitted.recipe.having(changes), path)


def _joined(primer_TS: np.ndarray, new_TS: np.ndarray) -> np.ndarray:
    """Frames one behind the other, as many slots each."""
    slots = max(primer_TS.shape[1], new_TS.shape[1])
    padded = [np.pad(one, ((0, 0), (0, slots - one.shape[1])), constant_values=SILENT) for one in (primer_TS, new_TS)]
    return np.concatenate(padded).astype(np.int16)
