"""Checkpoints are whole or absent, and say what is wrong with them."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from rnncli.errors import RunError
from rnncli.train import checkpoint
from rnncli.train.checkpoint import Checkpoint


def _example(value: float) -> Checkpoint:
    return Checkpoint({"w": torch.full((2, 2), value)}, {"m": torch.ones(3)}, {"epoch": value})


def test_what_was_saved_is_loaded(tmp_path):
    checkpoint.save(tmp_path / "last", _example(2.0))
    loaded = checkpoint.load(tmp_path / "last")
    assert torch.equal(loaded.model["w"], torch.full((2, 2), 2.0))
    assert torch.equal(loaded.training["m"], torch.ones(3))
    assert loaded.meta == {"epoch": 2.0}


@pytest.mark.parametrize("steps", range(20))
def test_a_kill_during_a_save_leaves_the_old_or_the_new(tmp_path, monkeypatch, steps):
    folder = tmp_path / "last"
    checkpoint.save(folder, _example(1.0))
    left = steps

    def may_die(real):
        def call(*arguments, **named):
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            return real(*arguments, **named)

        return call

    for module, name in [(os, "rename"), (os, "fsync"), (os, "mkdir"), (shutil, "rmtree"), (checkpoint, "save_file")]:
        monkeypatch.setattr(module, name, may_die(getattr(module, name)))
    died = False
    try:
        checkpoint.save(folder, _example(2.0))
    except KeyboardInterrupt:
        died = True
    monkeypatch.undo()
    loaded = checkpoint.load(folder)
    assert loaded.meta["epoch"] == loaded.model["w"][0, 0].item()
    assert died or loaded.meta["epoch"] == 2.0
    checkpoint.save(folder, _example(3.0))
    assert checkpoint.load(folder).meta["epoch"] == 3.0


def test_a_checkpoint_that_is_moved_aside_while_it_is_read_is_read_where_it_went(tmp_path, monkeypatch):
    folder = tmp_path / "last"
    checkpoint.save(folder, _example(1.0))
    read = Path.read_text

    def moved_first(path, **named):
        if path == folder / "meta.json" and folder.exists():
            folder.rename(tmp_path / "last.old")  # as the first half of a save does
        return read(path, **named)

    monkeypatch.setattr(Path, "read_text", moved_first)
    assert checkpoint.load(folder).meta["epoch"] == 1.0


def test_a_missing_checkpoint_is_said_to_be_missing(tmp_path):
    with pytest.raises(RunError, match="there is no checkpoint"):
        checkpoint.load(tmp_path / "best")


@pytest.mark.parametrize("name", ["model.safetensors", "meta.json", "training.safetensors"])
def test_a_truncated_file_is_a_damaged_checkpoint(tmp_path, name):
    checkpoint.save(tmp_path / "last", _example(1.0))
    file = tmp_path / "last" / name
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(RunError, match="damaged"):
        checkpoint.load(tmp_path / "last")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"weight": torch.ones(2, 3)}, "lacks 'bias'"),
        ({"weight": torch.ones(2, 3), "bias": torch.ones(2), "odd": torch.ones(1)}, "unexpected 'odd'"),
        ({"weight": torch.ones(2, 4), "bias": torch.ones(2)}, r"shape \[2, 4\], the model has \[2, 3\]"),
    ],
)
def test_weights_of_another_model_are_refused_by_name(tmp_path, weights, said):
    with pytest.raises(RunError, match=said):
        checkpoint.load_weights(nn.Linear(3, 2), Checkpoint(weights, {}, {}), tmp_path)


def test_a_place_that_cannot_be_written_is_a_run_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot save"):
        checkpoint.save(tmp_path / "file" / "last", _example(1.0))
