"""``rnncli distil``: ``run`` with teachers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from rnncli.cli import completion
from rnncli.cli.run import DryRun, Out, carry_out
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError

EXAMPLE = "rnncli distil runs/a runs/b sentiment/own-data data.train=reviews.csv model.hidden=32"


def distil(
    terminal: Terminal,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="TEACHER... RECIPE [KEY=VALUE...]",
            help="Runs, folders of them, or .jsonl files of probabilities; then a recipe; then recipe keys to change.",
            autocompletion=completion.runs_and_folders,
        ),
    ],
    unlabelled: Annotated[
        Path | None,
        typer.Option("--unlabelled", metavar="FILE", help="Further examples, which only the teachers label."),
    ] = None,
    out: Out = None,
    dry_run: DryRun = False,
) -> None:
    """Train a small model on what finished runs say: several are averaged, and texts need no labels.

    A distilled model is a run like others; distil.weight and distil.temperature are keys of its recipe.
    """
    from rnncli import tasks
    from rnncli.runs.recipes import load_recipe

    teachers, recipe, overrides = parted(words)
    task = load_recipe(recipe, overrides).task
    if "distil" not in tasks.schema(task).model_fields:
        able = ", ".join(name for name in tasks.names() if "distil" in tasks.schema(name).model_fields)
        raise UsageError(f"a model of task {task} cannot be taught", f"recipes of these tasks can: {able}")
    options: dict[str, tuple[str, Any]] = {"distil.teachers": ("TEACHER", teachers)}
    if unlabelled is not None:
        options["distil.unlabelled"] = ("--unlabelled", str(unlabelled))
    carry_out(terminal, recipe, overrides, options, out=out, resume=None, dry_run=dry_run)


def parted(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Teachers, the recipe, settings; UsageError where one of the first two is missing.

    The names of runs of a batch have settings in them, so that what is there on disk is no setting.
    """
    settings = [word for word in words if "=" in word and not os.path.exists(os.path.expanduser(word))]
    *teachers, recipe = [word for word in words if word not in settings] or [""]
    if not teachers:
        raise UsageError("name teachers, and then a recipe", EXAMPLE)
    if _is_teacher(recipe):
        raise UsageError(f"{recipe} is a teacher, and behind the teachers a recipe is wanted", EXAMPLE)
    return teachers, recipe, settings


def _is_teacher(word: str) -> bool:
    return os.path.isdir(os.path.expanduser(word)) or word.endswith(".jsonl")
