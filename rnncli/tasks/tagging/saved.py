"""What the saved predictions of a tagger tell: comparisons by sentence, calibration, the worst sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from rnncli.data.text.tagschemes import INTERNAL, Span, read_spans
from rnncli.metrics import curves
from rnncli.metrics.confusion import label_figures
from rnncli.metrics.paired import Parts, share
from rnncli.metrics.spans import FIGURES
from rnncli.report.build import Curve, Example, Line, Piece
from rnncli.tasks.base import Row


class SavedTagging:
    """See :class:`rnncli.tasks.base.Saved`."""

    def parts(self, rows: Sequence[Row], positive: str | None) -> dict[str, Parts]:
        """Figures of spans where there are spans, then those of words and sentences."""
        parts: dict[str, Parts] = {}
        if rows and "spans" in rows[0]:
            counts = [_span_counts(row) for row in rows]
            counts_N3 = np.array(counts, dtype=np.float64)
            parts = {name: Parts(counts_N3, partial(_figure, i)) for i, name in enumerate(FIGURES)}
        right_N = np.array([sum(_hits(row)) for row in rows], dtype=np.float64)
        words_N = np.array([len(row["tokens"]) for row in rows], dtype=np.float64)
        parts["accuracy"] = Parts(np.column_stack([right_N, words_N]), share)
        parts["sentence_accuracy"] = Parts(np.column_stack([right_N == words_N, np.ones(len(rows))]), share)
        return parts

    def curves(self, rows: Sequence[Row], positive: str | None) -> list[Curve]:
        """How far the probabilities of tags can be believed."""
        sure = [p for row in rows for p in row["probabilities"]]
        right = [hit for row in rows for hit in _hits(row)]
        line = Line("", *curves.calibration(right, sure))
        return [Curve("calibration of tags", "probability", "share that is right", (line,), diagonal=True)]

    def worst(self, rows: Sequence[Row], most: int) -> list[Example]:
        """The sentences with most wrong spans, or words."""
        errors = [(_errors(row), i) for i, row in enumerate(rows)]
        ranked = sorted((-n, i) for n, i in errors if n)[:most]
        return [_example(rows[i], -n) for n, i in ranked]


def _figure(number: int, sums: np.ndarray) -> np.ndarray:
    return label_figures(sums[..., 0], sums[..., 1], sums[..., 2])[number]


def _hits(row: Row) -> list[bool]:
    return [truth == found for truth, found in zip(row["truth"], row["tags"], strict=True)]


def _spans(row: Row) -> tuple[set[Span], set[Span]]:
    """True and predicted spans; tags are read alike whichever scheme wrote them."""
    found = {Span(span["type"], span["start"], span["end"]) for span in row["spans"]}
    return set(read_spans(row["truth"], INTERNAL)[0]), found


def _span_counts(row: Row) -> tuple[int, int, int]:
    truth, found = _spans(row)
    return len(truth & found), len(found), len(truth)


def _errors(row: Row) -> int:
    if "spans" not in row:
        return len(row["tokens"]) - sum(_hits(row))
    truth, found = _spans(row)
    return len(truth ^ found)


def _example(row: Row, errors: int) -> Example:
    words = len(row["tokens"])
    if "spans" in row:
        pieces, what = _span_pieces(row), "spans wrong or missed"
    else:
        pieces, what = _word_pieces(row), f"of {words} words wrong"
    return Example(f"{errors} {what}", tuple(pieces), row["place"])


def _word_pieces(row: Row) -> list[Piece]:
    words = zip(row["tokens"], row["truth"], row["tags"], strict=True)
    return [
        Piece(word) if truth == found else Piece(word, "wrong", f"{found}, truth {truth}")
        for word, truth, found in words
    ]


def _span_pieces(row: Row) -> list[Piece]:
    """The words in order; a predicted span is one piece, and so is a missed one where nothing was predicted."""
    truth, found = _spans(row)
    begins: dict[int, Piece] = {}
    ends: dict[int, int] = {}
    free = np.ones(len(row["tokens"]), dtype=bool)
    for span in found:
        over = sorted(
            (one for one in truth if one.start < span.end and span.start < one.end), key=lambda one: one.start
        )
        mark = "right" if span in truth else "wrong" if over else "added"
        was = ", ".join(f"{one.kind} {' '.join(row['tokens'][one.start : one.end])}" for one in over)
        says = span.kind if mark == "right" else f"{span.kind}, truth {was or 'nothing'}"
        begins[span.start], ends[span.start] = (
            Piece(" ".join(row["tokens"][span.start : span.end]), mark, says),
            span.end,
        )
        free[span.start : span.end] = False
    for span in truth - found:
        if free[span.start : span.end].all():
            text = " ".join(row["tokens"][span.start : span.end])
            begins[span.start], ends[span.start] = Piece(text, "missed", f"truth {span.kind}"), span.end
    pieces, at = [], 0
    while at < len(row["tokens"]):
        pieces.append(begins.get(at, Piece(row["tokens"][at])))
        at = ends.get(at, at + 1)
    return pieces


SAVED = SavedTagging()
