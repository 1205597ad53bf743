"""What predicts with an exported model, where numpy and ONNX Runtime are all that there is.

A task's module ``portable`` and all that it imports is copied into the bundle: it may import numpy, the standard
library and such modules of this package alone. The program predicts by the same module, so that there is one way to
read, to encode and to decode. It has a function ``open_model(folder, run) -> Portable``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

Arrays = dict[str, np.ndarray]
Run = Callable[[str, Mapping[str, np.ndarray]], Arrays]
"""Runs the graph of a name on its inputs, by their names, and gives its outputs by theirs."""


class Portable(Protocol):
    """A model that predicts, whatever runs its graphs."""

    together: int
    """Examples that are best predicted at once."""

    def parse(self, text: str) -> Any:
        """One example from an argument; raises DataError."""
        ...

    def read(self, path: Path) -> Iterator[Any]:
        """The examples of a file; raises DataError."""
        ...

    def listen(self, lines: Iterable[str]) -> Iterator[Any]:
        """The examples of stdin, line by line; raises DataError."""
        ...

    def predict(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        """One JSON-ready row an example, in order, as ``rnncli predict`` gives it."""
        ...


@runtime_checkable
class PortableWriter(Protocol):
    """A model that also writes on."""

    def write(self, arguments: Sequence[str]) -> Iterator[str]:
        """What a command line behind ``--write`` asks for, piece by piece; raises UserError."""
        ...
