"""The lessons there are, by their names."""

from __future__ import annotations

from difflib import get_close_matches

from rnncli.errors import UsageError
from rnncli.lessons import cells, long_lag, order
from rnncli.lessons.lesson import Lesson

LESSONS = {one.name: one for one in (long_lag.LESSON, cells.LESSON, order.LESSON)}


def find(name: str) -> Lesson:
    """The lesson of that name; raises UsageError for none."""
    name = name.removeprefix("lessons/")
    if name in LESSONS:
        return LESSONS[name]
    close = get_close_matches(name, LESSONS, n=1)
    meant = f' (did you mean "{close[0]}"?)' if close else ""
    raise UsageError(f"no lesson is called {name}{meant}", f"rnncli lesson, one of: {', '.join(LESSONS)}")
