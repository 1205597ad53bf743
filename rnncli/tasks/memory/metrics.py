"""What answers are worth: see :class:`rnncli.tasks.base.Scoring`. Shape letters: N rows, C counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.metrics.statistics import Statistics, Sums
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Details
from rnncli.report.figures import Figure, Line, Piece, Sample
from rnncli.tasks.base import About, Row

ADDING, COPY = "adding", "copy"
TOLERANCE = 0.04
"""Half of a sum is right where it is off by less (Hochreiter and Schmidhuber 1997, whose target is half of the sum)."""
SHOWN = 200
"""Characters of a sequence that a page shows."""


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """The share that is right and, of sums, the mean squared error."""
    ones_N, right_N = np.ones(len(rows)), is_right(rows)
    if about.get("problem") == ADDING:
        return Statistics((Sums(np.column_stack([right_N, errors(rows) ** 2, ones_N]), _of_sums),))
    return Statistics((Sums(np.column_stack([right_N, ones_N]), _of_symbols),))


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Nothing beyond the metrics."""
    return Details()


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """Of sums, the mean of what was answered where each is true, with the middle half as a band."""
    if about.get("problem") != ADDING:
        return []
    truth_N, found_N = (np.array([row[key] for row in rows], float) for key in ("truth", "answer"))
    order_N = np.argsort(truth_N, kind="stable")
    pieces = [piece for piece in np.array_split(order_N, min(20, len(rows))) if len(piece)]
    xs = tuple(float(truth_N[piece].mean()) for piece in pieces)
    low, middle, high = np.array([np.quantile(found_N[piece], (0.25, 0.5, 0.75)) for piece in pieces]).T
    line = Line("", xs, tuple(middle), tuple(low), tuple(high))
    return [Figure("answers by truth", "true sum", "answer", (line,), x_is_share=False, y_is_share=False)]


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """The sums that are farthest off, or the wrong symbols that it was surest of."""
    if about.get("problem") == ADDING:
        badness_N = errors(rows)
    else:
        badness_N = np.array([row["probability"] for row in rows]) * ~is_right(rows)
    worst = [rows[i] for i in np.argsort(-badness_N, kind="stable")[:most] if badness_N[i] > 0]
    return [Sample(_caption(row), (Piece(row["sequence"][:SHOWN]),), row["place"]) for row in worst]


def errors(rows: Sequence[Row]) -> np.ndarray:
    """By how much each sum is off, (N,)."""
    return np.array([abs(row["answer"] - row["truth"]) for row in rows])


def is_right(rows: Sequence[Row]) -> np.ndarray:
    """Whether each answer is right, (N,) bool."""
    if rows and not isinstance(rows[0]["truth"], str):
        return errors(rows) / 2 < TOLERANCE
    return np.array([row["answer"] == row["truth"] for row in rows], bool)


def _caption(row: Row) -> str:
    answer = row["answer"] if isinstance(row["answer"], str) else f"{row['answer']:.2f}"
    return f"answer {answer}, truth {row['truth']}"


def _of_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {"accuracy": sums[..., 0] / sums[..., 2], "mse": sums[..., 1] / sums[..., 2]}


def _of_symbols(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {"accuracy": sums[..., 0] / sums[..., 1]}
