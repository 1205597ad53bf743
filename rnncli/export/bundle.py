"""A run's best model as a folder that needs neither torch nor this program: graphs, tables, ``predict.py``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rnncli import tasks
from rnncli.errors import RecipeError, RunError, UsageError
from rnncli.export.closure import closure
from rnncli.recipe.schema import RECURRENT
from rnncli.runs.directory import UNNAMED, write_json, write_text
from rnncli.runs.use import Trained, finished, predictor_of
from rnncli.tasks.exporting import Exported, Exporting
from rnncli.tasks.predictors import LinePredictor
from rnncli.version import __version__

PREDICT = '''"""Predict with this model: python predict.py TEXT|FILE|- ..., with numpy and onnxruntime alone."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER / "lib"))

from rnncli.export.using import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(FOLDER, sys.argv[1:]))
'''
USING = "rnncli.export.using"
TOLERANCE = 1e-5
"""How far a number in a row may be off, in relation to it above 1."""


@dataclass(frozen=True)
class Bundle:
    """What was written: where, of how many bytes, how near it comes, an input to try it with."""

    path: Path
    task: str
    size: int
    parity: dict[str, Any]
    example: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"path": str(self.path), "task": self.task, "bytes": self.size, "parity": self.parity}


def export(run: Path, out: Path, *, stream: bool = False) -> Bundle:
    """Write the best model of a finished run into the new folder ``out``, once it is found to be the same.

    Raises UsageError, RunError, or RecipeError for a key of the recipe that cannot be exported; then nothing is there.
    """
    _require_packages()
    _require_new(out)
    trained = _finished(run)
    task = tasks.load(trained.recipe.task)
    if not isinstance(task, Exporting):
        raise UsageError(
            f"{run}: a run of task {trained.recipe.task}, which cannot be exported yet",
            f"use it as it is: rnncli predict {run}",
        )
    exported = task.export(trained.fitted, trained.model.cpu().float().eval(), stream=stream)
    with _appearing(out) as folder:
        return _filled(folder, out, trained, exported)


def export_file(run: Path, out: Path, write: Callable[[Trained, Path], Path]) -> Path:
    """Let ``write`` put the best model of a finished run into the new folder ``out``: the file that it wrote.

    Raises UsageError, RunError, or RecipeError; then nothing is there.
    """
    _require_new(out)
    trained = _finished(run)
    with _appearing(out) as folder:
        name = write(trained, folder).name
    return out / name


def _require_packages() -> None:
    """UsageError where the extra is missing."""
    if lacking := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise UsageError(f"export needs the package {lacking[0]}", 'pip install "rnncli[export]"')


def _require_new(out: Path) -> None:
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} exists already and nothing is overwritten", "name another --out")


def _finished(run: Path) -> Trained:
    """The best model of a finished run; raises RunError, or RecipeError for a core that cannot be exported."""
    trained = finished(run, "export")
    if (core := getattr(getattr(trained.recipe, "model", None), "core", RECURRENT)) != RECURRENT:
        raise RecipeError(
            f"{run}: model.core is {core}: only recurrent cores can be exported yet", f"rnncli predict {run}"
        )
    return trained


@contextlib.contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder to fill that has the name ``out`` afterwards, or is gone."""
    fresh = out.parent / f"{UNNAMED}{secrets.token_hex(4)}"
    try:
        try:
            fresh.mkdir(parents=True)
            yield fresh
            _require_new(out)
            fresh.rename(out)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error.strerror or error}", "name another --out") from error


def _filled(folder: Path, out: Path, trained: Trained, exported: Exported) -> Bundle:
    """Write all files, hold the graphs to the model, and describe what was written."""
    from rnncli.export.parity import parity
    from rnncli.export.using import MANIFEST, Graphs

    for name, model in exported.graphs.items():
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    exported.save(folder)
    _write_library(folder / "lib", exported.portable)
    write_text(folder / "predict.py", PREDICT)
    found = parity(exported, Graphs(folder)).to_dict()
    write_json(folder / "parity.json", found)
    write_json(folder / MANIFEST, _manifest(folder, trained, exported))
    _require_same_rows(folder, trained, exported)
    for path in folder.rglob("__pycache__"):
        shutil.rmtree(path)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typed = exported.examples[0] if exported.examples and not exported.streams else ""
    return Bundle(out, trained.recipe.task, size, found, typed)


def _write_library(folder: Path, portable: str) -> None:
    """Copies of the modules that predicting needs; the files of packages are empty."""
    packages = {"rnncli", portable.split(".")[0]}
    for name, file in closure([portable, USING], packages).items():
        copy = folder.joinpath(*name.split(".")).with_suffix(".py")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    for copy in [*folder.rglob("*.py")]:
        for parent in copy.relative_to(folder).parents[:-1]:
            (folder / parent / "__init__.py").touch()


def _manifest(folder: Path, trained: Trained, exported: Exported) -> dict[str, Any]:
    files = {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        "task": trained.recipe.task,
        "version": __version__,
        "run": trained.run.path.name,
        "portable": exported.portable,
        "graphs": sorted(exported.graphs),
        "files": {
            name: {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            for name, file in files.items()
        },
    }


def _require_same_rows(folder: Path, trained: Trained, exported: Exported) -> None:
    """RunError where the bundle answers its examples otherwise than the program."""
    from rnncli.export.using import open_bundle

    if not exported.examples:
        return
    model, predictor = open_bundle(folder), predictor_of(trained)
    if exported.streams:
        assert isinstance(predictor, LinePredictor)
        given = [one for text in exported.examples for one in model.listen(text.splitlines(keepends=True))]
        examples = [one for text in exported.examples for one in predictor.listen(text.splitlines(keepends=True), "-")]
    else:
        given, examples = ([one.parse(text) for text in exported.examples] for one in (model, predictor))
    found = json.loads(json.dumps(model.predict(given)))
    rows = zip(examples, predictor.predict(examples), strict=True)
    wanted = [json.loads(predictor.text(example, row, "jsonl")) for example, row in rows]
    if not _is_near(found, wanted):
        raise RunError("the exported model answers otherwise than the run", "nothing was written; please report it")


def _is_near(one: Any, other: Any) -> bool:
    """Whether values of JSON are equal, but for the last places of numbers."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE * max(1, abs(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_near(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_near, one, other))
    return one == other
