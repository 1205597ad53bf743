"""What teachers say of examples, and what a task must be able to do for its models to teach and to be taught.

Shape letters: N examples, P rows of all of them, K outcomes, B batch, T rows of an example.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from rnncli.errors import DataError, RunError
from rnncli.tasks.base import Batches, Examples

if TYPE_CHECKING:
    from torch import Tensor

    from rnncli.metrics.statistics import Statistics

Shares = Mapping[str, float]
"""The probability of each outcome by its name."""


@dataclass(frozen=True)
class Teaching:
    """What teachers say of a batch, padded as it is, and how much it counts.

    ``said`` are probabilities, (B, K) of examples or (B, T, K) of their steps. Where the batch is ``labelled`` the loss
    has ``weight`` of the teachers and the rest of the labels; else it is the teachers' alone.
    """

    said: Tensor
    weight: float
    temperature: float
    labelled: bool

    def mixed(self, own: Tensor, distance: Tensor) -> Tensor:
        """The loss by the labels and the mean distance to the teachers as one, scalars."""
        if not self.labelled:
            return distance
        # Not 0 times the distance: what teachers say must not matter, not even by its rounding.
        return (1 - self.weight) * own + self.weight * distance if self.weight else own


@dataclass(frozen=True, eq=False)
class SoftTargets:
    """The probability of each outcome: of example i in the rows ``offsets[i]`` to ``offsets[i + 1]`` of ``rows_PK``.

    An example has one row where it has one class, a row a step where each step has one.

    >>> SoftTargets.of([np.array([[0.1, 0.9]]), np.array([[0.5, 0.5]])]).padded(np.array([1])).tolist()
    [[[0.5, 0.5]]]
    """

    rows_PK: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, examples: Sequence[np.ndarray]) -> Self:
        """Those of examples, (T, K) each, at least one."""
        lengths = [len(one) for one in examples]
        rows_PK = np.concatenate(examples).astype(np.float32)
        return cls(rows_PK, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        return self.rows_PK[self.offsets[i] : self.offsets[i + 1]]

    def padded(self, indices: np.ndarray) -> np.ndarray:
        """Those of the examples at ``indices``, (B, T, K), 0 behind their ends."""
        lengths = self.offsets[indices + 1] - self.offsets[indices]
        found_BTK = np.zeros((len(indices), max(1, int(lengths.max(initial=0))), self.rows_PK.shape[1]), np.float32)
        for row, (i, length) in enumerate(zip(indices.tolist(), lengths.tolist(), strict=True)):
            found_BTK[row, :length] = self[i]
        return found_BTK

    def save(self, path: Path) -> None:
        """Write them as plain arrays, whole or not at all; raises RunError."""
        fresh = path.with_name(path.name + ".partial")
        try:
            with fresh.open("wb") as file:
                np.savez(file, rows=self.rows_PK, offsets=self.offsets)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror or error}", "free some space") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """What ``save`` wrote; raises RunError."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(arrays["rows"], arrays["offsets"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise RunError(
                f"{path}: what the teachers said cannot be read: {error}", "take it from a copy of the run"
            ) from error


def joined(several: Sequence[SoftTargets]) -> SoftTargets:
    """Those of some examples, then of others."""
    return SoftTargets.of([one[i] for one in several for i in range(len(one))])


def mean(several: Sequence[SoftTargets]) -> SoftTargets:
    """The mean of what several teachers say of the same examples."""
    rows_PK = np.mean([one.rows_PK.astype(np.float64) for one in several], axis=0)
    return SoftTargets(rows_PK.astype(np.float32), several[0].offsets)


def in_order(said: SoftTargets, theirs: Sequence[str], ours: Sequence[str]) -> SoftTargets:
    """The columns of outcomes named ``theirs`` as those named ``ours``, rows scaled to what they came to before.

    An outcome that they do not know is none to them; what only they know is left out.
    """
    known = {name: k for k, name in enumerate(theirs)}
    found_PK = np.zeros((len(said.rows_PK), len(ours)), np.float32)
    for k, name in enumerate(ours):
        if name in known:
            found_PK[:, k] = said.rows_PK[:, known[name]]
    if len(known.keys() & {*ours}) < len(known):
        before_P, after_P = said.rows_PK.sum(1), found_PK.sum(1)
        found_PK *= (before_P / np.maximum(after_P, 1e-12))[:, None]
    return SoftTargets(found_PK, said.offsets)


def shares_of(value: Any, names: Sequence[str], place: str) -> np.ndarray:
    """The probabilities that a JSON object gives by name, (K,); raises DataError, which names ``place``."""
    if not isinstance(value, dict) or not all(isinstance(one, int | float) for one in value.values()):
        raise DataError(f"{place}: no probabilities by label", 'for example "probabilities": {"bad": 0.2, "good": 0.8}')
    if value.keys() != {*names}:
        said, known = (", ".join(map(str, list(some)[:6])) for some in (value, names))
        raise DataError(f"{place}: probabilities of {said}, and the data have {known}", "name each label once")
    found_K = np.array([value[name] for name in names], np.float64)
    if not (np.isfinite(found_K).all() and (found_K >= 0).all() and (found_K <= 1).all()):
        raise DataError(f"{place}: a probability is a number from 0 to 1")
    return found_K


@runtime_checkable
class Teachable(Protocol):
    """A fitted task whose models can teach others of the same outcomes, and learn from what is said of examples."""

    few_apart: float
    """The share of outcomes that teacher and taught need not have in common, such as tags that hardly occur."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What there is to choose among, by number."""
        ...

    def encode_to_teach(self, part: Any) -> Examples:
        """The labelled examples of a training part as a teacher reads them to answer."""
        ...

    def soft_targets(self, model: Any, examples: Any, batches: Batches) -> SoftTargets:
        """What a model, in evaluation mode, says of each example."""
        ...

    def keys(self, part: Any) -> Iterable[str]:
        """What tells the examples of a part apart wherever they come from, such as their texts."""
        ...

    def row_of(self, row: Mapping[str, Any], place: str) -> tuple[str, np.ndarray]:
        """The key of an example in a row of another program, and its probabilities (T, K); raises DataError."""
        ...

    def unlabelled(self, name: str, examples: Sequence[Any]) -> Any:
        """Examples as the task's predictor reads them, of a file ``name``, as a part whose labels mean nothing."""
        ...

    def taught_loss(self, model: Any, batch: Any, teaching: Teaching) -> Tensor:
        """The mean loss of a batch of which teachers have said something, a scalar."""
        ...

    def of_soft_targets(self, part: Any, examples: Any, said: SoftTargets) -> Statistics:
        """The metrics of what is most probable to teachers, of a labelled part."""
        ...
