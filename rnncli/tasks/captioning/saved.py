"""What saved captions tell: comparisons by clip, the captions that are least like their references."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from rnncli.metrics.captions import ORDER, Scores, bleu, rated
from rnncli.metrics.edits import distance
from rnncli.metrics.paired import Parts, share
from rnncli.report.build import Curve, Example, Piece
from rnncli.tasks.base import Row

MOST_SEEN = 3
"""Of the frames that a word looked at, so many are named."""


class SavedCaptions:
    """See :class:`rnncli.tasks.base.Saved`."""

    def parts(self, rows: Sequence[Row], positive: str | None) -> dict[str, Parts]:
        """BLEU, means over clips, and error rates where each clip has one reference."""
        founds, references = [row["words"] for row in rows], [row["truth_words"] for row in rows]
        scores = Scores(founds, references)
        found = {f"bleu_{order}": Parts(scores.counts_NC, partial(bleu, order=order)) for order in range(1, ORDER + 1)}
        ones_N = np.ones(len(rows))
        for name, mean_N in zip(("rouge_l", "cider", "exact"), scores.means_NC.T, strict=True):
            found[name] = Parts(np.column_stack([mean_N, ones_N]), share)
        for name, pairs in rated(founds, references).items():
            edits = [(distance(truth, words), len(truth)) for truth, words in zip(*pairs, strict=True)]
            found[name] = Parts(np.array(edits, dtype=np.float64).reshape(-1, 2), share)
        return found

    def curves(self, rows: Sequence[Row], positive: str | None) -> list[Curve]:
        """None: captions have no probabilities that could be held against what is true."""
        return []

    def worst(self, rows: Sequence[Row], most: int) -> list[Example]:
        """The captions with the lowest ROUGE-L; words that no reference has are marked."""
        scores_N = Scores([row["words"] for row in rows], [row["truth_words"] for row in rows]).means_NC[:, 0]
        order = [int(i) for i in np.argsort(scores_N, kind="stable") if scores_N[i] < 1]
        return [_example(rows[i], float(scores_N[i])) for i in order[:most]]


def _example(row: Row, score: float) -> Example:
    known = {word for truth in row["truth_words"] for word in truth}
    looked = row.get("attention") or [[]] * len(row["words"])
    pieces = [
        Piece(word, "" if word in known else "added", _seen(weights))
        for word, weights in zip(row["words"], looked, strict=True)
    ]
    return Example(f"rouge-l {score:.2f}, reference: {row['truth'][0]}", tuple(pieces), row["place"])


def _seen(weights: Sequence[float]) -> str:
    """The frames that a word looked at most, the first is 1."""
    order = sorted(range(len(weights)), key=lambda frame: -weights[frame])[:MOST_SEEN]
    return "looked at " + ", ".join(f"{i + 1} ({100 * weights[i]:.0f} %)" for i in order) if order else ""


SAVED = SavedCaptions()
