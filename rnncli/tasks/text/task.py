"""Running text: the next symbol by a recurrent model: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from pathlib import Path

import torch

from rnncli.data.text.codec import Codec
from rnncli.data.text.learning import NAMES
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.growing import growth
from rnncli.tasks.exporting import Exported
from rnncli.tasks.text import data
from rnncli.tasks.text.extras import checks
from rnncli.tasks.text.extras.steps import SymbolSteps
from rnncli.tasks.text.fitted import FittedText
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.predictor import DocumentPredictor
from rnncli.tasks.text.schema import TextRecipe

load = FittedText.load
predictor = DocumentPredictor
check = checks.tables
findings = checks.findings


def read(recipe: TextRecipe) -> Corpus:
    """Texts of a user, or those built in."""
    return data.read_corpus(recipe)


def read_more(recipe: TextRecipe, path: Path) -> Corpus:
    """A further text as the part ``test``."""
    return data.read_part(recipe, path)


def fit(recipe: TextRecipe, corpus: Corpus) -> FittedText:
    """The symbols of the training part."""
    codec, why = Codec.learn(recipe.data, corpus.parts["train"].documents)
    return FittedText(recipe, codec, (why,) if why else ())


def fit_further(recipe: TextRecipe, corpus: Corpus, known: FittedText) -> FittedText:
    """The symbols of a run, and new ones."""
    codec = known.codec.grown(recipe.data, corpus.parts["train"].documents)
    kept = f"{NAMES[codec.unit]}: those of the run"
    grows = (
        growth(NAMES[codec.unit], known.codec.tokens, codec.tokens)
        if codec.unit not in ("byte", "subword")
        else (kept,)
    )
    notes = (*grows, *["n-grams that help are learnt anew, from these texts alone"] * recipe.evaluation.help)
    return FittedText(recipe, codec, notes)


def export(fitted: FittedText, model: TextModel, *, stream: bool) -> Exported:
    """The model as ONNX graphs with its tables."""
    from rnncli.tasks.text.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def step_reader(fitted: FittedText, model: TextModel, device: torch.device) -> SymbolSteps:
    """What the core reads at each step."""
    return SymbolSteps(fitted, model, device)
