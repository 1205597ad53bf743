"""Clips and pictures of no use that tests write, as they are met: not what their names say, cut, of false headers."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.data.video.videos import write_video

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


def npy(shape: str, kind: str = "<f4") -> bytes:
    """A .npy file with 64 bytes of zeros whose header claims ``shape``."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + bytes(64)


def write_npy(path: Path, shape: str, kind: str = "<f4") -> None:
    """A .npy file of zeros whose header claims ``shape``."""
    path.write_bytes(npy(shape, kind))


def write_npz(path: Path, shape: str) -> None:
    """An archive of one such array."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy(shape))


def write_changed_npz(path: Path, at: int, value: int) -> None:
    """An archive with one byte of both of its headers changed: 6 is the flags, 8 the compression."""
    np.savez(path, np.ones((4, 6)))
    content = bytearray(path.read_bytes())
    content[at] = content[content.index(b"PK\x01\x02") + at + 2] = value
    path.write_bytes(content)


def write_spoilt_npz(path: Path) -> None:
    """A compressed archive with its middle overwritten."""
    np.savez_compressed(path, np.random.default_rng(1).normal(size=(50, 8)))
    content = bytearray(path.read_bytes())
    content[300:400] = b"\xff" * 100
    path.write_bytes(content)


def write_h5(path: Path, frames: int) -> None:
    """An array of which no frame was written."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (frames, 8), "f4", chunks=(1000, 8))


def write_null_h5(path: Path) -> None:
    """An array without a shape."""
    with h5py.File(path, "w") as file:
        file["a"] = h5py.Empty("f4")


def png(width: int, height: int, content: bytes = b"") -> bytes:
    """A picture whose header claims a size."""
    chunks = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(content))
    packed = (
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in (*chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def write_unknown_codec(path: Path) -> None:
    """A Matroska file or mp4 whose frames are in a codec that nobody knows."""
    mp4 = path.suffix == ".mp4"
    write_video(path, [np.full((32, 32, 3), n, dtype=np.uint8) for n in range(12)], codec="mpeg4" if mp4 else "ffv1")
    content = path.read_bytes()
    changes = ((b"mp4v", b"zzzz"), (b"esds", b"free")) if mp4 else ((b"V_FFV1", b"V_ZZZZ"),)
    for known, unknown in changes:
        assert known in content
        content = content.replace(known, unknown)
    path.write_bytes(content)


PICTURES: dict[str, Callable[[Path], object]] = {
    "svg.png": lambda path: path.write_bytes(SVG),
    "svg.jpg": lambda path: path.write_bytes(SVG),
    "page.jpg": lambda path: path.write_bytes(b"<!doctype html><title>404</title>not found"),
    "document.png": lambda path: path.write_bytes(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n" * 20),
    "claims.png": lambda path: path.write_bytes(png(2**31 - 1, 2**31 - 1)),
    "large.png": lambda path: path.write_bytes(png(16_000, 16_000, bytes(1000))),
    "nothing.png": lambda path: path.write_bytes(png(0, 0)),
    "cut.png": lambda path: path.write_bytes(png(64, 64, bytes(5000))[:50]),
}
VIDEOS: dict[str, Callable[[Path], object]] = {
    "codec.mkv": write_unknown_codec,
    "codec.mp4": write_unknown_codec,
    "zeros.mp4": lambda path: path.write_bytes(bytes(5000)),
    "archive.mp4": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(500)),
    "titles.mp4": lambda path: path.write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nhello\n\n"),
    "list.mp4": lambda path: path.write_bytes(b"ffconcat version 1.0\nfile 'x.mp4'\n"),
    "folder.mp4": Path.mkdir,
}
ARRAYS: dict[str, Callable[[Path], object]] = {
    "petabytes.npy": lambda path: write_npy(path, "(1125899906842624, 8)"),
    "gigabytes.npy": lambda path: write_npy(path, "(10000000000, 8)"),
    "beyond.npy": lambda path: write_npy(path, "(99999999999999999999999, 8)"),
    "negative.npy": lambda path: write_npy(path, "(-4, 8)"),
    "unclosed.npy": lambda path: write_npy(path, "(4, "),
    "words.npy": lambda path: write_npy(path, "('a', 8)"),
    "kind.npy": lambda path: write_npy(path, "(2, 8)", "<f99"),
    "petabytes.npz": lambda path: write_npz(path, "(1125899906842624, 8)"),
    "beyond.npz": lambda path: write_npz(path, "(99999999999999999999999, 8)"),
    "negative.npz": lambda path: write_npz(path, "(-4, 8)"),
    "spoilt.npz": write_spoilt_npz,
    "encrypted.npz": lambda path: write_changed_npz(path, 6, 1),
    "compression.npz": lambda path: write_changed_npz(path, 8, 99),
    "petabytes.h5": lambda path: write_h5(path, 10**15),
    "gigabytes.h5": lambda path: write_h5(path, 10**10),
    "null.h5": write_null_h5,
}
