"""The recipes that come with the program: the folder is the registry, ``<task>/<name>.yaml``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rnncli.errors import RecipeError, UsageError
from rnncli.recipe.outline import nearest

SUFFIXES = (".yaml", ".yml")
_LIST = "rnncli recipes list"
Others = Mapping[str, Path]
NONE: Others = {}


@dataclass(frozen=True)
class Shipped:
    """A recipe of the library: ``sentiment/default``, its file, its opening comment's first paragraph."""

    name: str
    path: Path
    summary: str


@cache
def folder() -> Path:
    """The folder of shipped recipes: inside an installed package, beside the package in a source checkout."""
    package = Path(__file__).resolve().parent.parent
    inside, beside = package / "recipes", package.parent / "recipes"
    return beside if not inside.is_dir() and (package.parent / "pyproject.toml").is_file() else inside


def find(where: Path | None = None, others: Others = NONE) -> list[Shipped]:
    """All recipes of the library by name; ``where`` is another folder of the same form.

    ``others`` are the folders of recipes of tasks that come from elsewhere, by task.
    """
    top = where or folder()
    files = [(path.relative_to(top), path) for path in top.glob("*/*")]
    files += [(Path(task) / path.name, path) for task, place in others.items() for path in place.iterdir()]
    named = {name.with_suffix("").as_posix(): path for name, path in files if path.suffix in SUFFIXES}
    return [Shipped(name, path, _summary(path)) for name, path in sorted(named.items())]


def resolve(name: str, task: str = "", where: Path | None = None, others: Others = NONE) -> Path:
    """The file of a recipe that a person named.

    A file of exactly that name comes first; then a shipped recipe, with or without its suffix; then, where
    ``task`` is given, a shipped recipe of that task (``imdb`` for ``sentiment/imdb``). Raises RecipeError.
    """
    path = Path(os.path.expanduser(name))
    if _exists(path) and not path.is_dir():
        return path
    shipped = {recipe.name: recipe.path for recipe in find(where, others)}
    bare = name.removesuffix(path.suffix) if path.suffix in SUFFIXES else name
    names = (bare, f"{task}/{bare}") if task else (bare,)
    for known in names:
        if known in shipped:
            return shipped[known]
    if name and _exists(path):
        raise RecipeError(f"{name}: a folder, not a recipe", f"name a file in it, or one that {_LIST} shows")
    close = near(name, task, where, others)
    meant = f' (did you mean "{close}"?)' if close else ""
    raise RecipeError(f"{name}: neither a file nor a shipped recipe{meant}", f"{_LIST} shows the shipped ones")


def near(name: str, task: str = "", where: Path | None = None, others: Others = NONE) -> str:
    """The shipped recipe most like ``name``: by its last part alone, the default one of a task, or by spelling."""
    shipped = [recipe.name for recipe in find(where, others)]
    by_last = [one for one in shipped if one.rpartition("/")[2] == name]
    if by_last or f"{name}/default" in shipped:
        return f"{name}/default" if f"{name}/default" in shipped else by_last[0]
    return next(filter(None, (nearest(known, shipped) for known in (name, *([f"{task}/{name}"] if task else [])))), "")


def copy(name: str, destination: Path | str = ".", where: Path | None = None, others: Others = NONE) -> Path:
    """Copy a recipe to a file, or into a folder under its own file name; returns the new file.

    Raises UsageError rather than write over anything.
    """
    source = resolve(name, where=where, others=others)
    path = Path(destination)
    target = path / source.name if path.is_dir() else path
    content = source.read_bytes()
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(f"{target}: there already, and left as it was", "name another file or folder") from None
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}", "name another file or folder") from None
    return target


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for a file, or with a character that none may hold
        return False


def _summary(path: Path) -> str:
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.removeprefix("#").strip()
        if not line.startswith("#") or not words:
            break
        lines.append(words)
    return " ".join(lines)
