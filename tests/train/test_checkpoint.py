"""Checkpoints are whole or absent, and say what is wrong with them."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from rnncli.data.rounding import RoundedMatrix
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


def _rounded(form) -> Checkpoint:
    """A checkpoint of two matrices, a bias and a count, the matrices in few bits."""
    random = torch.Generator().manual_seed(1)
    weights = {"a.w": torch.randn(6, 40, generator=random), "b": torch.randn(5, 3, 2, generator=random)}
    rounded = {name: RoundedMatrix.of(weight.numpy(), form) for name, weight in weights.items()}
    model = {name: torch.from_numpy(one.value()) for name, one in rounded.items()}
    return Checkpoint(model | {"bias": torch.randn(6), "seen": torch.tensor(3)}, {}, {"epoch": 1}, rounded)


@pytest.mark.parametrize("form", ["fp16", "int8", "int4"])
def test_what_was_saved_in_few_bits_is_loaded_as_the_numbers_that_these_stand_for(tmp_path, form):
    saved = _rounded(form)
    checkpoint.save(tmp_path / "best", saved)
    loaded = checkpoint.load(tmp_path / "best")
    assert loaded.model.keys() == saved.model.keys()
    for name, weight in saved.model.items():
        assert loaded.model[name].dtype == weight.dtype
        assert torch.equal(loaded.model[name], weight)
    assert loaded.rounded.keys() == {"a.w", "b"}
    for name, one in saved.rounded.items():
        assert (loaded.rounded[name].codes == one.codes).all()
        assert (loaded.rounded[name].scales == one.scales).all()


def test_a_file_of_few_bits_whose_codes_are_of_another_shape_is_damaged(tmp_path):
    saved = _rounded("int8")
    matrix = saved.rounded["a.w"]
    wrong = RoundedMatrix("int8", (6, 39), matrix.codes, matrix.scales)
    checkpoint.save(tmp_path / "best", replace(saved, rounded=saved.rounded | {"a.w": wrong}))
    with pytest.raises(RunError, match="damaged"):
        checkpoint.load(tmp_path / "best")


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


def test_a_file_that_goes_between_two_looks_at_it_is_read_where_the_next_save_put_it(tmp_path, monkeypatch):
    """To safetensors it is a RuntimeError then, no OSError."""
    folder, read = tmp_path / "last", checkpoint.load_file
    checkpoint.save(folder, Checkpoint({"w": torch.ones(1)}, {"m": torch.ones(1)}, {"step": 1}))

    def gone(path):
        monkeypatch.setattr(checkpoint, "load_file", read)
        checkpoint.save(folder, Checkpoint({"w": torch.ones(1)}, {"m": torch.ones(1)}, {"step": 2}))
        raise RuntimeError(f"unable to open file <{path}> in read-only mode: No such file or directory (2)")

    monkeypatch.setattr(checkpoint, "load_file", gone)
    assert checkpoint.load(folder).meta["step"] == 2


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


def flipped(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors"])
@pytest.mark.parametrize("back", [1, 7, 12, 30])
def test_a_single_bit_that_flipped_is_seen(tmp_path, name, back):
    checkpoint.save(tmp_path / "last", _example(2.0))
    file = tmp_path / "last" / name
    flipped(file, 8 * file.stat().st_size - back)
    with pytest.raises(RunError, match=f"damaged: {name} is not as it was written"):
        checkpoint.load(tmp_path / "last")


def test_weights_of_another_checkpoint_are_seen(tmp_path):
    for name, value in (("one", 1.0), ("other", 2.0)):
        checkpoint.save(tmp_path / name, _example(value))
    shutil.copy(tmp_path / "other" / "model.safetensors", tmp_path / "one" / "model.safetensors")
    with pytest.raises(RunError, match="its SHA-256 is another"):
        checkpoint.load(tmp_path / "one")


def test_a_checkpoint_of_an_older_version_has_no_digests_and_is_read(tmp_path):
    checkpoint.save(tmp_path / "best", _example(2.0))
    (tmp_path / "best" / "meta.json").write_text('{"epoch": 2}', encoding="utf-8")
    assert checkpoint.load(tmp_path / "best", holds={"epoch": int}).model["w"][0, 0] == 2.0


@pytest.mark.parametrize(
    "meta",
    [
        "{}",
        "[]",
        "3",
        '{"epoch": null}',
        '{"epoch": "two"}',
        '{"epoch": 2, "sha256": []}',
        '{"epoch": 2, "sha256": {"model.safetensors": 3}}',
        '{"epoch": 2, "sha256": {"gone.safetensors": ""}}',
        '{"epoch": 2, "sha256": {"../../x": ""}}',
        "[" * 100_000,
        '{"epoch":' * 50_000,
        "",
    ],
    ids=lambda text: text[:20],
)
def test_meta_of_another_form_is_a_damaged_checkpoint(tmp_path, meta):
    checkpoint.save(tmp_path / "best", _example(2.0))
    (tmp_path / "best" / "meta.json").write_text(meta, encoding="utf-8")
    with pytest.raises(RunError, match="the checkpoint is damaged"):
        checkpoint.load(tmp_path / "best", holds={"epoch": int})


@pytest.mark.parametrize(
    "odd",
    [
        torch.tensor([[1.0, float("nan")]]),
        torch.tensor([[float("inf"), 1.0]]),
        torch.tensor([[1.0, float("-inf")]]),
        torch.ones(1, 2, dtype=torch.int64),
        torch.ones(1, 2, dtype=torch.half),
        torch.ones(1, 2, dtype=torch.bfloat16),
        torch.ones(1, 2, dtype=torch.float64),
        torch.ones(1, 2, dtype=torch.bool),
    ],
    ids=str,
)
def test_weights_that_are_no_numbers_of_the_model_are_refused_by_name(tmp_path, odd):
    given = Checkpoint({"weight": odd, "bias": torch.ones(1)}, {}, {})
    with pytest.raises(RunError, match=r"'weight' (holds what is no finite number|and the model's are of different)"):
        checkpoint.load_weights(nn.Linear(2, 1), given, tmp_path)


def test_what_is_infinite_by_design_may_be_so(tmp_path):
    model = nn.Linear(1, 1)
    model.register_buffer("forbidden", torch.tensor([-torch.inf]))
    checkpoint.load_weights(model, Checkpoint(model.state_dict(), {}, {}), tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="rights are of POSIX")
@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_have_the_rights_that_the_umask_leaves(tmp_path, umask, rights):
    before = os.umask(umask)
    try:
        checkpoint.save(tmp_path / "last", _example(1.0))
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "last").iterdir()} == {rights}
