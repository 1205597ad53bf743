"""What the predictions of a recognizer are worth: see :class:`rnncli.tasks.base.Scoring`.

A row has ``truth``, ``text`` and its ``words`` with confidences; ``greedy``, the text of the most probable path, and
``speaker`` where one is named. Shape letters: N rows, G speakers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from rnncli.metrics import curves
from rnncli.metrics.confusion import Confusion
from rnncli.metrics.edits import KINDS, Edits, Pair, edits
from rnncli.metrics.statistics import Statistics, shares
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Classes, Details, Mistake, ReportTable
from rnncli.report.figures import Figure, Line, Piece, Sample
from rnncli.tasks.base import About, Row
from rnncli.tasks.speech.extras.listening import illustrated

__all__ = ["cell_samples", "details", "figures", "illustrated", "rates", "samples", "statistics"]

MISTAKES = 5
"""That a report names."""
CONFUSIONS = 12
"""Pairs of words that a report names."""
MOST_WORDS = 60
"""A matrix of more words than these is left out."""
OTHER = "(other)"
"""What was found and is never true."""
ALIGNMENTS = 1 << 15
"""Pairs of texts whose edits are kept, so that metrics, tables and samples count each of them once."""
LENGTHS = ((1, 1), (2, 4), (5, 9), (10, 19), (20, None))
"""Words of the texts of each row of the table by length, from and to."""


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """Error rates of words and characters, those of the most probable paths where they differ, whole texts right."""
    truths, founds = [row["truth"] for row in rows], [row["text"] for row in rows]
    parts = _rates(truths, founds)
    greedy = [row.get("greedy", row["text"]) for row in rows]
    if greedy != founds:
        parts |= {f"{name}_greedy": counts_N2 for name, counts_N2 in _rates(truths, greedy).items()}
    parts["accuracy" if _single(truths) else "sentence_accuracy"] = _right(truths, founds)
    return _statistics(parts)


def rates(truths: Sequence[str], founds: Sequence[str]) -> Statistics:
    """``wer``, ``cer`` and ``accuracy``, the share of whole texts that are right, however many words they have."""
    return _statistics(_rates(truths, founds) | {"accuracy": _right(truths, founds)})


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Errors by kind, by length and by speaker, frequent ones, the worst texts; of single words a matrix."""
    words = [_words(row["truth"], row["text"]) for row in rows]
    characters = [_characters(row["truth"], row["text"]) for row in rows]
    tables = [_by_kind(words, characters), _by_length(words)]
    speakers = [row.get("speaker", "") for row in rows]
    if len(set(speakers)) > 1:
        tables.append(_by_speaker(words, speakers))
        if settings.resamples:
            tables.append(_over_speakers(words, speakers, settings, seed))
    if any(one.errors for one in words):
        tables.append(_confusions(words))
    mistakes = [_mistake(rows[i], words[i].pairs) for i in _worst(rows, MISTAKES)]
    return Details(classes=_classes(rows), mistakes=mistakes, tables=tables)


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """How far the confidence of a word can be believed."""
    right, sure = [], []
    for row in rows:
        heard = [pair for pair in _words(row["truth"], row["text"]).pairs if pair[1] is not None]
        if len(heard) == len(row["words"]):
            right += [truth == found for truth, found in heard]
            sure += [word["confidence"] for word in row["words"]]
    if not sure:
        return []
    line = Line("", *curves.calibration(right, sure))
    return [Figure("calibration of words", "confidence", "share that is right", (line,), diagonal=True)]


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """The utterances with most wrong words, aligned with their truth."""
    return [_sample(rows[i]) for i in _worst(rows, most)]


def cell_samples(rows: Sequence[Row], most: int) -> list[Sample]:
    """The first of each cell where all texts are single words."""
    labels = _classes(rows).labels
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for row in rows if labels else ():
        cell = row["truth"], row["text"] if row["text"] in labels else OTHER
        seen[cell] += 1
        if seen[cell] <= most:
            found.append(replace(_sample(row), cell=cell))
    return found


@lru_cache(maxsize=ALIGNMENTS)
def _words(truth: str, found: str) -> Edits:
    return edits(truth.split(), found.split())


@lru_cache(maxsize=ALIGNMENTS)
def _characters(truth: str, found: str) -> Edits:
    return edits(truth, found)._replace(pairs=())


def _rates(truths: Sequence[str], founds: Sequence[str]) -> dict[str, np.ndarray]:
    """Edits and true units of each text, (N, 2), of words and of characters."""
    pairs = list(zip(truths, founds, strict=True))
    edits = {"wer": [_words(*pair) for pair in pairs], "cer": [_characters(*pair) for pair in pairs]}
    return {name: _counts(found) for name, found in edits.items()}


def _right(truths: Sequence[str], founds: Sequence[str]) -> np.ndarray:
    """Whether each whole text is right, beside 1, (N, 2)."""
    found = [(truth == found, 1) for truth, found in zip(truths, founds, strict=True)]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _counts(edits: Sequence[Edits]) -> np.ndarray:
    """Edits and true units, (N, 2)."""
    return np.array([(one.errors, one.true) for one in edits], dtype=np.float64).reshape(-1, 2)


def _statistics(parts: dict[str, np.ndarray]) -> Statistics:
    return Statistics(shares(list(parts), list(parts.values())))


def _single(truths: Sequence[str]) -> bool:
    """Whether all texts are one word long."""
    return all(len(truth.split()) == 1 for truth in truths)


def _worst(rows: Sequence[Row], most: int) -> list[int]:
    """The numbers of the rows with most wrong words, at most ``most`` of them."""
    errors = [_words(row["truth"], row["text"]).errors for row in rows]
    wrong = [i for i, count in enumerate(errors) if count]
    return sorted(wrong, key=lambda i: -errors[i])[:most]


def _by_kind(words: Sequence[Edits], characters: Sequence[Edits]) -> ReportTable:
    rows = []
    for name, counted in (("words", words), ("characters", characters)):
        rows.append((name, *(sum(getattr(one, kind) for one in counted) for kind in (*KINDS, "true"))))
    return ReportTable("errors", ("of", *KINDS, "true"), tuple(rows))


def _by_length(words: Sequence[Edits]) -> ReportTable:
    rows = []
    for low, high in LENGTHS:
        found = [one for one in words if low <= one.true and (high is None or one.true <= high)]
        if found:
            name = f"{low} and more" if high is None else f"{low}-{high}" if high > low else str(low)
            rows.append((name, len(found), _wer(found)))
    return ReportTable("by length in words", ("words", "recordings", "wer"), tuple(rows))


def _by_speaker(words: Sequence[Edits], speakers: Sequence[str]) -> ReportTable:
    """The worst first."""
    rows = []
    for speaker in sorted(set(speakers)):
        found = [one for one, who in zip(words, speakers, strict=True) if who == speaker]
        rows.append((speaker, len(found), _wer(found)))
    return ReportTable("by speaker", ("speaker", "recordings", "wer"), tuple(sorted(rows, key=lambda row: -row[2])))


def _over_speakers(
    words: Sequence[Edits], speakers: Sequence[str], settings: EvaluationSection, seed: int
) -> ReportTable:
    """The interval of the word error rate where whole speakers are drawn."""
    numbers = {speaker: number for number, speaker in enumerate(dict.fromkeys(speakers))}
    counts_G2 = np.zeros((len(numbers), 2))
    np.add.at(counts_G2, [numbers[speaker] for speaker in speakers], _counts(words))
    found = _statistics({"wer": counts_G2})
    intervals = found.intervals(resamples=settings.resamples, confidence=settings.confidence, seed=seed)
    return ReportTable("wer, interval over speakers", ("low", "high"), (intervals["wer"],))


def _wer(words: Sequence[Edits]) -> float:
    return _statistics({"wer": _counts(words)}).values()["wer"]


def _confusions(words: Sequence[Edits]) -> ReportTable:
    counts = Counter(pair for one in words for pair in one.pairs if pair[0] != pair[1])
    rows = tuple((truth or "-", found or "-", times) for (truth, found), times in counts.most_common(CONFUSIONS))
    return ReportTable("most frequent word errors", ("truth", "found", "times"), rows)


def _classes(rows: Sequence[Row]) -> Classes:
    """A matrix of texts that are single words, of which there are few; what is never true counts as one."""
    truths, founds = [row["truth"] for row in rows], [row["text"] for row in rows]
    known = sorted(set(truths))
    labels = [*known, OTHER] if set(founds) - set(known) else known
    if not _single(truths) or len(labels) > MOST_WORDS:
        return Classes()
    number = {label: k for k, label in enumerate(labels)}
    counts = Confusion(labels)
    counts.add([number[truth] for truth in truths], [number.get(found, len(known)) for found in founds])
    return Classes.of(labels, counts.counts_KK, counts.per_class())


def _mistake(row: Row, pairs: Sequence[Pair]) -> Mistake:
    return Mistake(_aligned(pairs), row["truth"], row["text"] or "(nothing)", None, row["place"], True)


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


def _sample(row: Row) -> Sample:
    edits = _words(row["truth"], row["text"])
    caption = f"{edits.errors} errors, {edits.true} words" if edits.errors > 1 else "1 error"
    pieces, span = tuple(_piece(*pair) for pair in edits.pairs), row.get("span")
    file = row.get("file", "")
    return Sample(caption, pieces, row["place"], file=file, span=(span[0], span[1]) if span else None)


def _piece(truth: str | None, heard: str | None) -> Piece:
    if truth == heard:
        return Piece(truth or "")
    if truth is None:
        return Piece(heard or "", "added", "not said")
    if heard is None:
        return Piece(truth, "missed", "not heard")
    return Piece(heard, "wrong", f"truth {truth}")
