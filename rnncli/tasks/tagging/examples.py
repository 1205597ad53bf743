"""Sentences as numbers, and batches of them in which each different word stands once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.data.text.neighbours import Sentence, reach
from rnncli.tasks.tagging.collating import collated, gather, inside, padded, read_at
from rnncli.tasks.tagging.data import SentencePart
from rnncli.tasks.tagging.extras.lexicon import Lexicon
from rnncli.tasks.tagging.extras.mixing import MixedPart

UNSEEN = -1
"""The number of a tag that the training part does not have."""


@dataclass(frozen=True)
class TaggingBatch:
    """Sentences as ``word_BT``, which of the batch's U different words stands where.

    ``forms_UF`` are word, shape and affixes of these words, ``characters_UC`` their characters; ``places_BTP`` is what
    is known of a word at its place. ``tags_BT`` are the true tags of the ``lengths_B`` words of each sentence.

    The core reads ``read_lengths_B`` words. These are those of the sentence, or more, if its neighbours are read as
    well: then ``before_B`` of them come before it, and T of ``word_BT`` and ``places_BTP`` is larger than that of
    ``tags_BT``. Beyond these lengths everything is 0.
    """

    word_BT: Tensor
    lengths_B: Tensor
    read_lengths_B: Tensor
    before_B: Tensor | None
    forms_UF: Tensor
    characters_UC: Tensor
    character_lengths_U: Tensor
    places_BTP: Tensor
    tags_BT: Tensor

    def own(self, x_BSX: Tensor) -> Tensor:
        """Of what was read the sentence itself, (B, T, X); what lies beyond its length has no meaning."""
        if self.before_B is None:
            return x_BSX
        batch, steps, _ = x_BSX.shape
        at_BT = self.before_B[:, None] + torch.arange(self.tags_BT.shape[1], device=x_BSX.device)
        rows_BT = at_BT.clamp(max=steps - 1) + steps * torch.arange(batch, device=x_BSX.device)[:, None]
        return x_BSX.flatten(0, 1).index_select(0, rows_BT.flatten()).unflatten(0, rows_BT.shape)


@dataclass(frozen=True)
class TaggingExamples:
    """Encoded sentences; ``words`` number the rows of ``forms_UF`` and the sequences of ``characters``.

    ``places`` are what is known of each word of all sentences, one after the other, at its place. ``reach`` is where
    what the core reads of each sentence begins and ends, None if that is the sentence alone.
    """

    words: Ragged
    forms_UF: np.ndarray
    characters: Ragged
    places: list[np.ndarray]
    tags: Ragged
    part: SentencePart | MixedPart | None = None
    reach: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Words that are read of each sentence, its neighbours' among them, (N,)."""
        return self.words.lengths if self.reach is None else self.reach[1] - self.reach[0]

    @cached_property
    def unknown(self) -> list[np.ndarray]:
        """Where in each sentence the words are that were never seen in training."""
        unseen = self.forms_UF[self.words.values, 0] == 1
        return [np.flatnonzero(its) for its in np.split(unseen, self.words.offsets[1:-1])]

    def batch(self, indices: np.ndarray) -> TaggingBatch:
        """Collate the sentences at ``indices``."""
        at = read_at(self.words, self.reach, indices)
        unique_U, inverse = np.unique(self.words.values[at], return_inverse=True)
        characters_UC, lengths_U = self.characters.pad(unique_U)
        forms = torch.from_numpy(self.forms_UF[unique_U]), characters_UC, lengths_U
        return self._collated(indices, inverse, forms)

    def known_batch(self, indices: np.ndarray) -> TaggingBatch:
        """The sentences at ``indices`` for a model that is told what is known of words: by the words' own numbers."""
        numbers = self.words.values[read_at(self.words, self.reach, indices)]
        none = torch.zeros(0, 0, dtype=torch.int64)
        return self._collated(indices, numbers, (none, none, none))

    def _collated(self, indices: np.ndarray, numbers: np.ndarray, forms: tuple[Tensor, Tensor, Tensor]) -> TaggingBatch:
        found = collated(self.words, numbers, self.places, self.reach, indices)
        tags = self.tags.values[self.words.positions(indices)[0]] if len(self.tags) else 0
        return TaggingBatch(
            torch.from_numpy(found.word_BS),
            torch.from_numpy(found.lengths_B),
            torch.from_numpy(found.read_lengths_B),
            None if found.before_B is None else torch.from_numpy(found.before_B),
            *forms,
            torch.from_numpy(found.places_BSP),
            torch.from_numpy(padded(tags, inside(found.lengths_B))),
        )

    def place(self, index: int) -> str:
        """File and line of a sentence."""
        return self.part.place(index) if self.part else f"sentence {index + 1}"


def encode(
    lexicon: Lexicon,
    sentences: Iterable[Sentence],
    tags: Iterable[Sequence[int]] = (),
    part: SentencePart | MixedPart | None = None,
    context: int = 0,
) -> TaggingExamples:
    """Words to numbers; ``tags`` are the true ones, none for sentences to predict.

    ``context`` words of a sentence's neighbours in its document are read with it.
    """
    words, columns, offsets = gather(sentences, lexicon.columns)
    forms = words.distinct.strings()
    return TaggingExamples(
        Ragged(words.numbers, offsets),
        lexicon.forms(forms),
        lexicon.characters(forms),
        lexicon.places(words, columns, offsets),
        Ragged.from_iterable(np.array(one, dtype=np.int32) for one in tags),
        part,
        reach(offsets, part.documents(), context) if context and part is not None else None,
    )
