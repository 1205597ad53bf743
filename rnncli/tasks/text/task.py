"""Running text: the next symbol by a recurrent model: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from pathlib import Path

from rnncli.data.text.codec import Codec
from rnncli.tasks.base import Corpus
from rnncli.tasks.exporting import Exported
from rnncli.tasks.text import data
from rnncli.tasks.text.extras import checks
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


def export(fitted: FittedText, model: TextModel, *, stream: bool) -> Exported:
    """The model as ONNX graphs with its tables."""
    from rnncli.tasks.text.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)
