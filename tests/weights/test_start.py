"""Trainings that start from the recurrent layers of a file."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import rnncli as python
from rnncli.core.cells import Cell
from rnncli.core.foreign import from_torch

from ..commands import TINY, reviews, rnncli

FITTING = ("model.cell=lstm", "model.hidden=4", "model.embedding=3", "train.learning_rate=1e-9")
"""Steps so small that the weights stay where they start."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    (folder / "texts.csv").write_text(reviews())
    torch.manual_seed(1)
    twin = nn.LSTM(3, 4, bidirectional=True)
    save_file({f"encoder.{name}": one.detach() for name, one in twin.named_parameters()}, folder / "twin.safetensors")
    return folder, twin


def run(folder, *settings):
    return rnncli("sentiment", "--data", folder / "texts.csv", "--out", folder / "run", *TINY, *settings)


def test_a_training_starts_from_the_layers_of_a_file_and_says_so(files, monkeypatch):
    folder, twin = files
    monkeypatch.chdir(folder)
    done = run(folder, *FITTING, "model.start=twin.safetensors")
    assert done.code == 0, done.err
    assert "the recurrent layers start from twin.safetensors, encoder: lstm 1x4 bidirectional" in done.err
    assert "started from twin.safetensors" in done.out
    weights = load_file(folder / "run" / "checkpoints" / "best" / "model.safetensors")
    for suffix in ("_l0", "_l0_reverse"):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        wanted = from_torch(Cell("lstm"), *(getattr(twin, name + suffix) for name in names))
        for name, one in zip(("weight_ih", "weight_hh", "bias"), wanted, strict=False):
            torch.testing.assert_close(weights[f"core.{name}{suffix}"], one.detach(), atol=1e-6, rtol=0)
    loaded = python.load(folder / "run")
    assert loaded.recipe.model.start == str(folder / "twin.safetensors")
    (folder / "twin.safetensors").rename(folder / "gone.safetensors")  # a trained model needs it no more
    try:
        assert loaded.predict(["fine"])
        assert rnncli("run", "--resume", folder / "run").code == 0
    finally:
        (folder / "gone.safetensors").rename(folder / "twin.safetensors")


@pytest.mark.parametrize(
    ("settings", "code", "said", "next_"),
    [
        (("model.hidden=8",), 2, "is lstm 1x4 bidirectional, the recipe's core is gru(before) 1x8", "model.cell=lstm"),
        ((*FITTING, "model.embedding=5"), 2, "reads 3 numbers a step, the recipe's core reads 5", "model.embedding=3"),
        ((*FITTING, "model.start_layer=decoder"), 3, "no layer 'decoder'", "one of: encoder"),
        ((*FITTING, "model.start=absent.keras"), 3, "absent.keras: cannot be read", "known are .keras"),
        (("model.start=", "model.start_layer=a"), 2, "names a layer of no file", "model.start=FILE"),
    ],
)
def test_a_file_that_does_not_fit_ends_with_the_keys_to_change(files, settings, code, said, next_):
    folder, _ = files
    (folder / "run").exists() and (folder / "run").rename(folder / "done")
    ended = run(folder, f"model.start={folder / 'twin.safetensors'}", *settings)
    assert ended.code == code
    assert said in ended.err
    assert next_ in ended.err
    assert not (folder / "run").exists()


def test_weights_show_lists_layers_and_the_line_to_type(files):
    folder, _ = files
    shown = rnncli("weights", "show", folder / "twin.safetensors")
    assert shown.code == 0
    shapes = " ".join(["16x3 16x4 16 16"] * 2)
    assert f"encoder  lstm 1x4 bidirectional  {shapes}" in shown.out
    line = f"rnncli run RECIPE model.start={folder / 'twin.safetensors'} model.cell=lstm model.hidden=4 model.layers=1"
    assert line in shown.out
    (start,) = rnncli("weights", "show", folder / "twin.safetensors", "--json").json["starts"]
    assert start["model"] == {"cell": "lstm", "hidden": 4, "layers": 1, "bidirectional": True}
