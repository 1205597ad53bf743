"""From log probabilities of labels to texts: the search, times of words, hypotheses with scores, cuts at pauses.

Shape letters: R frames of the core, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from rnncli.data.text.scorer import TextScorer, Weights
from rnncli.data.text.subwords import MARK
from rnncli.heads.beam import Hypothesis, beam_search
from rnncli.heads.ctc import BLANK, Decoded, greedy, spot
from rnncli.tasks.decode.language import Language

PAUSE = 2.0
"""Seconds without a word behind which a text begins anew."""
LONGEST_STRETCH = 60.0
"""Seconds after which it does so in any case."""


@dataclass(frozen=True)
class SpokenWord:
    """A word, its ``labels``, their frames of a stretch from ``begin`` to ``end``, and how sure the least sure is."""

    word: str
    labels: tuple[int, ...]
    begin: int
    end: int
    confidence: float

    def row(self, start: int, seconds: float) -> dict[str, Any]:
        """As JSON, in a stretch that begins at frame ``start``, of frames that last ``seconds``."""
        begin, end = (round((start + at) * seconds, 3) for at in (self.begin, self.end))
        return {"word": self.word, "start": begin, "end": end, "confidence": round(self.confidence, 4)}


@dataclass(frozen=True)
class Decoder:
    """Writes what the labels say; ``seconds`` is how long a frame lasts.

    >>> Decoder(("g", "o", " "), "character", 0.02).written([1, 2, 3, 1, 2])
    'go go'
    """

    labels: tuple[str, ...]
    unit: str
    seconds: float
    language: Language = field(default_factory=Language)
    beam: int = 16
    best: int = 1

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """What each label adds to a text, spaces among it."""
        if self.unit == "subword":
            return tuple(label.replace(MARK, " ") for label in self.labels)
        return tuple(label + " " for label in self.labels) if self.unit == "word" else self.labels

    @cached_property
    def scorer(self) -> TextScorer:
        """The language model and the lexicon in the search."""
        return self.language.scorer(self.pieces)

    @property
    def searches(self) -> bool:
        """Whether there is anything to search by; the most probable path is taken otherwise."""
        return self.language.known or self.best > 1

    def weighed(self, weights: Weights) -> Decoder:
        """The same with other weights."""
        return replace(self, language=self.language.weighed(weights))

    def narrower(self) -> Decoder:
        """The same in half the time, about, and with the best hypothesis alone."""
        return replace(self, beam=self.beam // 2 or 1, best=1)

    def written(self, labels: Sequence[int]) -> str:
        """The text of some labels."""
        return " ".join("".join(self.pieces[label - 1] for label in labels).split())

    def plain(self, log_probs_RV: np.ndarray) -> str:
        """The text of the most probable path."""
        return self.written(greedy(log_probs_RV).labels)

    def search(self, log_probs_RV: np.ndarray) -> list[Hypothesis]:
        """The best hypotheses; none where the lexicon lets nothing end."""
        return beam_search(log_probs_RV, beam=self.beam, scorer=self.scorer, best=self.best)

    def row(self, log_probs_RV: np.ndarray) -> dict[str, Any]:
        """The prediction for a whole recording: ``text``, ``words``, and ``hypotheses`` where several are wanted."""
        listener = Listener(self)
        return joined([*listener(log_probs_RV), *listener.end()])

    def segment(self, log_probs_RV: np.ndarray, start: int = 0) -> dict[str, Any]:
        """The prediction for a stretch that begins at frame ``start``."""
        decoded, found = self._decoded(log_probs_RV)
        words = [word.row(start, self.seconds) for word in self._words(decoded)]
        row: dict[str, Any] = {"text": self.written(decoded.labels), "words": words}
        if self.best > 1:
            row["hypotheses"] = [{"text": self.written(one.labels), "score": round(one.score, 3)} for one in found]
        return row

    def words(self, log_probs_RV: np.ndarray) -> list[SpokenWord]:
        """The words of a stretch, as ``segment`` has them."""
        return self._words(self._decoded(log_probs_RV)[0])

    def _decoded(self, log_probs_RV: np.ndarray) -> tuple[Decoded, list[Hypothesis]]:
        found = self.search(log_probs_RV) if self.searches else []
        return spot(log_probs_RV, found[0].labels) if found else greedy(log_probs_RV), found

    def _words(self, decoded: Decoded) -> list[SpokenWord]:
        words: list[SpokenWord] = []
        open_word = False
        spans = zip(decoded.labels, decoded.starts, decoded.ends, decoded.confidences, strict=True)
        for label, first, end, sure in spans:
            piece = self.pieces[label - 1]
            open_word = open_word and not piece.startswith(" ")
            if piece.strip():
                word = words.pop() if open_word else SpokenWord("", (), first, first, 1.0)
                labels, least = (*word.labels, label), min(word.confidence, sure)
                words.append(SpokenWord(word.word + piece.strip(), labels, word.begin, end, least))
                open_word = not piece.endswith(" ")
        return words


class Listener:
    """Frames in as they come, texts out behind each pause; what it remembers is a stretch of speech.

    Where frames are cut makes no difference. A stretch ends behind ``PAUSE`` seconds without a word, or when it is
    ``LONGEST_STRETCH`` seconds long.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self._rows: list[np.ndarray] = []
        self._start = self._quiet = 0
        self._said = False
        self._pause, self._longest = (max(1, round(limit / decoder.seconds)) for limit in (PAUSE, LONGEST_STRETCH))
        self._silent = {BLANK} | {k for k, piece in enumerate(decoder.pieces, start=1) if not piece.strip()}

    def __call__(self, log_probs_RV: np.ndarray) -> Iterator[dict[str, Any]]:
        """What was said in the stretches that end within these frames."""
        yield from self._said_in(self.cut(log_probs_RV))

    def cut(self, log_probs_RV: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The stretches that end within these frames: where each begins, and its log probabilities."""
        for row_V in log_probs_RV:
            self._rows.append(row_V)
            silent = int(row_V.argmax()) in self._silent
            self._quiet = self._quiet + 1 if silent else 0
            self._said = self._said or not silent
            if len(self._rows) >= self._longest or (self._said and self._quiet >= self._pause):
                yield from self.rest()

    def partial(self) -> str:
        """The words so far of the stretch that is open, by the most probable path; not the one being said."""
        if not self._said:
            return ""
        labels = greedy(np.stack(self._rows)).labels
        text = "".join(self.decoder.pieces[label - 1] for label in labels)
        return " ".join(text.split()) if self._quiet >= self._pause // 4 else " ".join(text.rpartition(" ")[0].split())

    def end(self) -> Iterator[dict[str, Any]]:
        """What was said since the last pause, if anything was."""
        yield from self._said_in(self.rest())

    def rest(self) -> Iterator[tuple[int, np.ndarray]]:
        """The stretch since the last pause, if anything was said in it."""
        if self._said:
            yield self._start, np.stack(self._rows)
        self._start += len(self._rows)
        self._rows, self._quiet, self._said = [], 0, False

    def _said_in(self, stretches: Iterator[tuple[int, np.ndarray]]) -> Iterator[dict[str, Any]]:
        rows = (self.decoder.segment(log_probs_RV, start) for start, log_probs_RV in stretches)
        return (row for row in rows if row["words"])


def joined(segments: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stretches as one prediction; ``hypotheses`` is a list for each of them."""
    row: dict[str, Any] = {
        "text": " ".join(segment["text"] for segment in segments),
        "words": [word for segment in segments for word in segment["words"]],
    }
    if any("hypotheses" in segment for segment in segments):
        row["hypotheses"] = [segment["hypotheses"] for segment in segments]
    return row
