"""What a model of music writes by itself, and how much of it stands in its training part."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.data.steps import Steps
from rnncli.tasks.music.extras.composing import Composer
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.music.schema import MusicEvaluation
from rnncli.tasks.write.chords import copied_chords
from rnncli.tasks.write.copying import excerpts
from rnncli.tasks.write.sampled import copied_about, drawings
from rnncli.tasks.write.scoring import midi_frames

CHORDS = 8
"""A run of so many chords is no accident."""


def sampled(
    model: MusicModel, lowest: int, settings: MusicEvaluation, seed: int, train: Steps, held_out: Steps
) -> dict[str, Any]:
    """Samples at several temperatures, ``samples``, and how much of them and of held-out music stands in ``train``,
    ``copied``: see :mod:`rnncli.tasks.music.metrics`.
    """
    composer, drawn, shown = Composer(model), [], []
    for number, how in drawings(settings.samples, seed):
        drawn.append(composer.frames(composer.begin(), how, number, settings.sample_length))
        shown.append({"temperature": how.temperature, "frames": midi_frames(drawn[-1], lowest, model.keys)})
    if not drawn:
        return {}
    width = max(one.shape[1] for one in drawn)
    written = Steps.of([np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=-1) for one in drawn])
    groups = [written, excerpts(held_out, len(drawn), settings.sample_length)]
    samples, held = copied_chords(groups, train, model.keys, CHORDS)
    found = {"samples": samples, "held-out pieces": held}
    return {"samples": shown, "copied": copied_about("chords", CHORDS, found)}
