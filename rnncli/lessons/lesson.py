"""What a lesson is: a question, runs that can answer it, and what is to be said of them once they are done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rnncli.errors import UsageError
from rnncli.report.lesson import Equation, LessonAnswer, LessonPart, LessonStep

if TYPE_CHECKING:
    from rnncli.batch.plan import Batch
    from rnncli.runs.outcome import Outcome

QUICK = ("evaluation.resamples=20", "evaluation.baselines=false", "compute.threads=1")
"""Settings of every lesson where it need only be seen to work."""


@dataclass(frozen=True)
class LessonRequest:
    """What a person wants of a lesson: ``quick`` for tiny runs that answer nothing, further ``settings`` of every run.

    ``data`` is a file of one's own, where the lesson can be about one.
    """

    quick: bool = False
    settings: tuple[str, ...] = ()
    data: str = ""


Settings = Callable[[str], Mapping[str, str]]
"""The further settings of the runs of a recipe, by key."""
Stage = Callable[["Sequence[Outcome]", Settings], "Sequence[Batch]"]
"""Plans runs by what those of earlier stages came to."""


@dataclass(frozen=True)
class Taught:
    """What the runs of a lesson say."""

    parts: Sequence[LessonPart]
    answers: Sequence[LessonAnswer]
    next: Sequence[LessonStep] = ()


@dataclass(frozen=True)
class Lesson:
    """A lesson: ``stages`` plan its runs, each from what those before it came to; ``teach`` tells what all came to.

    ``quick`` are settings of tiny runs by the recipe that they are of; ``takes_data`` that one's own can be given.
    """

    name: str
    question: str
    leads: Sequence[str]
    equations: Sequence[Equation]
    stages: Sequence[Stage]
    teach: Callable[[Sequence[Outcome]], Taught]
    quick: Mapping[str, Sequence[str]] = field(default_factory=dict)
    takes_data: bool = False

    def settings(self, asked: LessonRequest, source: str) -> dict[str, str]:
        """The further settings of the runs of a recipe, by key; raises UsageError for what is none."""
        tiny = (*QUICK, *self.quick.get(source, ())) if asked.quick else ()
        return own_data(asked.data) | dict(map(split_setting, (*tiny, *asked.settings)))


def split_setting(text: str) -> tuple[str, str]:
    """The key and the value of ``key=value``; raises UsageError for anything else."""
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise UsageError(f"{text}: not a key with a value", "for example seed=2")
    return key, value


def own_data(file: str) -> dict[str, str]:
    """The keys that train on a file, none without one."""
    from rnncli.runs.recipes import data_keys

    return {key: json.dumps(value) for key, (_, value) in data_keys(file, "--data").items()} if file else {}


def of_stage(finished: Sequence[Outcome], key: str, value: Any) -> list[Outcome]:
    """Those of the runs whose recipe has a value under a dotted key."""
    return [one for one in finished if value_of(one, key) == value]


def value_of(outcome: Outcome, key: str) -> Any:
    """The value of a dotted key of a run's recipe, None where it has none."""
    found: Any = outcome.recipe
    for name in key.split("."):
        found = getattr(found, name, None)
    return found
