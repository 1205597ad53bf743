"""What this machine offers, what would be used, and what is missing."""

from __future__ import annotations

import platform
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from rnncli.core import device
from rnncli.core.recurrent import Recurrent
from rnncli.version import __version__

LEAST_TORCH, TORCH_BEYOND = (2, 11), (2, 15)
"""The releases of torch that rnncli is tried with: from the one up to, and without, the other."""

PACKAGES = (
    "torch",
    "torchaudio",
    "datasets",
    "llvmlite",
    "numpy",
    "pyarrow",
    "scikit-learn",
    "safetensors",
    "typer",
    "rich",
)
OPTIONAL = {
    "tokenizers": ("learnt subwords", 'pip install "rnncli[subword]"'),
    "python-crfsuite": ("a linear CRF beside a tagger", 'pip install "rnncli[crf]"'),
    "h5py": ("features in .h5 files", 'pip install "rnncli[h5]"'),
    "onnx": ("models as ONNX", 'pip install "rnncli[export]"'),
    "onnxruntime": ("models as ONNX", 'pip install "rnncli[export]"'),
    "statsforecast": ("classical rivals of a forecaster", 'pip install "rnncli[forecast]"'),
    "starlette": ("serving models over HTTP", 'pip install "rnncli[serve]"'),
    "uvicorn": ("serving models over HTTP", 'pip install "rnncli[serve]"'),
    "symusic": ("music with a soundfont", 'pip install "rnncli[soundfont]"'),
    "tensorboard": ("what training measures, for TensorBoard", 'pip install "rnncli[tensorboard]"'),
    "torchvision": ("frames through its networks", 'pip install "rnncli[vision]"'),
}


def examine() -> dict[str, dict[str, Any]]:
    """Titled groups of facts, ready for JSON."""
    placement = device.choose("auto", "auto", tf32=True, deterministic=False, threads=0)
    return {
        "versions": {"rnncli": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in PACKAGES},
        "torch": {"build": build(), "release": release(torch.__version__), "torchaudio": torchaudio()},
        "devices": device.inventory(),
        "would use": {"placement": placement.describe(), "why": "; ".join(placement.reasons)},
        "kernels": {
            "rnn": _kernel(placement, "rnn"),
            "lstm": _kernel(placement, "lstm"),
            "gru": _kernel(placement, "gru"),
            "gru, reset after": _kernel(placement, "gru", "after"),
        },
        "optional parts": {name: _optional(name) for name in OPTIONAL},
    }


def build() -> str:
    """What the torch that is here was built for."""
    if torch.version.cuda:
        return f"for CUDA {torch.version.cuda}, and for the CPU"
    if torch.version.hip:
        return f"for ROCm {torch.version.hip}, and for the CPU"
    return "for the CPU alone" + (", and Apple's GPU" if torch.backends.mps.is_built() else "")


def release(found: str) -> str:
    """Whether rnncli is tried with the release of torch that was ``found``, and what to type if not."""
    least, beyond = (".".join(map(str, one)) for one in (LEAST_TORCH, TORCH_BEYOND))
    number = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
    if LEAST_TORCH <= number < TORCH_BEYOND:
        return f"{found}, one of those that rnncli is tried with ({least} up to, not including, {beyond})"
    kind = "older" if number < LEAST_TORCH else "newer"
    return f'{found}, {kind} than those that rnncli is tried with: pip install "torch>={least},<{beyond}"'


def torchaudio() -> str:
    """Whether torchaudio loads, and why not: nothing here needs it, but whoever has it would know."""
    spare = "rnncli computes its spectra without it"
    found = _version("torchaudio")
    if found == "missing":
        return f"missing; {spare}"
    try:
        import_module("torchaudio")
    except Exception as error:  # a build for another torch raises whatever its loader does
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return f"{found} does not load beside this torch ({reason}); {spare}"
    return f"{found} loads; {spare}"


def _kernel(placement: device.Placement, cell: str, reset: str = "before") -> str:
    with placement.autocast():
        return Recurrent(1, 1, cell=cell, reset=reset).kernel(placement.device)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _optional(name: str) -> str:
    what, remedy = OPTIONAL[name]
    found = _version(name)
    return f"missing, needed for {what}: {remedy}" if found == "missing" else f"{found}, for {what}"
