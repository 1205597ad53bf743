"""``rnncli lesson``: a textbook's question as a batch of runs and a page that answers with their figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rnncli.cli.batch import asked_jobs, require_all
from rnncli.cli.compare import show_comparisons
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.report.layout import NARROWEST, visible, wrap

if TYPE_CHECKING:
    from rnncli.lessons.course import Held
    from rnncli.lessons.lesson import Lesson

INDENT = "  "


def lesson(
    terminal: Terminal,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The lesson; alone it lists them.")] = None,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Settings of every run, such as seed=2.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="FILE", help="A table of your own texts, for lesson order.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder of the runs; else runs/ and its name.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Runs at a time; as many as there are processors, up to 4.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny runs that answer nothing.")] = False,
) -> None:
    """Answer a question of the textbook with runs of your own, on a page that teaches; alone, list the questions.

    A lesson that is started again goes on with what is not done. Its folder keeps the runs and the page, lesson.html.
    """
    from rnncli.lessons.library import LESSONS, find

    if name is None:
        _list(terminal, list(LESSONS.values()))
        return
    from rnncli.cli.watch_batch import BatchWatch
    from rnncli.lessons.course import hold
    from rnncli.lessons.lesson import LessonRequest

    found = find(name)
    if data == "":
        raise UsageError("--data names no file", "name one, or leave --data away")
    asked = LessonRequest(quick, tuple(settings or ()), data or "")
    about = f"-{Path(data).stem}" if data else ""
    folder = out or Path("runs") / f"lesson-{found.name}{about}{'-quick' * quick}"
    at_once = asked_jobs(jobs, _usual_jobs())
    held = hold(found, asked, folder, jobs=at_once, watch=lambda runs: BatchWatch(terminal, runs, min(at_once, runs)))
    if held.taught is None:
        require_all(held.ended, folder)
    _show(terminal, found, held, folder)


def _usual_jobs() -> int:
    """Runs at a time where nobody says how many: they are small, and one thread each is best."""
    from rnncli.batch.child import processors

    return min(4, len(processors()))


def _list(terminal: Terminal, lessons: list[Lesson]) -> None:
    if terminal.json:
        terminal.result([{"name": one.name, "question": one.question, "data": one.takes_data} for one in lessons])
        return
    width = max(len(one.name) for one in lessons)
    for one in lessons:
        terminal.out.print(Text(f"{one.name:<{width}}  ", style="bold").append(one.question, style="not bold"))
    terminal.say(f"try  rnncli lesson {lessons[0].name}")


def _show(terminal: Terminal, lesson: Lesson, held: Held, folder: Path) -> None:
    """What came out, what that says, where the page is."""
    from rnncli.lessons.course import document

    assert held.taught is not None
    if terminal.json:
        terminal.result(document(lesson, held, folder))
        return
    width = terminal.out.width if terminal.out.is_terminal else None
    for part in held.taught.parts:
        if part.comparison is not None:
            terminal.out.print(Text(visible(part.title), style="bold"), soft_wrap=True)
            show_comparisons(terminal, [part.comparison])
            terminal.out.print()
    for answer in held.taught.answers:
        terminal.out.print(Text(answer.question, style="bold"), soft_wrap=True)
        for sentence in answer.says:
            for line in wrap(visible(sentence), max(width - len(INDENT), NARROWEST) if width else None):
                terminal.out.print(Text(INDENT + line), soft_wrap=True)
    terminal.say(f"runs {folder}", style="bold")
    terminal.say(f"page {held.page}")
