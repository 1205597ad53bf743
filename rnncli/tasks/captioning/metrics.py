"""What a report says of captions: scores with intervals, samples, the best and the worst, predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.metrics.captions import Scores, diversity, rated
from rnncli.metrics.edits import EditCounts, error_rate
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Evaluation, Table
from rnncli.tasks.captioning.data import Captioned

SHOWN = 5
FIRST = ("wer", "cer", "cider", "bleu_4")
"""The scores that are looked at before others, where they are there."""
Words = Sequence[str]


def metrics(founds: Sequence[Words], references: Sequence[Sequence[Words]]) -> dict[str, float]:
    """All scores; where there is one reference a clip also error rates, of words unless all are characters."""
    found = Scores(founds, references).values() | diversity(founds)
    found |= {name: error_rate(*pairs) for name, pairs in rated(founds, references).items()}
    first = [name for name in FIRST if name in found]
    return {name: found[name] for name in (*first, *found)}


@dataclass(frozen=True)
class Caption:
    """The words of a caption, and what each of them looked at, empty for nothing."""

    words: Words
    attention: Sequence[Sequence[float]]


def interval_note(
    name: str, founds: Sequence[Words], references: Sequence[Sequence[Words]], settings: EvaluationSection, seed: int
) -> str:
    """The interval of a rival's CIDEr-D in a sentence, empty without resamples."""
    options: dict[str, Any] = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
    intervals = Scores(founds, references).intervals(**options)
    if not intervals:
        return ""
    low, high = intervals["cider"]
    return f"{name}: cider {100 * low:.1f} - {100 * high:.1f} ({100 * settings.confidence:g} % interval)"


def evaluate(
    captioned: Captioned,
    written: Sequence[Caption],
    references: Sequence[Sequence[Words]],
    settings: EvaluationSection,
    seed: int,
) -> Evaluation:
    """All that a report says of the part; ``references`` are the words of all that is said of each clip."""
    founds = [one.words for one in written]
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
        predictions=_predictions(captioned, written, references),
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
    captioned: Captioned, written: Sequence[Caption], references: Sequence[Sequence[Words]]
) -> Iterator[dict[str, Any]]:
    for i, one in enumerate(written):
        row: dict[str, Any] = {"place": captioned.part.place(i), "file": captioned.part.clips[i].name}
        row |= {"truth": captioned.references[i], "caption": " ".join(one.words)}
        row |= {"words": list(one.words), "truth_words": [list(words) for words in references[i]]}
        # Characters that were joined to words looked at frames each by itself.
        yield row | ({"attention": one.attention} if len(one.attention) == len(one.words) > 0 else {})
