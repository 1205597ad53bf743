"""Exported graphs held to the model: the same random sequences through both, and what is read from them.

Shape letters: B batch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from rnncli.data import progress
from rnncli.errors import RunError
from rnncli.tasks.exporting import Exported
from rnncli.tasks.portable import Arrays, Run

SEQUENCES, LONGEST = 400, 4
"""How many are tried, up to so many times as long as the longest of training."""
BATCHES = (1, 7)
"""Sequences that are tried at once."""
MOST = 1e-5
"""How far a value may be off: of values above 1, in relation to them."""


@dataclass(frozen=True)
class Parity:
    """How near the graphs come to the model: the largest difference of a value, in relation to it above 1.

    ``decisions`` of ``sequences`` in batches of ``batches`` and of up to ``steps`` steps were compared, and are equal.
    """

    sequences: int
    steps: int
    batches: tuple[int, ...]
    decisions: int
    difference: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with what was allowed."""
        return asdict(self) | {"allowed": MOST}


def parity(exported: Exported, run: Run) -> Parity:
    """Try the graphs that ``run`` runs; raises RunError where they are not the model."""
    chance, longest, sequences = np.random.default_rng(0), LONGEST * exported.longest, SEQUENCES
    lengths = np.linspace(0, longest, sequences).round().astype(np.int64)
    decisions, worst = 0, 0.0
    for batch in BATCHES:
        chance.shuffle(lengths)
        for start in range(0, sequences, batch):
            given = exported.trial.draw(chance, lengths[start : start + batch])
            with torch.inference_mode():
                wanted = exported.trial.by_torch(given)
            found = exported.trial.by_graphs(run, given)
            worst = max(worst, _difference(wanted, found))
            if worst > MOST:
                raise _unlike(f"a value is {worst:.1e} off, and {MOST:.0e} is allowed")
            sides = [list(exported.trial.decisions(side)) for side in (wanted, found)]
            if sides[0] != sides[1]:
                raise _unlike("it decides otherwise on a random sequence")
            decisions += len(sides[0])
            progress.tell("sequences tried", decisions, len(BATCHES) * sequences)
    return Parity(sequences, longest, BATCHES, decisions, worst)


def _difference(wanted: Arrays, found: Arrays) -> float:
    """The largest of all values, in relation to their size above 1; infinite where shapes or whole numbers differ."""
    if wanted.keys() != found.keys():
        return np.inf
    return max((_of_array(one, found[name]) for name, one in wanted.items()), default=0.0)


def _of_array(wanted: np.ndarray, found: np.ndarray) -> float:
    if wanted.shape != found.shape:
        return np.inf
    if not wanted.size:
        return 0.0
    if wanted.dtype.kind != "f":
        return 0.0 if (wanted == found).all() else np.inf
    wanted, found = wanted.astype(np.float64), found.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.where(wanted == found, 0, np.abs(wanted - found))  # of two infinite ones there is no difference
    return float(np.nan_to_num(apart / np.maximum(1, np.abs(wanted)), nan=np.inf).max())


def _unlike(how: str) -> RunError:
    return RunError(f"the exported graph is not the model: {how}", "nothing was written; please report it with the run")
