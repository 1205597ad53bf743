"""The features of many recordings: computed on all cores, kept on disk by the content of the recording.

Shape letters: T frames, F feature bins.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from platformdirs import user_cache_path

from rnncli.data import progress
from rnncli.data.audio.frontend import Frontend
from rnncli.data.audio.given import read_features, require_frames
from rnncli.data.audio.resampling import resample
from rnncli.data.audio.sound import RecordingError, Sound, read_content, read_sound
from rnncli.errors import DataError

FRAME = 0.01
"""Seconds from a frame of features to the next."""


@dataclass(frozen=True, eq=False)
class SoundRecording:
    """Where a recording is: a file, the content of one, samples, or a file of features.

    ``name`` is for a person; ``span`` a stretch of the recording, where it begins and how long it is in seconds;
    ``speed`` how many times as fast it is played, its pitch as much higher.
    """

    source: Path | bytes | Sound
    name: str
    features: bool = False
    span: tuple[float, float] | None = None
    speed: float = 1.0

    @property
    def portion(self) -> str:
        """What of its content it is, other for another stretch or speed."""
        stretch = f" {self.span[0]:.6f} {self.span[1]:.6f}" if self.span else ""
        return stretch + (f" x{self.speed}" if self.speed != 1 else "")

    @property
    def whereabouts(self) -> dict[str, Any]:
        """Where it can be heard: ``file`` and, of a stretch, ``span``; nothing where it is in no file of sound."""
        if self.features or not isinstance(self.source, Path):
            return {}
        return {"file": str(self.source)} | ({"span": list(self.span)} if self.span else {})

    def sound(self, content: bytes | None = None) -> Sound:
        """Its samples, of ``content`` where that was read before; raises RecordingError, ValueError for features."""
        if self.features:
            raise ValueError("features are no sound")
        if isinstance(self.source, Sound):
            start, end = (0.0, self.source.seconds) if self.span is None else (self.span[0], sum(self.span))
            low, high = (round(time * self.source.rate) for time in (start, end))
            found = replace(self.source, samples=self.source.samples[low:high])
        else:
            found = read_sound(self.source if content is None else content, self.name, self.span)
        # A multiple of 100 Hz is resampled by a filter of few phases.
        return found if self.speed == 1 else replace(found, rate=100 * round(found.rate * self.speed / 100))


@dataclass(frozen=True, eq=False)
class SoundClip:
    """The features (T, F) of a recording, in memory or in a .npy file; ``given`` says that they came as such.

    ``remark`` is what a person should know of how the recording was read, empty for nothing.
    """

    source: Path | np.ndarray
    shape: tuple[int, int]
    recording: SoundRecording
    given: bool = False
    remark: str = ""

    @property
    def frames(self) -> int:
        """T."""
        return self.shape[0]

    @property
    def seconds(self) -> float:
        """How long it lasts, about."""
        return FRAME * self.shape[0]

    @property
    def width(self) -> int:
        """F."""
        return self.shape[1]

    def load(self) -> np.ndarray:
        """The features (T, F), float32; raises DataError where the file has gone or changed."""
        if isinstance(self.source, np.ndarray):
            return self.source
        features_TF = stretch(read_features(self.source), self.recording.span if self.given else None)
        if features_TF.shape != self.shape:
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

    @classmethod
    def named(cls, name: str) -> Self | None:
        """The cache that a recipe names: a folder, ``auto`` for the user's own; None for ``none``."""
        if name == "none":
            return None
        return cls(
            user_cache_path("rnncli", appauthor=False) / "features" if name == "auto" else Path(name).expanduser()
        )

    def place(self, content: bytes, settings: Keyed, portion: str = "") -> Path:
        """Where the features of this content belong, or of what ``portion`` names of it."""
        how = settings.key() + portion
        name = hashlib.blake2b(content + b"\n" + how.encode(), digest_size=16).hexdigest()
        return self.folder / name[:2] / f"{name}.npy"

    def shape(self, place: Path) -> tuple[int, ...] | None:
        """The shape of what is there, None where there is nothing that can be read."""
        try:
            return np.load(place, mmap_mode="r", allow_pickle=False).shape
        except (OSError, ValueError):
            return None

    def remark(self, place: Path) -> str:
        """What was to be said of the recording whose features are there."""
        try:
            return place.with_suffix(".txt").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    def put(self, place: Path, features_TF: np.ndarray, remark: str = "") -> None:
        """Keep features: whole under their name or not at all; raises DataError where there is no room."""
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if remark:
                place.with_suffix(".txt").write_text(remark, encoding="utf-8")
            with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".partial", delete=False) as file:
                np.save(file, features_TF)
            os.replace(file.name, place)
        except OSError as error:
            raise DataError(
                f"{place.parent}: features cannot be kept here: {error.strerror or error}",
                "data.cache=FOLDER names another place, data.cache=none keeps them in memory",
            ) from error


def compute(
    recordings: Sequence[SoundRecording], frontend: Frontend, cache: FeatureCache | None
) -> list[SoundClip | RecordingError]:
    """The clip of each recording, or what is wrong with it; raises UserError where nothing can be computed."""
    found: list[SoundClip | RecordingError] = []
    with _single_threaded(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, clip in enumerate(pool.map(_attempt(frontend, cache), recordings), start=1):
            found.append(clip)
            progress.tell("features", done, len(recordings))
    return found


def features_of(sound: Sound, frontend: Frontend, name: str) -> np.ndarray:
    """Features (T, F) of a recording; raises RecordingError where it is shorter than a frame."""
    features_TF = frontend(resample(sound.samples, sound.rate, frontend.rate))
    require_frames(frontend, len(features_TF), sound.seconds, name)
    return features_TF


def stretch(features_TF: np.ndarray, span: tuple[float, float] | None) -> np.ndarray:
    """The frames of a span, in seconds; all of them without one."""
    if span is None:
        return features_TF
    start, end = round(span[0] / FRAME), round((span[0] + span[1]) / FRAME)
    return np.ascontiguousarray(features_TF[start:end])


def _attempt(frontend: Frontend, cache: FeatureCache | None) -> Callable[[SoundRecording], SoundClip | RecordingError]:
    def attempt(recording: SoundRecording) -> SoundClip | RecordingError:
        try:
            return _clip(recording, frontend, cache)
        except RecordingError as error:
            return error

    return attempt


def _clip(recording: SoundRecording, frontend: Frontend, cache: FeatureCache | None) -> SoundClip:
    source, name = recording.source, recording.name
    if recording.features:
        assert isinstance(source, Path)
        features_TF = stretch(read_features(source, name), recording.span)
        if not features_TF.size:
            raise RecordingError("features without frames", f"{name}: holds no frames there")
        return SoundClip(source, _shape(features_TF), recording, given=True)
    if cache is None or isinstance(source, Sound):
        sound = recording.sound()
        features_TF = features_of(sound, frontend, name)
        return SoundClip(features_TF, _shape(features_TF), recording, remark=sound.remark)
    content = read_content(source) if isinstance(source, Path) else source
    place = cache.place(content, frontend, recording.portion)
    shape = cache.shape(place)
    if shape is None or len(shape) != 2:
        sound = recording.sound(content)
        features_TF = features_of(sound, frontend, name)
        cache.put(place, features_TF, sound.remark)
        return SoundClip(place, _shape(features_TF), recording, remark=sound.remark)
    return SoundClip(place, (shape[0], shape[1]), recording, remark=cache.remark(place))


def _shape(features_TF: np.ndarray) -> tuple[int, int]:
    frames, bins = features_TF.shape
    return frames, bins


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
