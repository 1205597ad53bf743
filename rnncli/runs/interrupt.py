"""Interrupts that are looked at when it suits the work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks a process to end, beside the interrupt of a terminal."""


def interrupt_on_signals() -> None:
    """Have SIGTERM and SIGHUP interrupt as Ctrl-C does, wherever this process is; what is ignored (nohup) stays so."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in ENDINGS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, handle)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM or SIGHUP sets; a second SIGINT interrupts at once."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if flag.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        flag.set()

    heard = [number for number in ENDINGS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, *heard)}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
