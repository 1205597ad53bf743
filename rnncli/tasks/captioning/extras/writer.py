"""From a model to captions: beam search of the attention decoder, or through the labels of CTC.

Shape letters: B batch, T frames, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rnncli.data.text.scorer import TextScorer, Weights
from rnncli.heads import ctc
from rnncli.heads.beam import beam_search
from rnncli.heads.sentences import Written
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.decode.language import Language

if TYPE_CHECKING:  # what a bundle writes captions with is numpy alone
    from torch import Tensor

    from rnncli.heads.attention import AttentionDecoder
    from rnncli.tasks.captioning.model import Captioner
    from rnncli.tasks.captioning.schema import CaptionDecoding


@dataclass(frozen=True)
class CaptionWriter:
    """Writes captions; with ctc the ``language`` says what is likely."""

    spelling: Spelling
    settings: CaptionDecoding
    language: Language = field(default_factory=Language)

    def __call__(self, model: Captioner, frames: Tensor, lengths_B: Tensor) -> list[list[Written]]:
        """The best captions of each clip, highest first."""
        if not self.spelling.ctc:
            return self._attend(model, frames, lengths_B, self.options)
        return [self.search(one) for one in log_probs(model, frames, lengths_B)]

    def plain(self, model: Captioner, frames: Tensor, lengths_B: Tensor) -> list[Written]:
        """One caption a clip, without a search."""
        if not self.spelling.ctc:
            options = self.options | {"beam": 1, "best": 1}
            return [rows[0] for rows in self._attend(model, frames, lengths_B, options)]
        return [_greedy(one) for one in log_probs(model, frames, lengths_B)]

    def weighed(self, weights: Weights) -> CaptionWriter:
        """The same with other weights of the language model."""
        return replace(self, language=self.language.weighed(weights))

    def narrower(self) -> CaptionWriter:
        """The same in half the time, about, and with the best caption alone."""
        settings = self.settings.model_copy(update={"beam": self.settings.beam // 2 or 1, "best": 1})
        return replace(self, settings=settings)

    def search(self, log_probs_TV: np.ndarray) -> list[Written]:
        """The best captions by ctc, the most probable path where the lexicon lets nothing end."""
        beam, best = max(self.settings.beam, self.settings.best), self.settings.best
        found = beam_search(log_probs_TV, beam=beam, scorer=self._scorer, best=best)
        return [Written(one.labels, one.score) for one in found] or [_greedy(log_probs_TV)]

    @property
    def options(self) -> dict[str, Any]:
        """Those of :func:`rnncli.heads.sentences.search`."""
        asked = self.settings
        names = {"longest": asked.longest, "no_repeat": asked.no_repeat, "length_power": asked.length_power}
        return names | {"beam": max(asked.beam, asked.best), "best": asked.best}

    def row(self, name: str, found: Sequence[Written]) -> dict[str, Any]:
        """The prediction for a clip: ``file``, ``caption``, and the best ``captions`` with their scores."""
        captions = [{"caption": self.spelling.caption(one.words), "score": round(one.score, 4)} for one in found]
        return {"file": name, "caption": captions[0]["caption"], "captions": captions}

    @cached_property
    def _scorer(self) -> TextScorer | None:
        return self.language.scorer(self.spelling.pieces) if self.language.known else None

    def _attend(
        self, model: Captioner, frames: Tensor, lengths_B: Tensor, options: dict[str, Any]
    ) -> list[list[Written]]:
        head = cast("AttentionDecoder", model.head)
        memory_BTE = model.encode(frames, lengths_B)
        return [
            head.search(memory_TE[:length], **options)
            for memory_TE, length in zip(memory_BTE, lengths_B.tolist(), strict=True)
        ]


def log_probs(model: Captioner, frames: Tensor, lengths_B: Tensor) -> list[np.ndarray]:
    """What ctc says of each frame of each clip, (T, V) float64."""
    return ctc.log_probs(model.head(model.encode(frames, lengths_B)), lengths_B)


def _greedy(log_probs_TV: np.ndarray) -> Written:
    return Written(tuple(ctc.greedy(log_probs_TV).labels), float(log_probs_TV.max(1).sum()))
