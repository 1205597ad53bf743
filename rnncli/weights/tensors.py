"""Recurrent layers in files of safetensors: by the names of torch.nn, ``weight_ih_l0`` after any prefix, or our own.

Ours have one bias, ``bias_l0``, where torch.nn has ``bias_ih_l0`` and ``bias_hh_l0`` or none at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights
from rnncli.core.foreign import from_torch
from rnncli.data import rounding
from rnncli.weights.found import UnfitError, WeightFile, WeightLayer, WeightStack, checked, kind_of

PARTS = ("weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias", "bias_hh")
WEIGHT = re.compile(rf"(.*?)(?<![a-z])({'|'.join(PARTS)})(?:_l(\d+)(_reverse)?)?$")
MATRICES = ("weight_ih", "weight_hh")
ALONE = "weight_ih"
"""What a stack is called that has no name before its weights."""

STATES = ("initial_h", "initial_c")

Names = dict[tuple[int, int], dict[str, str]]
"""By layer and direction what the weights of a stack are called in the file, by their names without a number."""
Places = dict[tuple[int, int], dict[str, Tensor]]
"""The weights themselves."""


def read_tensors(path: Path) -> WeightFile:
    """What a file of safetensors holds; SafetensorError, OSError or ValueError for one that is not whole."""
    with safe_open(path, framework="pt") as opened:
        file = _Weights(opened)
        shapes = dict(file.shapes)
        modules = _by_module(list(shapes))
        stacks, layers = [], []
        for name, places in modules.items():
            names = [places[place][part] for place in sorted(places) for part in PARTS if part in places[place]]
            tensors = {place: {n: file.read(one) for n, one in weights.items()} for place, weights in places.items()}
            try:
                stack = _stack(name or ALONE, tensors)
                stacks.append(_with_initial(stack, file, name, shapes))
                what, trouble = str(stack), ""
            except UnfitError as error:
                what, trouble = "recurrent layers", str(error)
            layers.append(WeightLayer(name or ALONE, what, tuple(shapes.pop(one) for one in names), trouble))
    ours = any("bias" in weights for places in modules.values() for weights in places.values())
    kind = "a checkpoint of rnncli" if ours else "weights of torch"
    return WeightFile(kind, (*layers, *_others(shapes)), tuple(stacks))


class _Weights:
    """The weights of an open file, and their shapes by name; those held in few bits as the numbers they stand for."""

    def __init__(self, file: Any) -> None:
        self._file, self._rounded = file, rounding.read_metadata(file.metadata())
        self._parts = {
            name: [end for end in (rounding.CODES, rounding.SCALES) if f"{name}{end}" in file.keys()]  # noqa: SIM118
            for name in self._rounded
        }
        held = {f"{name}{end}" for name, ends in self._parts.items() for end in ends}
        plain = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys() if name not in held}  # noqa: SIM118
        self.shapes = dict(sorted((plain | {name: shape for name, (_, shape) in self._rounded.items()}).items()))

    def read(self, name: str) -> Tensor:
        """A weight by its name."""
        if name not in self._rounded:
            return self._file.get_tensor(name)
        arrays = {end: self._file.get_tensor(f"{name}{end}").numpy() for end in self._parts[name]}
        return torch.from_numpy(rounding.read_matrix(*self._rounded[name], arrays).value())


def _others(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[WeightLayer]:
    """The weights that belong to no recurrent layers, by module."""
    found: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for name, shape in shapes.items():
        found[name.rpartition(".")[0] or name].append(shape)
    return (WeightLayer(name, "other weights", tuple(several)) for name, several in found.items())


def _with_initial(stack: WeightStack, file: _Weights, name: str, shapes: dict[str, tuple[int, ...]]) -> WeightStack:
    """The stack with the learnt initial state that stands beside it, which is taken out of ``shapes``."""
    names = [f"{name}.{state}".lstrip(".") for state in STATES[: stack.cell.states]]
    if not all(one in shapes for one in names):
        return stack
    wanted = (len(stack.layers) * len(stack.layers[0]), stack.hidden)
    if any(shapes.pop(one) != wanted for one in names):
        raise UnfitError("its initial state does not fit its layers")
    return replace(stack, initial=tuple(file.read(one).float() for one in names))


def _by_module(names: Sequence[str]) -> dict[str, Names]:
    """The recurrent layers of each module; modules of a list, one layer each, are one module of several layers."""
    found: dict[str, Names] = {}
    matches = {name: match for name in names if (match := WEIGHT.match(name))}
    modules = {match[1] for match in matches.values() if match[2] == "weight_hh"}
    lists = _lists(modules, {(match[1], match[3]) for match in matches.values()})
    for name, match in matches.items():
        if match[1] in modules:
            module, layer = lists.get(match[1], (match[1], int(match[3] or 0)))
            place = layer, int(bool(match[4]))
            found.setdefault(module.rstrip("."), {}).setdefault(place, {})[match[2]] = name
    return found


def _lists(modules: set[str], numbered: set[tuple[str, str | None]]) -> dict[str, tuple[str, int]]:
    """For modules such as ``cores.0.``, of one layer each, the name of their list and their place in it."""
    single = {module for module in modules if {number for name, number in numbered if name == module} <= {"0", None}}
    found = {module: match for module in single if (match := re.fullmatch(r"(.*?)\.?(\d+)\.", module))}
    return {module: (match[1], int(match[2])) for module, match in found.items()}


def _stack(name: str, places: Places) -> WeightStack:
    layers, directions = (1 + max(place[axis] for place in places) for axis in range(2))
    if len(places) != layers * directions:
        raise UnfitError("one of its layers, or a direction of one, is not there")
    for weights in places.values():
        if "weight_hr" in weights:
            raise UnfitError("proj_size: it projects its state, which no cell here does")
        if lacking := [one for one in MATRICES if one not in weights]:
            raise UnfitError(f"{lacking[0]} is not there")
        if any(weights[one].dim() != 2 or not weights[one].is_floating_point() for one in MATRICES):
            raise UnfitError("its weights are no matrices of numbers with a point")
    first = places[0, 0]
    kind, ours = kind_of(*first["weight_hh"].shape), "bias" in first
    reset = "before" if ours and "bias_hh" not in first else "after"
    cell = Cell(kind, reset=reset)
    found = [[_weights(cell, places[n, d], ours) for d in range(directions)] for n in range(layers)]
    unsaid = ("activation",) if kind == "rnn" else ()
    return WeightStack(name, cell, checked(found, cell), unsaid=unsaid)


def _weights(cell: Cell, weights: Mapping[str, Tensor], ours: bool) -> CellWeights:
    matrices = [weights[name] for name in MATRICES]
    if ours:
        return CellWeights(matrices[0], matrices[1], weights["bias"], weights.get("bias_hh"))
    biases = [weights.get(name) for name in ("bias_ih", "bias_hh")]
    if any(bias is not None and bias.shape != (len(matrices[0]),) for bias in biases):
        raise UnfitError("the shapes of its weights do not fit each other")
    return from_torch(cell, *matrices, *biases)
