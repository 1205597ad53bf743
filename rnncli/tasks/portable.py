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

from rnncli.errors import UsageError

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
class PortableAhead(Protocol):
    """A model of what comes behind a table, which may be told what is known of the steps ahead."""

    def given(self, future: Path | None, levels: Sequence[float]) -> Portable:
        """The same told of a file what is known ahead, and which quantiles to give, none for the usual ones."""
        ...

    def closing(self) -> str:
        """What is to be said of the tables when all is done, a sentence a line; empty for nothing."""
        ...


@runtime_checkable
class PortableWriter(Protocol):
    """A model that also writes on."""

    def write(self, arguments: Sequence[str]) -> Iterator[str]:
        """What a command line behind ``--write`` asks for, piece by piece; raises UserError."""
        ...


def levels_in(text: str) -> list[float]:
    """Levels of quantiles as they are typed, such as 0.1,0.5; UsageError for what is no number."""
    try:
        return [float(level) for level in text.split(",") if level.strip()]
    except ValueError:
        raise UsageError(f"--quantiles {text}: numbers are wanted", "such as --quantiles 0.1,0.5,0.9") from None


def checked_levels(levels: Iterable[float]) -> list[float]:
    """Levels of quantiles in ascending order, each once; UsageError for what is no share between 0 and 1."""
    for level in levels:
        if not 0 < level < 1:
            meant = f"{level / 100:g}" if level in range(1, 100) else "0.1,0.5,0.9"
            raise UsageError(f"--quantiles {level:g}: a level lies between 0 and 1", f"such as --quantiles {meant}")
    return sorted(set(levels))
