"""Temporary files: how much is rather held in memory, and what is said where there is no room for them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from typing import IO

from rnncli.errors import DataError

IN_MEMORY = 1 << 26
"""Bytes that are held in memory before they are written to a temporary file."""


@contextlib.contextmanager
def room_for(name: str) -> Iterator[None]:
    """DataError where no temporary copy of ``name`` can be written."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{name}: no temporary copy can be written in {tempfile.gettempdir()}: {error.strerror or error}",
            hint="name a folder with more room in the environment variable TMPDIR",
        ) from error


def spooled() -> IO[bytes]:
    """A file without a name, in memory while it is small; gone with the object."""
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, prefix="rnncli-")
