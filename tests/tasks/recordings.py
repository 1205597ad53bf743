"""Recordings of the built-in synthesiser as files of a user's."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import soundfile

from rnncli.tasks.speech import builtin

TINY = (
    "data.rate=8000",
    "data.bins=20",
    "data.cache=cache",
    "model.hidden=8",
    "model.channels=8",
    "model.layers=1",
    "train.epochs=1",
    "train.batch_size=8",
    "evaluation.resamples=20",
    "compute.threads=1",
    "compute.device=cpu",
    "evaluation.page=false",
)
"""Overrides that make a run of a few recordings take a second."""


def write_recordings(folder: Path, count: int = 40) -> Path:
    """``count`` wav files below ``folder/wav`` and a csv that names them."""
    (folder / "wav").mkdir(parents=True)
    lines = ["audio,text,speaker"]
    for number, (samples, text, speaker) in enumerate(islice(builtin.generate(), count)):
        soundfile.write(folder / "wav" / f"{number}.wav", samples, builtin.RATE)
        lines.append(f"wav/{number}.wav,{text},{speaker}")
    (folder / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "train.csv"
