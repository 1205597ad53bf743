"""The encoder of frames as ONNX, in the graphs of :mod:`rnncli.core.graph`.

Shape letters: B clips, T frames, F figures, C channels, H rows, W columns, N frames of all clips, P projection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from torch import nn

from rnncli.core.graph import OnnxGraph, cleared, linear, padding
from rnncli.tasks.frames.encoder import FLAT, POOLED, FrameEncoder
from rnncli.tasks.portable import Arrays


def frames_input(graph: OnnxGraph, encoder: FrameEncoder, sizes: Sequence[int]) -> str:
    """The input ``frames``: (B, T, F) float32 or, of pixels of H and W ``sizes``, (B, T, C, H, W) uint8."""
    width = len(encoder.mean)
    if encoder.pixels:
        return graph.input("frames", "uint8", ("B", "T", width, *sizes))
    return graph.input("frames", "float32", ("B", "T", width))


def encoded(graph: OnnxGraph, encoder: FrameEncoder, frames: str, lengths_B: str, sizes: Sequence[int]) -> str:
    """What the encoder makes of frames, (B, T, P), zero in the padding."""
    scale_F = encoder.deviation.clamp(min=FLAT)
    if encoder.pixels:
        x_BTX = _pixels(graph, encoder, frames, sizes)
    else:
        centred = graph.add("Sub", frames, graph.constant(encoder.mean))
        x_BTX = graph.add("Div", centred, graph.constant(scale_F))
    x_BTP = linear(graph, encoder.linear, x_BTX)
    norm = encoder.norm
    factors = graph.constant(norm.weight), graph.constant(norm.bias)
    x_BTP = graph.add("LayerNormalization", x_BTP, *factors, axis=-1, epsilon=norm.eps)
    return cleared(graph, _gelu(graph, x_BTP), padding(graph, frames, lengths_B))


def drawn(chance: np.random.Generator, encoder: FrameEncoder, sizes: Sequence[int], lengths_B: np.ndarray) -> Arrays:
    """Random clips of these lengths as the graph takes them, their moments those of training."""
    shape = (len(lengths_B), max(1, int(lengths_B.max())), len(encoder.mean))
    inside_BT = np.arange(shape[1]) < lengths_B[:, None]
    if encoder.pixels:
        frames = chance.integers(0, 256, (*shape, *sizes)) * inside_BT[:, :, None, None, None]
        return {"frames": frames.astype(np.uint8), "lengths": lengths_B}
    frames = encoder.mean.numpy() + encoder.deviation.numpy() * chance.normal(size=shape)
    return {"frames": (frames * inside_BT[..., None]).astype(np.float32), "lengths": lengths_B}


def _pixels(graph: OnnxGraph, encoder: FrameEncoder, frames: str, sizes: Sequence[int]) -> str:
    """Convolved and pooled pixels, (B, T, X)."""
    channels = len(encoder.mean)
    scale_C11 = encoder.deviation.clamp(min=FLAT)[:, None, None]
    x_NCHW = graph.add("Reshape", graph.add("Cast", frames, to=1), _ints(graph, -1, channels, *sizes))
    centred = graph.add("Sub", x_NCHW, graph.constant(encoder.mean[:, None, None]))
    x_NCHW, size = graph.add("Div", centred, graph.constant(scale_C11)), tuple(sizes)
    layers = [*encoder.convolutions, *encoder.last]
    for at in range(0, len(layers), 3):
        convolution, norm = cast(nn.Conv2d, layers[at]), cast(nn.GroupNorm, layers[at + 1])
        x_NCHW, channels = _convolved(graph, convolution, x_NCHW), convolution.out_channels
        size = tuple((one + 1) // 2 for one in size)
        x_NCHW = _gelu(graph, _grouped(graph, norm, x_NCHW, (channels, *size)))
    down, across = (_pooling(one) for one in size)
    pooled = graph.add("MatMul", graph.add("MatMul", graph.constant(down), x_NCHW), graph.constant(across.T))
    shape = graph.add("Shape", frames)
    batch = graph.add("Slice", shape, _ints(graph, 0), _ints(graph, 2))
    whole = graph.add("Concat", batch, _ints(graph, channels * POOLED**2), axis=0)
    return graph.add("Reshape", pooled, whole)


def _convolved(graph: OnnxGraph, layer: nn.Conv2d, x_NCHW: str) -> str:
    assert layer.bias is not None
    weights = graph.constant(layer.weight), graph.constant(layer.bias)
    return graph.add("Conv", x_NCHW, *weights, strides=[2, 2], pads=[1, 1, 1, 1])


def _grouped(graph: OnnxGraph, norm: nn.GroupNorm, x_NCHW: str, shape: tuple[int, ...]) -> str:
    """A norm over groups of channels: that of instances whose channels are groups, with what is learnt behind it."""
    groups = norm.num_groups
    x_NGX = graph.add("Reshape", x_NCHW, _ints(graph, -1, groups, math.prod(shape) // groups))
    ones, zeros = np.ones(groups, np.float32), np.zeros(groups, np.float32)
    factors = graph.constant(ones), graph.constant(zeros)
    x_NGX = graph.add("InstanceNormalization", x_NGX, *factors, epsilon=norm.eps)
    x_NCHW = graph.add("Reshape", x_NGX, _ints(graph, -1, *shape))
    scaled = graph.add("Mul", x_NCHW, graph.constant(norm.weight[:, None, None]))
    return graph.add("Add", scaled, graph.constant(norm.bias[:, None, None]))


def _gelu(graph: OnnxGraph, x: str) -> str:
    """x times the probability that a normal variable is smaller (Hendrycks & Gimpel 2016)."""
    share = graph.add("Erf", graph.add("Mul", x, graph.constant(np.float32(math.sqrt(0.5)))))
    both = graph.add("Add", share, graph.constant(np.float32(1)))
    return graph.add("Mul", graph.add("Mul", x, both), graph.constant(np.float32(0.5)))


def _pooling(size: int) -> np.ndarray:
    """The means that adaptive pooling takes of ``size`` places, as a matrix (POOLED, size)."""
    found = np.zeros((POOLED, size), np.float32)
    for row in range(POOLED):
        start, end = row * size // POOLED, -(-(row + 1) * size // POOLED)
        found[row, start:end] = 1 / (end - start)
    return found


def _ints(graph: OnnxGraph, *values: int) -> str:
    return graph.constant(np.array(values, np.int64))
