"""Carry out a lesson: its runs stage by stage, as a batch does, then what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rnncli.batch.plan import Planned, plan, recognised
from rnncli.batch.work import FINISHED, Ended, Observer, carry_out
from rnncli.errors import UsageError
from rnncli.lessons.lesson import Lesson, LessonRequest, Stage, Taught, split_setting
from rnncli.report.lesson import Course, lesson_page
from rnncli.report.numbers import plain
from rnncli.runs.directory import RunDirectory, write_text
from rnncli.runs.outcome import Outcome
from rnncli.runs.recipes import read_run_recipe

PAGE = "lesson.html"
Watching = Callable[[int], AbstractContextManager[Observer]]
"""Watches a stage of so many runs."""


@dataclass(frozen=True)
class Held:
    """A lesson that was held: how its runs ended and, where all are done, what they say; ``page`` tells it."""

    ended: Sequence[Ended]
    taught: Taught | None
    page: Path


def hold(lesson: Lesson, asked: LessonRequest, folder: Path, *, jobs: int, watch: Watching) -> Held:
    """Run what is not done yet and write the page; the lesson stops where runs of a stage fail."""
    if asked.data and not lesson.takes_data:
        raise UsageError(f"lesson {lesson.name} is about data that it makes itself", "leave --data away")
    ended: list[Ended] = []
    finished: list[Outcome] = []
    page = folder / PAGE
    for stage in lesson.stages:
        planned = _planned(lesson, asked, stage, finished, folder)
        with watch(len(planned)) as observe:
            found = carry_out(planned, folder, jobs=max(1, min(jobs, len(planned))), observe=observe)
        ended += [one for one in found if one.name not in {other.name for other in ended}]
        if any(one.state != FINISHED for one in found):
            return Held(ended, None, page)
        finished += [outcome(Path(one.path)) for one in found if Path(one.path) not in {done.path for done in finished}]
    taught = lesson.teach(finished)
    write_text(page, lesson_page(course(lesson, asked, finished, taught)))
    return Held(ended, taught, page)


def course(lesson: Lesson, asked: LessonRequest, finished: Sequence[Outcome], taught: Taught) -> Course:
    """All that the page of a lesson says."""
    return Course(
        name=lesson.name,
        question=lesson.question,
        leads=lesson.leads,
        equations=lesson.equations,
        quick=asked.quick,
        runs=[(one.path.name, one.report) for one in finished],
        parts=taught.parts,
        answers=taught.answers,
        next=taught.next,
    )


def document(lesson: Lesson, held: Held, folder: Path) -> dict[str, Any]:
    """A lesson that was held, for JSON."""
    taught = held.taught
    assert taught is not None
    parts = [{"title": one.title, "comparison": one.comparison.to_dict()} for one in taught.parts if one.comparison]
    return {
        "lesson": lesson.name,
        "question": lesson.question,
        "out": str(folder),
        "page": str(held.page),
        "runs": [asdict(one) for one in held.ended],
        "parts": parts,
        "answers": [plain(asdict(one)) for one in taught.answers],
    }


def outcome(path: Path) -> Outcome:
    """The finished run at ``path``."""
    run = RunDirectory.open(path)
    return Outcome(path, read_run_recipe(run.recipe), run.read_report(), str(run.read_record().get("watched") or ""))


def _planned(
    lesson: Lesson, asked: LessonRequest, stage: Stage, finished: Sequence[Outcome], folder: Path
) -> list[Planned]:
    """The runs of a stage, with what is asked of all of them."""
    settings = partial(lesson.settings, asked)
    found: dict[str, Planned] = {}
    for batch in stage(finished, settings):
        further, varied = settings(batch.sources[0]), batch.varied()
        own = dict(map(split_setting, asked.settings))
        if not finished and (taken := sorted(varied & own.keys())):
            raise UsageError(f"{taken[0]} is what lesson {lesson.name} varies", f"rnncli batch {batch.sources[0]}")
        kept = tuple((key, values) for key, values in batch.grid if key in varied or key not in further)
        grid = (*kept, *((key, (value,)) for key, value in further.items() if key not in varied))
        found |= {one.name: one for one in plan(replace(batch, grid=grid))}
    return recognised(list(found.values()), folder)
