"""How long the runs of a batch may take: from those that are done, else from some training steps of the recipe."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.batch.ledger import Ledger
from rnncli.batch.plan import Planned

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe

STEPS, SECONDS = 20, 3.0
"""Steps that are timed, or as many as fit into these seconds."""


def estimates(planned: Sequence[Planned], left: Sequence[Planned], folder: Path) -> dict[str, float]:
    """Seconds of the runs that are left: as long as other seeds took, else at most, from timed steps of one of them."""
    done = {name: seconds for name, seconds in Ledger(folder).finished().items() if seconds}
    by_setting: dict[str, list[float]] = {}
    for one in planned:
        if one.name in done:
            by_setting.setdefault(_but_seed(one), []).append(done[one.name])
    known = {setting: sum(found) / len(found) for setting, found in by_setting.items()}
    for one in left:
        if _but_seed(one) not in known:
            known[_but_seed(one)] = measure(one.recipe)
    return {one.name: known[_but_seed(one)] for one in left}


def measure(recipe: Recipe) -> float:
    """Seconds for the data and all epochs of ``recipe``, from some steps of the first; scoring not counted."""
    from rnncli.runs.events import unobserved
    from rnncli.runs.start import prepare
    from rnncli.train.loop import StepDone

    folds = recipe.data.folds if recipe.data.fold is None else 0
    if folds:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": 0})})
    begun = time.monotonic()
    trainer = prepare(None, recipe, unobserved).trainer
    preparing = time.monotonic() - begun
    times: list[float] = []
    total = 1
    last = begun = time.monotonic()
    for event in trainer.events():
        if not isinstance(event, StepDone):
            break
        total = event.total
        times.append(time.monotonic() - last)
        last = time.monotonic()
        if len(times) > STEPS or last - begun > SECONDS:
            break
    # The first step also warms up, and is counted only where there is no other.
    counted = times[1:] or times or [0.0]
    return (preparing + trainer.extent.epochs * total * sum(counted) / len(counted)) * max(1, folds)


def _but_seed(planned: Planned) -> str:
    return json.dumps([planned.source, *(one for one in planned.settings if not one.startswith("seed="))])
