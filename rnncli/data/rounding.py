"""Matrices in few bits: whole numbers and, for each row or group of columns in it, a scale; and how a file holds them.

A weight is its code times the scale of its row, ``w = code * scale`` with ``scale = max |row| / 127``, so that it is
off by half a scale at most and 0 stays 0. Shape letters: R rows, C columns, G groups of columns in a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, get_args

import numpy as np

Form = Literal["fp16", "int8", "int4"]
FORMS: tuple[Form, ...] = get_args(Form)
"""From the largest to the smallest."""
BITS: Mapping[Form, int] = {"fp16": 16, "int8": 8, "int4": 4}
GROUP = 32
"""Columns that share a scale in four bits, of which a whole row loses too much by one."""
ROUNDED = "rounded"
"""The key of a file's metadata under which it says what its codes stand for."""
CODES, SCALES = ":codes", ":scales"
"""Behind the name of a matrix in a file. Names of weights have no colons."""


@dataclass(frozen=True, eq=False)
class RoundedMatrix:
    """``codes`` (R, C) int8, or float16 in sixteen bits, where ``scales`` (R, G) float32 has no columns.

    ``shape`` is that of the weight, whose first axis are the rows.
    """

    form: Form
    shape: tuple[int, ...]
    codes: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, weight: np.ndarray, form: Form) -> RoundedMatrix:
        """``weight``, of two axes or more, in that form; ValueError for what is not finite, or too large for it."""
        matrix_RC = weight.reshape(len(weight), prod(weight.shape[1:]))
        if form == "fp16":
            with np.errstate(over="ignore"):
                codes = matrix_RC.astype(np.float16)
            if not np.isfinite(codes).all():
                raise ValueError("a number is infinite, undefined or beyond 65,504")
            return cls(form, weight.shape, codes, np.zeros((len(codes), 0), np.float32))
        return cls(form, weight.shape, *round_rows(matrix_RC, BITS[form], grouped=form == "int4"))

    def value(self) -> np.ndarray:
        """The weight that it stands for, float32."""
        if not self.scales.shape[1]:
            return self.codes.astype(np.float32).reshape(self.shape)
        return rows_of(self.codes, self.scales).reshape(self.shape)

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file holds of it, by the end of the name: two codes of four bits share a byte."""
        codes = packed(self.codes) if self.form == "int4" else self.codes
        return {CODES: codes} | ({SCALES: compact(self.scales)} if self.scales.shape[1] else {})


def round_rows(matrix_RC: np.ndarray, bits: int, *, grouped: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Codes (R, C) int8 of at most ``2 ** (bits - 1) - 1``, and scales (R, G) float32.

    A scale is that of a row, or where they are ``grouped`` of ``GROUP`` columns in it. It is rounded up to a number of
    two bytes where all of them fit in these. Raises ValueError for what is not finite.

    >>> round_rows(np.array([[1.27, -0.5, 0.0], [0.0, 0.0, 0.0]]), 8)[0].tolist()
    [[127, -50, 0], [0, 0, 0]]
    """
    if not np.isfinite(matrix_RC).all():
        raise ValueError("a number is infinite or undefined")
    most, (rows, columns) = 2 ** (bits - 1) - 1, matrix_RC.shape
    groups, group = _groups(columns) if grouped else (1, max(columns, 1))
    padded_RC = np.pad(matrix_RC.astype(np.float64), [(0, 0), (0, groups * group - columns)])
    parts_RGC = padded_RC.reshape(rows, groups, group)
    scales_RG = _upward(np.abs(parts_RGC).max(2) / most)
    divisor_RG = np.where(scales_RG > 0, scales_RG, 1).astype(np.float64)
    codes_RGC = np.clip(np.rint(parts_RGC / divisor_RG[..., None]), -most, most).astype(np.int8)
    return codes_RGC.reshape(padded_RC.shape)[:, :columns], scales_RG


def rows_of(codes_RC: np.ndarray, scales_RG: np.ndarray) -> np.ndarray:
    """The matrix that codes and scales stand for, (R, C) float32."""
    if scales_RG.shape[1] > 1:
        scales_RG = np.repeat(scales_RG, GROUP, axis=1)[:, : codes_RC.shape[1]]
    return codes_RC.astype(np.float32) * scales_RG


def in_halves(array: np.ndarray) -> np.ndarray:
    """The nearest numbers of two bytes, as float32; the same array where one is not finite, or beyond these."""
    with np.errstate(over="ignore"):
        halves = array.astype(np.float16)
    return halves.astype(np.float32) if np.isfinite(halves).all() else array


def compact(array: np.ndarray) -> np.ndarray:
    """The same numbers in two bytes each where that changes none of them, else as they are."""
    with np.errstate(over="ignore", invalid="ignore"):
        halves = array.astype(np.float16)
    return halves if array.dtype == np.float32 and (halves == array).all() else array


def packed(codes_RC: np.ndarray) -> np.ndarray:
    """Codes of four bits, two in a byte, the first in its lower half: (R, C / 2 rounded up) uint8."""
    even_RC = np.pad(codes_RC, [(0, 0), (0, codes_RC.shape[1] % 2)]).astype(np.uint8) & 15
    return even_RC[:, ::2] | even_RC[:, 1::2] << 4


def unpacked(bytes_RC: np.ndarray, columns: int) -> np.ndarray:
    """What :func:`packed` was given, (R, columns) int8."""
    halves_RC2 = np.stack([bytes_RC & 15, bytes_RC >> 4], axis=2)
    codes_RC = halves_RC2.reshape(len(bytes_RC), 2 * bytes_RC.shape[1])[:, :columns].astype(np.int8)
    return (codes_RC ^ 8) - 8


def metadata(matrices: Mapping[str, RoundedMatrix]) -> dict[str, str]:
    """What a file says of the matrices that it holds rounded: the form and the shape of each, as JSON."""
    told = {name: {"form": one.form, "shape": list(one.shape)} for name, one in matrices.items()}
    return {ROUNDED: json.dumps(told)} if told else {}


def read_metadata(values: Mapping[str, str] | None) -> dict[str, tuple[Form, tuple[int, ...]]]:
    """Form and shape of each rounded matrix of a file; none of an ordinary one. Raises ValueError for anything else."""
    told: Any = json.loads((values or {}).get(ROUNDED, "{}"))
    try:
        found = {str(name): (one["form"], tuple(map(int, one["shape"]))) for name, one in told.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it does not say what is {ROUNDED}") from error
    if any(form not in FORMS or len(shape) < 2 for form, shape in found.values()):
        raise ValueError(f"it says something else is {ROUNDED} than matrices in {', '.join(FORMS)}")
    return found


def read_matrix(form: Form, shape: tuple[int, ...], arrays: Mapping[str, np.ndarray]) -> RoundedMatrix:
    """A matrix of what a file holds of it, as :meth:`RoundedMatrix.arrays` names it; ValueError for anything else."""
    rows, columns = shape[0], prod(shape[1:])
    if CODES not in arrays:
        raise ValueError("its codes are not there")
    codes, scales = arrays[CODES], arrays.get(SCALES, np.zeros((rows, 0), np.float32))
    wide = -(-columns // 2) if form == "int4" else columns
    groups = {"fp16": 0, "int8": 1, "int4": _groups(columns)[0]}[form]
    kind = {"fp16": np.float16, "int8": np.int8, "int4": np.uint8}[form]
    if codes.dtype != kind or codes.shape != (rows, wide) or scales.shape != (rows, groups):
        raise ValueError(f"codes {codes.shape} and scales {scales.shape} are no {form} of {list(shape)}")
    if not np.isfinite(scales).all():
        raise ValueError("a scale is infinite or undefined")
    if form == "int4":
        codes = unpacked(codes, columns)
    return RoundedMatrix(form, shape, codes, scales.astype(np.float32))


def _groups(columns: int) -> tuple[int, int]:
    """How many groups of columns a row has, and of how many columns."""
    return (1, max(columns, 1)) if columns <= GROUP else (-(-columns // GROUP), GROUP)


def _upward(scales: np.ndarray) -> np.ndarray:
    """The next larger numbers of two bytes, as float32; of four bytes where one is beyond these."""
    with np.errstate(over="ignore"):
        halves = scales.astype(np.float16)
        halves = np.where(halves < scales, np.nextafter(halves, np.float16(np.inf)), halves)
    if np.isfinite(halves).all():
        return halves.astype(np.float32)
    singles = scales.astype(np.float32)
    return np.where(singles < scales, np.nextafter(singles, np.float32(np.inf)), singles)
