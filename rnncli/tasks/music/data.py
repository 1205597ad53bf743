"""Pieces of a user or built in, as frames of train, dev and test.

A frame as it comes, of a JSON of voices, and as it is learnt from, as keys of a piano by number, in either form::

    [65, 60, 57, 53]    rolls [32, 36, 39, 44]     voices [44, 39, 36, 32]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rnncli.data.music import sources
from rnncli.data.music.midipieces import MidiChoice
from rnncli.data.music.pieces import ALL, KEYS, LOWEST, SILENT, Form, MusicPiece, PieceFile
from rnncli.data.splits import SYNONYMS, split_name
from rnncli.data.steps import Steps
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.common.tables import is_builtin
from rnncli.tasks.music.schema import MusicData, MusicRecipe

EXAMPLE = "tunes/"


@dataclass(frozen=True, eq=False)
class MusicPart:
    """Pieces of one form; ``lowest`` is the MIDI number of key 0 of ``keys``."""

    pieces: tuple[MusicPiece, ...]
    form: Form
    keys: int = KEYS
    lowest: int = LOWEST

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def slots(self) -> int:
        """The voices, or the most notes that any frame of a roll has."""
        return max(piece.frames.shape[1] for piece in self.pieces)

    def take(self, rows: np.ndarray) -> MusicPart:
        """Some of the pieces."""
        return replace(self, pieces=tuple(self.pieces[row] for row in rows))

    def column(self, name: str, key: str) -> Iterator[str]:
        """Raises DataError: pieces have no columns."""
        raise DataError(f'{key}: pieces have no column "{name}"', f"leave out {key}")

    def place(self, row: int) -> str:
        """Where a piece stands in the user's data."""
        return self.pieces[row].place

    def steps(self) -> Steps:
        """The frames of all pieces, as many slots each."""
        slots = self.slots
        frames = (piece.frames for piece in self.pieces)
        return Steps.of([np.pad(one, ((0, 0), (0, slots - one.shape[1])), constant_values=SILENT) for one in frames])


def read_corpus(recipe: MusicRecipe, builtin: Callable[[int], list[MusicPiece]]) -> Corpus:
    """The pieces of a recipe's data, of ``builtin`` on its grid where it names none, by parts; DataError."""
    data = recipe.data
    if is_builtin(data, EXAMPLE):
        name, found = "built-in tunes", PieceFile("rolls", {ALL: builtin(data.grid)})
    else:
        name, found = data.train, _read_all(data)
    parts = {part: MusicPart(tuple(pieces), found.form) for part, pieces in found.pieces.items()}
    cut, how = Parting(data, recipe.seed)(parts)
    return Corpus(cut, _headline(name, parts), (*found.notes, how), +found.dropped, {"data.form": found.form})


def read_part(recipe: MusicRecipe, path: Path) -> Corpus:
    """The pieces of a further file or folder as the part ``test``: those of its own test part, if it has parts."""
    found = _read(recipe.data, path)
    named = _named(found, recipe.data)
    if len(named) > 1 and "test" not in named:
        raise DataError(f"{path}: holds {', '.join(named)}, no test", "name one file")
    pieces = named.get("test") or next(iter(named.values()))
    part = MusicPart(tuple(pieces), found.form)
    return Corpus({"test": part}, _headline(str(path), {"test": part}), tuple(found.notes), +found.dropped)


def _read_all(data: MusicData) -> PieceFile:
    """The pieces of all that the recipe names, by train, dev and test, or ``all`` where they are still to be split."""
    root = Path(data.root)
    found = _read(data, root / data.train)
    pieces = _named(found, data)
    for name, place in (("dev", data.dev), ("test", data.test)):
        if place:
            more = _read(data, root / place)
            _require_alike(found, more, root / place)
            named = _named(more, data)
            pieces[name] = named.get(name) or next(iter(named.values()))
            found = replace(found, notes=[*found.notes, *more.notes], dropped=found.dropped + more.dropped)
    if ALL in pieces and len(pieces) > 1:
        pieces = {"train": pieces.pop(ALL)} | pieces
    return replace(found, pieces=pieces)


def _read(data: MusicData, path: Path) -> PieceFile:
    form = "voices" if data.form == "voices" else "rolls"
    choice = MidiChoice(data.grid, form, data.tracks, data.drums == "keep")
    return sources.read_pieces(path, choice, data.form, data.encoding)


def _named(found: PieceFile, data: MusicData) -> dict[str, list[MusicPiece]]:
    """The pieces by part, after the source's own names of parts, or after those that ``data.splits`` gives."""
    own = found.pieces
    if data.splits:
        if lacking := [name for name in data.splits.values() if name not in own]:
            raise DataError(f'data.splits: no part "{lacking[0]}"', f"there are {', '.join(own)}")
        return {name: own[theirs] for name, theirs in data.splits.items()}
    named = {part: own[name] for part in SYNONYMS for name in own if split_name(name) == part}
    if not named and len(own) == 1:
        return {ALL: next(iter(own.values()))}
    if not named:
        raise DataError(f"parts {', '.join(own)}, none of them train", "name one: data.splits={train: NAME}")
    if left := [name for name in own if not split_name(name)]:
        found.notes.append(f"parts left out: {', '.join(left)}")
    return named


def _require_alike(one: PieceFile, other: PieceFile, place: Path) -> None:
    if one.form != other.form:
        raise DataError(f"{place}: {other.form}, and data.train has {one.form}", "data.form=rolls reads both as rolls")
    widths = [next(iter(file.pieces.values()))[0].frames.shape[1] for file in (one, other)]
    if one.form == "voices" and widths[0] != widths[1]:
        raise DataError(f"{place}: {widths[1]} voices, and data.train has {widths[0]}", "data.form=rolls reads both")


def _headline(name: str, parts: Mapping[str, MusicPart]) -> str:
    pieces = [piece for part in parts.values() for piece in part.pieces]
    form = next(iter(parts.values())).form
    what = "piano rolls" if form == "rolls" else f"{pieces[0].frames.shape[1]} voices"
    return f"{name}: {len(pieces):,} pieces, {sum(map(len, pieces)):,} frames, {what}"
