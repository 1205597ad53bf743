"""What a tagger answers: a row of its predictions; with numpy alone, as exported models have it.

Shape letters: T words of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncli.data.text.tagschemes import INTERNAL, Scheme, Span, read_spans


def row(
    tokens: Sequence[str],
    tags: Sequence[str],
    sure_T2: np.ndarray,
    scheme: Scheme | None,
    spans: Sequence[Span] | None = None,
) -> dict[str, Any]:
    """A prediction as JSON: words, tags as the user writes them, the probability of each, and spans.

    ``sure_T2`` says how probable each tag is by itself and given the tag before it. ``spans`` are those that the valid
    ``tags`` mean if they are not given.
    """
    found: dict[str, Any] = {
        "tokens": list(tokens),
        "tags": list(tags),
        "probabilities": [round(p, 6) for p in sure_T2[:, 0].tolist()],
    }
    if scheme is not None:
        meant = read_spans(tags, INTERNAL)[0]
        found["tags"] = scheme.write(meant, len(tags))
        found["spans"] = [_span(span, tokens, sure_T2) for span in (meant if spans is None else spans)]
    return found


def place_of(span: Span) -> dict[str, Any]:
    """A span as JSON."""
    return {"type": span.kind, "start": span.start, "end": span.end}


def valid(tags: list[str], scheme: Scheme | None) -> list[str]:
    """Tags in the internal scheme, spans repaired as conlleval reads them, which the CRF never needs."""
    return tags if scheme is None else INTERNAL.write(read_spans(tags, INTERNAL)[0], len(tags))


def _span(span: Span, tokens: Sequence[str], sure_T2: np.ndarray) -> dict[str, Any]:
    """A span with its words, as probable as all its tags together."""
    words = " ".join(tokens[span.start : span.end])
    probability = sure_T2[span.start, 0] * sure_T2[span.start + 1 : span.end, 1].prod()
    return place_of(span) | {"text": words, "probability": round(float(probability), 6)}
