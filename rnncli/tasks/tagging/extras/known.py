"""Tagging of many sentences: what is known of a word is computed once, however often the word comes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rnncli.core.device import placed
from rnncli.data.ragged import Ragged
from rnncli.data.text.distinct import Distinct
from rnncli.data.text.neighbours import Given, laid_out, reach
from rnncli.tasks.tagging.collating import gather
from rnncli.tasks.tagging.examples import TaggingBatch, TaggingExamples
from rnncli.tasks.tagging.extras.lexicon import Lexicon
from rnncli.tasks.tagging.model import Tagger

MOST_KNOWN = 40_000
"""Words that are remembered; when there are more, all are forgotten."""
AT_ONCE = 4096
"""Words whose characters are read at once."""
MOST_WORDS = 8192
"""Words that are tagged at once, in sentences of like length: more would not stay in the cache."""


class KnownWords:
    """Tags sentences with a trained model, and remembers the vectors of the words that it met."""

    def __init__(self, lexicon: Lexicon, model: Tagger, device: torch.device, context: int = 0) -> None:
        self.lexicon, self.model, self.device, self.context = lexicon, model, device, context
        self.size = sum(member.words.output_size for member in model.members)
        self._words = Distinct()

    @torch.no_grad()
    def tag(self, given: Sequence[Given], *, sure: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The numbers of the tags of each sentence; batch mates do not matter.

        If ``sure``, also the probability of each by itself and given the tag before it, (T, 2).
        """
        examples, wanted, words_VW = self._encode(given)
        tags: list[np.ndarray] = [np.zeros(0, np.int64)] * len(given)
        shares: list[np.ndarray] = [np.zeros((0, 2))] * len(given)
        read = examples.lengths[wanted]
        order = np.argsort(-read, kind="stable")
        while len(order):
            size = max(1, MOST_WORDS // max(1, int(read[order[0]])))
            some, order = order[:size], order[size:]
            batch = placed(examples.known_batch(wanted[some]), self.device)
            found_BT, sure_BT2 = self._decode(batch, words_VW, sure)
            for row, (i, length) in enumerate(zip(some.tolist(), batch.lengths_B.tolist(), strict=True)):
                tags[i] = found_BT[row, :length]
                if sure_BT2 is not None:
                    shares[i] = sure_BT2[row, :length]
        return tags, shares

    def _decode(self, batch: TaggingBatch, words_VW: Tensor, sure: bool) -> tuple[np.ndarray, np.ndarray | None]:
        if not sure:
            return self.model.decode(batch, words_VW).cpu().numpy(), None
        best_BT, shares_BT2 = self.model.probabilities(batch, words_VW)
        return best_BT.cpu().numpy(), shares_BT2.double().cpu().numpy()

    def _encode(self, given: Sequence[Given]) -> tuple[TaggingExamples, np.ndarray, Tensor]:
        """All that is read, which of it is to be tagged, and what is known of words."""
        if len(self._words) > MOST_KNOWN:
            self._words = Distinct()
        laid = laid_out(given)
        words, columns, offsets = gather(laid.sentences, self.lexicon.columns, self._words)
        places = self.lexicon.places(words, columns, offsets)
        vectors_VW = self._words.follows("vector", self._vectors)
        none = Ragged.from_iterable([])
        around = reach(offsets, laid.documents, self.context) if self.context else None
        examples = TaggingExamples(Ragged(words.numbers, offsets), np.zeros((0, 0)), none, places, none, reach=around)
        return examples, laid.wanted, torch.from_numpy(vectors_VW).to(self.device)

    def _vectors(self, forms: Sequence[str]) -> np.ndarray:
        found = [np.zeros((0, self.size), np.float32)]
        for start in range(0, len(forms), AT_ONCE):
            some = forms[start : start + AT_ONCE]
            characters_UC, lengths_U = self.lexicon.characters(some).pad(range(len(some)))
            forms_UF = torch.from_numpy(self.lexicon.forms(some)).to(self.device)
            found.append(self.model.words(forms_UF, characters_UC.to(self.device), lengths_U).cpu().numpy())
        return np.concatenate(found)
