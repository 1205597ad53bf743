"""Arrays of frames from files: .npy, .npz and .h5, one clip each or several by name.

``clips.npz#walk`` and ``clips.h5#subject1/walk`` name an array inside a file; without a name the file must hold one.
Shape letters: T frames, F figures a frame, H rows, W columns, C channels, J points, D coordinates.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.arrays import DAMAGED
from rnncli.data.regular import require_regular
from rnncli.errors import DataError, UsageError

SUFFIXES = (".npy", ".npz", ".h5", ".hdf5")
MISSING = "paths are taken from the folder of the file that names them"
AGAIN = "numpy.save writes such files; write it again, or take it out of the data"

MAX_COMPRESSION = 1100
"""Bytes that a stored byte of HDF5 may stand for; deflate reaches 1032."""
MAX_UNSTORED = 1 << 28
"""Bytes of HDF5 that need not be stored: a constant is the value that fills what was never written."""


class ClipError(DataError):
    """One clip that is of no use; ``reason`` is the kind of trouble, to count those of a kind."""

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(frozen=True)
class FrameFile:
    """A file of frames and, where it holds several arrays, the name of one."""

    path: Path
    inside: str = ""

    @classmethod
    def parse(cls, text: str, folder: Path = Path()) -> FrameFile:
        """``path`` or ``path#name``, from ``folder``; a # in a file name that is there stays one."""
        path, mark, inside = text.rpartition("#")
        if not mark or Path(path).suffix.lower() not in SUFFIXES or (folder / text).exists():
            return cls(folder / text)
        return cls(folder / path, inside)

    def __str__(self) -> str:
        return f"{self.path}#{self.inside}" if self.inside else str(self.path)


def read_frames(file: FrameFile, name: str = "") -> np.ndarray:
    """Frames (T, F), (T, J, D), (T, H, W) or (T, H, W, C), as uint8 where they are that and float32 otherwise.

    NaN and infinities stay for the caller to judge. Raises ClipError.
    """
    name = name or str(file)
    require_file(file.path, name)
    readers: dict[str, Callable[[FrameFile, str], Any]] = {".npy": _read_npy, ".npz": _read_npz}
    found = readers.get(file.path.suffix.lower(), _read_h5)(file, name)
    if not isinstance(found, np.ndarray) or found.ndim not in (2, 3, 4) or found.dtype.kind not in "fiu":
        shape = f"{found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else "no array"
        raise ClipError("frames of another shape", f"{name}: {shape}, not frames by figures or by pixels", AGAIN)
    if not found.size:
        raise ClipError("clip without frames", f"{name}: holds no frames", AGAIN)
    return np.ascontiguousarray(found, dtype=np.uint8 if found.dtype == np.uint8 else np.float32)


def require_file(path: Path, name: str) -> None:
    """ClipError for a pipe, a device or a socket, of which nothing is opened, and for what can be no path."""
    try:
        require_regular(path, name)
    except DataError as error:
        raise ClipError("no regular file", error.message, error.hint) from error


def unreadable(name: str, error: OSError | ValueError) -> ClipError:
    """What the system says of a path that it does not open, or that is no path."""
    if isinstance(error, FileNotFoundError):
        return ClipError("missing file", f"{name}: no such file", MISSING)
    reason = getattr(error, "strerror", None) or error
    return ClipError("unreadable file", f"{name}: cannot be read: {reason}")


def _read_npy(file: FrameFile, name: str) -> Any:
    try:
        with file.path.open("rb") as stream:
            return np.load(stream, allow_pickle=False)
    except OSError as error:
        raise unreadable(name, error) from error
    except DAMAGED as error:
        raise ClipError("unreadable frames", f"{name}: not a whole .npy file of numbers", AGAIN) from error


def _read_npz(file: FrameFile, name: str) -> Any:
    try:
        with file.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return archive[_one_of(list(archive), file, name)]
    except OSError as error:
        raise unreadable(name, error) from error
    except (*DAMAGED, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise ClipError("unreadable frames", f"{name}: not a whole .npz file of numbers", AGAIN) from error


def _read_h5(file: FrameFile, name: str) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UsageError(f"{name}: HDF5 files need the package h5py", 'pip install "rnncli[h5]"') from error
    try:
        file.path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    try:
        with h5py.File(file.path, "r") as archive:
            names: list[str] = []
            archive.visititems(lambda key, node: names.append(key) if isinstance(node, h5py.Dataset) else None)
            dataset: Any = archive[_one_of(names, file, name)]
            held, elsewhere = dataset.id.get_storage_size(), dataset.external or dataset.is_virtual
            if dataset.nbytes > MAX_UNSTORED + MAX_COMPRESSION * held and not elsewhere:
                said = f"{name}: announces {dataset.nbytes:,} bytes and holds {held:,}"
                raise ClipError("unreadable frames", said, "write it again")
            return np.asarray(dataset)
    except (*DAMAGED, OSError, RuntimeError) as error:
        raise ClipError("unreadable frames", f"{name}: not a whole HDF5 file of numbers", "write it again") from error


def _one_of(names: list[str], file: FrameFile, name: str) -> str:
    inside = file.inside.strip("/")
    if inside in names:
        return inside
    if not inside and len(names) == 1:
        return names[0]
    what = f'no array "{inside}"' if inside else f"{len(names)} arrays"
    there = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    hint = f"name one, as in {file.path.name}#{names[0]}; it holds {there}" if names else AGAIN
    raise ClipError("frames not found in file", f"{name}: holds {what}", hint)
