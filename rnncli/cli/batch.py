"""``rnncli batch``: many runs, some at a time, that can be left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rnncli.cli import completion
from rnncli.cli.compare import document, show_comparisons
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.errors import BatchError, UsageError, UserError
from rnncli.report.numbers import duration
from rnncli.runs.advance import advancing

if TYPE_CHECKING:
    from rnncli.batch.plan import Planned
    from rnncli.batch.work import Ended
    from rnncli.report.comparison import Comparison


def batch(
    terminal: Terminal,
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE|BATCH...", help="Recipes, or one batch file.", autocompletion=completion.recipes
        ),
    ],
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2",
            help="Run with each of the values; may be given again.",
            autocompletion=completion.settings,
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Runs at a time; as many as there are GPUs, else 1.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder of the runs; else runs/ and its name.")
    ] = None,
    base: Annotated[
        str, typer.Option("--base", metavar="RUN|SETTING", help="What the others are tested against; else the first.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs and how long they may take.")] = False,
) -> None:
    """Run every recipe under every combination of settings; start it again to go on with what is not done.

    The folder keeps the runs, a log of each (logs/) and what happened (ledger.jsonl). Exit code 0 if all runs
    succeeded, 5 if some failed.
    """
    from rnncli.batch.plan import plan, read_batch, recognised

    found = read_batch(recipes, sets or [])
    folder = out or Path("runs") / found.title
    planned = recognised(plan(found), folder)
    jobs = min(asked_jobs(jobs, _usual_jobs()), max(1, len(planned)))
    bases = _bases(base or found.base, planned, folder)
    if dry_run:
        _show_plan(terminal, planned, folder, jobs)
        return
    from rnncli.batch.work import carry_out
    from rnncli.cli.watch_batch import BatchWatch

    with BatchWatch(terminal, len(planned), jobs) as watch:
        ended = carry_out(planned, folder, jobs=jobs, observe=watch)
    comparisons = _compared(terminal, ended, folder, bases)
    if terminal.json:
        terminal.result(_document(folder, ended, comparisons))
    elif comparisons:
        show_comparisons(terminal, comparisons)
    terminal.say(f"runs {folder}", style="bold")
    require_all(ended, folder)


def require_all(ended: Sequence[Ended], folder: Path) -> None:
    """BatchError with the cause of each where runs failed: with --quiet it is told here alone."""
    from rnncli.batch.work import FAILED

    failed = [one for one in ended if one.state == FAILED]
    if failed:
        names = ", ".join(one.name for one in failed)
        causes = "\n".join(f"{one.name}: {one.error}" for one in failed)
        raise BatchError(
            f"{len(failed)} of {len(ended)} runs failed: {names}\n{causes}",
            f"read {folder / 'logs'}; the same command tries them again and leaves the others alone",
        )


def asked_jobs(asked: int | None, usual: int) -> int:
    """How many runs at a time, ``usual`` where nobody says; UsageError for none."""
    if asked is not None and asked < 1:
        raise UsageError(f"--jobs {asked}: at least one run at a time", "--jobs 1")
    return asked or usual


def _usual_jobs() -> int:
    from rnncli.batch.child import accelerators

    return max(1, len(accelerators()))


def _bases(named: str, planned: list[Planned], folder: Path) -> list[str]:
    """The runs of the setting that the others are held against; UsageError, before anything is begun, for none."""
    from rnncli.comparison.compare import setting_names

    names = setting_names([one.recipe for one in planned])
    runs = zip(planned, names, strict=True)
    if not named:
        return [one.name for one, name in runs if name == names[0]]
    found = [one.name for one, name in runs if named in (name, one.name) or Path(named) == folder / one.name]
    if not found:
        known = ", ".join(f'"{name}"' for name in dict.fromkeys(names))
        raise UsageError(f"--base {named}: none of the runs or settings of this batch", f"the settings are {known}")
    return found


def _compared(terminal: Terminal, ended: list[Ended], folder: Path, bases: list[str]) -> list[Comparison]:
    """The comparisons of what is done, one for each task; none where there is nothing to compare.

    The folder remembers the base, so that a later comparison of it has the same.
    """
    from rnncli.batch.work import FINISHED
    from rnncli.comparison.compare import compare_by_task
    from rnncli.runs.outcome import remember_base

    done = {one.name: one.path for one in ended if one.state == FINISHED}
    base = next((name for name in bases if name in done), "")
    try:
        if base:
            remember_base(folder, base)
        return compare_by_task(done.values(), base=done.get(base, "")) if done else []
    except UserError as error:  # the runs are done all the same
        terminal.say(f"no comparison: {error.message}")
        return []


def _document(folder: Path, ended: list[Ended], comparisons: list[Comparison]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "out": str(folder),
        "runs": [asdict(one) for one in ended],
        "comparison": document(comparisons) if comparisons else None,
    }


def _show_plan(terminal: Terminal, planned: list[Planned], folder: Path, jobs: int) -> None:
    """The runs with their state and an estimate of what is left."""
    from rnncli.batch.child import shares
    from rnncli.batch.estimate import estimates
    from rnncli.batch.ledger import FINISHED
    from rnncli.batch.work import state

    states = {one.name: state(folder, one) for one in planned}
    left = [one for one in planned if states[one.name] != FINISHED]
    what = "timing some steps, scoring and rivals of each setting of which no run is done" if left else ""
    with ProgressLine(terminal, what) as progress, advancing(progress):
        seconds = estimates(planned, left, folder, shares(jobs)[0].threads)
    total = sum(seconds.values()) / jobs
    if terminal.json:
        rows = [{"name": n, "state": s, "path": str(folder / n), "seconds": seconds.get(n)} for n, s in states.items()]
        terminal.result({"out": str(folder), "jobs": jobs, "seconds": total, "runs": rows})
        return
    cells = [[name, now, duration(seconds[name]) if name in seconds else ""] for name, now in states.items()]
    print_table(terminal, ["run", "state", "at most"], cells)
    terminal.out.print(
        Text(f"{len(left)} of {len(planned)} to do, {jobs} at a time: about {duration(total)} at most, in {folder}"),
        soft_wrap=True,
    )
