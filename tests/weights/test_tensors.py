"""Files of safetensors of torch.nn and of our own, and files that are refused: pickles, damaged ones, others."""

import io
import json
import pickle
import re
import shlex
import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rnncli.core.recurrent import Recurrent
from rnncli.core.reference import reference
from rnncli.data.rounding import RoundedMatrix
from rnncli.errors import DataError
from rnncli.train import checkpoint
from rnncli.train.checkpoint import Checkpoint
from rnncli.weights.reading import choose, read

from ..core.layers import CELLS, assert_near, by_reference, module

MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def saved(path, tensors):
    save_file({name: one.detach().contiguous().clone() for name, one in tensors.items()}, path)
    return path


@pytest.mark.parametrize("prefix", ["", "encoder.rnn."])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", MODULES)
def test_layers_of_torch_are_taken_over_by_their_names(tmp_path, kind, layers, both, prefix):
    torch.manual_seed(1)
    twin = MODULES[kind](3, 4, num_layers=layers, bidirectional=both, batch_first=True)
    tensors = {f"{prefix}{name}": one for name, one in twin.named_parameters()} | {"head.bias": torch.zeros(2)}
    path = saved(tmp_path / "model.safetensors", tensors)
    stack = choose(path, found := read(path))
    x_BTI = torch.randn(2, 5, 3)
    y_BTE, _ = reference(stack.cell, stack.layers, x_BTI, [5, 5])
    assert_near(y_BTE, twin(x_BTI)[0], 1e-6)
    assert stack.name == (prefix.rstrip(".") or "weight_ih")
    assert stack.unsaid == (("activation",) if kind == "rnn" else ())
    assert [layer.name for layer in found.layers] == [stack.name, "head"]


@pytest.mark.parametrize("name", CELLS)
def test_layers_of_our_own_are_taken_over_with_their_initial_state(tmp_path, name):
    core = module(name, layers=2, bidirectional=True, learnt_initial_state=True, dtype=torch.float32)
    path = saved(tmp_path / "model.safetensors", {f"core.{key}": one for key, one in core.named_parameters()})
    stack = choose(path, read(path))
    assert {**stack.keys, "activation": core.cell.activation, "reset": core.cell.reset} == {
        "cell": core.cell.kind,
        "activation": core.cell.activation,
        "reset": core.cell.reset,
        "hidden": 4,
        "layers": 2,
        "bidirectional": True,
    }
    x_BTI, given = torch.randn(2, 5, 3), core.initial_state(2)
    state = tuple(one[:, None].expand(-1, 2, -1) for one in stack.initial)
    y_BTE, _ = reference(core.cell, stack.layers, x_BTI, [5, 2], state)
    assert_near(y_BTE, by_reference(core, x_BTI, [5, 2], given)[0], 1e-6)


def test_single_layers_of_a_list_are_one_stack(tmp_path):
    cores = nn.ModuleDict({"cores": nn.ModuleList([Recurrent(3, 4), Recurrent(4, 4)]), "other": Recurrent(2, 2)})
    path = saved(tmp_path / "model.safetensors", dict(cores.named_parameters()))
    found = read(path)
    assert {stack.name: len(stack.layers) for stack in found.stacks} == {"cores": 2, "other": 1}
    with pytest.raises(DataError, match="2 recurrent stacks to start from: cores, other") as refused:
        choose(path, found)
    assert refused.value.hint == "name one of them: model.start_layer=cores"
    assert choose(path, found, "other").hidden == 2
    with pytest.raises(DataError, match="no layer 'third'"):
        choose(path, found, "third")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight_hr_l0": torch.zeros(2, 4)}, "proj_size"),
        ({"weight_ih_l999999999": torch.zeros(16, 3)}, "one of its layers"),
        ({"weight_hh_l0": torch.zeros(20, 4)}, "neither rnn nor lstm nor gru"),
        ({"weight_ih_l0": torch.full((16, 3), torch.nan)}, "no finite number"),
        ({"bias_ih_l0": torch.zeros(15)}, "do not fit each other"),
        ({"weight_ih_l0": torch.zeros(16, 3, dtype=torch.int8)}, "no matrices of numbers with a point"),
        ({"weight_ih_l0": torch.zeros(16)}, "no matrices"),
        ({"weight_hh_l0": torch.zeros(16, 0)}, "neither"),
    ],
)
def test_layers_that_no_cell_computes_are_refused_by_name(tmp_path, change, said):
    path = saved(tmp_path / "model.safetensors", dict(nn.LSTM(3, 4).named_parameters()) | change)
    with pytest.raises(DataError, match=said):
        choose(path, read(path))


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".ckpt", ".safetensors"])
def test_a_pickle_is_refused_with_the_line_that_converts_it(tmp_path, suffix):
    path = tmp_path / f"it's a $model{suffix}"
    torch.save({"state_dict": nn.GRU(3, 4).state_dict(), "epoch": 3}, path)
    with pytest.raises(DataError, match="a pickle, which may run code") as refused:
        read(path)
    python, flag, code = shlex.split(refused.value.hint.partition(": ")[2])
    assert (python, flag) == ("python", "-c")
    if suffix == ".pt":
        exec(code, {})
        assert str(choose(path, read(path.with_suffix(".safetensors")))) == "gru(after) 1x4"


def test_a_pickle_of_another_kind_is_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "trapped"), "w"))

    for name in ("model.pkl", "model.keras"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(DataError, match="a pickle"):
            read(tmp_path / name)
    assert not (tmp_path / "trapped").exists()


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("_h5", ".weights.h5").replace("_json", ".json"), content)
    return path


def test_files_of_no_use_end_in_a_sentence(tmp_path):
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM", "config": {"name": "a"}}]}}
    deep = '{"class_name":' * 100_000
    files = {
        "empty.keras": b"",
        "text.h5": b"hello there, this is no file of weights",
        "short.safetensors": struct.pack("<Q", 500) + b'{"a"',
        "header.safetensors": struct.pack("<Q", 1 << 39) + b"{}",
        "cut.h5": b"\x89HDF\r\n\x1a\n" + bytes(20),
        "cut.keras": b"PK\x03\x04" + bytes(20),
        "model.pb": b"\x08\x01\x12\x04",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file["layers/lstm/cell/vars/0"] = np.zeros((3, 16), np.float32)
    for name, members in {
        "deep.keras": {"config_json": deep, "metadata_json": "{}", "model_h5": held.getvalue()},
        "odd.keras": {"config_json": "[1, 2]", "metadata_json": "{}", "model_h5": held.getvalue()},
        "class.keras": {"config_json": '{"class_name": "Mine"}', "metadata_json": "{}", "model_h5": held.getvalue()},
        "bomb.keras": {"config_json": " " * (17 << 20), "metadata_json": "{}", "model_h5": b""},
        "zeros.keras": {"config_json": json.dumps(config), "metadata_json": "{}", "model_h5": bytes(30 << 20)},
        "half.keras": {"config_json": json.dumps(config)},
        "lacking.keras": {"config_json": json.dumps(config), "metadata_json": "{}", "model_h5": held.getvalue()},
    }.items():
        archive(tmp_path / name, **members)
    for path in (*sorted(tmp_path.iterdir()), tmp_path / "absent.keras"):
        with pytest.raises(DataError, match=re.escape(str(path))) as refused:
            choose(path, read(path))
        assert "\n" not in refused.value.message
        assert refused.value.hint


def test_arrays_that_do_not_lie_in_the_file_are_not_read(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = np.zeros((3, 16), np.float32)
    path = tmp_path / "model.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/lstm/cell/vars")
        group.create_dataset("0", (3, 4 << 28), "f4", chunks=(1, 1 << 16))  # announced, never written
        group["1"] = np.zeros((4, 16), np.float32)
        linked = file.create_group("layers/lstm_1/cell/vars")
        linked["0"] = h5py.ExternalLink("other.h5", "kernel")
        linked["1"] = np.zeros((4, 16), np.float32)
        elsewhere = file.create_group("layers/lstm_2/cell/vars")
        elsewhere.create_dataset("0", (3, 16), "f4", external=[(str(tmp_path / "raw"), 0, 3 * 16 * 4)])
        elsewhere["1"] = np.zeros((4, 16), np.float32)
        elsewhere["2"] = np.zeros(16, np.float32)
    found = read(path)
    assert not found.stacks
    with pytest.raises(DataError, match="lstm_2: its array of 192 bytes does not lie in the file"):
        choose(path, found)


def test_layers_of_a_checkpoint_in_few_bits_are_read_as_the_numbers_these_stand_for(tmp_path):
    core = Recurrent(5, 7, cell="lstm", layers=2, bidirectional=True, learnt_initial_state=True)
    rounded = {
        f"core.{name}": RoundedMatrix.of(weight.detach().numpy(), "int8")
        for name, weight in core.named_parameters()
        if name.startswith("weight")
    }
    model = {f"core.{name}": weight for name, weight in core.state_dict().items()}
    checkpoint.save(tmp_path / "best", Checkpoint(model, {}, {"epoch": 1}, rounded))
    found = read(tmp_path / "best" / "model.safetensors")
    (stack,) = found.stacks
    assert (stack.input_size, stack.hidden, len(stack.layers), stack.bidirectional) == (5, 7, 2, True)
    for layer, direction in core.places():
        name = f"core.weight_hh_l{layer}" + "_reverse" * direction
        assert torch.equal(stack.layers[layer][direction].weight_hh, torch.from_numpy(rounded[name].value()))
    assert not any(":" in str(layer) for layer in found.layers)
