"""What pieces of music cost, where numpy and ONNX Runtime are all that there is.

Shape letters: T frames, S slots of a frame, E outputs of the cores, N symbols of the frames, K
keys, L layers, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.music.midi import SUFFIXES
from rnncli.data.music.midipieces import MidiChoice, read_midi_files
from rnncli.data.music.pieces import MusicPiece, PieceFile
from rnncli.data.music.rolls import read_rolls
from rnncli.data.music.voices import read_voices
from rnncli.errors import DataError
from rnncli.heads.notes import BEGIN, unrolled
from rnncli.tasks.common.predicting import require_path
from rnncli.tasks.music.form import MusicForm
from rnncli.tasks.music.past import features
from rnncli.tasks.portable import Arrays, Run

FILE, TABLES, KIND = "music.json", "beginning.npz", "model of music"
WINDOW, SYMBOLS = 1024, 4096
"""Frames that are read at once, and symbols that are foretold at once."""


@dataclass(frozen=True, eq=False)
class MusicTables:
    """All but the weights: what frames are, how MIDI files are taken, whether first frames are scored, and the state
    (L, 1, H) of each network at the begin of a piece, by the names of the graph's inputs.
    """

    form: MusicForm
    choice: MidiChoice
    first: bool
    beginning: Arrays

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        body = {"form": asdict(self.form), "choice": asdict(self.choice), "first": self.first}
        write_json(folder / FILE, KIND, body)
        np.savez(folder / TABLES, **self.beginning)  # pyright: ignore[reportArgumentType]

    @classmethod
    def load(cls, folder: Path) -> MusicTables:
        """What :meth:`save` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        with np.load(folder / TABLES) as arrays:
            beginning = dict(arrays)
        choice = body["choice"]
        tracks = choice["tracks"] if isinstance(choice["tracks"], str) else tuple(choice["tracks"])
        return cls(MusicForm(**body["form"]), MidiChoice(**choice | {"tracks": tracks}), body["first"], beginning)


class PortableMusic:
    """See :class:`rnncli.tasks.portable.Portable`; an example is a piece."""

    together = 1  # so that memory is that of the longest

    def __init__(self, tables: MusicTables, run: Run) -> None:
        self.tables, self.form, self.run = tables, tables.form, run

    def parse(self, text: str) -> MusicPiece:
        """The piece of a file; raises DataError."""
        require_path(text, "piece", "tune.mid")
        pieces = list(self.read(Path(text)))
        if len(pieces) > 1:
            raise DataError(f"{text}: {len(pieces):,} pieces, where one is wanted", "name it by itself: all are taken")
        return pieces[0]

    def read(self, path: Path) -> Iterator[MusicPiece]:
        """The pieces of a file, of its test part where it has parts."""
        found = self._read(path).pieces
        names = [name for name in found if name == "test"] or list(found)
        if len(names) > 1:
            raise DataError(f"{path}: holds {', '.join(names)}, no test", "name a file of one part")
        self.form.require(found[names[0]], self.form.form)
        yield from found[names[0]]

    def listen(self, lines: Iterable[str]) -> Iterator[MusicPiece]:
        """A path a line; blank lines are skipped."""
        return (self.parse(line.rstrip("\r\n")) for line in lines if line.strip())

    def predict(self, examples: Sequence[MusicPiece]) -> list[dict[str, Any]]:
        """One row a piece, in order."""
        skipped = 0 if self.tables.first else 1
        return [self.form.row(piece, self._nats(piece.frames.astype(np.int64))[skipped:]) for piece in examples]

    def _read(self, path: Path) -> PieceFile:
        suffix, choice = path.suffix.lower(), self.tables.choice
        if suffix in SUFFIXES:
            return read_midi_files([path], choice)
        if suffix == ".json":
            return read_voices(path, choice.grid, self.form.form)
        if suffix not in (".npz", ".npy"):
            raise DataError(
                f'{path}: no reader for files that end in "{suffix or path.name}"', "give .mid, .npz, .json"
            )
        if self.form.voices:
            raise DataError(f"{path}: piano rolls do not tell voices", "give .mid or .json")
        return read_rolls(path, choice.grid)

    def _nats(self, frames_TS: np.ndarray) -> np.ndarray:
        """-ln p of each frame given all before it, (T,)."""
        before_TS = np.concatenate([np.full((1, frames_TS.shape[1]), BEGIN), frames_TS[:-1]])
        y_TE = self._outputs(before_TS)
        found = unrolled(frames_TS, self.form.keys, self.form.voices)
        nats_N = np.empty(len(found.symbol_N))
        for begin in range(0, len(nats_N), SYMBOLS):
            rows = slice(begin, begin + SYMBOLS)
            frame_N = found.frame_N[rows]
            given = {"outputs": y_TE[frame_N], "before": before_TS[frame_N], "chosen": found.chosen_NC[rows]}
            logs_NK = self.run("notes", given | {"slot": found.slot_N[rows], "last": found.last_N[rows]})["logs"]
            nats_N[rows] = -logs_NK[np.arange(len(frame_N)), found.symbol_N[rows]]
        return np.bincount(found.frame_N, nats_N, len(frames_TS))

    def _outputs(self, before_TS: np.ndarray) -> np.ndarray:
        """What the cores give behind each frame, (T, E)."""
        figures_1TF = features(before_TS[None], self.form.keys, self.form.voices)
        state, found = self.tables.beginning, []
        for begin in range(0, len(before_TS), WINDOW):
            part_1TF = figures_1TF[:, begin : begin + WINDOW]
            at_1T = np.arange(begin, begin + part_1TF.shape[1])[None]
            given = {"figures": part_1TF, "at": at_1T, "lengths": np.array([part_1TF.shape[1]])}
            made = self.run("model", given | state)
            state = {name: made[f"next_{name}"] for name in state}
            found.append(made["outputs"][0])
        return np.concatenate(found)


def open_model(folder: Path, run: Run) -> PortableMusic:
    """The model of music whose tables lie in ``folder``."""
    return PortableMusic(MusicTables.load(folder), run)
