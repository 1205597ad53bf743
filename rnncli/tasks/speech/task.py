"""Speech recognition, recordings to text by a recurrent network and CTC: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from rnncli.data.text.labelunits import NAMES, LabelUnits
from rnncli.errors import DataError
from rnncli.recipe.schema import AUTO
from rnncli.report.build import Advice
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.findings import no_texts
from rnncli.tasks.common.growing import growth
from rnncli.tasks.decode.language import Language, lexicon_used
from rnncli.tasks.exporting import Exported
from rnncli.tasks.speech import data
from rnncli.tasks.speech.data import SpeechPart
from rnncli.tasks.speech.extras import checks
from rnncli.tasks.speech.extras.augmentation import strength_for
from rnncli.tasks.speech.extras.explained import WordExplainer
from rnncli.tasks.speech.extras.form import FeatureForm, Scale
from rnncli.tasks.speech.extras.steps import SoundSteps
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.model import Recognizer
from rnncli.tasks.speech.predictor import SpeechPredictor
from rnncli.tasks.speech.schema import SpeechRecipe

read, read_more = data.read_corpus, data.read_more


def fit(recipe: SpeechRecipe, corpus: Corpus) -> FittedSpeech:
    """The labels, the normalisation and the language model of the training part."""
    return _fit(recipe, corpus, None)


def fit_further(recipe: SpeechRecipe, corpus: Corpus, known: FittedSpeech) -> FittedSpeech:
    """The labels of a run and new ones, its normalisation; the language model of the training part alone."""
    return _fit(recipe, corpus, known)


load = FittedSpeech.load
predictor = SpeechPredictor
check = checks.tables


def export(fitted: FittedSpeech, model: Recognizer, *, stream: bool) -> Exported:
    """The recognizer as an ONNX graph with its tables."""
    from rnncli.tasks.speech.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def findings(corpus: Corpus) -> Iterator[Advice]:
    """Texts that stand for none."""
    parts: dict[str, SpeechPart] = dict(corpus.parts)
    yield from no_texts(parts, {name: part.texts for name, part in parts.items()})


def step_reader(fitted: FittedSpeech, model: Recognizer, device: torch.device) -> SoundSteps:
    """What the core reads at each step."""
    return SoundSteps(fitted, model, device)


def explainer(fitted: FittedSpeech, model: Recognizer, device: torch.device) -> WordExplainer:
    """What the words of a transcript hang on."""
    return WordExplainer(fitted, model, device)


def _unknown(units: LabelUnits, corpus: Corpus) -> list[str]:
    """What is to be said of parts whose texts have units that training does not."""
    found = []
    for name, part in corpus.parts.items():
        if lacking := sum(map(units.lacks, part.texts)):
            found.append(f"{lacking:,} of the texts of {name} have {NAMES[units.kind]} that train lacks")
    return found


def _fit(recipe: SpeechRecipe, corpus: Corpus, known: FittedSpeech | None) -> FittedSpeech:
    train: SpeechPart = corpus.parts["train"]
    lexicon, why = lexicon_used(recipe.decoding, () if recipe.data.unit == "word" else train.texts)
    notes = [why] if why else []
    if recipe.variation.strength == AUTO:
        strength = strength_for(len(train))
        recipe = recipe.having({"variation.strength": strength})
        if strength < 1:
            notes.append(f"{len(train):,} recordings are few: varied at a strength of {strength:.2g}")
    recipe = recipe.having({"decoding.lexicon": lexicon})
    language = Language.of(recipe.decoding, train.texts, lambda line: data.clean_text(line, recipe.data.lower))
    if known is None:
        units, form = LabelUnits.learn(train.texts, recipe.data.unit, recipe.data.subwords), _form(recipe, train)
    else:
        units, form = known.units.grown(train.texts), _known_form(known, train)
        notes += _said(known, units, recipe)
    fitted = FittedSpeech(recipe, units, language, form)
    fitted.notes = (*fitted.notes, *notes, *_unknown(units, corpus))
    return fitted


def _form(recipe: SpeechRecipe, train: SpeechPart) -> FeatureForm:
    first = train.clips[0]
    data.require_width(train, first.width)
    scale = Scale.learn(clip.load() for clip in train.clips) if recipe.data.normalise == "global" else Scale()
    return FeatureForm(first.width, first.given, scale)


def _known_form(known: FittedSpeech, train: SpeechPart) -> FeatureForm:
    """That of a run, which further recordings must have; DataError."""
    if train.clips[0].given != known.form.given:
        ours, theirs = (
            "features that are given" if one else "sound" for one in (not known.form.given, known.form.given)
        )
        raise DataError(f"{train.places[0]}: {ours}, where the run was trained on {theirs}")
    data.require_width(train, known.form.width)
    return known.form


def _said(known: FittedSpeech, units: LabelUnits, recipe: SpeechRecipe) -> Iterator[str]:
    yield from growth(NAMES[units.kind], known.units.labels, units.labels)
    if recipe.data.normalise == "global":
        yield "mean and deviation of features are those of the run"
    if "train" in (recipe.decoding.lm, recipe.decoding.lexicon):
        yield "what texts are to be expected (decoding.lm, decoding.lexicon) is learnt anew, from these texts alone"
