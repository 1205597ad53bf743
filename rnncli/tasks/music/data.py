"""Pieces of a user or built in, as frames of train, dev and test.

A frame as it comes, of a JSON of voices, and as it is learnt from, as keys of a piano by number, in either form::

    [65, 60, 57, 53]    rolls [32, 36, 39, 44]     voices [44, 39, 36, 32]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rnncli.data.music import sources
from rnncli.data.music.midipieces import MidiChoice
from rnncli.data.music.pieces import ALL, KEYS, LOWEST, Form, MusicPiece, PieceFile
from rnncli.data.splits import SYNONYMS, split_name
from rnncli.data.steps import Steps
from rnncli.data.wording import counted
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.common.tables import is_builtin
from rnncli.tasks.music.form import slots_of, steps_of
from rnncli.tasks.music.schema import MusicData, MusicRecipe

EXAMPLE = "tunes/"
FEW_PIECES = 10
"""Fewer are not split, but cut."""
NAMED = 8
"""Parts that a message names."""


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
        return slots_of(self.pieces)

    @property
    def sounds(self) -> bool:
        """Whether there is any note."""
        return any(((piece.frames >= 0) & (piece.frames < self.keys)).any() for piece in self.pieces)

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
        return steps_of(self.pieces)


def read_corpus(recipe: MusicRecipe, builtin: Callable[[int], list[MusicPiece]]) -> Corpus:
    """The pieces of a recipe's data, of ``builtin`` on its grid where it names none, by parts; raises DataError."""
    data = recipe.data
    if is_builtin(data, EXAMPLE):
        name, found = "built-in tunes", PieceFile("rolls", {ALL: builtin(data.grid)})
    else:
        name, found = data.train, _read_all(data)
    parts = {part: MusicPart(tuple(pieces), found.form) for part, pieces in found.pieces.items()}
    headline = _headline(name, parts)
    cut, how = _split(parts, recipe)
    if not cut["train"].sounds:
        raise DataError(f"{name}: no note sounds in any piece of train", "is it the right file?")
    return Corpus(cut, headline, (*found.notes, how), +found.dropped, {"data.form": found.form})


def read_part(recipe: MusicRecipe, path: Path) -> Corpus:
    """The pieces of a further file or folder as the part ``test``: those of its own test part, if it has parts."""
    found = _read(recipe.data, path)
    named = _named(found, recipe.data, str(path))
    if len(named) > 1 and "test" not in named:
        raise DataError(f"{path}: holds {', '.join(named)}, no test", "name one file")
    pieces = named.get("test") or next(iter(named.values()))
    part = MusicPart(tuple(pieces), found.form)
    return Corpus({"test": part}, _headline(str(path), {"test": part}), tuple(found.notes), +found.dropped)


def _read_all(data: MusicData) -> PieceFile:
    """The pieces of all that the recipe names, by train, dev and test, or ``all`` where they are still to be split."""
    root = Path(data.root)
    found = _read(data, root / data.train)
    pieces = _named(found, data, data.train)
    for name, place in (("dev", data.dev), ("test", data.test)):
        if place:
            more = _read(data, root / place)
            _require_alike(found, more, place)
            named = _named(more, data, place)
            pieces[name] = named.get(name) or next(iter(named.values()))
            found = replace(found, notes=[*found.notes, *more.notes], dropped=found.dropped + more.dropped)
    if ALL in pieces and len(pieces) > 1:
        pieces = {"train": pieces.pop(ALL)} | pieces
    below = f"{root}{os.sep}"
    short = {
        name: [replace(piece, place=piece.place.removeprefix(below)) for piece in listed]
        for name, listed in pieces.items()
    }
    return replace(found, pieces=short)


def _read(data: MusicData, path: Path) -> PieceFile:
    if data.source == "datasets":
        raise DataError("data.source=datasets: music is read from files", sources.KNOWN)
    choice = MidiChoice(data.grid, "voices" if data.form == "voices" else "rolls", data.tracks, data.drums == "keep")
    return sources.read_pieces(path, choice, data.form, data.encoding)


def _named(found: PieceFile, data: MusicData, place: str) -> dict[str, list[MusicPiece]]:
    """The pieces by part, after the source's own names of parts, or after those that ``data.splits`` gives."""
    own = found.pieces
    if data.splits and place == data.train:
        if lacking := [name for name in data.splits.values() if name not in own]:
            raise DataError(f'data.splits: {place} has no part "{lacking[0]}"', f"there are {', '.join(own)}")
        return {name: own[theirs] for name, theirs in data.splits.items()}
    named = {part: own[name] for part in SYNONYMS for name in own if split_name(name) == part}
    if not named and len(own) == 1:
        return {ALL: next(iter(own.values()))}
    if not named:
        names = ", ".join(list(own)[:NAMED]) + (", ..." if len(own) > NAMED else "")
        raise DataError(f"{place}: holds {names}, none of them train", "name one: data.splits={train: NAME}")
    if left := [name for name in own if not split_name(name)]:
        found.notes.append(f"{place}: parts left out: {', '.join(left)}")
    if twice := [part for part in SYNONYMS if sum(split_name(name) == part for name in own) > 1]:
        raise DataError(f"{place}: two parts that mean {twice[0]}", f"say which: data.splits={{{twice[0]}: NAME}}")
    return named


def _require_alike(one: PieceFile, other: PieceFile, place: str) -> None:
    if one.form != other.form:
        raise DataError(f"{place}: {other.form}, and data.train has {one.form}", "data.form=rolls reads both as rolls")
    widths = [next(iter(file.pieces.values()))[0].frames.shape[1] for file in (one, other)]
    if one.form == "voices" and widths[0] != widths[1]:
        raise DataError(
            f"{place}: {counted(widths[1], 'voice')}, and data.train has {widths[0]}", "data.form=rolls reads both"
        )


def _split(parts: Mapping[str, MusicPart], recipe: MusicRecipe) -> tuple[dict[str, MusicPart], str]:
    """The parts train, dev and perhaps test; of few pieces each is cut, others are dealt out whole."""
    data = recipe.data
    whole = ALL if ALL in parts else "train"
    shares = {"dev": data.dev_fraction, "test": data.test_fraction if whole == ALL else 0}
    by_shares = not (data.folds or data.split_column) and 0 < data.dev_fraction < 1 - shares["test"]
    if not by_shares or "dev" in parts or whole not in parts or len(parts[whole]) >= FEW_PIECES:
        return Parting(data, recipe.seed)(parts)
    cut, how = _cut_by_place(parts[whole], shares)
    return cut | {name: part for name, part in parts.items() if name != whole}, how


def _cut_by_place(whole: MusicPart, shares: dict[str, float]) -> tuple[dict[str, MusicPart], str]:
    """The begin of each piece as train, what follows as dev, the end as test; raises DataError where one is empty."""
    wanted = {"train": 1 - sum(shares.values())} | {name: share for name, share in shares.items() if share}
    pieces: dict[str, list[MusicPiece]] = {name: [] for name in wanted}
    for piece in whole.pieces:
        bounds = np.rint(np.cumsum([0, *wanted.values()]) * len(piece)).astype(int).tolist()
        for name, begin, end in zip(wanted, bounds, bounds[1:], strict=False):
            place = piece.place if not begin else f"{piece.place}, frame {begin + 1:,}"
            pieces[name] += [replace(piece, place=place, frames=piece.frames[begin:end])] if end > begin else []
    if empty := [name for name, listed in pieces.items() if not listed]:
        raise DataError(f"{whole.place(0)}: nothing is left for the {empty[0]} part", "longer pieces, or more of them")
    parts = {name: replace(whole, pieces=tuple(listed)) for name, listed in pieces.items()}
    percent = "/".join(f"{100 * share:.3g}" for share in wanted.values())
    sizes = ", ".join(f"{name} {sum(map(len, part.pieces)):,}" for name, part in parts.items())
    return parts, f"fewer than {FEW_PIECES} pieces, so each is cut {percent} by place: frames of {sizes}"


def _headline(name: str, parts: Mapping[str, MusicPart]) -> str:
    pieces = [piece for part in parts.values() for piece in part.pieces]
    form = next(iter(parts.values())).form
    what = "piano rolls" if form == "rolls" else counted(pieces[0].frames.shape[1], "voice")
    return f"{name}: {counted(len(pieces), 'piece')}, {counted(sum(map(len, pieces)), 'frame')}, {what}"
