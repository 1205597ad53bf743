"""Models of music that leave: what pieces cost, by their notes in order, as by the program."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from rnncli.data.music.midiwriting import midi_bytes
from rnncli.runs.predicting import predict
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.music.fitted import FittedMusic
from rnncli.tasks.music.form import MusicForm
from rnncli.tasks.music.predictor import PiecePredictor
from tests.export.bundles import alone, lively, made, require_alike


def trained(form, slots, *overrides):
    """A model that was never trained, and what belongs to it."""
    tiny = ("model.hidden=5", "model.embedding=6", "model.head_hidden=7", "train.window=9", f"data.form={form}")
    recipe: Any = load_recipe("music/own-data", ["data.train=c.npz", *tiny, *overrides])
    fitted = FittedMusic(recipe, MusicForm(form, slots, 88, 21, 4, 120))
    torch.manual_seed(3)
    return recipe, fitted, lively(fitted.build())


def written(folder):
    """A tune as MIDI, rolls by parts, and voices."""
    notes_N4 = np.array([[0, 4, 60, 0], [0, 8, 64, 0], [4, 30, 67, 0], [12, 20, 60, 0]])
    (folder / "a.mid").write_bytes(midi_bytes(notes_N4, 4, 120))
    roll_TK = np.random.default_rng(1).random((30, 88)) < 0.04
    np.savez(folder / "b.npz", train=roll_TK[:5], test=roll_TK)
    (folder / "c.json").write_text(json.dumps([[[65, 60, 57], [65, 60, -1], [67, None, 57]]]))
    return [str(folder / name) for name in ("a.mid", "b.npz", "c.json")]


@pytest.mark.parametrize(
    ("form", "slots", "overrides"),
    [("rolls", 3, ("model.cell=lstm", "model.members=2")), ("voices", 3, ("model.layers=2", "model.cell=gru"))],
)
def test_predict_py_says_what_pieces_cost_as_the_program_does(monkeypatch, tmp_path, form, slots, overrides):
    recipe, fitted, model = trained(form, slots, *overrides, "evaluation.first=false")
    folder = made(monkeypatch, tmp_path, recipe, fitted, model, stream=True)
    predictor: Any = PiecePredictor(fitted, model, torch.device("cpu"))
    for file in written(tmp_path)[:2] if form == "rolls" else written(tmp_path)[2:]:
        require_alike(alone(folder, file), predict(predictor, [file]))
