"""What captions are worth: scores, samples, the best and the worst: see :class:`rnncli.tasks.base.Scoring`.

Shape letters: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.video.decoding import PICTURES
from rnncli.metrics.captions import caption_statistics, rouge_ls
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Details, ReportTable
from rnncli.report.figures import Attention, Figure, Piece, Sample
from rnncli.tasks.base import About, Row
from rnncli.tasks.frames.pictures import illustrated, stretches

__all__ = ["details", "figures", "illustrated", "interval_note", "row", "samples", "statistics"]

SHOWN = 5
"""Captions of each table."""
MOST_SEEN = 3
"""Of the frames that a word looked at, so many are named."""
Words = Sequence[str]


def row(
    place: str, file: str, said: Sequence[str], words: Words, references: Sequence[Words], attention: Sequence[Any]
) -> dict[str, Any]:
    """A caption with all that is ``said`` of its clip, whole and in words; what each word looked at, if known."""
    found: dict[str, Any] = {"place": place, "file": file, "truth": list(said), "caption": " ".join(words)}
    found |= {"words": list(words), "truth_words": [list(reference) for reference in references]}
    # Characters that were joined to words looked at frames each by itself.
    return found | ({"attention": attention} if len(attention) == len(words) > 0 else {})


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """All scores; where each clip has one reference also error rates, of words unless all are characters."""
    return caption_statistics(*_words(rows))


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Lengths; some captions, the best and the worst by ROUGE-L."""
    founds, references = _words(rows)
    rouge_N = rouge_ls(founds, references)
    order = np.argsort(-rouge_N, kind="stable")
    some = np.random.default_rng(seed).permutation(len(founds))[:SHOWN]
    lengths = [
        ("captions", _quantiles(founds)),
        ("references", _quantiles([truth for truths in references for truth in truths])),
    ]
    columns = ("of", "least", "median", "most")
    tables = [
        ReportTable("lengths in units", columns, tuple((name, *of) for name, of in lengths)),
        _table("samples", some, rows, rouge_N),
        _table("best", order[:SHOWN], rows, rouge_N),
        _table("worst", order[::-1][:SHOWN], rows, rouge_N),
    ]
    return Details(tables=tables)


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """None: captions have no probabilities that could be held against what is true."""
    return []


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """The captions with the lowest ROUGE-L; words that no reference has are marked."""
    rouge_N = rouge_ls(*_words(rows))
    order = [int(i) for i in np.argsort(rouge_N, kind="stable") if rouge_N[i] < 1]
    return [_sample(rows[i], float(rouge_N[i])) for i in order[:most]]


def interval_note(
    name: str, founds: Sequence[Words], references: Sequence[Sequence[Words]], settings: EvaluationSection, seed: int
) -> str:
    """The interval of a rival's CIDEr-D in a sentence, empty without resamples."""
    options: dict[str, Any] = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
    intervals = caption_statistics(founds, references).intervals(**options)
    if not intervals:
        return ""
    low, high = intervals["cider"]
    return f"{name}: cider {100 * low:.1f} - {100 * high:.1f} ({100 * settings.confidence:g} % interval)"


def _words(rows: Sequence[Row]) -> tuple[list[Words], list[Sequence[Words]]]:
    """What was written of each clip, and what is said of it."""
    return [row["words"] for row in rows], [row["truth_words"] for row in rows]


def _quantiles(captions: Sequence[Words]) -> tuple[int, ...]:
    return tuple(int(q) for q in np.quantile([len(one) for one in captions], [0, 0.5, 1]))


def _table(title: str, which: np.ndarray, rows: Sequence[Row], rouge_N: np.ndarray) -> ReportTable:
    cells = tuple(
        (rows[i]["file"], rows[i]["caption"], rows[i]["truth"][0], float(rouge_N[i])) for i in map(int, which)
    )
    return ReportTable(title, ("file", "caption", "reference", "rouge_l"), cells)


def _sample(row: Row, score: float) -> Sample:
    known = {word for truth in row["truth_words"] for word in truth}
    looked = row.get("attention") or [[]] * len(row["words"])
    pieces = [
        Piece(word, "" if word in known else "added", _seen(weights))
        for word, weights in zip(row["words"], looked, strict=True)
    ]
    caption = f"rouge-l {score:.2f}, reference: {row['truth'][0]}"
    return Sample(caption, tuple(pieces), row["place"], file=row.get("file", ""), attention=_attention(row))


def _attention(row: Row) -> Attention | None:
    """What each word looked at, by the stretches of which a page shows a picture each."""
    looked = row.get("attention")
    one_picture = Path(row.get("file", "")).suffix.lower() in PICTURES
    if not looked or one_picture or len({len(weights) for weights in looked}) > 1:
        return None
    begins = stretches(len(looked[0]))[:-1]
    shares_WK = np.add.reduceat(np.array(looked, dtype=np.float64), begins, axis=1)
    return Attention(tuple(row["words"]), tuple(tuple(shares_K) for shares_K in shares_WK.tolist()))


def _seen(weights: Sequence[float]) -> str:
    """The frames that a word looked at most, the first is 1."""
    order = sorted(range(len(weights)), key=lambda frame: -weights[frame])[:MOST_SEEN]
    return "looked at " + ", ".join(f"{i + 1} ({100 * weights[i]:.0f} %)" for i in order) if order else ""
