"""A file of weights, known by its first bytes: read, or refused in a sentence. Nothing is unpickled."""

from __future__ import annotations

import json
import shlex
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NoReturn

from safetensors import SafetensorError

from rnncli.data.arrays import DAMAGED
from rnncli.data.regular import require_regular
from rnncli.errors import DataError
from rnncli.weights.found import WeightFile, WeightStack
from rnncli.weights.keras import CONFIG, WEIGHTS, read_archive, read_hdf5
from rnncli.weights.tensors import read_tensors

ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle")
KNOWN = "known are .keras, .weights.h5 and .h5 of Keras, and .safetensors with the names of torch.nn"
AGAIN = "save it again, or take it from a copy"
BEST = Path("checkpoints", "best", "model.safetensors")


def read(path: Path) -> WeightFile:
    """What the file at ``path`` holds; raises DataError for one that is no such file, or not whole."""
    start = _start(path)
    if not start:
        raise DataError(f"{path}: the file is empty", AGAIN)
    if start.startswith(ZIP):
        members = _members(path)
        if members is not None and not {CONFIG, WEIGHTS} & members:
            _refuse(path, members)
        reader = read_archive
    elif start.startswith(HDF5):
        reader = read_hdf5
    elif _is_header(start):
        reader = read_tensors
    else:
        _refuse(path, set(), is_pickle=start[:1] == b"\x80" and start[1] < 6)
    try:
        return reader(path)
    except SafetensorError as error:
        raise DataError(f"{path}: not a whole file of safetensors: {error}", AGAIN) from error
    except (*DAMAGED, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        why = f": {error}" if type(error) is ValueError else ""
        raise DataError(f"{path}: not a whole file of Keras{why}", AGAIN) from error


def choose(path: Path, found: WeightFile, layer: str = "") -> WeightStack:
    """The stack that has ``layer`` as its name, or the only one; raises DataError where there is none to choose."""
    names = ", ".join(stack.name for stack in found.stacks)
    trouble = {one.name: one.trouble for one in found.layers if one.trouble}
    if layer:
        stack = next((stack for stack in found.stacks if stack.name == layer), None)
        if stack is None:
            why = f"layer {layer!r} cannot be taken: {trouble[layer]}" if layer in trouble else f"no layer {layer!r}"
            raise DataError(f"{path}: {why}", f"model.start_layer=NAME, one of: {names}" if names else _looked_at(path))
        return stack
    if not found.stacks:
        why = "; ".join(f"{name}: {said}" for name, said in trouble.items()) or "it holds no recurrent layers"
        raise DataError(f"{path}: there is nothing to start from: {why}", _looked_at(path))
    stack, *others = found.stacks
    if others:
        many = f"{path}: {len(found.stacks)} recurrent stacks to start from: {names}"
        raise DataError(many, f"name one of them: model.start_layer={stack.name}")
    return stack


def converted(path: Path, members: set[str]) -> str:
    """The line of Python that makes a file of safetensors of a pickled one of torch."""
    name, out = (json.dumps(str(one), ensure_ascii=False) for one in (path, path.with_suffix(".safetensors")))
    is_script = any(member.split("/")[1:2] == ["code"] for member in members)
    load = f'torch.jit.load({name}, map_location="cpu").state_dict()'
    if not is_script:
        load = f'torch.load({name}, map_location="cpu", weights_only=True)'
    code = (
        f'import torch, safetensors.torch as s; w = {load}; w = w.get("state_dict", w); '
        f"s.save_file({{k: v.contiguous().clone() for k, v in w.items() if torch.is_tensor(v)}}, {out})"
    )
    return f"python -c {shlex.quote(code)}"


def _start(path: Path) -> bytes:
    """The first bytes of a file; raises DataError where there is none to be read."""
    require_regular(path)
    if path.is_dir():
        if (path / BEST).is_file():
            raise DataError(f"{path}: a run, where the file of its weights is wanted", str(path / BEST))
        hint = "save it in Keras: model.save('model.keras')" if (path / "saved_model.pb").is_file() else KNOWN
        raise DataError(f"{path}: a folder, where a file of weights is wanted", hint)
    try:
        with path.open("rb") as stream:
            return stream.read(9)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", KNOWN) from error


def _members(path: Path) -> set[str] | None:
    """The names in a zip; None where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def _is_header(start: bytes) -> bool:
    """Whether a file begins as one of safetensors: the length of what follows, and a brace."""
    return len(start) == 9 and start[8:] == b"{" and struct.unpack("<Q", start[:8])[0] < 1 << 40


def _refuse(path: Path, members: set[str], *, is_pickle: bool = False) -> NoReturn:
    if is_pickle or path.suffix.lower() in PICKLES or any(name.endswith("data.pkl") for name in members):
        raise DataError(
            f"{path}: a pickle, which may run code when it is loaded and is never loaded here",
            f"if you trust it, make a file of safetensors of it: {converted(path, members)}",
        )
    raise DataError(f"{path}: not a file of weights", KNOWN)


def _looked_at(path: Path) -> str:
    return f"rnncli weights show {path} lists what it holds"
