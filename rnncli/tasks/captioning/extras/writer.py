"""From a model to captions: beam search of the attention decoder, or through the labels of CTC.

Shape letters: B batch, T frames, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from torch import Tensor

from rnncli.data.text.ngram import NGram
from rnncli.heads.attention import AttentionDecoder, Written
from rnncli.heads.beam import beam_search
from rnncli.heads.ctc import greedy
from rnncli.metrics.edits import error_rate
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.captioning.schema import CaptionDecoding
from rnncli.tasks.decode.language import UNTUNED, TextScorer, Weights, tune


@dataclass(frozen=True)
class CaptionWriter:
    """Writes captions; with ctc a language model and a ``lexicon``, none for all words, say what is likely."""

    spelling: Spelling
    settings: CaptionDecoding
    language: NGram | None = None
    lexicon: tuple[str, ...] = ()
    weights: Weights = UNTUNED

    def __call__(self, model: Captioner, frames: Tensor, lengths_B: Tensor) -> list[list[Written]]:
        """The best captions of each clip, highest first."""
        if isinstance(model.head, AttentionDecoder):
            beam, best = self.settings.beam, self.settings.best
            return self._attend(model, model.head, frames, lengths_B, max(beam, best), best)
        return [self._search(one) for one in log_probs(model, frames, lengths_B)]

    def plain(self, model: Captioner, frames: Tensor, lengths_B: Tensor) -> list[Written]:
        """One caption a clip, without a search."""
        if isinstance(model.head, AttentionDecoder):
            return [rows[0] for rows in self._attend(model, model.head, frames, lengths_B, 1, 1)]
        return [_greedy(one) for one in log_probs(model, frames, lengths_B)]

    def tuned(self, found: Sequence[np.ndarray], truths: Sequence[Sequence[str]]) -> CaptionWriter:
        """The same with the weights of the language model that write ``truths`` with the fewest wrong words.

        ``found`` are log probabilities (T, V) of labels.
        """
        settings = self.settings.model_copy(update={"beam": self.settings.beam // 2 or 1, "best": 1})

        def wrong(weights: Weights) -> float:
            writer = replace(self, settings=settings, weights=weights)
            return error_rate(truths, [self.spelling.read(writer._search(one)[0].words) for one in found])

        return replace(self, weights=tune(wrong))

    @cached_property
    def _scorer(self) -> TextScorer | None:
        if not self.language and not self.lexicon:
            return None
        weights = self.weights if self.language else Weights(0.0, 0.0)
        by_character = self.settings.lm_unit == "character"
        return TextScorer(self.spelling.pieces, self.language, weights, by_character=by_character, lexicon=self.lexicon)

    def _search(self, log_probs_TV: np.ndarray) -> list[Written]:
        """The most probable path where the lexicon lets nothing end."""
        beam, best = max(self.settings.beam, self.settings.best), self.settings.best
        found = beam_search(log_probs_TV, beam=beam, scorer=self._scorer, best=best)
        return [Written(one.labels, one.score) for one in found] or [_greedy(log_probs_TV)]

    def _attend(
        self, model: Captioner, head: AttentionDecoder, frames: Tensor, lengths_B: Tensor, beam: int, best: int
    ) -> list[list[Written]]:
        settings = self.settings
        options = {"longest": settings.longest, "no_repeat": settings.no_repeat, "beam": beam, "best": best}
        memory_BTE = model.encode(frames, lengths_B)
        return [
            head.search(memory_TE[:length], length_power=settings.length_power, **options)
            for memory_TE, length in zip(memory_BTE, lengths_B.tolist(), strict=True)
        ]


def log_probs(model: Captioner, frames: Tensor, lengths_B: Tensor) -> list[np.ndarray]:
    """What ctc says of each frame of each clip, (T, V) float64."""
    found = model.head(model.encode(frames, lengths_B)).double().log_softmax(-1).cpu().numpy()
    return [one[:length] for one, length in zip(found, lengths_B.tolist(), strict=True)]


def _greedy(log_probs_TV: np.ndarray) -> Written:
    return Written(tuple(greedy(log_probs_TV).labels), float(log_probs_TV.max(1).sum()))
