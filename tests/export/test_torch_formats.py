"""Weights under the names of torch.nn, held to its modules, and the program of torch.export, held to the model."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from torch import nn

from rnncli.core.recurrent import Recurrent
from rnncli.errors import RecipeError
from rnncli.export.torch_formats import PROGRAM, WEIGHTS, write_program, write_safetensors
from rnncli.runs.use import load
from rnncli.weights.reading import choose, read

from ..commands import TINY, rnncli

ROWS = [f"{'good nice fine' if n % 2 else 'bad poor dull'} w{n % 7},{'p' if n % 2 else 'n'}" for n in range(60)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a small file, its model loaded."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "texts.csv").write_text("text,label\n" + "\n".join(ROWS) + "\n")
    out = folder / "run"
    settings = ("model.hidden=4", "model.reset=after", "model.initial_state=learnt", "data.max_length=4")
    done = rnncli("sentiment", "--data", folder / "texts.csv", "--out", out, *TINY, *settings)
    assert done.code == 0, done.err
    return load(out)


def test_the_weights_fit_modules_of_torch_by_name(tmp_path, trained):
    path = write_safetensors(trained, tmp_path)
    assert path.name == WEIGHTS
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        readme = json.loads(file.metadata()["readme"])
    module = eval(readme["modules"]["core"], {"torch": torch})
    own = {name.removeprefix("core."): one for name, one in tensors.items() if name.startswith("core.")}
    state = own.pop("initial_h")
    module.load_state_dict(own)
    core = trained.model.core
    x_BTI = torch.randn(2, 9, core.input_size)
    torch.testing.assert_close(
        module(x_BTI, state[:, None].expand(-1, 2, -1).contiguous())[0], core(x_BTI)[0], atol=1e-6, rtol=0
    )
    assert tensors["linear.weight"].equal(trained.model.linear.weight)
    stack = choose(path, read(path))
    again = Recurrent(core.input_size, 4, cell="gru", reset="after", bidirectional=True)
    for layer, direction in again.places():
        again.put(layer, direction, stack.layers[layer][direction])
        for ours, theirs in zip(again.weights(layer, direction), core.weights(layer, direction), strict=True):
            assert ours.equal(theirs)


def test_a_cell_that_torch_has_not_is_refused_by_name(tmp_path, trained):
    found = replace(trained, model=nn.ModuleDict({"core": Recurrent(3, 4, reset="before")}))
    with pytest.raises(RecipeError, match="resets after the recurrent product") as refused:
        write_safetensors(found, tmp_path)
    assert "model.reset=after" in refused.value.hint
    assert not (tmp_path / WEIGHTS).exists()


@pytest.mark.filterwarnings("ignore:The given buffer is not writable")  # torch's own, of what it loads
def test_the_program_computes_what_the_model_does_at_lengths_that_it_never_saw(tmp_path, trained):
    path = write_program(trained, tmp_path)
    assert path.name == PROGRAM
    program = torch.export.load(path).module()
    ids_BT, lengths_B = torch.randint(1, 5, (5, 23)), torch.tensor([23, 0, 1, 7, 12])
    with torch.no_grad():
        truth = trained.model(ids_BT, lengths_B)
        torch.testing.assert_close(program(ids_BT=ids_BT, lengths_B=lengths_B), truth, atol=1e-5, rtol=0)
