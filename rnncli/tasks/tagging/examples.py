"""Sentences as numbers, and batches of them in which each different word stands once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.tasks.tagging.distinct import Column, Distinct
from rnncli.tasks.tagging.lexicon import Lexicon, Sentence
from rnncli.tasks.tagging.sentences import SentencePart

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
    """Encoded sentences; ``words`` number the rows of ``forms_UF`` and the sequences of ``characters``.

    ``places`` are what is known of each word of all sentences, one after the other, at its place.
    """

    words: Ragged
    forms_UF: np.ndarray
    characters: Ragged
    places: list[np.ndarray]
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
        at, lengths = self.words.positions(indices)
        unique_U, inverse = np.unique(self.words.values[at], return_inverse=True)
        characters_UC, character_lengths_U = self.characters.pad(unique_U)
        forms = torch.from_numpy(self.forms_UF[unique_U]), characters_UC, character_lengths_U
        return self._collated(inverse, at, lengths, forms)

    def known_batch(self, indices: np.ndarray) -> TaggingBatch:
        """The sentences at ``indices`` for a model that is told what is known of words: by the words' own numbers."""
        at, lengths = self.words.positions(indices)
        none = torch.zeros(0, 0, dtype=torch.int64)
        return self._collated(self.words.values[at], at, lengths, (none, none, none))

    def _collated(
        self, words: np.ndarray, at: np.ndarray, lengths: np.ndarray, forms: tuple[Tensor, Tensor, Tensor]
    ) -> TaggingBatch:
        steps = max(1, int(lengths.max(initial=0)))
        inside_BT = np.arange(steps) < lengths[:, None]

        def padded(values: np.ndarray) -> np.ndarray:
            found_BT = np.zeros(inside_BT.shape, dtype=np.int64)
            found_BT[inside_BT] = values
            return found_BT

        places = [padded(place[at]) for place in self.places]
        return TaggingBatch(
            torch.from_numpy(padded(words)),
            torch.from_numpy(lengths),
            *forms,
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
    words, columns, offsets = gather(sentences, lexicon.columns)
    forms = words.distinct.strings()
    return TaggingExamples(
        Ragged(words.numbers, offsets),
        lexicon.forms(forms),
        lexicon.characters(forms),
        lexicon.places(words, columns, offsets),
        Ragged.from_iterable(np.array(one, dtype=np.int32) for one in tags),
        part,
    )


def gather(
    sentences: Iterable[Sentence], columns: int, words: Distinct | None = None
) -> tuple[Column, list[Column], np.ndarray]:
    """Words and further columns as they come, without a list of them, and the offsets of the sentences."""
    found, further = Column(words), [Column() for _ in range(columns)]
    offsets = array("q", [0])
    for tokens, features in sentences:
        found.add(tokens)
        for column, values in zip(further, features, strict=True):
            column.add(values)
        offsets.append(offsets[-1] + len(tokens))
    return found, further, np.array(offsets, dtype=np.int64)
