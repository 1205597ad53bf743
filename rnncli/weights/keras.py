"""Recurrent layers in the files of Keras, by h5py alone: no Keras, and nothing that a file holds is run.

Three kinds are known: ``.keras`` (a zip of ``config.json`` and ``model.weights.h5``), ``.weights.h5`` (weights without
a configuration), and the older ``.h5`` (weights by names of layers, with a configuration where it is a whole model).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from rnncli.core.cells import Cell
from rnncli.core.foreign import from_keras
from rnncli.weights import hdf5
from rnncli.weights.found import (
    ReadLayer,
    UnfitError,
    WeightFile,
    WeightLayer,
    WeightStack,
    checked,
    kind_of,
    stacked,
)
from rnncli.weights.kerasconfig import KerasLayer, layers_of

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_CONFIG = 16 << 20
MAX_RATIO, MAX_SMALL = 100, 1 << 20
"""How many times its bytes in the zip a member may be, beside some that need none."""
CELL_VARS = "cell/vars"
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
"""Where a model keeps its layers in files of Keras 3 and of Keras 2.12 to 2.15."""
UNCONFIGURED = "the file has no configuration: that it reads forward, with the usual activations, is taken for granted"
Arrays = Mapping[str, Any]
"""Arrays of a file by their paths."""


def read_archive(path: Path) -> WeightFile:
    """What a ``.keras`` file holds; ValueError, OSError and the like for one that is not whole."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(_member(archive, CONFIG))
        version = json.loads(_member(archive, METADATA)).get("keras_version", "")
        weights = io.BytesIO(_member(archive, WEIGHTS))
    with hdf5.opened(weights, path.name) as file:
        layers = [(layer, _below(file, layer)) for layer in layers_of(config)]
        return _found(f"a model of Keras {version}", layers)


def read_hdf5(path: Path) -> WeightFile:
    """What a ``.weights.h5`` or ``.h5`` file holds; ValueError, OSError and the like for one that is not whole."""
    with hdf5.opened(path, path.name) as file:
        root = hdf5.child(file, "model_weights") or file
        named = "layer_names" in root.attrs
        if "model_config" in file.attrs:
            config = json.loads(hdf5.text(file.attrs["model_config"]))
            version = hdf5.text(file.attrs.get("keras_version", ""))
            return _found(f"a model of Keras {version} (.h5)", [(one, _named(root, one)) for one in layers_of(config)])
        groups = _by_names(root) if named else _by_paths(root)
        layers = [(KerasLayer(name, "", {}, None), found) for name, found in groups.items()]
        return _found("weights of Keras without a configuration", layers)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member, of no more bytes than it can have; ValueError for one that is not there, or swells too much."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise ValueError(f"{name} is not in it") from None
    limit = MAX_CONFIG if name != WEIGHTS else MAX_SMALL + MAX_RATIO * info.compress_size
    with archive.open(info) as stream:
        found = stream.read(limit + 1)
    if len(found) > limit:
        raise ValueError(f"{name} in it swells to more than {limit:,} bytes")
    return found


def _below(file: Any, layer: KerasLayer) -> Arrays:
    """The arrays of a layer that has its place in the file by its class and number, or by its name."""
    group = file
    for name, place in layer.places:
        container: Any = next((found for one in CONTAINERS if (found := hdf5.child(group, one))), None)
        if container is None:
            return {}
        by_name = {_noted(one): one for key in container if (one := hdf5.child(container, key))}
        group = by_name.get(name) or hdf5.child(container, place)
        if group is None:
            return {}
    return hdf5.arrays(group)


def _noted(group: Any) -> str:
    """The name of the layer of a group, where it is noted."""
    variables = hdf5.child(group, "vars")
    return hdf5.text(variables.attrs.get("name", "")) if variables else ""


def _named(root: Any, layer: KerasLayer) -> Arrays:
    """The arrays of a layer that has its place by its name, and that of the model around it."""
    outer, inner = layer.places[0][0], layer.places[-1][0]
    group = hdf5.child(root, outer)
    found = _ordered(group) if group else {}
    return found if outer == inner else {path: one for path, one in found.items() if inner in path.split("/")}


def _ordered(group: Any) -> Arrays:
    """The arrays of a layer in the order that it notes."""
    names = [hdf5.text(name) for name in group.attrs.get("weight_names", ())]
    found = hdf5.arrays(group)
    return {name: found[name] for name in names if name in found} or found


def _by_names(root: Any) -> dict[str, Arrays]:
    names = [hdf5.text(name) for name in root.attrs["layer_names"]]
    groups = {name: group for name in names if (group := hdf5.child(root, name))}
    return {name: found for name, group in groups.items() if (found := _ordered(group))}


def _by_paths(root: Any) -> dict[str, Arrays]:
    """The arrays of layers that are known by their paths alone."""
    found: dict[str, Any] = {}
    for path, array in hdf5.arrays(root).items():
        above = re.sub(r"(/(forward_layer|backward_layer))?(/cell)?/vars/\d+$", "", f"/{path}").strip("/")
        name = re.sub(rf"(^|/)({'|'.join(CONTAINERS)})(/|$)", r"\1", above)
        found.setdefault(name or above, {})[path] = array
    return found


def _found(kind: str, layers: Sequence[tuple[KerasLayer, Arrays]]) -> WeightFile:
    """What the layers are, and the recurrent ones among them put on top of each other."""
    listed, pieces = [], []
    for layer, found in layers:
        shapes = tuple(tuple(one.shape) for one in found.values())
        directions = list(_directions(found))
        what, trouble = layer.what or "other weights", ""
        if directions or layer.is_recurrent:
            try:
                piece = _piece(layer, directions)
                pieces.append(piece)
                what = str(piece.stack)
            except UnfitError as error:
                trouble = str(error)
        if shapes or trouble:
            listed.append(WeightLayer(layer.name, what, shapes, trouble))
    return WeightFile(kind, tuple(listed), tuple(stacked(pieces)))


def _directions(found: Arrays) -> Iterator[list[Any]]:
    """Kernel, recurrent kernel and bias of each direction of a layer; nothing where it is not recurrent."""
    cells: dict[str, list[Any]] = {}
    for path, array in found.items():
        above, _, name = path.rpartition("/")
        if f"/{above}".endswith(f"/{CELL_VARS}") or name.partition(":")[0] in ("kernel", "recurrent_kernel", "bias"):
            cells.setdefault(above, []).append(array)
    backward = {above: "backward" in above for above in cells}
    for above in sorted(cells, key=backward.__getitem__):
        if len(cells[above]) in (2, 3) and all(len(one.shape) == 2 for one in cells[above][:2]):
            kernel, recurrent = (one.shape for one in cells[above][:2])
            if kernel[1] == recurrent[1] and recurrent[1] % max(recurrent[0], 1) == 0:
                yield cells[above]


def _piece(layer: KerasLayer, directions: Sequence[Sequence[Any]]) -> ReadLayer:
    """A layer as ours; UnfitError where no layer of ours computes it."""
    if layer.trouble:
        raise UnfitError(layer.trouble)
    wanted = (layer.directions,) if layer.is_recurrent else (1, 2)
    if len(directions) not in wanted:
        raise UnfitError("its weights are not in the file, or more than those of two directions")
    if "time_distributed" in layer.name:
        raise UnfitError("TimeDistributed: it reads each step of the model by itself")
    weights = [[hdf5.read(one) for one in arrays] for arrays in directions]
    cell, unsaid = _cell(layer, weights[0])
    try:
        found = [from_keras(cell, *one) for one in weights]
    except (RuntimeError, IndexError):
        raise UnfitError("the shapes of its weights do not fit each other") from None
    notes = layer.notes
    if not layer.is_recurrent:
        notes = (UNCONFIGURED,)
    return ReadLayer(WeightStack(layer.name, cell, checked([found], cell), unsaid=unsaid, notes=notes), layer.reads)


def _cell(layer: KerasLayer, weights: Sequence[Tensor]) -> tuple[Cell, tuple[str, ...]]:
    """The cell of a layer, and which of its settings the file does not tell."""
    kind = kind_of(weights[1].shape[1], weights[1].shape[0])
    if layer.is_recurrent:
        return Cell(kind, layer.activation if kind == "rnn" else "tanh", layer.reset), ()
    if kind == "rnn":
        return Cell(kind), ("activation",)
    if kind == "gru" and len(weights) == 2:
        raise UnfitError("a gru without biases may reset before or after the product, and no configuration says which")
    return Cell(kind, reset="after" if kind == "gru" and weights[2].dim() == 2 else "before"), ()
