"""The command line as a run of a batch: bound to the life of the process that started it.

``python -m rnncli.cli.child PID ARGUMENTS...`` is ``rnncli ARGUMENTS...`` that is told to end when process PID does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

from rnncli.cli.main import main

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def end_with(parent: int) -> None:
    """Have this process told to end as soon as ``parent`` is gone; where that cannot be had, do nothing."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it went before the kernel was asked
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    sys.argv = ["rnncli", *sys.argv[2:]]
    main()
