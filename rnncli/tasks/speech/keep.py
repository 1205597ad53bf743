"""What a run keeps of a fitted recogniser beside its weights, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.audio.features import FRAME
from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text.ngram import read_arpa
from rnncli.data.text.subwords import Subwords
from rnncli.errors import DataError, RunError
from rnncli.tasks.decode.language import Weights
from rnncli.tasks.speech.decoding import Decoder
from rnncli.tasks.speech.examples import Scale
from rnncli.tasks.speech.schema import SpeechRecipe
from rnncli.tasks.speech.units import Units

KIND, FILE, ARPA = "speech labels", "labels.json", "language.arpa"
COPY = "take it from a copy of the run"


@dataclass(frozen=True)
class Form:
    """Figures a frame, whether they were given as .npy files, and how they are normalised."""

    width: int
    given: bool
    scale: Scale


def save(folder: Path, units: Units, decoder: Decoder, form: Form) -> None:
    """Write the labels, the form of the features, and the language model with its weights."""
    scale = form.scale
    body: dict[str, Any] = {
        "labels": list(units.labels),
        "merges": [list(pair) for pair in units.subwords.merges],
        "width": form.width,
        "given": form.given,
        "lexicon": list(decoder.lexicon),
        "weights": [decoder.weights.weight, decoder.weights.bonus],
        "mean": None if scale.mean_F is None else scale.mean_F.tolist(),
        "deviation": None if scale.deviation_F is None else scale.deviation_F.tolist(),
    }
    write_json(folder / FILE, KIND, body)
    if decoder.language is not None:
        decoder.language.write(folder / ARPA)


def load(recipe: SpeechRecipe, folder: Path) -> tuple[Units, Decoder, Form]:
    """What ``save`` wrote; raises RunError."""
    body = read_json(folder / FILE, KIND)
    try:
        subwords = Subwords(tuple((str(one), str(other)) for one, other in body["merges"]))
        units = Units(recipe.data.unit, tuple(map(str, body["labels"])), subwords)
        scale = Scale(
            *(None if body[key] is None else np.array(body[key], np.float32) for key in ("mean", "deviation"))
        )
        form = Form(int(body["width"]), bool(body["given"]), scale)
        if not units.labels or any(part is not None and part.shape != (form.width,) for part in scale.parts()):
            raise ValueError
        weights = Weights(*map(float, body["weights"]))
        language = read_arpa(folder / ARPA) if recipe.decoding.lm else None
        decoder = make_decoder(recipe, units).known(language, tuple(map(str, body["lexicon"]))).weighed(weights)
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise RunError(f"{folder}: labels, normalisation or language model are damaged", COPY) from error
    return units, decoder, form


def make_decoder(recipe: SpeechRecipe, units: Units) -> Decoder:
    """How labels are searched for, without a language model yet."""
    settings = recipe.decoding
    return Decoder(
        units.labels,
        units.kind,
        FRAME * recipe.model.subsampling,
        by_character=settings.lm_unit == "character",
        beam=settings.beam,
        best=settings.best,
    )
