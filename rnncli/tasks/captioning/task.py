"""Captioning, clips to words by a recurrent encoder and a head that writes: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rnncli.data.text import units as text_units
from rnncli.errors import DataError
from rnncli.report.build import Advice
from rnncli.tasks.base import Corpus
from rnncli.tasks.captioning import data
from rnncli.tasks.captioning.extras import checks
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.captioning.extras.writer import CaptionWriter
from rnncli.tasks.captioning.fitted import FittedCaptioning
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.captioning.predictor import CaptionPredictor
from rnncli.tasks.captioning.schema import CaptionRecipe
from rnncli.tasks.decode.language import Language, lexicon_used
from rnncli.tasks.exporting import Exported
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.form import Form

read, read_more = data.read_corpus, data.read_more


def fit(recipe: CaptionRecipe, corpus: Corpus) -> FittedCaptioning:
    """The words, the language model and the form of the training part."""
    train: FramePart = corpus.parts["train"]
    units, why = text_units.make(recipe.data.unit, train.truths, lower=recipe.data.lower)
    recipe = recipe.having({"data.unit": units.to_dict()["unit"]})
    counts = Counter(unit for text in train.truths for unit in units.split(text))
    kept = [unit for unit, count in counts.items() if count >= recipe.data.min_count]
    if not kept:
        raise DataError(f"no word is seen {recipe.data.min_count} times", "data.min_count=1")
    words = tuple(sorted(kept, key=lambda unit: (-counts[unit], unit)))
    spelling = Spelling(units, words, recipe.model.head == "ctc")
    written = [" ".join(spelling.words(text)) for text in train.truths]
    lexicon, chosen = lexicon_used(recipe.decoding, written if spelling.ctc and spelling.spaced else ())
    recipe = recipe.having({"decoding.lexicon": lexicon})
    language = Language.of(recipe.decoding, written, lambda line: " ".join(spelling.words(line)))
    writer = CaptionWriter(spelling, recipe.decoding, language)
    fitted = FittedCaptioning(recipe, writer, Form.learn(recipe, data.once(train).part.clips))
    fitted.notes = (*fitted.notes, *([f"units: {why}"] if why else []), *([chosen] if chosen else []))
    return fitted


load = FittedCaptioning.load
predictor = CaptionPredictor
check = checks.tables


def export(fitted: FittedCaptioning, model: Captioner, *, stream: bool) -> Exported:
    """The captioner as ONNX graphs with its tables."""
    from rnncli.tasks.captioning.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def findings(corpus: Corpus) -> Iterator[Advice]:
    """Captions that stand for none, clips of test that train has."""
    yield from checks.findings(corpus.parts)
