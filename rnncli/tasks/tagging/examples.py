"""Sentences as numbers, and batches of them in which each different word stands once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.tasks.tagging.data import SentencePart
from rnncli.tasks.tagging.lexicon import Lexicon, Sentence

UNSEEN = -1
"""The number of a tag that the training part does not have."""


@dataclass(frozen=True)
class TaggingBatch:
    """Sentences as ``word_BT``, which of the batch's U different words stands where.

    ``forms_UF`` are word, shape and affixes of these words, ``characters_UC`` their characters; ``places_BTP`` is what
    is known of a word at its place. Beyond ``lengths_B`` everything is 0. ``tags_BT`` are the true tags.
    """

    word_BT: Tensor
    lengths_B: Tensor
    forms_UF: Tensor
    characters_UC: Tensor
    character_lengths_U: Tensor
    places_BTP: Tensor
    tags_BT: Tensor

    @property
    def size(self) -> int:
        """Sentences in the batch."""
        return len(self.lengths_B)

    def to(self, device: torch.device) -> TaggingBatch:
        """The same batch on ``device``, the lengths still on the CPU, where the core looks at them."""
        return TaggingBatch(
            self.word_BT.to(device),
            self.lengths_B,
            self.forms_UF.to(device),
            self.characters_UC.to(device),
            self.character_lengths_U,
            self.places_BTP.to(device),
            self.tags_BT.to(device),
        )


@dataclass(frozen=True)
class TaggingExamples:
    """Encoded sentences; ``words`` number the rows of ``forms_UF`` and the sequences of ``characters``."""

    words: Ragged
    forms_UF: np.ndarray
    characters: Ragged
    places: list[Ragged]
    tags: Ragged
    part: SentencePart | None = None

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Words of each sentence, (N,)."""
        return self.words.lengths

    @cached_property
    def known(self) -> np.ndarray:
        """Whether each word of all sentences, one after the other, was seen in training."""
        return self.forms_UF[self.words.values, 0] != 1

    def batch(self, indices: np.ndarray) -> TaggingBatch:
        """Collate the sentences at ``indices``."""
        indices = np.asarray(indices, dtype=np.int64)
        at, lengths = self.words.positions(indices)
        steps = max(1, int(lengths.max(initial=0)))
        inside_BT = np.arange(steps) < lengths[:, None]
        unique_U, inverse = np.unique(self.words.values[at], return_inverse=True)

        def padded(values: np.ndarray) -> np.ndarray:
            found_BT = np.zeros(inside_BT.shape, dtype=np.int64)
            found_BT[inside_BT] = values
            return found_BT

        places = [padded(place.values[at]) for place in self.places]
        characters_UC, character_lengths_U = self.characters.pad(unique_U)
        return TaggingBatch(
            torch.from_numpy(padded(inverse)),
            torch.from_numpy(lengths),
            torch.from_numpy(self.forms_UF[unique_U]),
            characters_UC,
            character_lengths_U,
            torch.from_numpy(np.stack(places, -1) if places else np.zeros((*inside_BT.shape, 0), np.int64)),
            torch.from_numpy(padded(self.tags.values[at])) if len(self.tags) else torch.zeros(inside_BT.shape).long(),
        )

    def place(self, index: int) -> str:
        """File and line of a sentence."""
        return self.part.table.place(index) if self.part else f"sentence {index + 1}"


def encode(
    lexicon: Lexicon,
    sentences: Iterable[Sentence],
    tags: Iterable[Sequence[int]] = (),
    part: SentencePart | None = None,
) -> TaggingExamples:
    """Words to numbers; ``tags`` are the true ones, none for sentences to predict."""
    kept = sentences if isinstance(sentences, list) else list(sentences)
    numbers: dict[str, int] = {}
    words = Ragged.from_iterable([numbers.setdefault(token, len(numbers)) for token in tokens] for tokens, _ in kept)
    forms = list(numbers)
    return TaggingExamples(
        words,
        lexicon.forms(forms),
        lexicon.characters(forms),
        lexicon.places(kept),
        Ragged.from_iterable(np.array(one, dtype=np.int32) for one in tags),
        part,
    )
