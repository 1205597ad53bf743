"""Weights to begin with: those of a trained model, in the places of a new one that stand for the same."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from rnncli.tasks.base import Axes, Names


def brought_over(drawn: Mapping[str, Tensor], trained: Mapping[str, Tensor], new: Axes, old: Axes) -> dict[str, Tensor]:
    """The weights ``drawn`` for a new model with those of a ``trained`` one wherever both have a place.

    ``new`` and ``old`` name the places along axes of either. Raises ValueError, which names the weight, where they are
    no weights of models that are alike but for these places.

    >>> brought_over({"w": torch.zeros(3)}, {"w": torch.ones(2)}, {"w": (("a", "b", "c"),)}, {"w": (("c", "a"),)})
    {'w': tensor([1., 0., 1.])}
    """
    if different := sorted(drawn.keys() ^ trained.keys()):
        raise ValueError(f"only one of them has {different[0]}")
    found = {}
    for name, weight in drawn.items():
        before = trained[name].to(weight)
        if len(weight.shape) != len(before.shape):
            raise ValueError(_unlike(name, weight, before))
        found[name] = _placed(name, weight, before, _names(name, weight, new), _names(name, before, old))
    return found


def _placed(
    name: str, drawn: Tensor, trained: Tensor, new: tuple[Names | None, ...], old: tuple[Names | None, ...]
) -> Tensor:
    """One weight; axes without names must be as long in both."""
    axes, at, source = drawn.dim(), [], trained
    for axis, (ours, theirs) in enumerate(zip(new, old, strict=True)):
        if ours is None or theirs is None:
            if ours is not theirs or drawn.shape[axis] != trained.shape[axis]:
                raise ValueError(_unlike(name, drawn, trained))
            to = torch.arange(drawn.shape[axis])
        else:
            places = {one: place for place, one in enumerate(theirs)}
            shared = [(place, places[one]) for place, one in enumerate(ours) if one in places]
            to, of = torch.tensor(shared, dtype=torch.int64).reshape(-1, 2).T
            source = source.index_select(axis, of.to(source.device))
        at.append(to.reshape([-1 if k == axis else 1 for k in range(axes)]).to(drawn.device))
    found = drawn.clone()
    found[tuple(at)] = source
    return found


def _names(name: str, weight: Tensor, axes: Axes) -> tuple[Names | None, ...]:
    """Those along each axis of a weight."""
    found = next((names for pattern, names in axes.items() if fnmatchcase(name, pattern)), ())
    found = (*found, *(None for _ in range(weight.dim())))[: weight.dim()]
    for names, size in zip(found, weight.shape, strict=True):
        if names is not None and len(names) != size:
            raise ValueError(f"{name} has {size} places for {len(names)} names")
    return found


def _unlike(name: str, drawn: Tensor, trained: Tensor) -> str:
    return f"{name} has the shape {list(trained.shape)} there and {list(drawn.shape)} here"
