"""What a report says of captions: scores with intervals, samples, the best and the worst, predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from rnncli.metrics.captions import Scores, diversity, rated
from rnncli.metrics.edits import EditCounts, error_rate
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Evaluation, Table
from rnncli.tasks.captioning.data import Captioned

SHOWN = 5
Words = Sequence[str]


def metrics(founds: Sequence[Words], references: Sequence[Sequence[Words]]) -> dict[str, float]:
    """All scores; where there is one reference a clip also error rates, of words unless all are characters."""
    found = Scores(founds, references).values() | diversity(founds)
    return found | {name: error_rate(*pairs) for name, pairs in rated(founds, references).items()}


def evaluate(
    captioned: Captioned,
    founds: Sequence[Words],
    attention: Sequence[list[list[float]]],
    tokens: Callable[[str], list[str]],
    settings: EvaluationSection,
    seed: int,
) -> Evaluation:
    """All that a report says of the part; ``founds`` are the captions, ``attention`` what each of their words saw."""
    references = [[tokens(text) for text in texts] for texts in captioned.references]
    scores = Scores(founds, references)
    options: dict[str, Any] = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
    values, intervals = metrics(founds, references), scores.intervals(**options)
    for name, pairs in rated(founds, references).items() if settings.resamples else ():
        edits = EditCounts()
        for truth, found in zip(*pairs, strict=True):
            edits.add(truth, found)
        intervals[name] = edits.interval(**options)
    rouge_N = scores.means_NC[:, 0]
    order = np.argsort(-rouge_N, kind="stable")
    some = np.random.default_rng(seed).permutation(len(founds))[:SHOWN]
    lengths = [
        ("captions", _quantiles(founds)),
        ("references", _quantiles([t for truths in references for t in truths])),
    ]
    tables = [
        Table("lengths in units", ("of", "least", "median", "most"), tuple((name, *row) for name, row in lengths)),
        _table("samples", some, captioned, founds, rouge_N),
        _table("best", order[:SHOWN], captioned, founds, rouge_N),
        _table("worst", order[::-1][:SHOWN], captioned, founds, rouge_N),
    ]
    return Evaluation(
        examples=len(founds),
        metrics=values,
        intervals=intervals,
        confidence=settings.confidence,
        tables=tables,
        predictions=_predictions(captioned, founds, references, attention),
    )


def _quantiles(captions: Sequence[Words]) -> tuple[int, ...]:
    return tuple(int(q) for q in np.quantile([len(one) for one in captions], [0, 0.5, 1]))


def _table(title: str, rows: np.ndarray, captioned: Captioned, founds: Sequence[Words], rouge_N: np.ndarray) -> Table:
    cells = [
        (captioned.part.clips[i].name, " ".join(founds[i]), captioned.references[i][0], float(rouge_N[i]))
        for i in map(int, rows)
    ]
    return Table(title, ("file", "caption", "reference", "rouge_l"), tuple(cells))


def _predictions(
    captioned: Captioned,
    founds: Sequence[Words],
    references: Sequence[Sequence[Words]],
    attention: Sequence[list[list[float]]],
) -> Iterator[dict[str, Any]]:
    for i, found in enumerate(founds):
        row: dict[str, Any] = {"place": captioned.part.place(i), "file": captioned.part.clips[i].name}
        row |= {"truth": captioned.references[i], "caption": " ".join(found)}
        row |= {"words": list(found), "truth_words": [list(one) for one in references[i]]}
        yield row | ({"attention": attention[i]} if len(attention[i]) == len(found) > 0 else {})
