"""Weights of other programs that the recurrent layers of a new training start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn

from rnncli.core.cells import Cell
from rnncli.core.reach import stacks
from rnncli.core.recurrent import Recurrent
from rnncli.errors import RecipeError
from rnncli.recipe.schema import Recipe
from rnncli.weights.found import WeightStack, described
from rnncli.weights.reading import choose, read

WIDTHS = ("embedding", "projection", "channels")
"""Keys of ``model`` that say how wide what the recurrent layers read is, whatever else goes into it."""


def initial_weights(recipe: Recipe) -> WeightStack | None:
    """The layers of ``model.start``, None where there is none.

    Raises DataError for a file of no use, RecipeError where the recurrent layers of the recipe are of another shape.
    """
    section: Any = getattr(recipe, "model", None)
    start, layer = (getattr(section, key, "") for key in ("start", "start_layer"))
    if not start:
        if layer:
            raise RecipeError(f"model.start_layer={layer} names a layer of no file", "model.start=FILE names the file")
        return None
    path = Path(start)
    found = choose(path, read(path), layer)
    wrong = {key: value for key, value in found.keys.items() if getattr(section, key) != value}
    if wrong:
        cell = str(Cell(section.cell, section.activation, section.reset))
        ours = described(cell, section.layers, section.hidden, section.bidirectional)
        settings = " ".join(f"model.{key}={str(value).lower()}" for key, value in wrong.items())
        raise RecipeError(f"{path}: {found.name} is {found}, the recipe's core is {ours}", settings)
    return found


def begin_with(found: WeightStack, model: nn.Module, recipe: Recipe) -> Iterator[str]:
    """Let the recurrent layers of ``model`` start from ``found``; sentences on that. RecipeError where they cannot."""
    for cores in stacks(model):
        layers = [core for core in cores if isinstance(core, Recurrent)]  # all are: the recipe has a start
        _require_fit(found, layers, recipe)
        at = 0
        for core in layers:
            for layer, direction in core.places():
                core.put(layer, direction, found.layers[at + layer][direction])
            if core.learnt_initial_state and found.initial:
                core.put_initial_state([one[at * core.directions :] for one in found.initial])
            at += core.layers
    return _notes(found, recipe)


def _require_fit(found: WeightStack, layers: list[Recurrent], recipe: Recipe) -> None:
    section: Any = recipe.model  # type: ignore[attr-defined] - what has a start is a model
    first, count = layers[0], sum(core.layers for core in layers)
    same = (first.hidden_size, count, first.directions == 2) == (found.hidden, len(found.layers), found.bidirectional)
    if not same or first.cell.kind != found.cell.kind:
        raise RecipeError(f"{section.start}: {found.name} is {found}, which this task's core is not", "leave it away")
    more = found.input_size - first.input_size
    if more:
        wide = {key: getattr(section, key) + more for key in WIDTHS if isinstance(getattr(section, key, None), int)}
        hint = " ".join(f"model.{key}={value}" for key, value in list(wide.items())[:1] if value > 0)
        raise RecipeError(
            f"{section.start}: {found.name} reads {found.input_size} numbers a step, the recipe's core reads "
            f"{first.input_size}",
            hint or f"it has to be a file whose first layer reads {first.input_size}",
        )


def _notes(found: WeightStack, recipe: Recipe) -> Iterator[str]:
    section: Any = recipe.model  # type: ignore[attr-defined] - what has a start is a model
    name = f"{Path(section.start).name}, {found.name}: {found}"
    yield f"the recurrent layers start from {name}; all other weights start anew"
    yield from found.notes
    for setting in found.unsaid:
        yield f"the file does not say its {setting}: the recipe's, {getattr(section, setting)}, is taken"
    if bool(found.initial) != (section.initial_state == "learnt"):
        yield (
            "its learnt initial state is left out (model.initial_state=learnt takes it)"
            if found.initial
            else ("it has no learnt initial state: that starts from zero")
        )
