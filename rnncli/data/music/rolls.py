"""Piano rolls from files of arrays: .npz by parts, and .npy.

An array is a piece, or the pieces of a part one behind the other, whose lengths another array says::

    train          (13807, 88) of 0 and 1, (13807, 11) of packed bits, or (13807, 128) by MIDI numbers
    train_lengths  (229,)

or pieces of one length, (229, 100, 88). Shape letters: A pieces, T frames, K keys.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnncli.data.arrays import DAMAGED
from rnncli.data.music.pieces import ALL, EMPTY, KEYS, LOWEST, PITCHES, MusicPiece, PieceFile, beside, of_roll
from rnncli.data.regular import require_regular
from rnncli.errors import DataError

LENGTHS = "lengths"
PACKED = KEYS // 8
WIDTHS = f"{KEYS} keys from the low A of a piano, {PACKED} bytes of packed bits, or {PITCHES} MIDI numbers"
AGAIN = "numpy.savez writes such files: rolls of 0 and 1, and for each the lengths of its pieces"


def read_rolls(path: Path, beat: int) -> PieceFile:
    """The pieces of a .npz or .npy file by the names of its arrays; raises DataError naming file and array.

    ``beat`` says how many frames a beat has, which such files do not tell. Nothing pickled is loaded.
    """
    require_regular(path)
    arrays = _load(path)
    rolls = {name: array for name, array in arrays.items() if not _is_lengths(name)}
    if not rolls:
        raise DataError(f"{path}: holds no array of piano rolls", AGAIN)
    found = PieceFile("rolls", {})
    cut = 0
    for name, array in rolls.items():
        where = f'{path}: array "{name}"'
        found.pieces[name] = []
        lengths = arrays.get(f"{name}_{LENGTHS}", arrays.get(LENGTHS) if len(rolls) == 1 else None)
        for number, roll in enumerate(_parted(array, lengths, where), start=1):
            if not len(roll):
                found.dropped[EMPTY] += 1
                continue
            frames, outside = of_roll(_unpacked(roll, where))
            cut += outside
            found.pieces[name].append(MusicPiece(f"{path.name}#{name}[{number}]", frames, beat))
        if not found.pieces[name]:
            raise DataError(f"{where}: holds no frame", AGAIN)
    return found.having(beside(path.name, cut))


def _is_lengths(name: str) -> bool:
    return name == LENGTHS or name.endswith(f"_{LENGTHS}")


def _load(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            return {ALL: loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (*DAMAGED, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError) as error:
        if "allow_pickle" in str(error):
            raise DataError(f"{path}: holds pickled objects, which are never loaded", AGAIN) from error
        raise DataError(f"{path}: not a whole file of arrays of numbers", AGAIN) from error


def _parted(array: np.ndarray, lengths: np.ndarray | None, where: str) -> list[np.ndarray]:
    """The rolls of an array, (T, width) each."""
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        raise DataError(f"{where}: {array.dtype} of shape {array.shape}, not frames by keys, nor pieces of such", AGAIN)
    if array.shape[-1] not in (PACKED, KEYS, PITCHES):
        raise DataError(f"{where}: frames are {array.shape[-1]:,} wide, and not {WIDTHS}", AGAIN)
    if array.shape[-1] == PACKED and array.dtype != np.uint8:
        raise DataError(f"{where}: {array.dtype}, and {PACKED} bytes of packed bits would be uint8", "numpy.packbits")
    if lengths is None:
        return [array] if array.ndim == 2 else [_without_silence_behind(roll) for roll in array]
    _require_lengths(array, lengths, where)
    if array.ndim == 3:
        return [roll[:length] for roll, length in zip(array, lengths.tolist(), strict=True)]
    return np.split(array, np.cumsum(lengths)[:-1])


def _require_lengths(array: np.ndarray, lengths: np.ndarray, where: str) -> None:
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or not len(lengths) or (lengths < 0).any():
        raise DataError(f"{where}: its lengths are no list of whole numbers from 0", AGAIN)
    if array.ndim == 3 and (len(lengths) != len(array) or lengths.max() > array.shape[1]):
        raise DataError(f"{where}: {len(lengths):,} lengths up to {lengths.max():,} for shape {array.shape}", AGAIN)
    if array.ndim == 2 and lengths.sum() != len(array):
        raise DataError(f"{where}: {len(array):,} frames, and its lengths add up to {lengths.sum():,}", AGAIN)


def _without_silence_behind(roll: np.ndarray) -> np.ndarray:
    """Pieces of one array are as long as the longest: what is silent up to the end was added."""
    heard = np.flatnonzero((roll != 0).any(1))
    return roll[: heard[-1] + 1] if len(heard) else roll[:0]


def _unpacked(roll: np.ndarray, where: str) -> np.ndarray:
    """Which MIDI numbers sound, (T, 128) bool, of packed bits, truth values or loudness."""
    if roll.shape[1] == PACKED:
        roll = np.unpackbits(roll, axis=1)
    elif (odd := ~(np.isfinite(roll) & (roll >= 0))).any():
        frame, key = np.argwhere(odd)[0].tolist()
        raise DataError(f"{where}: {roll[frame, key]} in frame {frame + 1:,} of a piece, where 0 is silence", AGAIN)
    if roll.shape[1] == PITCHES:
        return roll > 0
    return np.pad(roll > 0, ((0, 0), (LOWEST, PITCHES - LOWEST - KEYS)))
