"""How many bytes the parts of a model take on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar, get_args

from torch import Tensor, nn

from rnncli.core.contract import Core
from rnncli.data.rounding import RoundedMatrix
from rnncli.report.shrunk import SizePart
from rnncli.runs.directory import RunDirectory
from rnncli.train.checkpoint import MODEL, Checkpoint

T = TypeVar("T")
Pair = tuple[T, T]
"""Before and after."""
EMBEDDINGS, CORES, OTHERS = "embeddings", "recurrent layers", "all other weights"
WEIGHTS, WHOLE = "weights, one file", "together"
SMALL = 0.01
"""Files of less than this share of all are told together."""


def sizes(module: nn.Module, weights: Pair[Checkpoint], runs: Pair[RunDirectory]) -> list[SizePart]:
    """Those of a model before and after, which are in these runs; ``module`` says what its weights belong to.

    First the parts of the weights, then the file of them, then the other files that predicting reads, then all files.
    """
    places = _places(module)
    parts = [_by_part(one, places) for one in weights]
    found = [_part(name, parts) for name in (EMBEDDINGS, CORES, OTHERS) if parts[0][name]]
    file = SizePart(WEIGHTS, *((run.best / MODEL).stat().st_size for run in runs))
    files = [_by_stem(run.vocabulary) for run in runs]
    whole = [sum(one.values()) for one in files]
    large = [stem for stem, size in files[0].items() if size >= SMALL * whole[0]]
    known = [_part(stem, files) for stem in large]
    small = [every - sum(one.get(stem, 0) for stem in large) for every, one in zip(whole, files, strict=True)]
    others = [SizePart("other files", *small)] if small[0] else []
    return [*found, file, *known, *others, SizePart(WHOLE, file.before + whole[0], file.after + whole[1])]


def bytes_of(checkpoint: Checkpoint) -> int:
    """What the weights take, but for their names."""
    return sum(_size(name, weight, checkpoint.rounded) for name, weight in checkpoint.model.items())


def _part(name: str, sizes: Sequence[Mapping[str, int]]) -> SizePart:
    return SizePart(name, *(one.get(name, 0) for one in sizes))


def _places(module: nn.Module) -> dict[str, str]:
    """The part that each weight belongs to, by its name."""
    found: dict[str, str] = {}
    for name, one in module.named_modules():
        part = EMBEDDINGS if isinstance(one, nn.Embedding) else CORES if isinstance(one, get_args(Core)) else ""
        if part:
            found |= {f"{name}.{weight}": part for weight in one.state_dict()}
    return found


def _by_part(checkpoint: Checkpoint, places: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys((EMBEDDINGS, CORES, OTHERS), 0)
    for name, weight in checkpoint.model.items():
        found[places.get(name, OTHERS)] += _size(name, weight, checkpoint.rounded)
    return found


def _size(name: str, weight: Tensor, rounded: Mapping[str, RoundedMatrix]) -> int:
    if name in rounded:
        return sum(array.nbytes for array in rounded[name].arrays().values())
    return weight.numel() * weight.element_size()


def _by_stem(folder: Path) -> dict[str, int]:
    """Bytes of the files below a folder, those that differ in their ending together."""
    found: dict[str, int] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found[file.stem] = found.get(file.stem, 0) + file.stat().st_size
    return found
