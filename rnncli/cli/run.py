"""``rnncli run`` and the commands of the tasks, which are ``run`` with a recipe and options of their own.

Annotations are evaluated here, not postponed: a task's command is made inside a function, where Typer could not look
them up.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from rnncli.cli import completion
from rnncli.cli.command import command, parameter
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.tasks.base import Option, TaskSpec

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Recipe keys to change, such as model.cell=lstm.",
        autocompletion=completion.settings,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Directory of the run; runs/NAME-N if not given."),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        metavar="DIR",
        help="Go on with an interrupted run, or with train.epochs=N to more epochs.",
        autocompletion=completion.runs,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Begin with the best model and the vocabulary of a run.",
        autocompletion=completion.runs,
    ),
]
Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A recipe file, or the name of a shipped one.", autocompletion=completion.recipes
    ),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.", autocompletion=completion.runs)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything and train on one batch; leaves nothing behind.")
]
SUBMISSION = "submission.csv"
"""Of a run that was told to predict rows when it is done."""
OF_EVERY_TASK = (
    Option("--dev", "data.dev", "File of the dev part; carved from the training part if not given."),
    Option("--test", "data.test", "File of the test part; carved likewise."),
)


def run(
    terminal: Terminal,
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE", help="A recipe file, or the name of a shipped one.", autocompletion=completion.recipes
        ),
    ] = None,
    overrides: Overrides = None,
    out: Out = None,
    begin: From = None,
    resume: Resume = None,
    dry_run: DryRun = False,
) -> None:
    """Train, evaluate and report what a recipe says."""
    if resume is None and recipe is None:
        hint = "rnncli recipes list shows the shipped ones"
        raise UsageError("name a recipe to run", hint if begin is None else f"rnncli TASK --data FILE --from {begin}")
    if resume is not None and recipe is not None and "=" in recipe:
        recipe, overrides = None, [recipe, *(overrides or [])]
    carry_out(terminal, recipe, overrides or [], _begin_key(begin), out=out, resume=resume, dry_run=dry_run)


def task_help(spec: TaskSpec) -> str:
    """The help text of a task's command: what it does and examples that work as they stand."""
    examples = "\n\n".join(f"  [cyan]{example}[/cyan]" for example in spec.examples)
    return f"{spec.summary}\n\nExamples:\n\n{examples}"


def task_command(spec: TaskSpec) -> Callable[..., None]:
    """The command of a task: ``run`` with its default recipe and its own options for keys of the recipe."""
    names = {option.flag.lstrip("-").replace("-", "_"): option for option in (*OF_EVERY_TASK, *spec.options)}

    def task(
        terminal: Terminal,
        overrides: Overrides = None,
        recipe: Annotated[
            str | None,
            typer.Option(
                "--recipe",
                metavar="NAME|FILE",
                help=f"A recipe; else {spec.default}, or {spec.own_data} with --data.",
                autocompletion=completion.recipes,
            ),
        ] = None,
        data: Annotated[str | None, typer.Option("--data", metavar="FILE|DIR", help="Train on your own data.")] = None,
        out: Out = None,
        begin: From = None,
        resume: Resume = None,
        dry_run: DryRun = False,
        predict: Annotated[
            Path | None,
            typer.Option("--predict", metavar="FILE", help="Then write a submission of these rows into the run."),
        ] = None,
        like: Annotated[
            Path | None, typer.Option("--like", metavar="SAMPLE", help="A sample that the submission is to be like.")
        ] = None,
        **own: str | None,
    ) -> None:
        from rnncli.runs.recipes import data_keys, recipe_of_task

        chosen = {names[name]: value for name, value in own.items() if value is not None}
        options = {} if data is None else data_keys(data, "--data")
        options |= {option.key: (option.flag, option.value(value)) for option, value in chosen.items()}
        options |= _begin_key(begin)
        if begin and not (recipe or options.keys() - {"train.from_run"} or overrides):
            hint = f"rnncli {spec.name} --data FILE --from {begin}, or --recipe NAME"
            raise UsageError("--from goes on with further data, and none are named", hint)
        silent = resume is not None and not (recipe or options)
        carry_out(
            terminal,
            None if silent else recipe or recipe_of_task(spec.name, own_data=data is not None),
            overrides or [],
            options,
            out=out,
            resume=resume,
            dry_run=dry_run,
            task=spec.name,
            predict=_to_predict(predict, like),
        )

    extra = [parameter(name, str | None, None, typer.Option(o.flag, help=o.help)) for name, o in names.items()]
    return command(task, extra)


def carry_out(
    terminal: Terminal,
    recipe: str | None,
    overrides: list[str],
    options: dict[str, tuple[str, Any]],
    *,
    out: Path | None,
    resume: Path | None,
    dry_run: bool,
    task: str = "",
    predict: tuple[Path, Path | None] | None = None,
) -> None:
    """Run or resume, show how it goes, print the report; ``recipe`` None resumes whatever the run is.

    Then the overrides say where the run's data are now, or how many epochs it is to have. ``predict`` are rows, and a
    sample if there is one, of which a submission is written into the run.
    """
    from rnncli.cli.watch import Watch
    from rnncli.runs.recipes import load_recipe

    if resume is not None and "train.from_run" in options:
        raise UsageError("--resume goes on with a run as it was begun, --from begins a new one", "name one of them")
    if resume is not None and (out or dry_run):
        raise UsageError("--resume goes on in the run's own directory", f"rnncli run --resume {resume}")
    loaded = None if recipe is None else load_recipe(recipe, overrides, options, task=task)
    with Watch(terminal) as watch:
        from rnncli.runs import start

        if predict is not None:
            _check_submission(loaded, resume, *predict)

        if resume is not None:
            changes = overrides if loaded is None else ()
            done = start.resume(resume, loaded, changes=changes, observe=watch, task=task)
        else:
            assert loaded is not None
            if dry_run:
                done = start.dry_run(loaded, observe=watch)
            else:
                done = start.start(loaded, out=out, argv=sys.argv, observe=watch)
    if isinstance(done, dict):
        _show_losses(terminal, done)
        return
    told = terminal.out.is_terminal and terminal.err.is_terminal and not terminal.quiet and not terminal.json
    # What was said while it ran stands a screen above; it is not said twice.
    show_report(terminal, replace(done.report, notes=(), dropped={}) if told else done.report)
    terminal.say(f"run  {done.path}", style="bold")
    if (done.path / "report.html").exists():
        terminal.say(f"page {done.path / 'report.html'}")
    if predict is not None:
        _submit(terminal, done.path, *predict)
    terminal.say(f"try  {done.advice}")


def show_report(terminal: Terminal, report: Any) -> None:
    """The report as a table for people or as JSON for programs."""
    from rnncli.report.render import print_report

    if terminal.json:
        terminal.result(report.to_dict())
    else:
        print_report(terminal.out, report)


def _to_predict(test: Path | None, like: Path | None) -> tuple[Path, Path | None] | None:
    """What ``--predict`` and ``--like`` ask for together."""
    if like is not None and test is None:
        raise UsageError("--like says what the predictions of --predict are to be like", "--predict FILE --like SAMPLE")
    return None if test is None else (test, like)


def _check_submission(recipe: Any, resume: Path | None, test: Path, like: Path | None) -> None:
    """Raise before anything is trained what would be wrong with a submission afterwards."""
    from rnncli.runs.apart import require_new
    from rnncli.runs.submit import check

    if resume is not None:
        require_new(resume / SUBMISSION)
    if recipe is not None:
        check(recipe, test, like)


def _submit(terminal: Terminal, run: Path, test: Path, like: Path | None) -> None:
    """Write the submission into a run, and say where."""
    from rnncli.cli.progressline import ProgressLine
    from rnncli.runs.advance import advancing
    from rnncli.runs.sample import Choices
    from rnncli.runs.submit import submit

    with ProgressLine(terminal, "predicting") as progress, advancing(progress):
        done = submit(run, test, run / SUBMISSION, like=like, wanted=Choices())
    for note in done.notes:
        terminal.say(note, style="dim")
    terminal.say(f"rows {done.path}", style="bold")


def _begin_key(run: str | None) -> dict[str, tuple[str, Any]]:
    """The key of the recipe that ``--from`` stands for."""
    if run == "":
        raise UsageError("--from names no run", "name one, or leave --from away")
    return {} if run is None else {"train.from_run": ("--from", run)}


def _show_losses(terminal: Terminal, losses: dict[str, float]) -> None:
    if terminal.json:
        terminal.result(losses)
    else:
        figures = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in losses.items())
        terminal.out.print(f"the recipe can be run: one batch gives {figures}; nothing was written")
