"""Captioners that leave: captions written word by word, or through the labels of CTC, as by the program."""

from typing import Any

import numpy as np
import pytest
import torch

from rnncli.errors import RecipeError
from rnncli.runs.predicting import predict
from rnncli.tasks.captioning import task
from rnncli.tasks.captioning.schema import RECIPE
from tests.export.bundles import alone, lively, made, require_alike

CAPTIONS = ("put red at b two now", "set blue by g nine please", "put blue by a two again")


def trained(folder, model, shape=(6,), decoding=None, **data):
    """A captioner that was never trained, and what belongs to it."""
    draw, rows = np.random.default_rng(0), ["file,caption"]
    for n in range(9):
        frames = (
            draw.integers(0, 256, (12, *shape)).astype(np.uint8) if len(shape) > 1 else draw.normal(size=(12, *shape))
        )
        np.save(folder / f"{n}.npy", frames)
        rows.append(f"{n}.npy,{CAPTIONS[n % 3]}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    small = {"hidden": 5, "projection": 4, "embedding": 4, "channels": 4}
    place = {"root": str(folder), "train": "clips.csv", "cache": "none", "most_frames": 12}
    settings: Any = {"data": place | data, "model": small | model, "decoding": decoding or {}}
    recipe = RECIPE(**settings)
    fitted = task.fit(recipe, task.read(recipe))
    torch.manual_seed(4)
    return fitted.recipe, fitted, lively(fitted.build())


@pytest.mark.parametrize(
    ("model", "shape", "decoding"),
    [
        ({"cell": "lstm", "bidirectional": True}, (6,), {"longest": 6, "no_repeat": 1}),
        ({"cell": "gru", "head": "ctc"}, (9, 8, 3), {"lm": "train", "lexicon": "train"}),
    ],
)
def test_predict_py_writes_the_captions_of_the_program(monkeypatch, tmp_path, model, shape, decoding):
    recipe, fitted, captioner = trained(tmp_path, model, shape, decoding)
    folder = made(monkeypatch, tmp_path, recipe, fitted, captioner)
    files = [str(tmp_path / f"{n}.npy") for n in (0, 5)]
    predictor: Any = task.predictor(fitted, captioner, torch.device("cpu"))
    wanted = predict(predictor, files)
    require_alike(alone(folder, *files), wanted)


def test_a_caption_has_no_steps_to_be_exported(tmp_path):
    with pytest.raises(RecipeError, match="whole clip"):
        task.export(*trained(tmp_path, {})[1:], stream=True)
