"""Which runs a batch consists of: recipes under every combination of settings, or under a list of them."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnncli.errors import RecipeError, RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.recipe.text import parse
from rnncli.report.side import written
from rnncli.runs.directory import RunDirectory
from rnncli.runs.recipes import asked_recipe, comparable, load_recipe, with_absolute_places

LONGEST = 120
"""Characters of a run's name, beyond which it is cut and told apart by a sum."""
BATCH_KEYS = ("recipes", "grid", "list", "base")
_EXAMPLE = "for example:\n  recipes: [sentiment/default]\n  grid: {model.cell: [lstm, gru], seed: [1, 2, 3]}"


@dataclass(frozen=True)
class Planned:
    """One run of a batch in the folder ``name``; ``source`` and ``settings`` are what ``rnncli run`` takes."""

    name: str
    source: str
    settings: tuple[str, ...]
    recipe: Recipe


@dataclass(frozen=True)
class Batch:
    """Sources of recipes, a grid of values by key, and a list of settings; runs are all their combinations.

    Values are texts as the command line takes them; ``title`` names the folder of the batch unless one is given.
    """

    title: str
    sources: tuple[str, ...]
    grid: tuple[tuple[str, tuple[str, ...]], ...] = ()
    listed: tuple[tuple[tuple[str, str], ...], ...] = ((),)
    base: str = ""
    """The run, or the name of the setting, that the others are held against; empty for the first."""

    def varied(self) -> set[str]:
        """The keys that tell the runs apart."""
        listed = {key for one in self.listed for key, _ in one}
        return {key for key, values in self.grid if len(values) > 1} | (listed if len(self.listed) > 1 else set())

    def combinations(self) -> Iterable[tuple[str, tuple[tuple[str, str], ...]]]:
        """Each source with each of the settings."""
        values = [[(key, value) for value in found] for key, found in self.grid]
        for source, listed, chosen in itertools.product(self.sources, self.listed, itertools.product(*values)):
            yield source, (*listed, *chosen)


def read_batch(named: Sequence[str], sets: Sequence[str]) -> Batch:
    """The batch of a command line: recipes, or one batch file, and ``--set key=v1,v2``. Raises UsageError."""
    grid = [_split_set(text) for text in sets]
    file = _batch_file(named[0]) if len(named) == 1 else None
    if file is None:
        title = f"batch-{_stem(named[0])}" if len(named) == 1 else "batch"
        return Batch(title, tuple(named), tuple(grid))
    again = {key for key, _ in file.grid} & {key for key, _ in grid}
    kept = tuple((key, values) for key, values in file.grid if key not in again)
    return replace(file, grid=(*kept, *grid))


def plan(batch: Batch) -> list[Planned]:
    """Every run of the batch with its recipe, checked; RecipeError with all that is wrong with any of them."""
    found: dict[str, Planned] = {}
    varied = batch.varied()
    problems: dict[str, None] = {}
    hint = ""
    for source, settings in batch.combinations():
        assignments = tuple(f"{key}={value}" for key, value in settings)
        try:
            recipe = load_recipe(source, assignments)
        except RecipeError as error:
            problems |= dict.fromkeys(error.message.splitlines())
            hint = error.hint
            continue
        name = run_name(source, [(key, value) for key, value in settings if key in varied])
        if name in found:
            raise UsageError(f"two runs of the batch would be called {name}", "give every recipe and value once")
        found[name] = Planned(name, source, assignments, recipe)
    if problems:
        raise RecipeError("\n".join(problems), hint)
    return list(found.values())


def recognised(planned: Sequence[Planned], folder: Path) -> list[Planned]:
    """The runs under the names that they have in ``folder`` already: another batch may have named them otherwise."""
    names = {one.name for one in planned}
    known: dict[str, str] = {}
    for file in sorted(folder.glob("[!.]*/recipe.yaml")):  # hidden ones never had a name
        if file.parent.name not in names:
            with suppress(RunError):
                known[_digest(asked_recipe(RunDirectory(file.parent)))] = file.parent.name
    return [replace(one, name=known.get(_digest(with_absolute_places(one.recipe)), one.name)) for one in planned]


def run_name(source: str, settings: Iterable[tuple[str, str]]) -> str:
    """The folder of a run: the same for the same recipe and settings, in whatever order and batch they come."""
    # The seed comes last, so that runs that differ by it alone stand together.
    ordered = sorted(dict(settings).items(), key=lambda setting: (setting[0] == "seed", setting[0]))
    whole = "-".join([_stem(source), *(f"{key}={_unquoted(value)}" for key, value in ordered)])
    name = re.sub(r"[^\w.,=+-]+", "_", whole).lstrip(".-")
    if name == whole and len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def split_values(text: str) -> list[str]:
    """``a,b`` as its values; commas within brackets and quotes do not part them."""
    values, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if character == "," and not depth and not quote:
            values.append("")
        else:
            values[-1] += character
    return [value.strip() for value in values]


def _digest(recipe: Recipe) -> str:
    return json.dumps(comparable(recipe), sort_keys=True)


def _split_set(text: str) -> tuple[str, tuple[str, ...]]:
    key, equals, values = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text}: not a key with values", "for example --set model.cell=lstm,gru")
    return key.strip(), tuple(dict.fromkeys(split_values(values)))


def _batch_file(name: str) -> Batch | None:
    """The batch that a YAML file holds, None where it is a recipe or no file."""
    path = Path(os.path.expanduser(name))
    if path.suffix not in (".yaml", ".yml") or not os.path.isfile(path):
        return None
    try:
        tree = parse(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError):
        return None
    value = tree.value
    if not isinstance(value, dict) or "recipes" not in value:
        return None
    if tree.problems:
        raise RecipeError("\n".join(map(str, tree.problems)), _EXAMPLE)
    unknown = [str(key) for key in value if key not in BATCH_KEYS]
    if unknown:
        raise RecipeError(f"{name}: unknown key {unknown[0]}; a batch has {', '.join(BATCH_KEYS)}", _EXAMPLE)
    sources = value["recipes"] if isinstance(value["recipes"], list) else [value["recipes"]]
    grid, listed = value.get("grid") or {}, value.get("list") or [{}]
    if not sources or not all(isinstance(one, str) for one in sources):
        raise RecipeError(f"{name}: recipes must be a list of recipes", _EXAMPLE)
    if not isinstance(grid, dict) or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise RecipeError(f"{name}: grid must be keys with lists of values, list a list of settings", _EXAMPLE)
    base = value.get("base") or ""
    if not isinstance(base, str):
        raise RecipeError(f"{name}: base must be the name of a setting or run", "base: model.cell=gru")
    return Batch(
        path.stem,
        tuple(sources),
        tuple((str(key), tuple(_texts(values))) for key, values in grid.items()),
        tuple(tuple(_settings(one)) for one in listed),
        base,
    )


def _texts(values: Any) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in (values if isinstance(values, list) else [values])]


def _settings(values: Mapping[Any, Any]) -> list[tuple[str, str]]:
    return [(str(key), json.dumps(value, ensure_ascii=False)) for key, value in values.items()]


def _unquoted(text: str) -> str:
    try:
        return written(json.loads(text))
    except ValueError:
        return text


def _stem(source: str) -> str:
    path = Path(source)
    return path.stem if path.suffix in (".yaml", ".yml") else source.replace("/", "-")
