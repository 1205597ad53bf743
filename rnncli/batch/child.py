"""A run of a batch in a process of its own: how it is started, what it says, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnncli.batch.plan import Planned
from rnncli.errors import RunError

LOGS = "logs"
COMMAND = (sys.executable, "-P", "-m", "rnncli.cli.child")
"""What starts a child: the command line, bound to the life of the process that is named to it first."""


@dataclass(frozen=True)
class Share:
    """What a child may use: threads of the processor and, where there are accelerators, one of them."""

    threads: int
    device: str = ""

    def environment(self) -> dict[str, str]:
        """The environment of the child."""
        given = os.environ.get("OMP_NUM_THREADS", "")
        threads = min(self.threads, int(given)) if given.isdigit() and int(given) else self.threads
        own = {"OMP_NUM_THREADS": str(threads)}
        return os.environ | own | ({"CUDA_VISIBLE_DEVICES": self.device} if self.device else {})


class Child:
    """One run at work."""

    def __init__(self, planned: Planned, folder: Path, share: Share, *, resumed: bool) -> None:
        self.planned, self.path, self.resumed, self.share = planned, folder / planned.name, resumed, share
        self.begun = time.monotonic()
        self.log = folder / LOGS / f"{planned.name}.txt"
        fresh = [planned.source, *planned.settings, "--out", str(self.path)]
        arguments = ["run", *(["--resume", str(self.path)] if resumed else fresh)]
        try:
            self.log.parent.mkdir(exist_ok=True)
            with self.log.open("ab") as log:
                self.said_before = log.tell()
                self._process = subprocess.Popen(
                    [*COMMAND, str(os.getpid()), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=share.environment(),
                    # An interrupt on the terminal is for the batch, which ends its runs by itself.
                    process_group=0 if os.name == "posix" else None,
                )
        except OSError as error:
            raise RunError(
                f"{self.path}: cannot be started: {error.strerror or error}", "free some memory or space"
            ) from error

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.begun

    def poll(self) -> int | None:
        """Its exit code, None while it works."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to save its state and end."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait()

    def progress(self) -> dict[str, Any]:
        """The last line of its ``metrics.jsonl``, in a cross-validation that of its latest fold; empty before."""
        files = [self.path / "metrics.jsonl", *self.path.glob("folds/*/metrics.jsonl")]
        try:
            latest = max((file for file in files if file.exists()), key=lambda file: file.stat().st_mtime)
            row = json.loads(latest.read_text(encoding="utf-8").splitlines()[-1])
        except (OSError, ValueError, IndexError, RecursionError):
            return {}
        return row if isinstance(row, dict) else {}

    def complaint(self, code: int) -> str:
        """Why it ended with exit code ``code``: the signal that killed it, or the sentence of its error."""
        if code < 0:  # what it had said before tells nothing of this
            return f"killed by signal {-code}"
        try:
            with self.log.open("rb") as log:
                log.seek(self.said_before)
                said = log.read().decode("utf-8", "replace").splitlines()
        except OSError:
            said = []
        errors = [line.removeprefix("error ") for line in said if line.startswith("error ")]
        return (errors or said or [f"ended with {code}"])[-1]


def shares(jobs: int) -> Sequence[Share]:
    """What each of ``jobs`` children may use; accelerators are given out in turn."""
    threads = max(1, len(processors()) // jobs)
    devices = accelerators()
    return [Share(threads, devices[i % len(devices)] if devices else "") for i in range(jobs)]


def accelerators() -> list[str]:
    """The CUDA devices that may be used, by the names that CUDA_VISIBLE_DEVICES takes."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    cards = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(cards.iterdir())] if cards.is_dir() else []


def processors() -> Sequence[int]:
    """Those that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
