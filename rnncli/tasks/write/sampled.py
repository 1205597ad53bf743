"""What a report holds of samples: at which temperatures they are drawn, and how much of them is copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rnncli.tasks.write.copying import Copied
from rnncli.tasks.write.sampling import Drawing

TEMPERATURES = (0.5, 0.8, 1.0)
"""Of samples in turn."""


def drawings(count: int, seed: int) -> Iterator[tuple[int, Drawing]]:
    """The number of each sample, from 0, and how it is drawn.

    >>> [(number, how.temperature) for number, how in drawings(4, seed=1)]
    [(0, 0.5), (1, 0.8), (2, 1.0), (3, 0.5)]
    """
    for number in range(count):
        yield number, Drawing(temperature=TEMPERATURES[number % len(TEMPERATURES)], seed=seed)


def copied_about(counted: str, length: int, found: Mapping[str, Copied]) -> dict[str, Any]:
    """What of several groups of documents, by name, stands in the training part: runs of so many of what is counted.

    It is ready for JSON, and what :func:`rnncli.tasks.write.shown.copied_table` reads.

    >>> copied_about("characters", 40, {"samples": Copied(38, float("nan"))})
    {'counted': 'characters', 'length': 40, 'rows': [{'of': 'samples', 'longest': 38, 'share': None}]}
    """
    rows = [
        {"of": name, "longest": one.longest, "share": one.share if np.isfinite(one.share) else None}
        for name, one in found.items()
    ]
    return {"counted": counted, "length": length, "rows": rows}
