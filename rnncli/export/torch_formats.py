"""A trained model for torch: its weights as ``torch.nn`` names them, or itself as a program of ``torch.export``."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rnncli import tasks
from rnncli.core import foreign
from rnncli.core.recurrent import Recurrent
from rnncli.errors import RecipeError, RunError, UsageError
from rnncli.runs.use import Trained
from rnncli.tasks.exporting import Exported, Exporting
from rnncli.version import __version__

WEIGHTS, PROGRAM = "model.safetensors", "model.pt2"
SEQUENCES, LONGEST = 24, 4
"""How many random sequences a program is tried on, of up to so many times the longest of training."""
MOST_STEPS = 400
"""Steps of the longest of them: a program takes its steps one by one."""
MOST = 1e-5
"""How far a value may be off: of values above 1, in relation to them."""
SAFE = "rnncli export RUN --out DIR --format safetensors writes its weights"
OTHERWISE = "rnncli export RUN --out DIR writes it as ONNX"


def write_safetensors(trained: Trained, folder: Path) -> Path:
    """All weights of the model in ``folder``, the recurrent ones as ``torch.nn`` names and orders them.

    The file's metadata says which module takes which. RecipeError, before anything is written, for layers that
    ``torch.nn`` has not.
    """
    tensors, modules = dict(trained.model.state_dict()), {}
    for name, core in _cores(trained.model).items():
        if why := foreign.missing_in_torch(core.cell):
            key = "model.reset=after" if core.cell.kind == "gru" else "model.activation=tanh"
            raise RecipeError(f"{trained.run.path}: {why}", f"train with {key}; or {OTHERWISE}")
        for key in [key for key in tensors if key.startswith(f"{name}.") and "initial" not in key]:
            del tensors[key]
        for layer, direction in core.places():
            weights = foreign.to_torch(core.weights(layer, direction), core.cell)
            names = foreign.torch_names(layer, direction)
            tensors |= {f"{name}.{one}": weight for one, weight in zip(names, weights, strict=True)}
        modules[name] = _module(core)
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    readme = {"modules": modules, "shapes": shapes, "initial state": "give initial_h, initial_c where they are there"}
    metadata = {"format": "pt", "rnncli": __version__, "task": trained.recipe.task, "readme": json.dumps(readme)}
    path = folder / WEIGHTS
    kept = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        save_file(kept, path, metadata=metadata)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}", "name another folder") from error
    return path


def write_program(trained: Trained, folder: Path) -> Path:
    """The model in ``folder`` as a program of ``torch.export`` that needs torch alone, time and batch left open.

    It reads what the model reads, lengths among it, with at least one step, and gives scores. It is tried at lengths
    that it was not exported with; RunError where it is not the model, UsageError where there is no such program.
    """
    task, model = tasks.load(trained.recipe.task), trained.model.cpu().float().eval()
    if not isinstance(task, Exporting):
        raise UsageError(f"{trained.run.path}: a run of task {trained.recipe.task} has no such program", SAFE)
    exported = task.export(trained.fitted, model, stream=False)
    chance = np.random.default_rng(0)
    read, _ = _called(model, exported, chance, np.array([3, 5]))
    other, _ = _called(model, exported, chance, np.array([7, 4, 2]))
    with torch.no_grad():
        program = torch.export.export(_plain(model), (), read, dynamic_shapes=_open_axes(read, other), strict=False)
    runs = program.module()
    _require_same(model, exported, lambda given: runs(**given), chance)
    path = folder / PROGRAM
    torch.export.save(program, path)
    return path


def _cores(model: nn.Module) -> dict[str, Recurrent]:
    return {name: module for name, module in model.named_modules() if isinstance(module, Recurrent)}


def _module(core: Recurrent) -> str:
    """The call that makes the module of ``torch.nn`` for ``core``."""
    kind = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[core.cell.kind]
    activation = f", nonlinearity={core.cell.activation!r}" if core.cell.kind == "rnn" else ""
    return (
        f"torch.nn.{kind}({core.input_size}, {core.hidden_size}, {core.layers}, batch_first=True, "
        f"bidirectional={core.directions == 2}{activation})"
    )


def _plain(model: nn.Module) -> nn.Module:
    """A copy of ``model`` with recurrent layers of plain operators."""
    from rnncli.core.plain import PlainRecurrent

    found = copy.deepcopy(model)
    for name, core in _cores(found).items():
        found.set_submodule(name, PlainRecurrent(core))
    return found


def _called(
    model: nn.Module, exported: Exported, chance: np.random.Generator, lengths_B: np.ndarray
) -> tuple[dict[str, Tensor], Tensor]:
    """What ``model`` reads by the names of its arguments, and what it gives, for random inputs of these lengths."""
    calls: list[tuple[dict[str, Tensor], Tensor]] = []
    with _observed(model, lambda given, result: calls.append((given, result))), torch.no_grad():
        exported.trial.by_torch(exported.trial.draw(chance, lengths_B))
    if not calls:
        raise UsageError("this model is not computed in one call, so that there is no program of it", OTHERWISE)
    given, result = calls[0]
    if not all(isinstance(one, Tensor) for one in (*given.values(), result)):
        raise UsageError("this model reads or gives more than tensors, so that there is no program of it", OTHERWISE)
    return given, result


@contextmanager
def _observed(model: nn.Module, tell: Callable[[dict[str, Any], Any], None]) -> Iterator[None]:
    """Hear of each call of ``model``: its arguments by name, those left out or None aside, and its result."""
    signature = inspect.signature(model.forward)

    def hook(_: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any], result: Any) -> None:
        bound = signature.bind(*arguments, **options).arguments
        tell({name: one for name, one in bound.items() if one is not None}, result)

    handle = model.register_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _open_axes(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, dict[int, Any]]:
    """For each argument the axes in which two batches differ: those of batch and time."""
    return {
        name: {
            axis: torch.export.Dim.DYNAMIC
            for axis, (size, second) in enumerate(zip(tensor.shape, other[name].shape, strict=True))
            if size != second
        }
        for name, tensor in one.items()
    }


def _require_same(
    model: nn.Module,
    exported: Exported,
    program: Callable[[Mapping[str, Tensor]], Tensor],
    chance: np.random.Generator,
) -> None:
    """RunError where the program is off at random lengths from 0 up, one sequence at a time or seven."""
    most = min(LONGEST * exported.longest, MOST_STEPS)
    lengths = np.linspace(0, most, SEQUENCES).round().astype(np.int64)
    chance.shuffle(lengths)
    for lengths_B in (*np.split(lengths, range(7, SEQUENCES, 7)), lengths[:1], np.array([0]), np.array([1])):
        given, truth = _called(model, exported, chance, lengths_B)
        with torch.no_grad():
            found = program(given)
        off = ((found - truth).abs() / truth.abs().clamp(min=1)).max().item()
        if not off <= MOST:
            said = f"the exported program is not the model: a value is {off:.1e} off, and {MOST:.0e} is allowed"
            raise RunError(said, "nothing was written; please report it with the run")
