"""``rnncli runs``: what is under a folder of runs, to list, look at and remove."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from rnncli.cli import completion
from rnncli.cli.command import command
from rnncli.cli.menu import CheckedCommand, CheckedGroup
from rnncli.cli.run import Run, show_report
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.report.layout import visible
from rnncli.report.numbers import number

app = typer.Typer(cls=CheckedGroup, no_args_is_help=True, help="List, show and remove runs.")

Names = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Directories of runs.", autocompletion=completion.runs)
]


def list_(
    terminal: Terminal,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to look.")] = Path("runs"),
) -> None:
    """List the runs below a folder, the latest last."""
    from dataclasses import asdict

    from rnncli.runs.listing import list_runs

    found = list_runs(folder)
    if terminal.json:
        terminal.result([asdict(one) for one in found])
        return
    rows = []
    for one in found:
        score = f"{one.title} {number(one.score, one.unit)}" if one.metric else ""
        rows.append([one.path, one.state, score, f"{age(one.age)} ago", size(one.size)])
    print_table(terminal, ["run", "state", "score", "age", "size"], rows)
    terminal.say(f"{len(found)} runs, {size(sum(one.size for one in found))}", style="dim")


def show(
    terminal: Terminal,
    run: Run,
) -> None:
    """Show how a run was made and what it reports."""
    from dataclasses import asdict

    from rnncli.runs.directory import RunDirectory
    from rnncli.runs.listing import facts

    opened = RunDirectory.open(run)
    found, record = facts(run), opened.read_record()
    report = opened.read_report() if opened.report.is_file() else None
    if terminal.json:
        terminal.result(asdict(found) | {"record": record, "report": report.to_dict() if report else None})
        return
    typed = shlex.join(map(str, record.get("argv", [])))
    lines = {"run": found.path, "state": found.state, "command": typed, "begun": record.get("started", "")}
    lines |= {"device": record.get("device", ""), "kernel": record.get("kernel", "")}
    lines |= {"size": size(found.size), "age": f"{age(found.age)} ago"}
    for name, text in lines.items():
        line = Text(f"{name:<10}", style="dim").append(visible(str(text)), style="not dim")
        terminal.out.print(line, soft_wrap=not terminal.out.is_terminal)
    if report is not None:
        show_report(terminal, report)


def rm(
    terminal: Terminal,
    runs: Names,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
) -> None:
    """Remove runs with all that belongs to them."""
    from rnncli.runs.listing import facts, named_runs, remove

    paths = named_runs(runs)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to be asked", f"rnncli runs rm --yes {shlex.join(runs)}")
        total = size(sum(facts(path).size for path in paths))
        typer.confirm(f"remove {len(paths)} runs, {total}?", abort=True, err=True)
    remove(paths)
    if terminal.json:
        terminal.result([str(path) for path in paths])
    else:
        terminal.say(f"removed {', '.join(map(str, paths))}")


def age(seconds: float) -> str:
    """So many seconds as a person says them: 12 s, 5 min, 3 h, 12 days."""
    for unit, length, most in (("s", 1, 60), ("min", 60, 60), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{int(seconds / length)} {unit}"
    return f"{int(seconds / 86400)} days"


def size(count: int) -> str:
    """So many bytes in kB, MB or GB."""
    for unit, length in (("kB", 1e3), ("MB", 1e6)):
        if count < 999.5 * length:
            return f"{count / length:.1f} {unit}"
    return f"{count / 1e9:.1f} GB"


app.command("list", cls=CheckedCommand)(command(list_))
app.command("show", cls=CheckedCommand)(command(show))
app.command("rm", cls=CheckedCommand)(command(rm))
