"""What happened in a batch, a line each, in a file that is only ever added to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnncli.errors import RunError
from rnncli.runs.directory import now

FILE = "ledger.jsonl"
BEGUN, FINISHED, FAILED, INTERRUPTED = "begun", "finished", "failed", "interrupted"


class Ledger:
    """The ledger of the batch in ``folder``: lines of ``time``, ``event``, ``run`` and what belongs to the event."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def add(self, event: str, run: str, **facts: Any) -> None:
        """Write a line, whole, and see it on the disk; raises RunError."""
        line = json.dumps({"time": now(), "event": event, "run": run, **facts}, ensure_ascii=False, allow_nan=False)
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                size = os.fstat(handle).st_size
                os.lseek(handle, max(0, size - 1), os.SEEK_SET)
                torn = size and os.read(handle, 1) != b"\n"  # the power went in the middle of a line
                os.write(handle, (("\n" if torn else "") + line + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise RunError(
                f"{self.path}: cannot write: {error.strerror or error}", "free some space and start the batch again"
            ) from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """What was written, lines that were cut short left out."""
        if not self.path.is_file():
            return
        for text in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and {"event", "run"} <= line.keys():
                yield line

    def finished(self) -> dict[str, float]:
        """The runs that are known to be finished, with the seconds that they took in all."""
        return {line["run"]: float(line.get("seconds") or 0.0) for line in self.lines() if line["event"] == FINISHED}
