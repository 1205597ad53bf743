"""Features that are there already, and recordings that have none.

Shape letters: T frames, F feature bins.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from rnncli.data.arrays import DAMAGED
from rnncli.data.audio.frontend import Frontend
from rnncli.data.audio.sound import RecordingError, read_content


def read_features(path: Path, name: str = "") -> np.ndarray:
    """Features (T, F) of a .npy file as float32; raises RecordingError."""
    name = name or str(path)
    content = read_content(path)
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
    except (*DAMAGED, OSError) as error:
        hint = "numpy.save writes it; the column audio is for recordings"
        raise RecordingError("unreadable features", f"{name}: not a .npy file of numbers", hint) from error
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind not in "fiu":
        shape = f"{found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else "an archive"
        raise RecordingError("features of another shape", f"{name}: {shape}, not (frames, bins) of numbers")
    if not found.size:
        raise RecordingError("features without frames", f"{name}: holds no frames")
    features_TF = np.ascontiguousarray(found, dtype=np.float32)
    if not np.isfinite(features_TF).all():
        raise RecordingError("features that are no numbers", f"{name}: holds NaN or infinity", "compute it again")
    return features_TF


def require_frames(frontend: Frontend, frames: int, seconds: float, name: str | Path) -> None:
    """Raise RecordingError for a recording without a whole frame."""
    if not frames:
        said = f"{name}: {1000 * seconds:.0f} ms, less than {frontend.window:g} ms"
        raise RecordingError("recording shorter than a frame", said, "record it again, or take it out of the data")
