"""What a file of weights holds, as plain values: its layers, and the recurrent ones that layers of ours can start from.

Shape letters: I input, H hidden, G gates, L layers, D directions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rnncli.core.cells import GATES, Cell, CellWeights


@dataclass(frozen=True)
class WeightLayer:
    """A layer of a file: ``what`` it is, the shapes of its weights, and by name why nothing can start from it."""

    name: str
    what: str
    shapes: tuple[tuple[int, ...], ...]
    trouble: str = ""


@dataclass(frozen=True)
class WeightStack:
    """Recurrent layers of one shape on top of each other; ``layers`` has the weights of each direction of each.

    ``unsaid`` are settings of the cell that the file does not tell, so that those of ``cell`` are guesses; ``notes``
    are sentences on what was left out or assumed. ``initial`` is a learnt initial state, (L*D, H) for each of the
    cell's states, empty for none.
    """

    name: str
    cell: Cell
    layers: tuple[tuple[CellWeights, ...], ...]
    initial: tuple[Tensor, ...] = ()
    unsaid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def input_size(self) -> int:
        """I of the first layer."""
        return self.layers[0][0].weight_ih.shape[1]

    @property
    def hidden(self) -> int:
        """H of each direction."""
        return self.layers[0][0].weight_hh.shape[1]

    @property
    def bidirectional(self) -> bool:
        """Whether each layer has a reverse direction."""
        return len(self.layers[0]) == 2

    @property
    def keys(self) -> dict[str, str | int | bool]:
        """The keys of ``model`` with the values that a recipe must have; those that the file does not tell left out."""
        of_cell = {"rnn": ("activation", self.cell.activation), "gru": ("reset", self.cell.reset)}
        keys: dict[str, str | int | bool] = {"cell": self.cell.kind}
        if self.cell.kind in of_cell and (named := of_cell[self.cell.kind])[0] not in self.unsaid:
            keys[named[0]] = named[1]
        return keys | {"hidden": self.hidden, "layers": len(self.layers), "bidirectional": self.bidirectional}

    def __str__(self) -> str:
        cell = self.cell.kind if self.unsaid else str(self.cell)
        return described(cell, len(self.layers), self.hidden, self.bidirectional)


@dataclass(frozen=True)
class WeightFile:
    """A file: ``kind`` says what wrote it."""

    kind: str
    layers: tuple[WeightLayer, ...]
    stacks: tuple[WeightStack, ...]


@dataclass(frozen=True)
class ReadLayer:
    """A stack of one layer, and the name of the layer that it reads, empty where that is no recurrent one.

    ``reads`` None says that the file does not tell.
    """

    stack: WeightStack
    reads: str | None


class UnfitError(Exception):
    """Why a layer is none that layers of ours can start from."""


def described(cell: str, layers: int, hidden: int, bidirectional: bool) -> str:
    """Layers in the words of a report."""
    return f"{cell} {layers}x{hidden}{' bidirectional' if bidirectional else ''}"


def kind_of(weight_hh_rows: int, hidden: int) -> str:
    """The kind of cell whose gates have so many rows together; UnfitError where none has."""
    kinds = [kind for kind, gates in GATES.items() if len(gates) * hidden == weight_hh_rows]
    if not kinds:
        raise UnfitError(f"{weight_hh_rows} rows of gates for {hidden} units fit neither rnn nor lstm nor gru")
    return kinds[0]


def checked(layers: Sequence[Sequence[CellWeights]], cell: Cell) -> tuple[tuple[CellWeights, ...], ...]:
    """The weights in fp32; UnfitError where their shapes do not fit each other, or where they are no finite numbers."""
    gates, hidden = len(cell.gates), layers[0][0].weight_hh.shape[1]
    width = layers[0][0].weight_ih.shape[1]
    for directions in layers:
        inner = (hidden,) if cell.resets_after else None
        wanted = [(gates * hidden, width), (gates * hidden, hidden), (gates * hidden,), inner]
        for weights in directions:
            if [None if one is None else tuple(one.shape) for one in weights] != wanted:
                raise UnfitError("the shapes of its weights do not fit each other")
            if not all(torch.isfinite(one).all() for one in weights if one is not None):
                raise UnfitError("it holds what is no finite number")
        width = len(directions) * hidden
    return tuple(tuple(one.map(_single) for one in directions) for directions in layers)


def stacked(pieces: Iterable[ReadLayer]) -> list[WeightStack]:
    """Single layers put on top of each other where one of the same shape alone reads the other.

    Where the file does not tell what a layer reads, it is the layer before it if the sizes fit.
    """
    found: list[list[ReadLayer]] = []
    pieces = list(pieces)
    readers = Counter(piece.reads for piece in pieces)
    for piece in pieces:
        below = found[-1:]
        if piece.reads is not None:
            below = [stack for stack in found if stack[-1].stack.name == piece.reads and readers[piece.reads] == 1]
        if below and _fits(piece, below[0][-1]):
            below[0].append(piece)
        else:
            found.append([piece])
    return [_joined(stack) for stack in found]


def _fits(piece: ReadLayer, below: ReadLayer) -> bool:
    last, one = below.stack, piece.stack
    same = (one.cell, one.hidden, one.bidirectional) == (last.cell, last.hidden, last.bidirectional)
    return same and one.input_size == len(last.layers[0]) * last.hidden


def _joined(pieces: Sequence[ReadLayer]) -> WeightStack:
    first, *others = (piece.stack for piece in pieces)
    notes = [note for one in (first, *others) for note in one.notes]
    if others and pieces[1].reads is None:
        notes.append("the file does not say which layer reads which: where sizes fit, each is taken to read the last")
    layers = tuple(layer for one in (first, *others) for layer in one.layers)
    return replace(first, layers=layers, notes=tuple(dict.fromkeys(notes)))


def _single(weight: Tensor) -> Tensor:
    return weight.float().contiguous()
