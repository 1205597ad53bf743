"""Recipes as runs see them: the loader and the library of shipped recipes, bound to the tasks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnncli import tasks
from rnncli.errors import DataError, RecipeError, RunError, UsageError
from rnncli.recipe import library
from rnncli.recipe.load import dump, load
from rnncli.recipe.schema import AUTO, DataSection, Recipe, Section
from rnncli.recipe.settings import Setting
from rnncli.recipe.text import parse
from rnncli.runs.directory import RunDirectory, write_text

FREE = ("dropout", ".vectors", ".embedding_scale")
"""How keys end that decide how a model is trained, not what it reads and gives."""
BEGINNING = ("model.start", "model.start_layer")
"""Keys that say which weights a training begins with, and nothing of what it gives."""
PLACES = ("data.root", "data.train", "data.dev", "data.test", "train.from_run")
"""Keys of a recipe that say where something is, not what it is."""


def load_recipe(
    name: str,
    overrides: Sequence[str],
    options: Mapping[str, tuple[str, Any]] | None = None,
    *,
    task: str = "",
) -> Recipe:
    """The recipe called ``name`` (a file or a shipped one) under options and ``key=value`` overrides.

    ``options`` maps dotted keys to the option that gave them and the value. Raises RecipeError, also for a recipe of
    another task than ``task`` where that is named.
    """
    path = library.resolve(name, task=task, others=tasks.recipe_folders())
    settings = [Setting(key, value, source) for key, (source, value) in (options or {}).items()]
    recipe = _load(path, settings, overrides)
    if task and recipe.task != task:
        raise RecipeError(f"{name}: a recipe of task {recipe.task}, not {task}", f"rnncli run {name}")
    if recipe.train.from_run:
        typed = (one.partition("=")[0].strip() for one in overrides)
        stated = {*_own_keys(path), *(one.key for one in settings), *typed}
        shape = _shape_of_run(recipe)
        recipe = _load(path, [*settings, *_not_stated(recipe, shape, stated)], overrides)
        _require_shape(recipe, shape)
    return recipe if recipe.name else recipe.model_copy(update={"name": path.stem})


def recipe_of_task(task: str, *, own_data: bool) -> str:
    """The shipped recipe that stands for a task: for its built-in data, or for a user's own."""
    spec = tasks.spec(task)
    return spec.own_data if own_data else spec.default


def data_keys(data: str, source: str) -> dict[str, tuple[str, Any]]:
    """The options of :func:`load_recipe` for training on ``data``, a file or folder that ``source`` named.

    It is found from where the user is, and nothing of the recipe's own source is left. UsageError for an empty name,
    as a variable of a script that was never set gives: the built-in data would be learnt in its place.
    """
    if not data:
        raise UsageError(f"{source} names no file or folder", f"name one, or leave {source} away")
    keys = {"data.source": "auto", "data.root": ".", "data.train": data, "data.dev": "", "data.test": ""}
    return {key: (source, value) for key, value in keys.items()}


def read_run_recipe(path: Path, settings: Sequence[Setting] = ()) -> Recipe:
    """The resolved recipe that a run keeps, under ``settings``; raises RunError where it was damaged."""
    try:
        return _load(path, settings, [])
    except RecipeError as error:
        raise RunError(error.message, "restore the run's recipe.yaml, or train again") from error


def keep_resolved(run: RunDirectory, asked: Recipe, used: Recipe) -> None:
    """Let the recipe of a run say what was ``used``, and its record what was ``asked`` in the keys that differ."""
    ours, theirs = (flat(one.model_dump(mode="json")) for one in (asked, used))
    changed = {key: value for key, value in ours.items() if theirs.get(key) != value}
    if changed:
        run.write_record(asked=changed | asked_values(run))
        write_text(run.recipe, dump(used))


def asked_recipe(run: RunDirectory, below: str = "") -> Recipe:
    """The recipe of a run as it was asked for: keys that begin with ``below`` are open again where they were resolved.

    Raises RunError where it was damaged.
    """
    asked = {key: value for key, value in asked_values(run).items() if key.startswith(below)}
    return read_run_recipe(run.recipe, [Setting(key, value, "run.json") for key, value in asked.items()])


def asked_values(run: RunDirectory) -> dict[str, Any]:
    """What a run was asked in those keys of its recipe that were resolved; nothing in runs of before they were."""
    asked = run.read_record().get("asked")
    return asked if isinstance(asked, dict) else {}


def run_name(recipe: Recipe) -> str:
    """What the directory of a run is called before its number: the task, and the recipe or the user's own data."""
    stem = Path(recipe.data.train).name.split(".")[0] if recipe.data.train else ""
    own = tasks.spec(recipe.task).own_data.endswith(f"/{recipe.name}")
    return f"{recipe.task}-{stem if own and stem else recipe.name}"


def run_to_use(run: RunDirectory, recipe: Recipe) -> Path:
    """Where the model of a run is: of folds in the first or, where they are parts of one test, in the last."""
    if not recipe.folds:
        return run.path
    return run.folds / str(recipe.folds - 1 if recipe.one_test else 0)


def with_places(recipe: Recipe, assignments: Sequence[str]) -> Recipe:
    """The recipe of a run whose data lie elsewhere now, as ``data.root=DIR`` says; UsageError for what is no place."""
    places: dict[str, str] = {}
    for assignment in assignments:
        key, _, value = (part.strip() for part in assignment.partition("="))
        if key not in PLACES or not value:
            raise UsageError(
                f"{assignment}: of a run that is there only the place of its data can be given again",
                "for example data.root=FOLDER; evaluate and --resume keep to all else that the run was begun with, and "
                "--resume RUN train.epochs=N goes on to more epochs",
            )
        places[key] = os.path.expanduser(value)
    found = recipe.having(places)
    return with_absolute_places(found) if places.keys() & {"data.root", "train.from_run"} else found


@contextmanager
def finding(recipe: Recipe, command: str) -> Iterator[None]:
    """Let a DataError of reading a run's own data say how ``command`` is told where they are now, if they are gone."""
    try:
        yield
    except DataError as error:
        gone = next((name for name in ("train", "dev", "test") if _is_gone(recipe.data, name)), "")
        if not gone:
            raise
        file = getattr(recipe.data, gone)
        place = f"data.{gone}=FILE" if os.path.isabs(file) else f"data.root=FOLDER (with {file} in it)"
        raise DataError(error.message, f"if the data have moved: {command.replace('{}', place)}") from error


def with_absolute_places(recipe: Recipe) -> Recipe:
    """The recipe with files and folders as they are named from anywhere, so that the run's copy can be run again."""
    sections = {name: section for name, section in recipe if isinstance(section, Section)}
    places = {
        f"{name}.{key}": _absolute(value)
        for name, section in sections.items()
        for key, value in section.local_places.items()
    }
    return recipe.having(places)


def differences(one: Recipe, other: Recipe) -> list[str]:
    """The dotted keys in which two recipes differ."""
    ours, theirs = comparable(one), comparable(other)
    return sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))


def comparable(recipe: Recipe) -> dict[str, Any]:
    """Values by dotted keys, as runs of before ``auto`` was there have them.

    ``auto`` in ``train`` is the usual number, elsewhere the schema's default, where that is another.
    """
    usual = flat(tasks.schema(recipe.task)(task=recipe.task).model_dump(mode="json"))
    train = recipe.train.settled(recipe.train.extent)
    values = flat(recipe.model_copy(update={"train": train}).model_dump(mode="json"))
    return {key: usual.get(key, value) if value == AUTO else value for key, value in values.items()}


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values by dotted keys."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{above}{name}"
        found |= flat(value, f"{key}.") if isinstance(value, dict) and value else {key: value}
    return found


def _shape_of_run(recipe: Recipe) -> dict[str, Any]:
    """What ``train.from_run`` says of the keys that decide what a model reads and gives; raises RunError."""
    run = RunDirectory.open(Path(recipe.train.from_run))
    begun = read_run_recipe(run.recipe)
    if begun.task != recipe.task:
        raise RecipeError(
            f"train.from_run: {run.path} is of task {begun.task}, not {recipe.task}",
            f"rnncli {begun.task} --data FILE --from {run.path}",
        )
    values = flat(begun.model_dump(mode="json"))
    return {key: value for key, value in values.items() if _is_below(key, begun.shaped_by) and key not in BEGINNING}


def _not_stated(recipe: Recipe, shape: Mapping[str, Any], stated: Collection[str]) -> list[Setting]:
    """Those of ``shape`` that nobody stated otherwise for this training, as settings."""
    asked, source = flat(recipe.model_dump(mode="json")), str(Path(recipe.train.from_run) / "recipe.yaml")
    kept = {key for key in shape if _is_below(key, stated) and asked.get(key) != AUTO}
    kept |= {key for key in shape if key.endswith((".vectors", ".start"))}
    return [Setting(key, value, source) for key, value in shape.items() if key not in kept]


def _require_shape(recipe: Recipe, shape: Mapping[str, Any]) -> None:
    """RecipeError where a recipe states another model than that which it is to begin with."""
    asked = flat(recipe.model_dump(mode="json"))
    other = [key for key, value in shape.items() if asked.get(key) != value and not key.endswith(FREE)]
    if other:
        said = ", ".join(f"{key} ({asked.get(key)}, {shape[key]} there)" for key in other)
        raise RecipeError(
            f"the recipe's model is not that of {recipe.train.from_run}, with which it is to begin: {said}",
            "leave these keys away, and those of the run are taken",
        )


def _own_keys(path: Path) -> set[str]:
    """The keys that a user's own file of a recipe states; none of a shipped one, which states what is usual."""
    if path in {shipped.path for shipped in library.find(others=tasks.recipe_folders())}:
        return set()
    return set(flat(parse(path.read_text(encoding="utf-8-sig"), str(path)).value))


def _absolute(place: str | tuple[str, ...]) -> str | tuple[str, ...]:
    return str(Path(place).resolve()) if isinstance(place, str) else tuple(str(Path(one).resolve()) for one in place)


def _is_below(key: str, above: Iterable[str]) -> bool:
    """Whether a dotted key is one of some, or in a section that is."""
    return any(key == one or key.startswith(f"{one}.") for one in above)


def _load(path: Path, settings: Sequence[Setting], overrides: Sequence[str]) -> Recipe:
    of_tasks: Any = {"tasks": tasks.names(), "schema_of": tasks.schema, "metrics_of": tasks.metrics}
    return load(path, **of_tasks, options=settings, overrides=overrides)


def _is_gone(data: DataSection, name: str) -> bool:
    """Whether a part names something on disk that is there no more."""
    named = getattr(data, name)
    is_on_disk = data.source not in ("builtin", "datasets") and bool(named)
    return is_on_disk and not os.path.exists(os.path.join(data.root, named))
