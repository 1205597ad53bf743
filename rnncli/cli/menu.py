"""What ``rnncli --help`` lists, as plain values, and the group that builds a command when it is called.

Building all commands, with what their modules import, takes longer than to show the list of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from rnncli import tasks


@dataclass(frozen=True)
class Entry:
    """A command's line in the help: its name, the panel it stands in, and what it does.

    ``place`` is ``module:name`` below ``rnncli.cli``: a function to make a command of, or a Typer app with commands of
    its own; it is empty for the command of a task.
    """

    name: str
    panel: str
    summary: str
    place: str = ""


COMMANDS = (
    Entry("run", "Runs", "Train, evaluate and report what a recipe says.", "run:run"),
    Entry("evaluate", "Runs", "Report how the best model of a run does.", "evaluate:evaluate"),
    Entry(
        "predict",
        "Runs",
        "Predict: one JSON object a line or the form of the input, or a table on a terminal.",
        "predict:predict",
    ),
    Entry(
        "report",
        "Runs",
        "Show the report of a run again, write it as one page that needs no network, or as a model card.",
        "report:report",
    ),
    Entry(
        "batch",
        "Runs",
        "Run every recipe under every combination of settings; start it again to go on with what is not done.",
        "batch:batch",
    ),
    Entry(
        "compare",
        "Runs",
        "Compare finished runs: those that differ in their seed alone are one row, with mean and deviation.",
        "compare:compare",
    ),
    Entry("runs", "Runs", "List, show and remove runs.", "runs:app"),
    Entry(
        "features",
        "Around a run",
        "Compute the frames of videos once, in parallel; run it again to go on after an interrupt.",
        "features:features",
    ),
    Entry(
        "ngram",
        "Around a run",
        "Learn an n-gram language model (interpolated Kneser-Ney), for decoding.lm of speech.",
        "ngram:ngram",
    ),
    Entry(
        "doctor",
        "Around a run",
        "Versions, devices, the precision and kernels that would be used and why, and what is missing.",
        "doctor:doctor",
    ),
    Entry("recipes", "Around a run", "List, show, copy and validate recipes.", "recipes:app"),
    Entry("data", "Around a run", "Look at the data of a recipe.", "data:app"),
    Entry("bench", "Around a run", "Measure speed on this machine.", "bench:app"),
)


def entries() -> list[Entry]:
    """The lines of the help, in order: the tasks, then all else."""
    return [*(Entry(name, "Tasks", tasks.spec(name).summary) for name in tasks.names()), *COMMANDS]


def build(entry: Entry) -> TyperCommand | TyperGroup:
    """The command itself, with its options and the module that it is in."""
    if not entry.place:
        from rnncli.cli.run import task_command, task_help

        spec = tasks.spec(entry.name)
        return _single(entry, task_command(spec), task_help(spec))
    module, name = entry.place.split(":")
    found = getattr(import_module(f"rnncli.cli.{module}"), name)
    if isinstance(found, typer.Typer):
        return get_group(found)
    from rnncli.cli.command import command

    return _single(entry, command(found))


class OneCommand(TyperCommand):
    """A command; where its arguments may be texts, these may begin with a dash."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse ``args``, of which those that are plainly texts are no options."""
        if any(param.name == "inputs" for param in self.params) and not ctx.resilient_parsing:
            named: list[Any] = [param for param in self.params if param.param_type_name == "option"]
            known = {flag: not one.is_flag for one in named for flag in (*one.opts, *one.secondary_opts)}
            args = self._with_texts(args, known | dict.fromkeys(ctx.help_option_names, False))
        return super().parse_args(ctx, args)

    def _with_texts(self, args: list[str], known: dict[str, bool]) -> list[str]:
        from rnncli.cli.dashes import texts_last
        from rnncli.cli.terminal import Terminal

        with Terminal().guard():
            return texts_last(args, known)


class Menu(TyperGroup):
    """A group of commands that are lines of the help until one of them is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.entries = {entry.name: entry for entry in entries()}
        for name, entry in self.entries.items():
            self.add_command(TyperCommand(name, short_help=entry.summary, rich_help_panel=entry.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that ``args`` begin with, built, and the rest of them."""
        name, line, rest = super().resolve_command(ctx, args)
        return name, build(self.entries[name]) if name else line, rest


def _single(entry: Entry, function: Any, text: str | None = None) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(entry.name, cls=OneCommand, help=text)(function)
    return get_command(app)
