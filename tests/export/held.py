"""Models that are made, not trained: exporting is the same for any weights."""

import importlib

import numpy as np
import pytest
import torch

from rnncli.export import parity as module
from rnncli.export.using import Graphs


def export(task, fitted, folder, sequences=24):
    """Export a fitted task with drawn weights and hold it to the model: the model, and the bundle's own predictor."""
    torch.manual_seed(0)
    model = fitted.build().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.5, 0.5)
    exported = task.export(fitted, model, stream=False)
    for name, graph in exported.graphs.items():
        (folder / f"{name}.onnx").write_bytes(graph.SerializeToString())
    exported.save(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SEQUENCES", sequences)
        assert module.parity(exported, Graphs(folder)).difference < 1e-6
    return model, importlib.import_module(exported.portable).open_model(folder, Graphs(folder))


def require_near(found, wanted):
    """Rows of the bundle beside those of the program: numbers within 1e-5, all else equal."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            require_near(found[key], value)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            require_near(one, other)
    elif isinstance(wanted, float):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    else:
        assert found == wanted
