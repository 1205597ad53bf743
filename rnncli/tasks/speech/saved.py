"""What the saved predictions of a recogniser tell: comparisons by utterance, calibration, the worst alignments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.metrics import curves
from rnncli.metrics.edits import Pair, align, distance
from rnncli.metrics.paired import Parts, share
from rnncli.report.build import Curve, Example, Line, Piece
from rnncli.tasks.base import Row


class SavedSpeech:
    """See :class:`rnncli.tasks.base.Saved`."""

    def parts(self, rows: Sequence[Row], positive: str | None) -> dict[str, Parts]:
        """Error rates of words and characters, and whole texts that are right."""
        pairs = [(row["truth"], row["text"]) for row in rows]
        words_N2 = np.array([(distance(t.split(), f.split()), len(t.split())) for t, f in pairs], dtype=np.float64)
        characters_N2 = np.array([(distance(t, f), len(t)) for t, f in pairs], dtype=np.float64)
        right_N2 = np.array([(t == f, 1) for t, f in pairs], dtype=np.float64)
        whole = "accuracy" if all(len(truth.split()) == 1 for truth, _ in pairs) else "sentence_accuracy"
        counts = {"wer": words_N2, "cer": characters_N2, whole: right_N2}
        return {name: Parts(counts_N2.reshape(-1, 2), share) for name, counts_N2 in counts.items()}

    def curves(self, rows: Sequence[Row], positive: str | None) -> list[Curve]:
        """How far the confidence of a word can be believed."""
        right, sure = [], []
        for row in rows:
            heard = [pair for pair in align(row["truth"].split(), row["text"].split()) if pair[1] is not None]
            if len(heard) == len(row["words"]):
                right += [truth == found for truth, found in heard]
                sure += [word["confidence"] for word in row["words"]]
        if not sure:
            return []
        line = Line("", *curves.calibration(right, sure))
        return [Curve("calibration of words", "confidence", "share that is right", (line,), diagonal=True)]

    def worst(self, rows: Sequence[Row], most: int) -> list[Example]:
        """The utterances with most wrong words, aligned with their truth."""
        found = []
        for i, row in enumerate(rows):
            pairs = align(row["truth"].split(), row["text"].split())
            errors = sum(truth != heard for truth, heard in pairs)
            if errors:
                found.append((-errors, i, pairs))
        return [_example(rows[i], -errors, pairs) for errors, i, pairs in sorted(found, key=lambda one: one[:2])[:most]]


def _example(row: Row, errors: int, pairs: Sequence[Pair]) -> Example:
    caption = f"{errors} errors, {len(row['truth'].split())} words" if errors > 1 else "1 error"
    return Example(caption, tuple(_piece(*pair) for pair in pairs), row["place"])


def _piece(truth: str | None, heard: str | None) -> Piece:
    if truth == heard:
        return Piece(truth or "")
    if truth is None:
        return Piece(heard or "", "added", "not said")
    if heard is None:
        return Piece(truth, "missed", "not heard")
    return Piece(heard, "wrong", f"truth {truth}")


SAVED = SavedSpeech()
