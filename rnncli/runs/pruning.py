"""Whole units of recurrent layers that contribute least are taken out of a trained model, which then learns on.

A unit of a layer contributes by what its weights w do to the loss: sum (g w) over the rows of its gates, g being the
gradient of a batch, squared and averaged over batches (Molchanov et al. 2019, "Importance Estimation for Neural Network
Pruning", equation 8). Shape letters: H units of a direction of a layer before, G gates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rnncli import tasks
from rnncli.core.device import placed
from rnncli.core.recurrent import Recurrent
from rnncli.data import progress
from rnncli.errors import UsageError
from rnncli.recipe.schema import RECURRENT
from rnncli.runs.directory import RunDirectory
from rnncli.runs.events import Observer
from rnncli.runs.further import named_axes
from rnncli.runs.model import build
from rnncli.runs.score import Model
from rnncli.tasks.base import Axes, Corpus, Examples, Fitted, Names
from rnncli.tasks.shrinking import NamesOutputs
from rnncli.train.begun import brought_over
from rnncli.train.loop import EpochDone, Trainer, evaluation_batches
from rnncli.train.steps import batches_of

MOST_BATCHES = 100
"""Batches of training by which units are ranked at most."""
AGAIN, SLOWER = 0.25, 0.25
"""The share of its epochs in which a model learns on, and of its learning rate at which it does."""

Kept = dict[tuple[int, int], Tensor]
"""By layer and direction the numbers of the units that stay, in order."""
Scores = dict[tuple[int, int], Tensor]
"""By layer and direction how much each unit contributes, (H,)."""


def without_units(
    model: Model, run: RunDirectory, corpus: Corpus, share: float, observe: Observer
) -> tuple[Model, list[EpochDone]]:
    """The model of a run with that share of the units of its core, those that contribute most, and trained on.

    Of the further epochs, which are told as well, the best by dev counts, or none of them where none is better.
    Raises UsageError for a model whose core is not of units, or whose readers are not known.
    """
    recipe, fitted, _, placement = model
    cores = _cores(model)
    hidden = max(1, math.ceil(share * next(iter(cores.values())).hidden_size))
    narrow = recipe.having({"model.hidden": hidden})
    train = fitted.encode(corpus.parts["train"], training=True)
    scores = _contributions(model, cores, train)
    kept = {name: {at: _best(score_H, hidden) for at, score_H in scores[name].items()} for name in cores}
    found: Fitted[Any] = tasks.load(recipe.task).load(narrow, run.vocabulary)
    torch.manual_seed(recipe.seed)
    small = build(found, placement, narrow.train)
    small.load_state_dict(_weights(model, kept, found, small))
    return _trained_on(Model(narrow, found, small, placement), train, corpus, observe)


def _cores(model: Model) -> dict[str, Recurrent]:
    """The cores that the recipe shapes, by their names in the model."""
    recipe: Any = model.recipe
    if not isinstance(model.fitted, NamesOutputs) or recipe.model.core != RECURRENT:
        what = f"a model of task {recipe.task} with model.core={recipe.model.core}"
        raise UsageError(f"--units: {what} has none that can be taken out", "leave --units away")
    if recipe.model.initial_state != "zero":
        raise UsageError("--units: not of a core with a learnt initial state", "leave --units away")
    modules = dict(model.module.named_modules())
    found = {name: modules[name] for name in model.fitted.core_names}
    return {name: core for name, core in found.items() if isinstance(core, Recurrent)}


def _contributions(model: Model, cores: Mapping[str, Recurrent], train: Examples) -> dict[str, Scores]:
    """How much each unit contributes, by core."""
    recipe, fitted, module, placement = model
    plan = batches_of(train, recipe.train, recipe.seed, 1)
    found = {name: _zeros(core) for name, core in cores.items()}
    count = min(len(plan), MOST_BATCHES)
    for number in range(count):
        module.zero_grad(set_to_none=True)
        with placement.autocast():
            loss = fitted.loss(module, placed(train.batch(plan[number]), placement.device))
        loss.backward()
        for name, core in cores.items():
            for at in core.places():
                found[name][at] += _of_batch(core, *at) ** 2
        progress.tell("batches", number + 1, count)
    module.zero_grad(set_to_none=True)
    return found


def _zeros(core: Recurrent) -> Scores:
    return {at: torch.zeros(core.hidden_size, dtype=torch.float64) for at in core.places()}


def _of_batch(core: Recurrent, layer: int, direction: int) -> Tensor:
    """sum (g w) over the weights into each unit, (H,)."""
    total_H = torch.zeros(core.hidden_size, dtype=torch.float64)
    for weight in core.weights(layer, direction):
        if weight is not None and weight.grad is not None:
            each = (weight.grad.double() * weight.detach().double()).reshape(len(weight), -1).sum(1)
            total_H += each.reshape(-1, core.hidden_size).sum(0).cpu()
    return total_H


def _best(score_H: Tensor, hidden: int) -> Tensor:
    return score_H.argsort(descending=True, stable=True)[:hidden].sort().values


def _weights(model: Model, kept: Mapping[str, Kept], found: Fitted[Any], small: nn.Module) -> dict[str, Tensor]:
    """Those of the smaller model: of the cores the rows and columns of what is kept, of others what reads that."""
    trained, cores = model.module.state_dict(), _cores(model)
    own: dict[str, Tensor] = {}
    before, after = {}, {}
    for name, core in cores.items():
        own |= {f"{name}.{key}": weight for key, weight in _of_core(core, kept[name]).items()}
        before[name] = tuple(range(core.output_size))
        after[name] = tuple(_outputs(core, kept[name], core.layers - 1).tolist())
    rest = [{key: one for key, one in some.items() if key not in own} for some in (small.state_dict(), trained)]
    axes = _axes(found, small, after), _axes(model.fitted, model.module, before)
    return own | brought_over(rest[0], rest[1], *axes)


def _axes(fitted: Any, module: nn.Module, outputs: Mapping[str, Names]) -> Axes:
    """What places of weights stand for, those that read outputs first."""
    return {**fitted.output_axes(module, outputs), **named_axes(fitted)}


def _of_core(core: Recurrent, kept: Kept) -> dict[str, Tensor]:
    """The weights of the units of a core that are kept."""
    found = {}
    for layer, direction in core.places():
        units, suffix = kept[layer, direction], f"_l{layer}" + "_reverse" * direction
        weights = core.weights(layer, direction)
        gates = len(weights.bias) // core.hidden_size
        rows = torch.cat([gate * core.hidden_size + units for gate in range(gates)])
        columns = _outputs(core, kept, layer - 1) if layer else torch.arange(weights.weight_ih.shape[1])
        found |= {
            f"weight_ih{suffix}": weights.weight_ih.detach().cpu()[rows][:, columns],
            f"weight_hh{suffix}": weights.weight_hh.detach().cpu()[rows][:, units],
            f"bias{suffix}": weights.bias.detach().cpu()[rows],
        }
        if weights.bias_hh is not None:
            found[f"bias_hh{suffix}"] = weights.bias_hh.detach().cpu()[units]
    return found


def _outputs(core: Recurrent, kept: Kept, layer: int) -> Tensor:
    """The numbers of a layer's outputs that are kept, both directions side by side."""
    return torch.cat([core.hidden_size * direction + kept[layer, direction] for direction in range(core.directions)])


def _trained_on(model: Model, train: Examples, corpus: Corpus, observe: Observer) -> tuple[Model, list[EpochDone]]:
    """The model after the best of some further epochs, or as it is where none is better, and these."""
    recipe, fitted, module, placement = model
    settings = recipe.train
    epochs = max(1, round(AGAIN * settings.extent.epochs))
    settings = settings.model_copy(update={"epochs": epochs, "learning_rate": SLOWER * settings.learning_rate})
    trainer = Trainer(
        fitted,
        module,
        train,
        fitted.encode(corpus.parts["dev"]),
        settings,
        tasks.metrics(recipe.task),
        seed=recipe.seed,
        device=placement.device,
        autocast=placement.autocast,
        loss_scaling=placement.precision == "fp16",
    )
    with torch.no_grad(), placement.autocast():
        batches = evaluation_batches(trainer.dev, settings, placement.device)
        found = fitted.validate(module.eval(), trainer.dev, batches)
    best, value, rows = _copy(module.state_dict()), found[trainer.watch.name], []
    for event in trainer.events():
        observe(event)
        if isinstance(event, EpochDone):
            rows.append(event)
            if trainer.watch.beats(event.watched, value):
                best, value = _copy(trainer.best_weights().model), event.watched
    module.load_state_dict(best)
    return model._replace(module=module.eval()), rows


def _copy(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in weights.items()}
