"""A linear layer whose rows do not depend on each other, to the last place."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def by_row(layer: nn.Linear, x_BI: Tensor) -> Tensor:
    """``layer`` of each row of (B, I), as if it were alone.

    The product of one row adds up in another order than that of many, and the last places of fp32 tell; the double
    precision in which it is computed here, where nothing is learnt, hides it. On a GPU it is the layer's own.
    """
    if torch.is_grad_enabled() or x_BI.device.type != "cpu":
        return layer(x_BI)
    bias = None if layer.bias is None else layer.bias.double()
    return functional.linear(x_BI.double(), layer.weight.double(), bias).to(x_BI.dtype)
