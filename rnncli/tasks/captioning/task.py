"""Captioning: clips to words by a recurrent encoder and an attention decoder, or CTC."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rnncli.data.text import units as text_units
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.captioning import checks
from rnncli.tasks.captioning.data import once, read_corpus, read_more
from rnncli.tasks.captioning.fitted import FittedCaptioning
from rnncli.tasks.captioning.schema import CaptionRecipe
from rnncli.tasks.captioning.spelling import Spelling
from rnncli.tasks.captioning.writer import Writer
from rnncli.tasks.common.core import recurrent
from rnncli.tasks.decode.language import lexicon_of, model_of
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.form import Form


class Captioning:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: CaptionRecipe) -> Corpus:
        """Read and split clips."""
        return read_corpus(recipe)

    def read_more(self, recipe: CaptionRecipe, path: Path) -> Corpus:
        """A further file of clips and captions."""
        return read_more(recipe, path)

    def fit(self, recipe: CaptionRecipe, corpus: Corpus) -> FittedCaptioning:
        """The words, the language model and the form of the training part."""
        train: FramePart = corpus.parts["train"]
        units, why = text_units.make(recipe.data.unit, train.truths, lower=recipe.data.lower)
        counts = Counter(unit for text in train.truths for unit in units.split(text))
        kept = [unit for unit, count in counts.items() if count >= recipe.data.min_count]
        if not kept:
            raise DataError(f"no word is seen {recipe.data.min_count} times", "data.min_count=1")
        words = tuple(sorted(kept, key=lambda unit: (-counts[unit], unit)))
        spelling = Spelling(units, words, recipe.model.head == "ctc")
        written = [" ".join(spelling.words(text)) for text in train.truths]
        lexicon = lexicon_of(recipe.decoding, written, lambda line: " ".join(spelling.words(line)))
        writer = Writer(spelling, recipe.decoding, model_of(recipe.decoding, written), lexicon)
        fitted = FittedCaptioning(recipe, writer, Form.learn(recipe, once(train).part.clips))
        fitted.notes = (*fitted.notes, *([f"units: {why}"] if why else []))
        return fitted

    def load(self, recipe: CaptionRecipe, folder: Path) -> FittedCaptioning:
        """What a run kept."""
        return FittedCaptioning.load(recipe, folder)

    def check(self, recipe: CaptionRecipe, corpus: Corpus) -> list[shared.Table]:
        """Tables of lengths, words and leaks."""
        return checks.tables(corpus)


TASK = Captioning()
