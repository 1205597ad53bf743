"""Compiled kernels touch no memory but their arrays'; one that does ends the process, with this test's name in it."""

import sys

import pytest
import torch

from rnncli.core.cells import Cell
from rnncli.core.layout import buffers
from rnncli.core.native import kernels as native
from rnncli.core.native import rows
from rnncli.core.recurrent import Recurrent

from .guarded import Guarded
from .layers import CELLS, parts

SIZES = [  # inputs, hidden units, steps, lengths
    (1, 1, 1, [1]),
    (17, 3, 4, [4]),
    (2, 8, 5, [5] * 3),
    (33, 17, 7, [7] * 9),
    (16, 31, 7, [3]),
    (3, 5, 6, [6, 0, 2, 2]),
    (8, 33, 7, [7, 7, 5, 3, 3, 1, 0, 0, 2]),
    (9, 7, 0, [0] * 2),
    (4, 4, 5, [0] * 3),
]

pytestmark = [
    pytest.mark.skipif(bool(native.trouble(Cell())), reason=native.trouble(Cell())),
    pytest.mark.skipif(sys.platform != "linux", reason="pages are protected by Linux's call"),
]


@pytest.mark.parametrize(
    ("name", "at_end"), [("rnn-tanh", True), ("lstm", True), ("lstm", False), ("gru-before", True), ("gru-after", True)]
)
def test_no_kernel_touches_what_lies_beyond_its_arrays(name, at_end, monkeypatch):
    monkeypatch.setattr(buffers, "MIN_ELEMENTS", sys.maxsize)  # no buffer is larger than what it is taken for
    for at, (inputs, hidden, steps, lengths) in enumerate(SIZES):
        monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 200 if at % 2 else 2**18)
        core = Recurrent(inputs, hidden, bidirectional=True, **CELLS[name])
        with Guarded(at_end=at_end):
            core._apply(torch.clone)
            go_all_ways(core, torch.randn(len(lengths), steps, inputs), torch.tensor(lengths))


def go_all_ways(core, x_BTI, lengths_B) -> None:
    """Forward and back, with the ends of the directions joined; without gradients; a single step."""
    y_BTE, end = core(x_BTI.requires_grad_(), lengths_B)
    joined = [part.transpose(0, 1).flatten(1) for part in parts(end)]
    sum(part.square().sum() for part in (y_BTE, *joined)).backward()
    with torch.no_grad():
        core(x_BTI, lengths_B)
        core(x_BTI[:2])
        core(x_BTI[:, :1])
