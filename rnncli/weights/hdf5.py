"""Arrays that lie in an HDF5 file, read within bounds: no link leads out of it, and nothing is unpickled."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rnncli.errors import UsageError
from rnncli.weights.found import UnfitError

if TYPE_CHECKING:
    import h5py

MAX_UNSTORED, MAX_COMPRESSION = 1 << 20, 100
"""Bytes of an array that no byte of the file need stand for, and how many times its stored bytes it may be besides."""


@contextmanager
def opened(source: Path | io.BytesIO, name: str) -> Iterator[h5py.File]:
    """The file, open for reading; UsageError without h5py."""
    try:
        import h5py
    except ImportError as error:
        raise UsageError(f"{name}: HDF5 files need the package h5py", 'pip install "rnncli[h5]"') from error
    with h5py.File(source, "r") as file:
        yield file


def arrays(group: Any) -> dict[str, h5py.Dataset]:
    """All arrays below ``group`` by their paths, those of a name in the order of their numbers."""
    import h5py

    found: dict[str, h5py.Dataset] = {}

    def visit(path: str, node: object) -> None:  # only hard links are followed, each object is met once
        if isinstance(node, h5py.Dataset):
            found[path] = node

    group.visititems(visit)
    return dict(sorted(found.items(), key=lambda one: natural(one[0])))


def child(group: Any, name: str) -> Any:
    """What ``group`` holds under ``name``; None where there is nothing, or a link to something elsewhere."""
    import h5py

    return group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None


def natural(path: str) -> list[tuple[str, int]]:
    """A key that puts ``lstm_2`` before ``lstm_10``, and ``lstm`` before both."""
    return [(word, int(number or 0)) for word, number in re.findall(r"([^\d/]+?)_?(\d*)(?:/|$)", path)]


def read(array: Any) -> Tensor:
    """The numbers of an array; UnfitError where it announces more than it holds, or holds no numbers with a point."""
    held = array.id.get_storage_size()
    if array.external or array.is_virtual or array.nbytes > MAX_UNSTORED + MAX_COMPRESSION * held:
        raise UnfitError(f"its array of {array.nbytes:,} bytes does not lie in the file, which holds {held:,} of it")
    if array.attrs.get("dtype") == "bfloat16":
        return torch.from_numpy(np.asarray(array).view(np.int16)).view(torch.bfloat16)
    if array.dtype.kind != "f":
        raise UnfitError(f"its weights are {array.dtype}, not numbers with a point: quantized layers are not read")
    return torch.from_numpy(np.asarray(array).astype(np.float64 if array.dtype == np.float64 else np.float32))


def text(attribute: Any) -> str:
    """An attribute that holds text, however it was written."""
    return attribute.decode("utf-8") if isinstance(attribute, bytes) else str(attribute)
