"""Music: the next frame of a piece by a recurrent model: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.exporting import Exported
from rnncli.tasks.music import builtin, data
from rnncli.tasks.music.data import MusicPart
from rnncli.tasks.music.extras import checks
from rnncli.tasks.music.extras.steps import PieceSteps
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
    return FittedMusic(recipe, _form_of(corpus.parts["train"]))


def fit_further(recipe: MusicRecipe, corpus: Corpus, known: FittedMusic) -> FittedMusic:
    """What frames of a run are; DataError for pieces of another form."""
    train: MusicPart = corpus.parts["train"]
    form = _form_of(train)
    if (form.keys, form.lowest, round(form.beat)) != (known.form.keys, known.form.lowest, round(known.form.beat)):
        raise DataError(
            f"{train.place(0)}: {form.beat:g} frames a beat and keys from {form.lowest}, where the run has "
            f"{known.form.beat:g} and {known.form.lowest}",
            f"data.grid={round(known.form.beat)}",
        )
    fitted = FittedMusic(recipe, replace(known.form, slots=max(form.slots, known.form.slots)))
    fitted.require_form(train)
    return fitted


def export(fitted: FittedMusic, model: MusicModel, *, stream: bool) -> Exported:
    """The model as ONNX graphs with its tables."""
    from rnncli.tasks.music.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def step_reader(fitted: FittedMusic, model: MusicModel, device: torch.device) -> PieceSteps:
    """What the core reads at each step."""
    return PieceSteps(fitted, model, device)


def _form_of(part: MusicPart) -> MusicForm:
    return MusicForm.of(part.pieces, part.form, part.keys, part.lowest)
