"""Small models that learnt from noise in which one frame decides: a recognizer and captioners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

FRAMES, PLACES = 24, (6, 18)
"""Frames of an example, and between which of them the one lies that decides."""


def planted(seed: int) -> tuple[np.ndarray, int, int]:
    """Noise (T, 4), the frame of it that has a pulse, and in which figure, 0 or 1; of every third, 2, nowhere."""
    draw = np.random.default_rng(seed)
    features_TF = draw.normal(0, 0.1, (FRAMES, 4)).astype(np.float32)
    at, which = int(draw.integers(*PLACES)), seed % 3
    if which < 2:
        features_TF[at, which] += 4
    return features_TF, at, which


def spoken(seed: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Noise (T, 4) and, of one to three pulses in it, the frame of each and in which of two figures it is."""
    draw = np.random.default_rng(seed)
    features_TF = draw.normal(0, 0.1, (FRAMES, 4)).astype(np.float32)
    pulses = [(start + int(draw.integers(5)), int(draw.integers(2))) for start in (1, 9, 17)[: 1 + seed % 3]]
    for at, which in pulses:
        features_TF[at, which] += 4
    return features_TF, pulses


def write_spoken(folder: Path, words: tuple[str, str], count: int = 90) -> Path:
    """``count`` files of features and a csv that names them; the text has a word for each pulse."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["audio,text"]
    for number in range(count):
        features_TF, pulses = spoken(number)
        np.save(folder / f"{number}.npy", features_TF)
        lines.append(f"{number}.npy,{' '.join(words[which] for _, which in pulses)}")
    (folder / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "train.csv"


def write_planted(folder: Path, words: tuple[str, str, str], count: int = 90) -> Path:
    """``count`` clips and a csv that names them; a caption is "it" and one of ``words``, as the pulse says."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["file,caption"]
    for number in range(count):
        features_TF, _, which = planted(number)
        np.save(folder / f"{number}.npy", features_TF)
        lines.append(f"{number}.npy,it {words[which]}")
    (folder / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "train.csv"


def learnt(task: Any, recipe: Any, steps: int) -> tuple[Any, Any]:
    """A fitted task and its model, after some steps on the training part."""
    torch.manual_seed(0)
    corpus = task.read(recipe)
    fitted = task.fit(recipe, corpus)
    examples = fitted.encode(corpus.parts["train"])
    model = fitted.build().train()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    batch = examples.batch(np.arange(len(examples)))
    for _ in range(steps):
        optimizer.zero_grad()
        fitted.loss(model, batch).backward()
        optimizer.step()
    return fitted, model.eval()
