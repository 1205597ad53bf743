"""What a report says of predicted tags: figures, intervals, types, confusion, mistakes, predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.data.text.tagschemes import INTERNAL, OUTSIDE, Scheme, Span, read_spans
from rnncli.metrics.confusion import Confusion
from rnncli.metrics.spans import SpanCounts, share_interval
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Evaluation, Mistake
from rnncli.tasks.tagging.sentences import SentencePart

MISTAKES = 5
MOST_TAGS = 60
"""A matrix of more tags than these is left out."""
Sentences = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Scored:
    """True and predicted tags of some sentences, by sentence; ``known`` says of all words whether they were seen.

    ``spans`` are the true and the predicted ones, None where tags are no spans.
    """

    truth: Sentences
    predicted: Sentences
    known: np.ndarray
    spans: tuple[Sequence[Sequence[Span]], Sequence[Sequence[Span]]] | None = None

    def metrics(self) -> dict[str, float]:
        """Scores of spans where there are spans; then those of tokens and sentences."""
        right_N, lengths_N = self.right(), self.lengths()
        tokens = max(1, int(lengths_N.sum()))
        found = self.span_counts().figures() if self.spans else {}
        found["accuracy"] = float(right_N.sum() / tokens)
        hits = np.concatenate([_hits(*pair) for pair in self._pairs()] or [np.zeros(0, bool)])
        found["unknown_accuracy"] = float(hits[~self.known].mean()) if (~self.known).any() else float("nan")
        found["sentence_accuracy"] = float((right_N == lengths_N).mean()) if len(lengths_N) else float("nan")
        if not self.spans:
            averages = self.confusion().averages()
            found["f1_macro"] = averages["f1_macro"]
        return found

    def intervals(self, settings: EvaluationSection, seed: int) -> dict[str, tuple[float, float]]:
        """Percentile bootstrap over sentences."""
        options: dict[str, Any] = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
        if not settings.resamples:
            return {}
        right_N, lengths_N = self.right(), self.lengths()
        found = self.span_counts().intervals(**options) if self.spans else {}
        found["accuracy"] = share_interval(right_N, lengths_N, **options)
        ends = np.cumsum(lengths_N)
        unknown_N = np.array([(~self.known[end - n : end]).sum() for n, end in zip(lengths_N, ends, strict=True)])
        hits = [_hits(*pair) for pair in self._pairs()]
        new_N = [(hit & ~self.known[e - len(hit) : e]).sum() for hit, e in zip(hits, ends, strict=True)]
        if unknown_N.sum():
            found["unknown_accuracy"] = share_interval(new_N, unknown_N, **options)
        whole_N = (right_N == lengths_N).astype(int)
        found["sentence_accuracy"] = share_interval(whole_N, np.ones(len(whole_N), int), **options)
        return found

    def right(self) -> np.ndarray:
        """Words with the right tag, of each sentence."""
        return np.array([_hits(*pair).sum() for pair in self._pairs()], dtype=np.int64)

    def lengths(self) -> np.ndarray:
        """Words of each sentence."""
        return np.array([len(tags) for tags in self.truth], dtype=np.int64)

    def span_counts(self) -> SpanCounts:
        """Right, predicted and true spans."""
        counts = SpanCounts()
        for truth, predicted in zip(*(self.spans or ()), strict=True):
            counts.add(_marks(truth), _marks(predicted))
        return counts

    def confusion(self) -> Confusion:
        """Which tags, of spans which types, were taken for which."""
        pairs = [[_bare(tag) if self.spans else tag for tags in part for tag in tags] for part in self._parts()]
        labels = sorted(set(pairs[0]) | set(pairs[1]))
        number = {label: k for k, label in enumerate(labels)}
        counts = Confusion(labels)
        counts.add(*(np.array([number[tag] for tag in part], dtype=np.int64) for part in pairs))
        return counts

    def _parts(self) -> tuple[Sentences, Sentences]:
        return self.truth, self.predicted

    def _pairs(self) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
        return zip(self.truth, self.predicted, strict=True)


def evaluate(
    scored: Scored, sure: Sequence[np.ndarray], part: SentencePart, settings: EvaluationSection, seed: int
) -> Evaluation:
    """All that a report says of the part; ``sure`` are probabilities as in :func:`row`."""
    confusion = scored.confusion()
    small = len(confusion.labels) <= MOST_TAGS
    return Evaluation(
        examples=len(scored.truth),
        metrics=scored.metrics(),
        intervals=scored.intervals(settings, seed),
        labels=confusion.labels if small else (),
        confusion=confusion.counts_KK if small else (),
        per_class=scored.span_counts().per_type() if scored.spans else confusion.per_class(),
        confidence=settings.confidence,
        mistakes=_mistakes(scored, part),
        predictions=_predictions(scored, sure, part),
    )


def row(tokens: Sequence[str], tags: Sequence[str], sure_T2: np.ndarray, scheme: Scheme | None) -> dict[str, Any]:
    """A prediction as JSON: words, tags as the user writes them, the probability of each, and spans.

    ``sure_T2`` says how probable each tag is by itself and given the tag before it.
    """
    found: dict[str, Any] = {
        "tokens": list(tokens),
        "tags": list(tags),
        "probabilities": [round(p, 6) for p in sure_T2[:, 0].tolist()],
    }
    if scheme is not None:
        spans = read_spans(tags, INTERNAL)[0]
        found["tags"] = scheme.write(spans, len(tags))
        found["spans"] = [_span(span, tokens, sure_T2) for span in spans]
    return found


def _span(span: Span, tokens: Sequence[str], sure_T2: np.ndarray) -> dict[str, Any]:
    """A span, as probable as all its tags together."""
    words = " ".join(tokens[span.start : span.end])
    probability = sure_T2[span.start, 0] * sure_T2[span.start + 1 : span.end, 1].prod()
    where = {"type": span.kind, "start": span.start, "end": span.end, "text": words}
    return where | {"probability": round(float(probability), 6)}


def _predictions(scored: Scored, sure: Sequence[np.ndarray], part: SentencePart) -> Iterator[dict[str, Any]]:
    for i, tokens in enumerate(part.tokens()):
        truth = (
            part.scheme.write(read_spans(scored.truth[i], INTERNAL)[0], len(tokens)) if part.scheme else scored.truth[i]
        )
        right = {"place": part.table.place(i), "truth": list(truth)}
        yield right | row(tokens, scored.predicted[i], sure[i], part.scheme)


def _mistakes(scored: Scored, part: SentencePart) -> list[Mistake]:
    """The most frequent confusions of a word, each with the first place where it happened."""
    counts: Counter[tuple[str, str, str]] = Counter()
    where: dict[tuple[str, str, str], tuple[int, int]] = {}
    for i, tokens in enumerate(part.tokens()):
        for at, pair in enumerate(zip(scored.truth[i], scored.predicted[i], strict=True)):
            truth, predicted = map(_bare, pair) if scored.spans else pair
            if truth != predicted:
                key = (tokens[at], truth, predicted)
                counts[key] += 1
                where.setdefault(key, (i, at))
    frequent = counts.most_common(MISTAKES)
    rows = [where[key][0] for key, _ in frequent]
    texts = part.take(np.array(rows, dtype=np.int64)).tokens() if rows else iter(())
    found = []
    for (key, count), tokens, i in zip(frequent, texts, rows, strict=True):
        at = where[key][1]
        near = " ".join([*tokens[max(0, at - 4) : at], f"[{tokens[at]}]", *tokens[at + 1 : at + 5]])
        found.append(
            Mistake(f"{count} time{'s' if count > 1 else ''}: {near}", key[1], key[2], None, part.table.place(i))
        )
    return found


def _hits(truth: Sequence[str], predicted: Sequence[str]) -> np.ndarray:
    return np.fromiter((a == b for a, b in zip(truth, predicted, strict=True)), bool, len(truth))


def _marks(spans: Sequence[Span]) -> list[tuple[str, tuple[int, int]]]:
    return [(span.kind, (span.start, span.end)) for span in spans]


def _bare(tag: str) -> str:
    return tag if tag == OUTSIDE else tag[2:] or tag
