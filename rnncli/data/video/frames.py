"""Arrays of frames from files: .npy, .npz and .h5, one clip each or several by name.

``clips.npz#walk`` and ``clips.h5#subject1/walk`` name an array inside a file; without a name the file must hold one.
Shape letters: T frames, F figures a frame, H rows, W columns, C channels, J points, D coordinates.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.errors import DataError, UsageError

SUFFIXES = (".npy", ".npz", ".h5", ".hdf5")
AGAIN = "numpy.save writes such files; write it again, or take it out of the data"


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
    readers: dict[str, Callable[[FrameFile, str], Any]] = {".npy": _read_npy, ".npz": _read_npz}
    found = readers.get(file.path.suffix.lower(), _read_h5)(file, name)
    if not isinstance(found, np.ndarray) or found.ndim not in (2, 3, 4) or found.dtype.kind not in "fiu":
        shape = f"{found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else "no array"
        raise ClipError("frames of another shape", f"{name}: {shape}, not frames by figures or by pixels", AGAIN)
    if not found.size:
        raise ClipError("clip without frames", f"{name}: holds no frames", AGAIN)
    return np.ascontiguousarray(found, dtype=np.uint8 if found.dtype == np.uint8 else np.float32)


def _read_npy(file: FrameFile, name: str) -> Any:
    try:
        with file.path.open("rb") as stream:
            return np.load(stream, allow_pickle=False)
    except OSError as error:
        raise _missing(file, name, error) from error
    except (ValueError, EOFError) as error:
        raise ClipError("unreadable frames", f"{name}: not a whole .npy file of numbers", AGAIN) from error


def _read_npz(file: FrameFile, name: str) -> Any:
    try:
        with file.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return archive[_one_of(list(archive), file, name)]
    except OSError as error:
        raise _missing(file, name, error) from error
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise ClipError("unreadable frames", f"{name}: not a whole .npz file of numbers", AGAIN) from error


def _read_h5(file: FrameFile, name: str) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UsageError(f"{name}: HDF5 files need the package h5py", 'pip install "rnncli[h5]"') from error
    if not file.path.is_file():
        raise _missing(file, name, FileNotFoundError())
    try:
        with h5py.File(file.path, "r") as archive:
            names: list[str] = []
            archive.visititems(lambda key, node: names.append(key) if isinstance(node, h5py.Dataset) else None)
            return np.asarray(archive[_one_of(names, file, name)])
    except (OSError, TypeError) as error:
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


def _missing(file: FrameFile, name: str, error: OSError) -> ClipError:
    if isinstance(error, FileNotFoundError):
        hint = "paths are taken from the folder of the file that names them"
        return ClipError("missing file", f"{name}: no such file", hint)
    return ClipError("unreadable file", f"{name}: cannot be read: {error.strerror or error}")
