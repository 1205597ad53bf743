"""What a model of texts writes by itself, and how much of it stands in its training part."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from rnncli.data.steps import Steps
from rnncli.data.text.codec import Codec
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.schema import TextEvaluation
from rnncli.tasks.write.copying import copied, excerpts
from rnncli.tasks.write.going import written
from rnncli.tasks.write.sampled import copied_about, drawings
from rnncli.tasks.write.stepping import Stepper

UNKNOWN = 0


def run_of(unit: str) -> tuple[int, str]:
    """How long a run of symbols is that is no accident, and what symbols are called."""
    runs = {"character": (40, "characters"), "byte": (40, "bytes"), "subword": (12, "pieces")}
    return runs.get(unit, (8, "words"))


def sampled(
    model: TextModel, codec: Codec, settings: TextEvaluation, seed: int, train: Steps, held_out: Steps
) -> dict[str, Any]:
    """Samples at several temperatures, ``samples``, and how much of them and of a held-out text stands in ``train``,
    ``copied``: see :mod:`rnncli.tasks.text.metrics`.
    """
    stepper = Stepper(model.networks)
    drawn, shown = [], []
    for number, how in drawings(settings.samples, seed):
        numbers = list(islice(written(stepper, stepper.begin(), how, number, (UNKNOWN,)), settings.sample_length))
        drawn.append(np.array(numbers, np.int64))
        shown.append({"temperature": how.temperature, "text": codec.text(numbers)})
    if not drawn:
        return {}
    length, counted = run_of(codec.unit)
    groups = [Steps.of(drawn), excerpts(held_out, len(drawn), settings.sample_length)]
    samples, held = copied(groups, train, length)
    found = {"samples": samples, "held-out text": held}
    return {"samples": shown, "copied": copied_about(counted, length, found)}
