"""What a file of weights holds, for a person who wants to start from it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnncli.weights.found import WeightFile, WeightStack
from rnncli.weights.reading import read


@dataclass(frozen=True)
class ShownWeights:
    """A file of weights and how a recipe starts from each of its stacks."""

    path: Path
    found: WeightFile

    def command(self, stack: WeightStack) -> str:
        """The line that starts from ``stack``."""
        keys: dict[str, Any] = {"start": self.path}
        if len(self.found.stacks) > 1:
            keys["start_layer"] = stack.name
        settings = [f"model.{key}={_yaml(value)}" for key, value in (keys | stack.keys).items()]
        return f"rnncli run RECIPE {' '.join(map(shlex.quote, settings))}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        layers = [
            {
                "name": one.name,
                "what": one.what,
                "shapes": [list(shape) for shape in one.shapes],
                "trouble": one.trouble,
            }
            for one in self.found.layers
        ]
        starts = [
            {
                "name": stack.name,
                "what": str(stack),
                "input": stack.input_size,
                "model": stack.keys,
                "unsaid": list(stack.unsaid),
                "notes": list(stack.notes),
                "command": self.command(stack),
            }
            for stack in self.found.stacks
        ]
        return {"file": str(self.path), "kind": self.found.kind, "layers": layers, "starts": starts}


def show_weights(path: Path) -> ShownWeights:
    """What the file at ``path`` holds; raises DataError."""
    return ShownWeights(path, read(path))


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
