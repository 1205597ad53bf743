"""What a machine can do at most, and what memory a training step takes at most."""

from __future__ import annotations

import ctypes
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import linear

from rnncli.bench.phases import Stopwatch

SIDE = 1024
"""Rows and columns of the matrices of one large product."""
WARM_UP, REPEATS = 3, 10


def product_rate(device: str) -> float:
    """Operations a second of one large product in fp32, warm, by the fastest library there is, the best of REPEATS."""
    a, b = (torch.randn(SIDE, SIDE, device=device) for _ in range(2))
    products: list[Callable[[], Any]] = [lambda: torch.mm(a, b)]
    if device == "cpu" and torch.backends.mkldnn.is_available():
        given, weights = a.to_mkldnn(), b.to_mkldnn()
        products.append(lambda: linear(given, weights))
    watch, times = Stopwatch(a.device), []
    with torch.no_grad():
        for product in products:
            for repeat in range(WARM_UP + REPEATS):
                watch.enter("product")
                product()
                spent = watch.stop()["product"]
                times += [spent] if repeat >= WARM_UP else []
    return 2 * SIDE**3 / min(times)


def memory_of(step: Callable[..., Callable[[bool], None]], *arguments: Any) -> int:
    """Bytes by which a process of its own grows at most in steps; 0 where the system does not tell.

    ``step(*arguments)`` gives a function that takes a step, a small one to warm up if told so.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_grown, torch.get_num_threads(), step, arguments).result()


def _grown(threads: int, step: Callable[..., Callable[[bool], None]], arguments: tuple[Any, ...]) -> int:
    torch.set_num_threads(threads)
    take = step(*arguments)
    take(True)
    reset = Path("/proc/self/clear_refs")
    try:
        ctypes.CDLL(None).malloc_trim(0)
        reset.write_text("5")
    except (OSError, AttributeError):
        return 0
    before = _status("VmRSS")
    for _ in range(3):
        take(False)
    return _status("VmHWM") - before


def _status(field: str) -> int:
    """A size in bytes of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])
