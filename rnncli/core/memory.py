"""How much memory is free, and a model that is built within it or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

MAKERS = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn})
"""What makes tensors from nothing but their shape."""
CGROUP = Path("/sys/fs/cgroup")
M = TypeVar("M", bound=nn.Module)


class TooLargeError(Exception):
    """A model that does not fit; ``parameters`` is how many it has, 0 where that cannot be told."""

    def __init__(self, parameters: int) -> None:
        super().__init__(f"{parameters:,} parameters")
        self.parameters = parameters


def free(device: torch.device) -> int | None:
    """Bytes that are free on ``device``; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    room: list[int] = []
    with suppress(OSError, KeyError, ValueError):
        room.append(_table(Path("/proc/meminfo"))["MemAvailable:"] * 1024)
    with suppress(OSError, KeyError, ValueError):  # of a container; without a limit its file holds a word
        room.append(int((CGROUP / "memory.max").read_text()) - _table(CGROUP / "memory.stat")["anon"])
    return max(0, min(room)) if room else None


def build_within(build: Callable[[], M], room: int | None) -> M:
    """The model of ``build``, whose tensors take ``room`` bytes at most; TooLargeError before more are taken."""
    try:
        with _Room(room):
            return build()
    except (_RoomError, MemoryError):
        raise TooLargeError(_parameters(build)) from None
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise TooLargeError(_parameters(build)) from None


class _RoomError(Exception):
    pass


class _Room(TorchFunctionMode):
    """Sees how large a tensor is before it is made."""

    def __init__(self, room: int | None) -> None:
        super().__init__()
        self.left = room

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in MAKERS and self.left is not None and kwargs.get("out") is None:
            self.left -= func(*args, **(kwargs | {"device": "meta"})).nbytes
            if self.left < 0:
                raise _RoomError
        return func(*args, **kwargs)


def _parameters(build: Callable[[], nn.Module]) -> int:
    """The parameters of the model of ``build``, counted without memory for them; 0 where it cannot do without."""
    try:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in build().parameters())
    except (RuntimeError, NotImplementedError, MemoryError, TypeError):
        return 0


def _table(file: Path) -> dict[str, int]:
    """The first two words of each line."""
    rows = (line.split() for line in file.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
