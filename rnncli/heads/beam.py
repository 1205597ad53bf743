"""Prefix beam search for CTC, with a scorer that weighs labels: a language model, a list of words, or both.

For each prefix of labels the probabilities of all its paths are added up, those that end in a blank apart from those
that end in its last label (Graves 2008; Hannun et al. 2014). Label 0 is the blank.

Shape letters: T frames, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

NEVER = -math.inf


class Scorer(Protocol):
    """Weighs labels by those before them; states are the scorer's own."""

    def start(self) -> Any:
        """The state before the first label."""
        ...

    def extend(self, state: Any, label: int) -> tuple[Any, float] | None:
        """The state behind ``label`` and what to add to the log probability; None where it may not stand here."""
        ...

    def finish(self, state: Any) -> float | None:
        """What to add at the end; None where no text may end here."""
        ...


@dataclass(frozen=True)
class Hypothesis:
    """Labels, the log probability of all their paths, and the score that also counts what the scorer said."""

    labels: tuple[int, ...]
    acoustic: float
    score: float


@dataclass
class _Prefix:
    """Some labels: the last one, the prefix before it, what the scorer said of them, and paths at two frames."""

    label: int
    before: _Prefix | None
    state: Any
    weight: float
    children: dict[int, _Prefix | None] = field(default_factory=dict)
    blank: float = NEVER
    label_end: float = NEVER
    next_blank: float = NEVER
    next_label: float = NEVER

    def total(self) -> float:
        return _add(self.blank, self.label_end)

    def labels(self) -> tuple[int, ...]:
        found, node = [], self
        while node.before is not None:
            found.append(node.label)
            node = node.before
        return tuple(reversed(found))


def beam_search(
    log_probs_TV: np.ndarray, *, beam: int = 16, scorer: Scorer | None = None, best: int = 1, least: float = -12.0
) -> list[Hypothesis]:
    """The ``best`` hypotheses by score, highest first, of at most ``beam`` prefixes a frame.

    A label whose log probability at a frame is below ``least`` extends no prefix there (the most probable one always
    does); with ``least`` minus infinity and a beam as large as all prefixes the search is exact. Where the scorer lets
    no hypothesis end, the result is empty.
    """
    root = _Prefix(-1, None, scorer.start() if scorer else None, 0.0, blank=0.0)
    live = [root]
    for log_probs_V in log_probs_TV:
        labels = np.flatnonzero(log_probs_V[1:] >= min(least, float(log_probs_V[1:].max()))) + 1
        live = _advance(live, log_probs_V.tolist(), labels.tolist(), beam, scorer)
    found = []
    for prefix in live:
        end = scorer.finish(prefix.state) if scorer else 0.0
        if end is not None:
            found.append(Hypothesis(prefix.labels(), prefix.total(), prefix.total() + prefix.weight + end))
    return sorted(found, key=lambda one: -one.score)[:best]


def _advance(
    live: list[_Prefix], log_probs: list[float], labels: list[int], beam: int, scorer: Scorer | None
) -> list[_Prefix]:
    """The best prefixes one frame later."""
    touched: dict[int, _Prefix] = {}
    for prefix in live:
        total = prefix.total()
        prefix.next_blank = _add(prefix.next_blank, total + log_probs[0])
        if prefix.before is not None:
            prefix.next_label = _add(prefix.next_label, prefix.label_end + log_probs[prefix.label])
        touched[id(prefix)] = prefix
        for label in labels:
            # A label after itself is a new one only behind a blank.
            begin = prefix.blank if label == prefix.label else total
            if begin == NEVER:
                continue
            child = _child(prefix, label, scorer)
            if child is not None:
                child.next_label = _add(child.next_label, begin + log_probs[label])
                touched[id(child)] = child
    for prefix in touched.values():
        prefix.blank, prefix.label_end = prefix.next_blank, prefix.next_label
        prefix.next_blank = prefix.next_label = NEVER
    ranked = sorted(touched.values(), key=lambda one: -(one.total() + one.weight))
    for lost in ranked[beam:]:
        lost.blank = lost.label_end = NEVER
    return ranked[:beam]


def _child(prefix: _Prefix, label: int, scorer: Scorer | None) -> _Prefix | None:
    if label not in prefix.children:
        said = scorer.extend(prefix.state, label) if scorer else (None, 0.0)
        prefix.children[label] = None if said is None else _Prefix(label, prefix, said[0], prefix.weight + said[1])
    return prefix.children[label]


def _add(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    if one < other:
        one, other = other, one
    return one if other == NEVER else one + math.log1p(math.exp(other - one))
