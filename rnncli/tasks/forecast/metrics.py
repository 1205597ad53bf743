"""What forecasts are worth: see :class:`rnncli.tasks.base.Scoring`.

A row is a window: one series forecast from one origin, such as
``{"place": "sales.csv: north, 2025-06-30", "series": "north", "cutoff": "2025-06-30", "origin": 20269, "n": 28,
"sums": [...], "truth": [...], "mean": [...], "quantiles": [[...], ...], "history": [...]}``. ``sums`` are its
:data:`rnncli.metrics.forecasts.COUNTS`. Windows that are not kept have no values: of those ``truth`` is the sum of the
true ones. Shape letters: W windows, H steps ahead, Q levels, C counts, B steps back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from rnncli.metrics.crossed import Crossed
from rnncli.metrics.forecasts import COUNTS, counted, some_scores
from rnncli.metrics.statistics import Statistics, Sums
from rnncli.tasks.base import About, Row


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """Every metric for which something was counted."""
    sums_WC = np.array([row["sums"] for row in rows], np.float64).reshape(len(rows), len(COUNTS))
    names = {name: number for number, name in enumerate(dict.fromkeys(row["series"] for row in rows))}
    series_W = np.array([names[row["series"]] for row in rows], np.int64)
    return of_sums(sums_WC, np.array([row["origin"] for row in rows], np.int64), series_W, about)


def of_sums(sums_WC: np.ndarray, origin_W: np.ndarray, series_W: np.ndarray, about: About) -> Statistics:
    """The same of the sums of windows, such as those of a rival, in the order of the rows.

    ``origin_W`` are the numbers of the cutoffs on the grid. ``about["horizon"]`` and ``about["step"]`` say how many
    consecutive origins forecast a step in common, and ``about["align"]`` whether series end at times of their own:
    ``end`` compares their origins by how far from the end they are.
    """
    if about.get("align") == "end":
        origin_W = _from_the_end(origin_W, series_W)
    overlap = -(-int(about["horizon"]) // max(int(about["step"]), 1))
    score = partial(some_scores, counted(sums_WC.sum(0)))
    return Statistics((Sums(sums_WC, score, design=Crossed(origin_W, series_W, overlap)),))


def _from_the_end(origin_W: np.ndarray, series_W: np.ndarray) -> np.ndarray:
    """Of each window minus the number of origins of its series that come later."""
    order_W = np.lexsort((origin_W, series_W))
    series_W = series_W[order_W]
    last_W = np.searchsorted(series_W, series_W, side="right") - 1
    found_W = np.empty(len(order_W), np.int64)
    found_W[order_W] = np.arange(len(order_W)) - last_W
    return found_W
