"""What a run tells while it goes on, besides the events of training: plain facts for whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnncli.metrics.metric import Metric
from rnncli.tasks.base import Corpus
from rnncli.train.loop import EpochDone, Halved, StepDone, Stopped


@dataclass(frozen=True)
class RunOpened:
    """The run directory stands; ``resumed`` where it did before."""

    path: Path
    resumed: bool


@dataclass(frozen=True)
class DataRead:
    """The corpus was read and split."""

    corpus: Corpus
    seconds: float


@dataclass(frozen=True)
class ModelBuilt:
    """The model stands: what it is, how large, and where it works."""

    description: str
    parameters: int
    placement: str
    reasons: tuple[str, ...]
    watched: Metric


@dataclass(frozen=True)
class Stage:
    """Something that may take a while begins."""

    what: str


@dataclass(frozen=True)
class Working:
    """How far long work on data has come within a stage: ``done`` of ``total``."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class FoldBegun:
    """One fold of a cross-validation begins, counted from 0."""

    fold: int
    folds: int


Happening = RunOpened | DataRead | ModelBuilt | Stage | Working | FoldBegun | StepDone | EpochDone | Halved | Stopped
Observer = Callable[[Happening], Any]


def unobserved(happening: Happening) -> None:
    """The observer of a run that nobody watches."""
