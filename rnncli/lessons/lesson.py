"""What a lesson is: a question, runs that can answer it, and what is to be said of them once they are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rnncli.report.lesson import Answer, Equation, Part, Step

if TYPE_CHECKING:
    from rnncli.batch.plan import Batch
    from rnncli.runs.outcome import Outcome

QUICK = ("evaluation.resamples=20", "evaluation.baselines=false", "compute.threads=1")
"""Settings of every lesson where it need only be seen to work."""


@dataclass(frozen=True)
class Asked:
    """What a person wants of a lesson: ``quick`` for tiny runs that answer nothing, further ``settings`` of every run.

    ``data`` is a file of one's own, where the lesson can be about one.
    """

    quick: bool = False
    settings: tuple[str, ...] = ()
    data: str = ""


@dataclass(frozen=True)
class Taught:
    """What the runs of a lesson say."""

    parts: Sequence[Part]
    answers: Sequence[Answer]
    next: Sequence[Step] = ()


@dataclass(frozen=True)
class Lesson:
    """A lesson: ``stages`` plan its runs, each from what those before it came to; ``teach`` tells what all came to.

    ``quick`` are settings of tiny runs by the task that they are of; ``takes_data`` that one's own can be given.
    """

    name: str
    question: str
    leads: Sequence[str]
    equations: Sequence[Equation]
    stages: Sequence[Callable[[Sequence[Outcome]], Sequence[Batch]]]
    teach: Callable[[Sequence[Outcome]], Taught]
    quick: Mapping[str, Sequence[str]] = field(default_factory=dict)
    takes_data: bool = False

    def settings(self, asked: Asked, task: str) -> list[tuple[str, str]]:
        """The further settings of a run of a task, as keys and values."""
        texts = [*(self.quick.get(task, ()) if asked.quick else ()), *(QUICK if asked.quick else ()), *asked.settings]
        return [_split(text) for text in texts]


def _split(text: str) -> tuple[str, str]:
    from rnncli.errors import UsageError

    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise UsageError(f"{text}: not a key with a value", "for example seed=2")
    return key, value


def of_stage(finished: Sequence[Outcome], key: str, value: Any) -> list[Outcome]:
    """Those of the runs whose recipe has a value under a dotted key."""
    return [one for one in finished if value_of(one, key) == value]


def value_of(outcome: Outcome, key: str) -> Any:
    """The value of a dotted key of a run's recipe, None where it has none."""
    found: Any = outcome.recipe
    for name in key.split("."):
        found = getattr(found, name, None)
    return found
