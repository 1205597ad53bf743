"""Checkpoints: folders of safetensors and readable JSON, replaced as a whole so that a kill leaves the old or the new.

A folder holds ``model.safetensors``, ``meta.json`` and, where training may go on from it, ``training.safetensors``
(optimizer, averages, random states). Matrices may be stored in few bits (:mod:`rnncli.data.rounding`), and are read as
the numbers that these stand for. ``meta.json`` keeps the SHA-256 of the others, so that a bit that
flipped is seen; folders of older versions have none and are believed. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rnncli.data import rounding
from rnncli.data.rounding import RoundedMatrix
from rnncli.errors import RunError

DIGESTS = "sha256"
COPY = "train again, or take the checkpoint from a copy"
MODEL, TRAINING, META = "model.safetensors", "training.safetensors", "meta.json"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder holds; ``training`` is empty where only the model was kept.

    ``rounded`` are those weights that are stored in few bits; in ``model`` they are the numbers that these stand for.
    """

    model: dict[str, Tensor]
    training: dict[str, Tensor]
    meta: dict[str, Any]
    rounded: dict[str, RoundedMatrix] = field(default_factory=dict)


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``folder``, replacing an older one there; raises RunError."""
    fresh = folder.with_name(folder.name + ".new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(_storable(_stored(checkpoint)), fresh / MODEL, metadata=rounding.metadata(checkpoint.rounded) or None)
        if checkpoint.training:
            save_file(_storable(checkpoint.training), fresh / TRAINING)
        meta = checkpoint.meta | {DIGESTS: {file.name: _digest(file) for file in sorted(fresh.iterdir())}}
        (fresh / META).write_text(json.dumps(meta, indent=1, allow_nan=False), encoding="utf-8")
        rights = (
            (fresh / META).stat().st_mode
        )  # as the umask has them; the library lets nobody else read what it writes
        for file in fresh.iterdir():
            file.chmod(rights)
            _flush(file)
        _replace(folder, fresh)
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"{folder}: cannot save the checkpoint: {error}", "free some space and resume the run"
        ) from error


def exists(folder: Path) -> bool:
    """Whether there is a checkpoint at ``folder``."""
    return _where(folder).is_dir()


def load(folder: Path, *, holds: Mapping[str, type] | None = None) -> Checkpoint:
    """Read the checkpoint at ``folder``; raises RunError for a missing or damaged one.

    ``holds`` says which keys its meta must have, and of which types they are.
    """
    while True:
        place = _where(folder)
        there = _identity(place)
        try:
            found = _read(place, holds or {})
        except (OSError, ValueError, RecursionError, RuntimeError, SafetensorError) as error:
            # A file that has just gone is a RuntimeError to safetensors.
            found = error
        if place == _where(folder) and there == _identity(place):
            break  # else training moved or replaced it while it was being read
    if there is None:
        raise RunError(
            f"{folder}: there is no checkpoint", "the run may have ended before its first one: start it again"
        )
    if isinstance(found, Exception):
        raise RunError(f"{place}: the checkpoint is damaged: {found}", COPY) from found
    return found


def load_weights(model: nn.Module, checkpoint: Checkpoint, where: Path) -> None:
    """Put the checkpoint's weights into ``model``; raises RunError where they do not fit it, or are no numbers."""
    own = model.state_dict()
    missing = sorted(own.keys() - checkpoint.model.keys())
    unknown = sorted(checkpoint.model.keys() - own.keys())
    if missing or unknown:
        name = (missing or unknown)[0]
        verb = "lacks" if missing else "has an unexpected"
        raise RunError(f"{where}: the checkpoint {verb} {name!r}", "it belongs to another recipe or task")
    for name, weight in checkpoint.model.items():
        if weight.shape != own[name].shape:
            raise RunError(
                f"{where}: {name!r} has shape {list(weight.shape)}, the model has {list(own[name].shape)}",
                "the recipe, the vocabulary or the checkpoint was changed; use the run as it was written",
            )
        if weight.dtype != own[name].dtype:
            kinds = " and ".join(str(one.dtype).removeprefix("torch.") for one in (weight, own[name]))
            raise RunError(f"{where}: {name!r} and the model's are of different types, {kinds}", COPY)
        if not _finite(weight) and _finite(own[name]):
            raise RunError(f"{where}: the checkpoint is damaged: {name!r} holds what is no finite number", COPY)
    model.load_state_dict(checkpoint.model)


def _storable(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}


def _replace(folder: Path, fresh: Path) -> None:
    """Let ``fresh`` take the place of ``folder``: between the two renames the old one is found under ``.old``."""
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    fresh.rename(folder)
    _flush(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _read(place: Path, holds: Mapping[str, type]) -> Checkpoint:
    meta = json.loads((place / META).read_text(encoding="utf-8"))
    if not isinstance(meta, dict):
        raise ValueError(f"{META} holds no keys")
    if lacking := [key for key, kind in holds.items() if not isinstance(meta.get(key), kind)]:
        raise ValueError(f"{META} does not say {', '.join(lacking)}")
    digests = meta.pop(DIGESTS, {})
    if not isinstance(digests, Mapping):
        raise ValueError(f"{META} holds no digests under {DIGESTS}")
    for name, digest in digests.items():
        if _digest(place / Path(name).name) != digest:
            raise ValueError(f"{name} is not as it was written: its SHA-256 is another")
    extra = place / TRAINING
    model, rounded = _read_model(place / MODEL)
    return Checkpoint(model, load_file(extra) if extra.exists() else {}, meta, rounded)


def _stored(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """What the file of the model holds."""
    found = {name: weight for name, weight in checkpoint.model.items() if name not in checkpoint.rounded}
    for name, matrix in checkpoint.rounded.items():
        found |= {f"{name}{end}": torch.from_numpy(array) for end, array in matrix.arrays().items()}
    return found


def _read_model(file: Path) -> tuple[dict[str, Tensor], dict[str, RoundedMatrix]]:
    """The weights of a file, and those of them that it holds in few bits."""
    tensors = load_file(file)
    with safe_open(file, framework="pt") as header:
        told = rounding.read_metadata(header.metadata())
    rounded = {}
    for name, (form, shape) in told.items():
        ends = [end for end in (rounding.CODES, rounding.SCALES) if f"{name}{end}" in tensors]
        rounded[name] = rounding.read_matrix(form, shape, {end: tensors.pop(f"{name}{end}").numpy() for end in ends})
        tensors[name] = torch.from_numpy(rounded[name].value())
    return tensors, rounded


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _finite(weight: Tensor) -> bool:
    return not weight.is_floating_point() or bool(torch.isfinite(weight).all())


def _identity(place: Path) -> tuple[int, int] | None:
    """What tells this folder from another that takes its place; None where there is none."""
    try:
        found = place.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns) if place.is_dir() else None


def _where(folder: Path) -> Path:
    old = folder.with_name(folder.name + ".old")
    return folder if folder.is_dir() or not old.is_dir() else old


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
