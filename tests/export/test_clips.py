"""Recognizers of actions as they leave: figures, key points, blocks of pixels, and pixels by convolutions."""

import json

import numpy as np
import pytest
import torch

from rnncli.errors import DataError, RecipeError
from rnncli.tasks.action import task
from rnncli.tasks.action.schema import RECIPE
from tests.export.held import export, require_near

SMALL = {"hidden": 4, "projection": 5, "channels": 4}
KINDS = {
    "figures": ((6,), {"data": {"differences": True, "every": 2}, "model": {"cell": "rnn", "activation": "relu"}}),
    "points": (
        (5, 3),
        {"points": {"dimensions": 3, "scale": [0, 1], "parts": ["1-3"]}, "model": {"pooling": "attention+last"}},
    ),
    "blocks": ((9, 8), {"data": {"blocks": 2, "align": 0.2, "most_frames": 4}, "model": {"bidirectional": False}}),
    "pixels": ((9, 11, 3), {"data": {"align": 0.2}, "model": {"cell": "lstm", "pooling": "max"}}),
}


def fitted(folder, shape, settings):
    draw = np.random.default_rng(0)
    rows = ["file,label"]
    for n in range(9):
        pixels = len(shape) > 1 and not settings.get("points")
        frames = draw.integers(0, 256, (4, *shape)).astype(np.uint8) if pixels else draw.normal(size=(4, *shape))
        np.save(folder / f"{n}.npy", frames)
        rows.append(f"{n}.npy,{'ab'[n % 2]}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    np.save(folder / "long.npy", np.concatenate([np.load(folder / f"{n}.npy") for n in range(4)]))
    data = {"root": str(folder), "train": "clips.csv", "cache": "none"} | settings.get("data", {})
    recipe = RECIPE(data=data, points=settings.get("points", {}), model=SMALL | settings["model"])
    return task.fit(recipe, task.read(recipe))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_program(tmp_path, kind):
    made = fitted(tmp_path, *KINDS[kind])
    model, portable = export(task, made, tmp_path, sequences=14)
    predictor = task.predictor(made, model, torch.device("cpu"))
    files = [str(tmp_path / f"{name}.npy") for name in ("0", "long", "3")]
    examples = list(map(predictor.parse, files))
    wanted = [predictor.text(*pair) for pair in zip(examples, predictor.predict(examples), strict=True)]
    found = portable.predict(list(portable.listen([f"{file}\n" for file in files])))
    require_near(found, [json.loads(line) for line in wanted])


def test_what_is_no_array_of_such_frames_is_refused(tmp_path):
    made = fitted(tmp_path, *KINDS["figures"])
    _, portable = export(task, made, tmp_path, sequences=7)
    np.save(tmp_path / "narrow.npy", np.ones((3, 2)))
    with pytest.raises(DataError, match=r"narrow\.npy: frames of 2 figures, where the model reads 6"):
        portable.predict([portable.parse(str(tmp_path / "narrow.npy"))])
    with pytest.raises(DataError, match="only arrays of frames are read here"):
        portable.predict([portable.parse("clip.mp4")])
    with pytest.raises(RecipeError, match="whole clip"):
        task.export(made, made.build(), stream=True)
