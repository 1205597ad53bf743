"""Clips of walking dots as files of a user's: key points that go one way or the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TINY = (
    "model.hidden=8",
    "model.projection=8",
    "train.epochs=2",
    "evaluation.resamples=20",
    "evaluation.baselines=false",
    "compute.threads=1",
    "compute.device=cpu",
    "evaluation.page=false",
)
"""Overrides that make a run of a few clips take a second."""


def dots(label: str, seed: int, points: int = 4, dimensions: int = 2) -> np.ndarray:
    """A clip (T, points * dimensions), float32: dots that rise, fall or stay."""
    random = np.random.default_rng(seed)
    frames = int(random.integers(5, 12))
    body = random.normal(size=(1, points, dimensions)) + 5
    way = {"rise": 1.0, "fall": -1.0}.get(label, 0.0) * np.linspace(0, 3, frames)[:, None]
    moving = np.repeat(body, frames, 0) + random.normal(0, 0.05, (frames, points, dimensions))
    moving[:, :, 1] += way
    return moving.reshape(frames, -1).astype(np.float32)


def write_clips(folder: Path, count: int = 36, labels: tuple[str, ...] = ("rise", "fall", "stay")) -> Path:
    """``count`` .npy files below ``folder/clips`` and a csv that names them, six subjects in turn."""
    (folder / "clips").mkdir(parents=True)
    lines = ["frames,label,subject"]
    for number in range(count):
        label = labels[number % len(labels)]
        np.save(folder / "clips" / f"{number}.npy", dots(label, number))
        lines.append(f"clips/{number}.npy,{label},s{number // len(labels) % 6}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "clips.csv"
