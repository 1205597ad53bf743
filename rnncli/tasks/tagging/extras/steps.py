"""What the cores of a tagger read: a word at each step, or a character of each different word."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.data.ragged import Ragged
from rnncli.tasks.inspecting import ReadBatch, ReadSteps
from rnncli.tasks.tagging.collating import read_at
from rnncli.tasks.tagging.data import SentencePart
from rnncli.tasks.tagging.examples import TaggingBatch, TaggingExamples, encode
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import Tagger
from rnncli.tasks.tagging.predictor import TagPredictor

CHARACTERS = "characters.core"


class TaggingSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; the tag of a word is its mark, and its type of span."""

    lexical = True

    def __init__(self, fitted: FittedTagging, model: Tagger, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.parse = TagPredictor(fitted, model, device).parse
        self.unit, self.gap = "word", "" if fitted.layout["by_character"] else " "
        self._of: TaggingExamples | None = None
        self._words: list[str] = []
        self._marks: dict[str, list[str]] = {}

    def typed(self, text: str) -> ReadBatch:
        """A sentence, or a JSON object that holds ``tokens`` or ``text``."""
        given = self.parse(text)
        examples = encode(self.fitted.lexicon, [given.sentence])
        batch = placed(examples.batch(np.zeros(1, np.int64)), self.device)
        self.model(batch)
        return self._read([ReadSteps(given.tokens)], examples, np.zeros(1, np.int64))

    def of_part(
        self, part: SentencePart, examples: TaggingExamples, indices: np.ndarray, batch: TaggingBatch
    ) -> ReadBatch:
        """Sentences with their tags, and those words of their neighbours that are read with them."""
        self.model(batch)
        if self._of is not examples:
            self._of = examples
            self._words = list(chain.from_iterable(part.tokens()))
            self._marks = {"tag": list(chain.from_iterable(part.raw_tags()))}
            if part.scheme:
                self._marks["span"] = [tag[2:] for tag in chain.from_iterable(part.tags())]
        steps = []
        for index in indices.tolist():
            at = read_at(examples.words, examples.reach, np.array([index]))
            marks = {name: [values[i] for i in at] for name, values in self._marks.items()}
            steps.append(ReadSteps([self._words[i] for i in at], part.place(index), marks))
        return self._read(steps, examples, indices)

    def _read(self, steps: Sequence[ReadSteps], examples: TaggingExamples, indices: np.ndarray) -> ReadBatch:
        return ReadBatch(steps, {CHARACTERS: self._characters(examples, indices)}, "character")

    def _characters(self, examples: TaggingExamples, indices: np.ndarray) -> Sequence[ReadSteps]:
        """The characters of each different word, in the order in which a batch has them."""
        vocabulary = self.fitted.lexicon.vocabularies.get("character")
        if vocabulary is None:
            return ()
        words_U = np.unique(examples.words.values[read_at(examples.words, examples.reach, indices)])
        return [ReadSteps(vocabulary.decode(one)) for one in _rows(examples.characters, words_U)]


def _rows(ragged: Ragged, rows: np.ndarray) -> list[np.ndarray]:
    return [ragged.values[ragged.offsets[row] : ragged.offsets[row + 1]] for row in rows]
