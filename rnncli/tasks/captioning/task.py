"""Captioning, clips to words by a recurrent encoder and a head that writes: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch

from rnncli.data.text import units as text_units
from rnncli.data.text.units import Units
from rnncli.errors import DataError
from rnncli.report.build import Advice
from rnncli.tasks.base import Corpus
from rnncli.tasks.captioning import data
from rnncli.tasks.captioning.extras import checks
from rnncli.tasks.captioning.extras.explained import CaptionExplainer
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.captioning.extras.writer import CaptionWriter
from rnncli.tasks.captioning.fitted import FittedCaptioning
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.captioning.predictor import CaptionPredictor
from rnncli.tasks.captioning.schema import CaptionRecipe
from rnncli.tasks.common.growing import grown, growth
from rnncli.tasks.decode.language import Language, lexicon_used
from rnncli.tasks.exporting import Exported
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.form import FORM_KEPT, Form
from rnncli.tasks.frames.steps import FrameSteps

read, read_more = data.read_corpus, data.read_more


def fit(recipe: CaptionRecipe, corpus: Corpus) -> FittedCaptioning:
    """The words, the language model and the form of the training part."""
    train: FramePart = corpus.parts["train"]
    units, why = text_units.make(recipe.data.unit, train.truths, lower=recipe.data.lower)
    words = _words(recipe, units, train)
    if not words:
        raise DataError(f"no word is seen {recipe.data.min_count} times", "data.min_count=1")
    form = Form.learn(recipe, data.once(train).part.clips)
    return _fitted(recipe, train, units, words, form, [f"units: {why}"] if why else [])


def fit_further(recipe: CaptionRecipe, corpus: Corpus, known: FittedCaptioning) -> FittedCaptioning:
    """The words and the form of a run, and new words; the language model of the training part alone."""
    train: FramePart = corpus.parts["train"]
    old, units = known.spelling.known, known.spelling.units
    words = grown(old, _words(recipe, units, train))
    notes = [*growth(known.spelling.name, old, words), FORM_KEPT]
    notes += ["the language model is learnt anew, from these captions alone"] * (recipe.decoding.lm == "train")
    return _fitted(recipe, train, units, words, known.form.kept(recipe, data.once(train).part.clips), notes)


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


def step_reader(fitted: FittedCaptioning, model: Captioner, device: torch.device) -> FrameSteps:
    """What the core that reads the clip reads at each step."""
    return FrameSteps(CaptionPredictor(fitted, model, device), model.encode, device)


def explainer(fitted: FittedCaptioning, model: Captioner, device: torch.device) -> CaptionExplainer:
    """What the words of a caption hang on."""
    return CaptionExplainer(fitted, model, device)


def _words(recipe: CaptionRecipe, units: Units, train: FramePart) -> tuple[str, ...]:
    counts = Counter(unit for text in train.truths for unit in units.split(text))
    kept = [unit for unit, count in counts.items() if count >= recipe.data.min_count]
    return tuple(sorted(kept, key=lambda unit: (-counts[unit], unit)))


def _fitted(
    recipe: CaptionRecipe, train: FramePart, units: Units, words: tuple[str, ...], form: Form, notes: list[str]
) -> FittedCaptioning:
    recipe = recipe.having({"data.unit": units.to_dict()["unit"]})
    spelling = Spelling(units, words, recipe.model.head == "ctc")
    written = [" ".join(spelling.words(text)) for text in train.truths]
    lexicon, chosen = lexicon_used(recipe.decoding, written if spelling.ctc and spelling.spaced else ())
    recipe = recipe.having({"decoding.lexicon": lexicon})
    language = Language.of(recipe.decoding, written, lambda line: " ".join(spelling.words(line)))
    fitted = FittedCaptioning(recipe, CaptionWriter(spelling, recipe.decoding, language), form)
    fitted.notes = (*fitted.notes, *notes, *([chosen] if chosen else []))
    return fitted
