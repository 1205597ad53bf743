"""Music: the next frame of a piece by a recurrent model: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from pathlib import Path

from rnncli.tasks.base import Corpus
from rnncli.tasks.exporting import Exported
from rnncli.tasks.music import builtin, data
from rnncli.tasks.music.extras import checks
from rnncli.tasks.music.fitted import FittedMusic
from rnncli.tasks.music.form import MusicForm
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.music.predictor import PiecePredictor
from rnncli.tasks.music.schema import MusicRecipe

load = FittedMusic.load
predictor = PiecePredictor
check = checks.tables
findings = checks.findings


def read(recipe: MusicRecipe) -> Corpus:
    """Pieces of a user, or those built in."""
    return data.read_corpus(recipe, builtin.tunes)


def read_more(recipe: MusicRecipe, path: Path) -> Corpus:
    """A further file or folder as the part ``test``."""
    return data.read_part(recipe, path)


def fit(recipe: MusicRecipe, corpus: Corpus) -> FittedMusic:
    """What frames are."""
    train: data.MusicPart = corpus.parts["train"]
    return FittedMusic(recipe, MusicForm.of(train.pieces, train.form, train.keys, train.lowest))


def export(fitted: FittedMusic, model: MusicModel, *, stream: bool) -> Exported:
    """The model as ONNX graphs with its tables."""
    from rnncli.tasks.music.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)
