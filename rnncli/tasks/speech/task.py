"""Speech recognition: recordings to text by a recurrent network and CTC."""

from __future__ import annotations

from pathlib import Path

from rnncli.tasks.base import Corpus
from rnncli.tasks.decode.language import lexicon_of, model_of
from rnncli.tasks.speech import checks, keep
from rnncli.tasks.speech.data import SpeechPart, clean_text, read_corpus, read_part
from rnncli.tasks.speech.examples import Scale
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.keep import Form, make_decoder
from rnncli.tasks.speech.schema import SpeechRecipe
from rnncli.tasks.speech.units import NAMES, Units


class Speech:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: SpeechRecipe) -> Corpus:
        """Read recordings, compute features, split."""
        return read_corpus(recipe)

    def read_more(self, recipe: SpeechRecipe, path: Path) -> Corpus:
        """A further labelled file or folder."""
        return read_part(recipe, path)

    def fit(self, recipe: SpeechRecipe, corpus: Corpus) -> FittedSpeech:
        """The labels, the normalisation and the language model of the training part."""
        train: SpeechPart = corpus.parts["train"]
        units = Units.learn(train.texts, recipe.data.unit, recipe.data.subwords)
        lexicon = lexicon_of(recipe.decoding, train.texts, lambda line: clean_text(line, recipe.data.lower))
        decoder = make_decoder(recipe, units).known(model_of(recipe.decoding, train.texts), lexicon)
        first = train.clips[0]
        fitted = FittedSpeech(recipe, units, decoder, Form(first.width, first.given, Scale()))
        fitted.require_width(train)
        if recipe.data.normalise == "global":
            fitted.form = Form(fitted.form.width, first.given, Scale.learn(clip.load() for clip in train.clips))
        fitted.notes = (*fitted.notes, *_unknown(units, corpus))
        return fitted

    def load(self, recipe: SpeechRecipe, folder: Path) -> FittedSpeech:
        """What a run kept."""
        return FittedSpeech(recipe, *keep.load(recipe, folder))

    def check(self, recipe: SpeechRecipe, corpus: Corpus) -> list[shared.Table]:
        """Tables of lengths, sound, characters, speakers and leaks."""
        return checks.tables(recipe, corpus)


def _unknown(units: Units, corpus: Corpus) -> list[str]:
    """What is to be said of parts whose texts have units that training does not."""
    found = []
    for name, part in corpus.parts.items():
        lacking = sum(len(units.encode(text)) < len(units.cut(text)) for text in part.texts)
        if lacking:
            found.append(f"{lacking:,} of the texts of {name} have {NAMES[units.kind]} that train lacks")
    return found


TASK = Speech()
