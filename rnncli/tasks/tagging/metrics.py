"""What predicted tags are worth: see :class:`rnncli.tasks.base.Scoring`. A row has what
:func:`rnncli.tasks.tagging.answers.row` writes, and

- ``place``, and ``truth``, the true tags as the user writes them,
- ``unknown``, where the words are that were never seen in training, which rows of version 0.1 do not say,
- ``truth_spans`` if spans are read strictly: then they are others than the repaired tags of ``truth`` mean.

Words are right whose tags are right in the internal scheme, whichever scheme wrote them. Shape letters: N sentences, P
words of all of them, T words of one, K tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from rnncli.data.text.tagschemes import INTERNAL, OUTSIDE, Span, read_spans
from rnncli.metrics import curves
from rnncli.metrics.confusion import Confusion, averages
from rnncli.metrics.spans import SpanCounts
from rnncli.metrics.statistics import Scores, Statistics, Sums, shares
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Classes, Details, Mistake
from rnncli.report.figures import Figure, Line, Piece, Sample
from rnncli.tasks.base import About, Row

MISTAKES = 5
"""Confusions of words that a report names."""
MOST_TAGS = 60
"""A matrix of more tags than these is left out."""
MOST_UNSEEN = 5
"""Tags that training does not have which are named."""
NEAR = 4
"""Words on either side that a mistake is shown with."""
Sentences = Sequence[Sequence[str]]
Spans = Sequence[Sequence[Span]]


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """Scores of spans where tags are spans; then those of words and sentences."""
    return _scored(rows).statistics()


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Which tags, of spans which types, were taken for which; the most frequent mistakes; tags of no training."""
    scored = _scored(rows)
    confusion = scored.confusion()
    shown = (confusion.labels, confusion.counts_KK) if len(confusion.labels) <= MOST_TAGS else ((), ())
    per_class = scored.span_counts().per_type() if scored.spans else confusion.per_class()
    notes = tuple(_unseen(scored, rows, about))
    return Details(classes=Classes.of(*shown, per_class), mistakes=_mistakes(scored, rows), notes=notes)


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """How far the probabilities of tags can be believed."""
    sure = [p for row in rows for p in row["probabilities"]]
    line = Line("", *curves.calibration(np.concatenate(_scored(rows).hits).tolist(), sure))
    return [Figure("calibration of tags", "probability", "share that is right", (line,), diagonal=True)]


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """The sentences with most wrong spans, or words."""
    errors = [(_errors(row), i) for i, row in enumerate(rows)]
    ranked = sorted((-n, i) for n, i in errors if n)[:most]
    return [_sample(rows[i], -n) for n, i in ranked]


@dataclass(frozen=True)
class Scored:
    """True and predicted tags of each sentence in the internal scheme.

    ``unknown`` is where in each the words are that were never seen in training, None if that is not known. ``spans``
    are the true and the predicted ones, None where tags are no spans.
    """

    truth: Sentences
    predicted: Sentences
    unknown: Sequence[Sequence[int] | np.ndarray] | None = None
    spans: tuple[Spans, Spans] | None = None

    @cached_property
    def hits(self) -> list[np.ndarray]:
        """Which words of each sentence have the right tag, (T,) bool."""
        pairs = zip(self.truth, self.predicted, strict=True)
        return [
            np.fromiter((a == b for a, b in zip(truth, found, strict=True)), bool, len(truth)) for truth, found in pairs
        ]

    def statistics(self) -> Statistics:
        """All metrics, of sentences that are drawn independently of each other."""
        right_N, lengths_N = (np.array([count(hit) for hit in self.hits], dtype=float) for count in (np.sum, len))
        parts = {"accuracy": [right_N, lengths_N]}
        if self.unknown is not None:
            places = [np.asarray(at, dtype=np.int64) for at in self.unknown]
            new_N = [hit[at].sum() for hit, at in zip(self.hits, places, strict=True)]
            parts["unknown_accuracy"] = [np.array(new_N, dtype=float), np.array([len(at) for at in places])]
        parts["sentence_accuracy"] = [right_N == lengths_N, np.ones(len(right_N))]
        families = shares(list(parts), [np.column_stack(part) for part in parts.values()])
        if self.spans:
            return Statistics((self.span_counts().sums(), *families))
        return Statistics((*families, Sums(self._cells(), _macro)))

    def span_counts(self) -> SpanCounts:
        """Right, predicted and true spans."""
        counts = SpanCounts()
        for truth, predicted in zip(*(self.spans or ()), strict=True):
            counts.add(_marks(truth), _marks(predicted))
        return counts

    def confusion(self) -> Confusion:
        """Which tags, of spans which types, were taken for which."""
        labels, truth_P, predicted_P = self._numbered()
        counts = Confusion(labels)
        counts.add(truth_P, predicted_P)
        return counts

    def _numbered(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """All tags, of spans all types, and the number of each word's true and predicted one."""
        both = [list(chain.from_iterable(part)) for part in (self.truth, self.predicted)]
        if self.spans:
            both = [[_bare(tag) for tag in tags] for tags in both]
        labels = sorted({*both[0], *both[1]})
        number = {label: k for k, label in enumerate(labels)}
        truth_P, predicted_P = (np.array([number[tag] for tag in tags], dtype=np.int64) for tags in both)
        return labels, truth_P, predicted_P

    def _cells(self) -> Any:
        """Right, predicted and true words of each tag in each sentence, sparse (N, 3 K)."""
        labels, truth_P, predicted_P = self._numbered()
        sentence_P = np.repeat(np.arange(len(self.truth)), [len(tags) for tags in self.truth])
        right_P, K = truth_P == predicted_P, len(labels)
        whose = np.concatenate([sentence_P[right_P], sentence_P, sentence_P])
        at = np.concatenate([truth_P[right_P], K + predicted_P, 2 * K + truth_P])
        return coo_array((np.ones(len(at)), (whose, at)), shape=(len(self.truth), 3 * K)).tocsr()


def _scored(rows: Sequence[Row]) -> Scored:
    """The rows' tags, those of spans in the internal scheme."""
    unknown = [row["unknown"] for row in rows] if all("unknown" in row for row in rows) else None
    truth, predicted = ([row[key] for row in rows] for key in ("truth", "tags"))
    if not rows or "spans" not in rows[0]:
        return Scored(truth, predicted, unknown)
    true, found = zip(*map(_spans, rows), strict=True)
    return Scored(list(map(_internal, truth)), list(map(_internal, predicted)), unknown, (true, found))


def _internal(tags: Sequence[str]) -> list[str]:
    return INTERNAL.write(read_spans(tags, INTERNAL)[0], len(tags))


def _spans(row: Row) -> tuple[list[Span], list[Span]]:
    """True and predicted spans; tags are read alike whichever scheme wrote them."""
    true = _listed(row["truth_spans"]) if "truth_spans" in row else read_spans(row["truth"], INTERNAL)[0]
    return true, _listed(row["spans"])


def _listed(spans: Sequence[Mapping[str, Any]]) -> list[Span]:
    return [Span(span["type"], span["start"], span["end"]) for span in spans]


def _macro(sums: np.ndarray) -> Scores:
    return {"f1_macro": averages(*np.split(sums, 3, axis=-1))["f1_macro"]}


def _mistakes(scored: Scored, rows: Sequence[Row]) -> list[Mistake]:
    """The most frequent confusions of a word, each with the first place where it happened."""
    counts: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], tuple[Row, int]] = {}
    for row, truths, predictions in zip(rows, scored.truth, scored.predicted, strict=True):
        for at, pair in enumerate(zip(truths, predictions, strict=True)):
            truth, predicted = map(_bare, pair) if scored.spans else pair
            if truth != predicted:
                key = (row["tokens"][at], truth, predicted)
                counts[key] += 1
                first.setdefault(key, (row, at))
    found = []
    for key, count in counts.most_common(MISTAKES):
        row, at = first[key]
        tokens = row["tokens"]
        near = " ".join([*tokens[max(0, at - NEAR) : at], f"[{tokens[at]}]", *tokens[at + 1 : at + 1 + NEAR]])
        found.append(Mistake(f"{count} time{'s' if count > 1 else ''}: {near}", key[1], key[2], None, row["place"]))
    return found


def _unseen(scored: Scored, rows: Sequence[Row], about: About) -> Iterator[str]:
    """A sentence on tags that the training part does not have, where there are any."""
    known = set(about.get("tags", ()))
    where = [(tag, row["place"]) for row, tags in zip(rows, scored.truth, strict=True) for tag in tags]
    new = [(tag, place) for tag, place in where if known and tag not in known]
    if new:
        counts = Counter(tag for tag, _ in new).most_common()
        names = ", ".join(tag for tag, _ in counts[:MOST_UNSEEN]) + (", ..." if len(counts) > MOST_UNSEEN else "")
        words = f"{len(new):,} words have tags that training has not"
        yield f"{new[0][1]}: from here on {words} ({names}): all wrong"


def _errors(row: Row) -> int:
    if "spans" not in row:
        return sum(truth != found for truth, found in zip(row["truth"], row["tags"], strict=True))
    truth, found = map(set, _spans(row))
    return len(truth ^ found)


def _sample(row: Row, errors: int) -> Sample:
    if "spans" in row:
        return Sample(f"{errors} spans wrong or missed", tuple(_span_pieces(row)), row["place"])
    return Sample(f"{errors} of {len(row['tokens'])} words wrong", tuple(_word_pieces(row)), row["place"])


def _word_pieces(row: Row) -> list[Piece]:
    words = zip(row["tokens"], row["truth"], row["tags"], strict=True)
    return [
        Piece(word) if truth == found else Piece(word, "wrong", f"{found}, truth {truth}")
        for word, truth, found in words
    ]


def _span_pieces(row: Row) -> list[Piece]:
    """The words in order; a predicted span is one piece, and so is a missed one where nothing was predicted."""
    tokens = row["tokens"]
    truth, found = map(set, _spans(row))
    begins: dict[int, Piece] = {}
    ends: dict[int, int] = {}
    free = np.ones(len(tokens), dtype=bool)

    def add(span: Span, mark: str, says: str) -> None:
        begins[span.start], ends[span.start] = Piece(" ".join(tokens[span.start : span.end]), mark, says), span.end

    for span in found:
        over = sorted((one for one in truth if one.start < span.end and span.start < one.end), key=_start)
        was = ", ".join(f"{one.kind} {' '.join(tokens[one.start : one.end])}" for one in over)
        if span in truth:
            add(span, "right", span.kind)
        else:
            add(span, "wrong" if over else "added", f"{span.kind}, truth {was or 'nothing'}")
        free[span.start : span.end] = False
    for span in truth - found:
        if free[span.start : span.end].all():
            add(span, "missed", f"truth {span.kind}")
    pieces, at = [], 0
    while at < len(tokens):
        pieces.append(begins.get(at, Piece(tokens[at])))
        at = ends.get(at, at + 1)
    return pieces


def _start(span: Span) -> int:
    return span.start


def _marks(spans: Sequence[Span]) -> list[tuple[str, tuple[int, int]]]:
    return [(span.kind, (span.start, span.end)) for span in spans]


def _bare(tag: str) -> str:
    return tag if tag == OUTSIDE else tag[2:] or tag
