"""What this machine offers, what would be used, and what is missing."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rnncli.core import device
from rnncli.core.recurrent import Recurrent
from rnncli.data.audio.sound import TORCHAUDIO_REMEDY, import_torchaudio
from rnncli.errors import UserError
from rnncli.version import __version__

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
    "torchvision": ("frames through its networks", 'pip install "rnncli[vision]"'),
}


def examine() -> dict[str, dict[str, Any]]:
    """Titled groups of facts, ready for JSON."""
    placement = device.choose("auto", "auto", tf32=True, deterministic=False, threads=0)
    return {
        "versions": {"rnncli": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in PACKAGES},
        "devices": device.inventory(),
        "would use": {"placement": placement.describe(), "why": "; ".join(placement.reasons)},
        "kernels": {
            "rnn": _kernel(placement, "rnn"),
            "lstm": _kernel(placement, "lstm"),
            "gru": _kernel(placement, "gru"),
            "gru, reset after": _kernel(placement, "gru", "after"),
        },
        "optional parts": {name: _optional(name) for name in OPTIONAL} | {"torchaudio": _torchaudio()},
    }


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


def _torchaudio() -> str:
    try:
        import_torchaudio()
    except UserError as error:
        return f"{error.message}: {TORCHAUDIO_REMEDY}"
    return f"{_version('torchaudio')}, for sound"
