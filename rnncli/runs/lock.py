"""A folder that one process works in: others wait a moment and are then told whose it is.

The lock is the kernel's, on a file in the folder: it ends with the process that holds it, however that ends, and a file
that is left behind locks nothing. Where a system or a file system has no such locks, nothing is held.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from rnncli.errors import RunError

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None

FILE = ".lock"
PATIENCE = 3.0
"""Seconds that a process which is about to end is waited for."""


@contextlib.contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Hold ``folder`` for this process; RunError where another works on it, which ``what`` names ("run", "batch")."""
    handle = _open(folder)
    try:
        until = time.monotonic() + PATIENCE
        while not _take(handle):
            if time.monotonic() >= until:
                raise RunError(
                    f"{folder}: process {_owner(handle)} works on this {what}", "wait for it to end, or stop it first"
                )
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def naming(folder: Path) -> Iterator[bool]:
    """Be the only one to make a run directory in ``folder``; whether that is certain.

    It takes milliseconds, and the lock is on the folder itself, which leaves no file there. It is not certain where
    there are no such locks, or where another process stopped in the middle.
    """
    try:
        handle = os.open(folder, os.O_RDONLY) if fcntl else -1
    except OSError:
        handle = -1
    try:
        until = time.monotonic() + PATIENCE
        while not (alone := _alone(handle)) and handle >= 0 and time.monotonic() < until:
            time.sleep(0.005)
        yield alone
    finally:
        if handle >= 0:
            os.close(handle)


def holder(folder: Path) -> int:
    """The process that works on ``folder``; 0 where none does."""
    try:
        handle = os.open(folder / FILE, os.O_RDWR)
    except OSError:
        return 0
    try:
        return 0 if _take(handle) else _owner(handle) or -1
    finally:
        os.close(handle)


def _open(folder: Path) -> int:
    try:
        return os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(
            f"{folder}: cannot write: {error.strerror or error}", "free some space, or name another --out"
        ) from error


def _take(handle: int) -> bool:
    """Whether the lock is ours now; it is where there are no locks."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _alone(handle: int) -> bool:
    """Whether the lock of a folder is ours now."""
    if fcntl is None or handle < 0:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _owner(handle: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        os.lseek(handle, 0, os.SEEK_SET)
        return int(os.read(handle, 20))
    return 0
