"""Where to compute and in which precision, with a reason for each choice made for the user."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch

from rnncli.errors import UsageError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GIB = 2**30
B = TypeVar("B")


@dataclass(frozen=True)
class Placement:
    """A device, a precision and what goes with them; nothing is set before ``apply``."""

    device: torch.device
    precision: str
    tf32: bool
    deterministic: bool
    threads: int
    reasons: tuple[str, ...]

    @property
    def dtype(self) -> torch.dtype:
        """The precision that ``autocast`` computes in; weights stay in fp32."""
        return DTYPES[self.precision]

    def apply(self) -> None:
        """Set device, TF32, deterministic kernels and CPU threads, for the whole process."""
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        torch.set_num_threads(self.threads)
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = self.tf32
        torch.backends.cudnn.deterministic = self.deterministic
        if self.deterministic:
            # cuBLAS reads this when it starts, and refuses to be deterministic without it.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if self.deterministic != torch.are_deterministic_algorithms_enabled():
            # Not called in vain: the call imports torch's compiler, which takes a second.
            torch.use_deterministic_algorithms(self.deterministic)

    def autocast(self) -> AbstractContextManager[Any]:
        """A context whose matrix products are in ``precision``; in fp32 it does nothing."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def describe(self) -> str:
        """For a person: ``cpu, fp32, 2 threads`` or ``cuda:0 (NVIDIA H200), bf16, 16 threads``."""
        where = str(self.device)
        if self.device.type == "cuda":
            where += f" ({torch.cuda.get_device_name(self.device)})"
        return f"{where}, {self.precision}, {_threads(self.threads)}"


def choose(device: str, precision: str, *, tf32: bool, deterministic: bool, threads: int) -> Placement:
    """The placement for ``device`` (auto, cpu, mps, cuda, cuda:N) and ``precision`` (auto, fp32, bf16, fp16).

    ``threads`` 0 leaves the number of CPU threads to torch. Changes nothing; raises UsageError for a device that
    is not here and for names that are not known.
    """
    reasons: list[str] = []
    place = _device(device, reasons)
    chosen = _precision(precision, place, reasons)
    if threads < 0:
        raise UsageError(f"threads is {threads}", "give 1 or more, or 0 to leave the choice to torch")
    if not threads:
        threads = torch.get_num_threads()
        reasons.append(f"{_threads(threads)} (torch's own choice)")
    elif threads > (there := os.cpu_count() or threads):  # they would wait for each other, hundreds of them for ever
        reasons.append(f"{_threads(there)} ({threads} were asked for, there are no more processors)")
        threads = there
    return Placement(place, chosen, tf32, deterministic, threads, tuple(reasons))


def inventory() -> dict[str, Any]:
    """What this machine and this build of torch offer, as plain values ready for JSON."""
    count, trouble = _cuda()
    facts: dict[str, Any] = {
        "torch": torch.__version__,
        "cuda build": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if count else None,
        "cuda devices": [_cuda_device(index) for index in range(count)],
        "mps": torch.backends.mps.is_available(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "mkldnn": torch.backends.mkldnn.is_available(),
        "threads": torch.get_num_threads(),
    }
    return facts | ({"cuda trouble": trouble} if trouble else {})


def _device(name: str, reasons: list[str]) -> torch.device:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise UsageError(f"there is no device {name!r}", "choose auto, cpu, mps, cuda or cuda:N")
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError("device mps was asked for, and torch finds none here", "set compute.device=auto or cpu")
        return torch.device("mps")
    count, trouble = _cuda()
    if name == "auto":
        return _automatic(count, trouble, reasons)
    if not count:
        why = f" ({trouble})" if trouble else ""
        raise UsageError(
            f"device {name} was asked for, and torch finds no CUDA device here{why}", "set compute.device=auto or cpu"
        )
    index = int(name.partition(":")[2] or torch.cuda.current_device())
    if index >= count:
        known = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise UsageError(f"device {name} was asked for, and there is only {known}", f"set compute.device={known[:6]}")
    return torch.device("cuda", index)


def _automatic(count: int, trouble: str, reasons: list[str]) -> torch.device:
    if count:
        device = torch.device("cuda", torch.cuda.current_device())
        reasons.append(f"{device} ({torch.cuda.get_device_name(device)} found)")
        return device
    why = f"CUDA does not start: {trouble}" if trouble else "no CUDA device found"
    if torch.backends.mps.is_available():
        why += "; mps is used only when asked for"
    reasons.append(f"cpu ({why})")
    return torch.device("cpu")


def _precision(name: str, device: torch.device, reasons: list[str]) -> str:
    if name != "auto":
        if name not in DTYPES:
            raise UsageError(f"there is no precision {name!r}", f"choose auto, {', '.join(DTYPES)}")
        return name
    if device.type == "cpu":
        chosen, why = "fp32", "lower precision is slower on a CPU"
    elif device.type == "mps":
        chosen, why = "fp32", "lower precision on mps only when asked for"
    else:
        major, minor = torch.cuda.get_device_capability(device)
        able = major >= 8
        chosen, why = (
            "bf16" if able else "fp32",
            f"compute capability {major}.{minor} has {'it' if able else 'no bf16'}",
        )
    reasons.append(f"{chosen} ({why})")
    return chosen


def _cuda() -> tuple[int, str]:
    """How many CUDA devices can be used, and what torch complains about if it cannot use them."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    trouble = "" if count or not said else str(said[0].message).splitlines()[0].partition(" (Triggered")[0]
    return count, trouble


def _cuda_device(index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    capability = f"{properties.major}.{properties.minor}"
    return {
        "name": properties.name,
        "device": f"cuda:{index}",
        "memory GiB": round(properties.total_memory / GIB, 1),
        "capability": capability,
        "bf16": properties.major >= 8,
    }


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"


def placed(batch: B, device: torch.device) -> B:
    """A dataclass of tensors, or of such, on another device; its lengths stay on the CPU, where the core looks at them.

    Lengths are what has ``lengths`` in its name.
    """
    moved = {}
    for field in fields(batch):  # pyright: ignore[reportArgumentType] - B is a dataclass
        value = getattr(batch, field.name)
        if isinstance(value, torch.Tensor) and "lengths" not in field.name:
            moved[field.name] = value.to(device, non_blocking=True)
        elif is_dataclass(value):
            moved[field.name] = placed(value, device)
    return replace(batch, **moved)  # pyright: ignore[reportArgumentType]
