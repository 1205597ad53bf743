"""Layers from files of Keras, held to what Keras itself computed when it wrote them."""

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from rnncli.core.reference import reference
from rnncli.errors import DataError
from rnncli.weights.reading import choose, read

from ..core.layers import assert_near
from .by_keras import CELLS, INPUT, UNITS

KINDS = (".keras", ".weights.h5", ".h5")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder of files, and what their models compute by their names."""
    folder = tmp_path_factory.mktemp("keras")
    subprocess.run([sys.executable, Path(__file__).parent / "by_keras.py", folder], check=True, capture_output=True)
    with np.load(folder / "outputs.npz") as outputs:
        return folder, dict(outputs)


def computed(stack, x_BTI, activation="") -> torch.Tensor:
    """Outputs (B, T, E) of a stack by the cells of the textbook; an activation is what the file does not say."""
    cell = replace(stack.cell, activation=activation) if activation else stack.cell
    return reference(cell, stack.layers, x_BTI, [x_BTI.shape[1]] * len(x_BTI))[0]


def assert_computes(stack, written, name, activation=""):
    _, outputs = written
    y_BTE, truth = computed(stack, torch.from_numpy(outputs["x"]), activation), torch.from_numpy(outputs[name])
    assert_near(y_BTE if truth.dim() == 3 else y_BTE[:, -1], truth, 1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("cell", "layers", "both"), [*product(CELLS, (1, 2), (False, True)), ("relu", 1, False)])
def test_layers_of_keras_are_taken_over_to_the_last_places(written, cell, layers, both, kind):
    name = f"{cell}-{layers}-{both}"
    path = written[0] / f"{name}{kind}"
    stack = choose(path, read(path))
    assert (len(stack.layers), stack.bidirectional, stack.input_size, stack.hidden) == (layers, both, INPUT, UNITS)
    assert bool(stack.unsaid) == (kind == ".weights.h5" and cell in ("rnn", "relu"))
    assert_computes(stack, written, name, "relu" if cell == "relu" and stack.unsaid else "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hard", "recurrent_activation is hard_sigmoid, not sigmoid"),
        ("backwards", "go_backwards"),
        ("summed", "merge_mode is sum, not concat"),
        ("linear", "activation is linear, not tanh or sigmoid or relu"),
        ("stacked-cells", r"RNN\(StackedRNNCells\) is none of SimpleRNN, LSTM and GRU"),
        ("dense", "it holds no recurrent layers"),
    ],
)
def test_what_no_layer_of_ours_computes_is_refused_by_name(written, name, said):
    path = written[0] / f"{name}.keras"
    with pytest.raises(DataError, match=said):
        choose(path, read(path))


def test_a_layer_without_biases_needs_a_configuration_if_it_is_a_gru(written):
    path = written[0] / "bare.keras"
    assert_computes(choose(path, read(path)), written, "bare")
    path = written[0] / "bare.weights.h5"
    with pytest.raises(DataError, match="without biases may reset before or after"):
        choose(path, read(path))


def test_what_counts_in_training_alone_and_masks_are_left_out_with_a_word(written):
    (stack,) = read(written[0] / "told.keras").stacks
    assert stack.notes[0] == "of Keras's training left out: dropout=0.5, recurrent_dropout=0.25"
    assert "masked steps" in stack.notes[1]
    assert_computes(stack, written, "told")


def test_layers_are_on_top_of_each_other_where_only_dropout_is_between_them(written):
    (stack,) = read(written[0] / "passing.keras").stacks
    assert_computes(stack, written, "passing")
    assert [len(one.layers) for one in read(written[0] / "apart.keras").stacks] == [1, 1]
    assert [len(one.layers) for one in read(written[0] / "apart.h5").stacks] == [1, 1]


@pytest.mark.parametrize("kind", [".keras", ".h5"])
def test_layers_of_a_graph_are_found_by_their_names_whatever_their_order(written, kind):
    found = {stack.name.rpartition("/")[2]: stack for stack in read(written[0] / f"graph{kind}").stacks}
    assert sorted(found) == ["a", "b", "w", "x", "y", "z"]
    x_BTI = torch.from_numpy(written[1]["x"])
    z_BTE, b_BTE = computed(found["z"], x_BTI), computed(found["b"], x_BTI)
    read_by = {"y": z_BTE, "x": z_BTE, "a": b_BTE, "w": x_BTI}
    y_BE = torch.cat([computed(found[name], given)[:, -1] for name, given in read_by.items()], 1)
    assert_near(y_BE, torch.from_numpy(written[1]["graph"]), 1e-6)
