"""What a report says of recognised speech: error rates with their parts, intervals, alignments, confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnncli.metrics.confusion import Confusion
from rnncli.metrics.edits import EditCounts, Pair
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Evaluation, Mistake, Table
from rnncli.tasks.speech.data import SpeechPart

MISTAKES, CONFUSIONS = 5, 12
MOST_WORDS = 60
"""A matrix of more words than these is left out."""


def count(truths: Sequence[str], founds: Sequence[str]) -> tuple[EditCounts, EditCounts]:
    """Edits of words and of characters."""
    words, characters = EditCounts(), EditCounts()
    for truth, found in zip(truths, founds, strict=True):
        words.add(truth.split(), found.split())
        characters.add(list(truth), list(found))
    return words, characters


def evaluate(
    part: SpeechPart, rows: Sequence[dict[str, Any]], greedy: Sequence[str], settings: EvaluationSection, seed: int
) -> Evaluation:
    """All that a report says of the part; ``rows`` are the predictions, ``greedy`` those without a language model."""
    founds = [one["text"] for one in rows]
    words, characters = count(part.texts, founds)
    metrics = {"wer": words.rate(), "cer": characters.rate()}
    if list(greedy) != founds:
        plain = count(part.texts, greedy)
        metrics |= {"wer_greedy": plain[0].rate(), "cer_greedy": plain[1].rate()}
    single = all(len(text.split()) == 1 for text in part.texts)
    right_N = np.array([truth == found for truth, found in zip(part.texts, founds, strict=True)])
    metrics["accuracy" if single else "sentence_accuracy"] = float(right_N.mean())
    options: dict[str, Any] = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
    tables = [_parts(words, characters), _by_length(words, part.texts)]
    intervals = {}
    if settings.resamples:
        intervals = {"wer": words.interval(**options), "cer": characters.interval(**options)}
    if len(set(part.speakers)) > 1:
        tables.append(_by_speaker(words, part.speakers))
        if settings.resamples:
            low, high = words.interval(groups=part.speakers, **options)
            tables.append(Table("wer, interval over speakers", ("low", "high"), ((low, high),)))
    if words.confusions:
        tables.append(_confusions(words))
    matrix = _matrix(part.texts, founds) if single else None
    return Evaluation(
        examples=len(part),
        metrics=metrics,
        intervals=intervals,
        labels=matrix.labels if matrix else (),
        confusion=matrix.counts_KK if matrix else (),
        per_class=matrix.per_class() if matrix else (),
        confidence=settings.confidence,
        mistakes=_mistakes(words, part, founds),
        tables=tables,
        predictions=_predictions(part, rows),
    )


def _parts(words: EditCounts, characters: EditCounts) -> Table:
    rows = []
    for name, counts in (("words", words), ("characters", characters)):
        rows.append((name, *counts.parts().values(), int(counts.counts()[:, 3].sum())))
    return Table("errors", ("of", "substitutions", "deletions", "insertions", "true"), tuple(rows))


def _by_length(words: EditCounts, texts: Sequence[str]) -> Table:
    rows_N4 = words.counts()
    length_N = np.array([len(text.split()) for text in texts])
    rows = []
    for low, high in ((1, 1), (2, 4), (5, 9), (10, 19), (20, 10**9)):
        at = (length_N >= low) & (length_N <= high)
        if at.any():
            name = str(low) if low == high else f"{low}-{high}" if high < 10**9 else f"{low} and more"
            rows.append((name, int(at.sum()), float(rows_N4[at, :3].sum() / rows_N4[at, 3].sum())))
    return Table("by length in words", ("words", "recordings", "wer"), tuple(rows))


def _by_speaker(words: EditCounts, speakers: Sequence[str]) -> Table:
    rows_N4, who_N = words.counts(), np.array(speakers)
    rows = []
    for speaker in sorted(set(speakers)):
        at = who_N == speaker
        rows.append((speaker, int(at.sum()), float(rows_N4[at, :3].sum() / rows_N4[at, 3].sum())))
    return Table("by speaker", ("speaker", "recordings", "wer"), tuple(sorted(rows, key=lambda one: -one[2])))


def _confusions(words: EditCounts) -> Table:
    rows = [(t or "-", f or "-", n) for (t, f), n in words.confusions.most_common(CONFUSIONS)]
    return Table("most frequent word errors", ("truth", "found", "times"), tuple(rows))


def _matrix(truths: Sequence[str], founds: Sequence[str]) -> Confusion | None:
    known = sorted(set(truths))
    other = "(other)"
    labels = [*known, other] if any(found not in known for found in founds) else known
    if len(labels) > MOST_WORDS:
        return None
    number = {label: k for k, label in enumerate(labels)}
    counts = Confusion(labels)
    counts.add([number[t] for t in truths], [number.get(f, len(known)) for f in founds])
    return counts


def _mistakes(words: EditCounts, part: SpeechPart, founds: Sequence[str]) -> list[Mistake]:
    """The utterances with most errors, their words aligned."""
    errors_N = words.errors()
    worst = [int(i) for i in np.argsort(-errors_N, kind="stable")[:MISTAKES] if errors_N[i]]
    found = []
    for i in worst:
        pairs = EditCounts().add(part.texts[i].split(), founds[i].split())
        found.append(Mistake(_aligned(pairs), part.texts[i], founds[i] or "(nothing)", None, part.places[i], True))
    return found


def _aligned(pairs: Sequence[Pair]) -> str:
    """``bin [blue > green] at [+ a] [- five]``: replaced, put in, left out."""
    shown = []
    for truth, found in pairs:
        if truth == found:
            shown.append(truth or "")
        elif truth is None:
            shown.append(f"[+ {found}]")
        else:
            shown.append(f"[- {truth}]" if found is None else f"[{truth} > {found}]")
    return " ".join(shown)


def _predictions(part: SpeechPart, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for i, one in enumerate(rows):
        yield {"place": part.places[i], "truth": part.texts[i]} | one
