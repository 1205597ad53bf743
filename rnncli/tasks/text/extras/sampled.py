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
from rnncli.tasks.write.sampling import Drawing
from rnncli.tasks.write.stepping import Stepper

TEMPERATURES = (0.5, 0.8, 1.0)
"""Of samples in turn."""
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
    for number in range(settings.samples):
        how = Drawing(temperature=TEMPERATURES[number % len(TEMPERATURES)], seed=seed)
        numbers = list(islice(written(stepper, stepper.begin(), how, number, (UNKNOWN,)), settings.sample_length))
        drawn.append(np.array(numbers, np.int64))
        shown.append({"temperature": how.temperature, "text": codec.text(numbers)})
    if not drawn:
        return {}
    length, counted = run_of(codec.unit)
    groups = [Steps.of(drawn), excerpts(held_out, len(drawn), settings.sample_length)]
    names = ("samples", "held-out text")
    rows = [
        {"of": name, "longest": one.longest, "share": one.share if np.isfinite(one.share) else None}
        for name, one in zip(names, copied(groups, train, length), strict=True)
    ]
    return {"samples": shown, "copied": {"counted": counted, "length": length, "rows": rows}}
