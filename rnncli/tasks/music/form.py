"""What frames of music are, and what a piece costs: for the program and for exported models.

Shape letters: T frames, S slots of a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from rnncli.data.music.pieces import SILENT, Form, MusicPiece, notes_of
from rnncli.data.steps import Steps
from rnncli.data.wording import counted
from rnncli.errors import DataError


@dataclass(frozen=True)
class MusicForm:
    """What frames are: notes or voices, so many ``slots``; ``beat`` is how many frames one has, ``lowest`` key 0."""

    form: Form
    slots: int
    keys: int
    lowest: int
    beat: float
    tempo: float

    @classmethod
    def of(cls, pieces: Sequence[MusicPiece], form: Form, keys: int, lowest: int) -> Self:
        """That of pieces, one at least."""
        return cls(form, slots_of(pieces), keys, lowest, pieces[0].beat, pieces[0].tempo)

    @property
    def voices(self) -> int:
        """How many voices there are, 0 for notes."""
        return self.slots if self.form == "voices" else 0

    def require(self, pieces: Sequence[MusicPiece], form: Form) -> None:
        """Raises DataError for a piece of another form, or of more or fewer voices, than the model was trained on."""
        wanted = counted(self.voices, "voice") if self.voices else "rolls"
        for piece in pieces:
            given = counted(piece.frames.shape[1], "voice") if form == "voices" else "rolls"
            if (given if self.voices else form) != wanted:
                raise DataError(f"{piece.place}: {given}, where the model was trained on {wanted}")

    def row(self, piece: MusicPiece, nats_T: np.ndarray) -> dict[str, Any]:
        """What a piece costs, by its frames that are scored."""
        where = {"keys": self.keys, "lowest": self.lowest}
        return {
            "file": piece.place,
            "nats": float(nats_T.sum()),
            "frames": len(nats_T),
            "notes": len(notes_of(piece.frames, self.form, **where)),
            "nats_per_frame": float(nats_T.mean()) if len(nats_T) else None,
        }


def slots_of(pieces: Sequence[MusicPiece]) -> int:
    """The voices, or the most notes that any frame of a roll has."""
    return max(piece.frames.shape[1] for piece in pieces)


def steps_of(pieces: Sequence[MusicPiece]) -> Steps:
    """The frames of all pieces, as many slots each."""
    slots = slots_of(pieces)
    frames = (piece.frames for piece in pieces)
    return Steps.of([np.pad(one, ((0, 0), (0, slots - one.shape[1])), constant_values=SILENT) for one in frames])
