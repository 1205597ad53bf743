"""What ``rnncli --help`` lists, as plain values, and the group that builds a command when it is called.

Building all commands, with what their modules import, takes longer than to show the list of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from rnncli import tasks

if TYPE_CHECKING:
    from rnncli.cli.corrections import CommandShape, TypedLine


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
    Entry(
        "distil",
        "Runs",
        "Train a small model on what finished runs say: several are averaged, and texts need no labels.",
        "distil:distil",
    ),
    Entry("evaluate", "Runs", "Report how the best model of a run does.", "evaluate:evaluate"),
    Entry(
        "predict",
        "Runs",
        "Predict: one JSON object a line, the form of the input, or your table with new columns; shown on a terminal.",
        "predict:predict",
    ),
    Entry(
        "explain",
        "Runs",
        "Show what each word adds to a prediction, and check it: does the sum fit, is deletion worse than chance?",
        "explain:explain",
    ),
    Entry(
        "serve",
        "Runs",
        "Serve models over HTTP: POST /predict, and a page to try them in a browser.",
        "serve:serve",
    ),
    Entry(
        "submit",
        "Runs",
        "Write a submission: ids, order, columns and types as a sample wants them; of folds the mean.",
        "submit:submit",
    ),
    Entry(
        "write",
        "Runs",
        "Write on behind a prompt, streaming the text as it comes; or music, as files to play.",
        "write:write",
    ),
    Entry(
        "report",
        "Runs",
        "Show the report of a run again, write it as one page that needs no network, or as a model card.",
        "report:report",
    ),
    Entry(
        "inspect",
        "Runs",
        "Look inside a trained model: gates and states at each step, and what its units do and detect.",
        "inspect:inspect",
    ),
    Entry(
        "export",
        "Runs",
        "Write a run's best model as ONNX with a script that predicts, and check that it is the same.",
        "export:export",
    ),
    Entry(
        "shrink",
        "Runs",
        "Make a run smaller: weights in few bits, fewer words and units; a run like others, with what it cost on dev.",
        "shrink:shrink",
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
    Entry(
        "lesson",
        "Runs",
        "Answer a question of the textbook with runs of your own, on a page that teaches; alone, list the questions.",
        "lesson:lesson",
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
    Entry(
        "weights",
        "Around a run",
        "Show the recurrent layers in a file of Keras or torch that a recipe can start from.",
        "weights:app",
    ),
    Entry("recipes", "Around a run", "List, show, copy and validate recipes.", "recipes:app"),
    Entry("data", "Around a run", "Look at the data of a recipe.", "data:app"),
    Entry("bench", "Around a run", "Measure speed on this machine.", "bench:app"),
)

COMMON_FLAGS = ("--json", "--quiet", "-q", "--debug")
"""What every command has, and may stand before its name as well."""
USAGE_ERROR: Any = typer.BadParameter.__base__
"""What typer raises for arguments that it cannot take; it has no public name."""
MOST_READINGS = 3
"""How often a corrected line is looked at again."""


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


class CheckedCommand(TyperCommand):
    """A command that says what to type for arguments of another program; its texts may begin with a dash."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse ``args``; those that cannot be meant as they stand end with a sentence and exit code 2."""
        if not (ctx.resilient_parsing or ctx.ignore_unknown_options or {"--help", "-h"} & {*args}):
            from rnncli.cli.corrections import arguments

            if line := arguments(_shape(self, ctx.command_path.split()[1:]), args):
                _refuse(line)
        if any(param.name == "inputs" for param in self.params) and not ctx.resilient_parsing:
            args = self._with_texts(args, _options(self))
        try:
            return super().parse_args(ctx, args)
        except USAGE_ERROR as error:
            from rnncli.cli.corrections import TypedLine

            message = error.format_message()
            _refuse(
                TypedLine(reasons=[message[:1].lower() + message[1:].rstrip(".")], next=f"{ctx.command_path} --help")
            )

    def _with_texts(self, args: list[str], known: Mapping[str, int]) -> list[str]:
        from rnncli.cli.dashes import texts_last
        from rnncli.cli.terminal import Terminal

        with Terminal().guard():
            return texts_last(args, known)


class CheckedGroup(TyperGroup):
    """A group of commands that takes what all commands have in front of them as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse ``args``, the options of all commands moved behind the name of the command."""
        leading = next((i for i, arg in enumerate(args) if arg not in COMMON_FLAGS), 0)
        return super().parse_args(ctx, [*args[leading : leading + 1], *args[:leading], *args[leading + 1 :]])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that ``args`` begin with; another program's name for it ends with a sentence and exit code 2."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            self._unknown(ctx, args[0], args[1:])
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: Any, word: str, rest: Sequence[str]) -> NoReturn:
        from rnncli.cli.corrections import action

        _refuse(action(ctx.info_name, word, rest, tuple(self.commands)))


class Menu(CheckedGroup):
    """A group of commands that are lines of the help until one of them is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.entries = {entry.name: entry for entry in entries()}
        for name, entry in self.entries.items():
            self.add_command(TyperCommand(name, short_help=entry.summary, rich_help_panel=entry.panel))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what comes before the command; ``help`` and ``version`` are the options of that name."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        elif args[:1] == ["version"]:
            args = ["--version", *args[1:]]
        own = {opt for param in self.get_params(ctx) for opt in param.opts}
        before = [arg for arg in args[:1] if arg.startswith("-") and arg not in COMMON_FLAGS]
        if before and before[0].partition("=")[0] not in own and not ctx.resilient_parsing:
            from rnncli.cli.corrections import misplaced

            _refuse(misplaced(args, self.entries))
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that ``args`` begin with, built, and the rest of them."""
        name, line, rest = super().resolve_command(ctx, args)
        return name, build(self.entries[name]) if name else line, rest

    def _unknown(self, ctx: Any, word: str, rest: Sequence[str]) -> NoReturn:
        from rnncli.cli.corrections import command

        _refuse(command(word, rest, self.entries))


def _single(entry: Entry, function: Any, text: str | None = None) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(entry.name, cls=CheckedCommand, help=text)(function)
    return get_command(app)


def _shape(command: Any, words: Sequence[str]) -> CommandShape:
    from rnncli.cli.corrections import CommandShape

    names = [str(param.name) for param in command.params if param.param_type_name == "argument"]
    return CommandShape(tuple(words), _options(command), names)


def _options(command: Any) -> dict[str, int]:
    """The options of a command, and how many values each takes."""
    options = [param for param in command.params if param.param_type_name == "option"]
    flags = {flag: 0 if one.is_flag else one.nargs for one in options for flag in (*one.opts, *one.secondary_opts)}
    return flags | {"--help": 0, "-h": 0}


def _read(typed: Sequence[str]) -> TypedLine | None:
    """What is wrong with a whole line, None where nothing is or nobody can tell."""
    from rnncli.cli.corrections import action, arguments

    entry = next((one for one in entries() if typed and one.name == typed[0]), None)
    if entry is None:
        return None
    found = build(entry)
    if not isinstance(found, TyperGroup):
        return arguments(_shape(found, typed[:1]), typed[1:])
    if len(typed) < 2:
        return None
    below = found.commands.get(typed[1])
    if below is None:
        return action(typed[0], typed[1], typed[2:], tuple(found.commands))
    return arguments(_shape(below, typed[:2]), typed[2:])


def _refuse(line: TypedLine) -> NoReturn:
    """End with what is wrong and the whole line to type, which is read until nothing in it is wrong."""
    import shlex

    from rnncli.cli.terminal import Terminal
    from rnncli.errors import UsageError

    for _ in range(MOST_READINGS):
        found = None if line.ends else _read(line.typed)
        if found is None:
            break
        line = replace(found, reasons=[*line.reasons, *found.reasons])
    typed = f"rnncli {shlex.join(line.typed)}" if line.typed else ""
    hint = ", ".join(part for part in (typed, line.next) if part)
    Terminal().error(UsageError("; ".join(dict.fromkeys(line.reasons)), hint))
    raise typer.Exit(UsageError.exit_code)
