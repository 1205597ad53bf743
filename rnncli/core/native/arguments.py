"""What kernels are given: arrays in memory, tables of the walk, and sizes.

A kernel reads its arguments as one array of 64-bit integers: :func:`slots` names its elements, :func:`as_integers`
fills it. An argument called ``x`` gives the element ``x`` and, of an array, ``x_stride``; of a table, ``x_length``.
None of them keeps memory alive.

Names follow ``rnncli.core.cells``; ``d_`` is a gradient. Shape letters: B batch, K chunks, T steps, N rows, R rows of a
chunk, I input, H hidden, G gates, E the width of an output row.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from torch import Tensor

FLOAT_BYTES = 4


class Array(NamedTuple):
    """Rows of fp32 in memory: where the first begins, and how many floats further on the next does."""

    address: int
    stride: int

    @classmethod
    def of(cls, rows: Tensor) -> Array:
        """The rows of a tensor (..., rows, columns), or a vector as one row; the columns must lie side by side."""
        assert rows.stride(-1) == 1 or rows.is_contiguous()  # what is empty or one column broad has any stride
        return cls(rows.data_ptr(), rows.stride(-2) if rows.dim() > 1 else 0)

    def from_row(self, row: int) -> Array:
        """The rows from ``row`` on."""
        return Array(self.address + FLOAT_BYTES * self.stride * row, self.stride)

    def from_column(self, column: int) -> Array:
        """The same rows without what stands before ``column``."""
        return Array(self.address + FLOAT_BYTES * column, self.stride)


class IntegerTable(NamedTuple):
    """Rows of 64-bit integers, one behind the other."""

    address: int
    length: int

    @classmethod
    def of(cls, rows: np.ndarray) -> IntegerTable:
        """A contiguous matrix of int64."""
        return cls(rows.ctypes.data, len(rows))


NOWHERE = Array(0, 0)
"""An array that this cell, or this call, has no use for."""
NO_STEPS = IntegerTable(0, 0)


class ForwardArguments(NamedTuple):
    """Of a kernel that goes forward through one direction of one part."""

    input: int = 0
    """I."""
    hidden: int = 0
    """H."""
    chunks: IntegerTable = NO_STEPS
    """``Tables.chunks_K4`` of :mod:`rnncli.core.layout.packed`."""
    steps: IntegerTable = NO_STEPS
    """``Tables.steps_T4``."""
    keeps: int = 0
    """1 where ``kept`` has a place for each row of the packing, 0 where each chunk writes over the last one's."""
    x: Array = NOWHERE
    """(N, I)."""
    kept: Array = NOWHERE
    """What the way back needs of each row, see :mod:`rnncli.core.native.loops`."""
    y: Array = NOWHERE
    """The outputs of this direction, N rows of H."""
    begin: Array = NOWHERE
    """h where each example begins (B, H)."""
    c: Array = NOWHERE
    """c of an lstm (B, H), where each example begins; becomes that of its end."""
    before: Array = NOWHERE
    """Work: the h that each row of a step begins from (B, H)."""
    reset: Array = NOWHERE
    """Work: r * h of a gru (B, H)."""
    weight_ih: Array = NOWHERE
    """(G*H, I), like all weights in panels, of fp32 or of eight bits."""
    weight_gates: Array = NOWHERE
    """The rows of ``weight_hh`` that multiply h itself."""
    weight_rx: Array = NOWHERE
    """Its other rows, of a gru's candidate."""
    bias: Array = NOWHERE
    """(G*H)."""
    bias_hh: Array = NOWHERE
    """(H)."""
    codes: Array = NOWHERE
    """Work: rows in eight bits, see :mod:`rnncli.core.native.rounded`."""


class BackArguments(NamedTuple):
    """Of a kernel that goes back through one direction of one part."""

    input: int = 0
    hidden: int = 0
    chunks: IntegerTable = NO_STEPS
    steps: IntegerTable = NO_STEPS
    keeps: int = 0
    x: Array = NOWHERE
    kept: Array = NOWHERE
    y: Array = NOWHERE
    begin: Array = NOWHERE
    c: Array = NOWHERE
    """The gradient of an lstm's c (B, H), at each example's end; becomes that of its beginning."""
    before: Array = NOWHERE
    """Work: the h that each row of a chunk began from (R, H)."""
    reset: Array = NOWHERE
    """Work: the gradient of r * h (B, H)."""
    grad: Array = NOWHERE
    """The gradient of ``y``."""
    d: Array = NOWHERE
    """The gradient of h (B, H), at each example's end; becomes that of its beginning."""
    factors: Array = NOWHERE
    """Work: the gradients before the activations, R rows."""
    inner: Array = NOWHERE
    """Work: r * h (R, H)."""
    dx: Array = NOWHERE
    """The gradient of ``x``, where it is wanted."""
    zeros: Array = NOWHERE
    """A row of zeros, as wide as I and H."""
    weight_ih: Array = NOWHERE
    weight_hh: Array = NOWHERE
    """What ``weight_gates`` is on the way forward."""
    weight_rx: Array = NOWHERE
    d_weight_ih: Array = NOWHERE
    d_weight_hh: Array = NOWHERE
    d_bias: Array = NOWHERE
    d_bias_hh: Array = NOWHERE


class PanelArguments(NamedTuple):
    """Of a kernel that lays a matrix out in panels."""

    source: Array
    depth: int
    """Rows of every panel."""
    columns: int
    """Columns of the matrix, which the panels share out."""
    target: Array


def slots(arguments: type[Any]) -> list[str]:
    """The names of the integers that stand for ``arguments``, in their order."""
    found = []
    for name, kind in get_type_hints(arguments).items():
        rest = () if kind is int else kind._fields[1:]
        found += [name, *(f"{name}_{field}" for field in rest)]
    return found


def as_integers(arguments: Iterable[int | Array | IntegerTable]) -> ctypes.Array[ctypes.c_int64]:
    """The integers that stand for ``arguments``."""
    values: list[int] = []
    for value in arguments:
        if isinstance(value, int):
            values.append(value)
        else:
            values += value
    return (ctypes.c_int64 * len(values))(*values)
