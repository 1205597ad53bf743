"""The features of many recordings: computed on all cores, kept on disk by the content of the recording.

Shape letters: T frames, F feature bins.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from rnncli.data import progress
from rnncli.data.audio import RecordingError, Sound, read_content, read_sound, resample
from rnncli.data.frontend import Frontend
from rnncli.errors import DataError


@dataclass(frozen=True, eq=False)
class Recording:
    """Where a recording is: a file, the content of one, samples, or a file of features; ``name`` is for a person."""

    source: Path | bytes | Sound
    name: str
    features: bool = False


@dataclass(frozen=True, eq=False)
class Clip:
    """The features of a recording, in memory or in a .npy file; ``given`` says that they came as such."""

    source: Path | np.ndarray
    frames: int
    given: bool = False

    def load(self) -> np.ndarray:
        """The features (T, F), float32; raises DataError where the file has gone or changed."""
        if isinstance(self.source, np.ndarray):
            return self.source
        features_TF = read_features(self.source)
        if len(features_TF) != self.frames:
            raise DataError(f"{self.source}: changed while it was in use", "run the command again")
        return features_TF


class Keyed(Protocol):
    """Settings that features are computed by."""

    def key(self) -> str:
        """A text that is another for other features."""
        ...


class FeatureCache:
    """A folder of features, each file named after what it was computed from and how."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, content: bytes, settings: Keyed) -> Path:
        """Where the features of this content belong."""
        name = hashlib.blake2b(content + b"\n" + settings.key().encode(), digest_size=16).hexdigest()
        return self.folder / name[:2] / f"{name}.npy"

    def frames(self, place: Path) -> int | None:
        """How many frames are there, None where there is nothing that can be read."""
        try:
            return len(np.load(place, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError):
            return None

    def put(self, place: Path, features_TF: np.ndarray) -> None:
        """Keep features: whole under their name or not at all; raises DataError where there is no room."""
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".partial", delete=False) as file:
                np.save(file, features_TF)
            os.replace(file.name, place)
        except OSError as error:
            raise DataError(
                f"{place.parent}: features cannot be kept here: {error.strerror or error}",
                "data.cache=FOLDER names another place, data.cache=none keeps them in memory",
            ) from error


def default_cache() -> Path:
    """Where features are kept unless a recipe says otherwise: in the user's folder of caches."""
    return Path.home() / ".cache" / "rnncli" / "features"


def compute(
    recordings: Sequence[Recording], frontend: Frontend, cache: FeatureCache | None
) -> list[Clip | RecordingError]:
    """The clip of each recording, or what is wrong with it; raises UserError where nothing can be computed."""
    found: list[Clip | RecordingError] = []
    with _single_threaded(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, clip in enumerate(pool.map(_attempt(frontend, cache), recordings), start=1):
            found.append(clip)
            progress.tell("features", done, len(recordings))
    return found


def read_features(path: Path, name: str = "") -> np.ndarray:
    """Features (T, F) of a .npy file as float32; raises RecordingError."""
    name = name or str(path)
    content = read_content(path)
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
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


def features_of(sound: Sound, frontend: Frontend, name: str) -> np.ndarray:
    """Features (T, F) of a recording; raises RecordingError where it is shorter than a frame."""
    features_TF = frontend(resample(sound.samples, sound.rate, frontend.rate))
    if not len(features_TF):
        least = f"{frontend.window:g} ms"
        raise RecordingError(
            "recording shorter than a frame", f"{name}: {1000 * sound.seconds:.0f} ms, less than {least}"
        )
    return features_TF


def _attempt(frontend: Frontend, cache: FeatureCache | None) -> Callable[[Recording], Clip | RecordingError]:
    def attempt(recording: Recording) -> Clip | RecordingError:
        try:
            return _clip(recording, frontend, cache)
        except RecordingError as error:
            return error

    return attempt


def _clip(recording: Recording, frontend: Frontend, cache: FeatureCache | None) -> Clip:
    source, name = recording.source, recording.name
    if recording.features:
        assert isinstance(source, Path)
        return Clip(source, len(read_features(source, name)), given=True)
    if isinstance(source, Sound):
        features_TF = features_of(source, frontend, name)
        return Clip(features_TF, len(features_TF))
    content = read_content(source) if isinstance(source, Path) else source
    if cache is None:
        features_TF = features_of(read_sound(content, name), frontend, name)
        return Clip(features_TF, len(features_TF))
    place = cache.place(content, frontend)
    frames = cache.frames(place)
    if frames is None:
        features_TF = features_of(read_sound(content, name), frontend, name)
        cache.put(place, features_TF)
        frames = len(features_TF)
    return Clip(place, frames)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One torch thread for each of ours: more would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        with suppress(RuntimeError):
            torch.set_num_threads(before)
