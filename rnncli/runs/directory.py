"""The run directory: everything a run leaves behind, written so that a kill at any instant leaves it readable."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from rnncli import tasks
from rnncli.errors import RunError, UsageError
from rnncli.metrics.metric import Metric
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Report
from rnncli.runs import lock

RUNS = Path("runs")
RECORD = "run.json"
UNNAMED = ".new-"
"""What the names of directories begin with that are being made."""


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which is at ``path`` whole or not at all; raises RunError."""
    fresh = path.with_name(path.name + ".new")
    try:
        try:
            with fresh.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(
            f"{path}: cannot write: {error.strerror or error}", "free some space, or name another --out"
        ) from error


def make_folder(path: Path) -> None:
    """Make a folder that is named for results, unless it is there; raises RunError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path}: cannot be made: {error.strerror or error}", "name another --out") from error


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all; raises RunError."""
    with written_whole(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as readable JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line, whole or not at all."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def read_json(path: Path) -> Any:
    """Read JSON that a run wrote; raises RunError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{path}: the file is missing", "name the directory of a run, such as runs/sentiment-default-1"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}", "restore the file, or train again") from error
    except RecursionError:
        raise RunError(f"{path}: cannot be read: nested too deeply", "restore the file, or train again") from None


class RunDirectory:
    """One run on disk. ``path`` exists once it was created or opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.vocabulary = path / "vocab"
        self.best = path / "checkpoints" / "best"
        self.last = path / "checkpoints" / "last"
        self.report = path / "report.json"
        self.folds = path / "folds"
        self._record = path / RECORD
        self._metrics = path / "metrics.jsonl"
        self._log = path / "log.txt"

    @classmethod
    def create(cls, out: Path | None, name: str, recipe: str, record: dict[str, Any]) -> RunDirectory:
        """A new directory at ``out``, or the first free ``runs/<name>-<n>``; never one that is in use.

        It appears complete with ``recipe.yaml`` and ``run.json``: it is filled under a temporary name and renamed.
        """
        # What a link leads to takes the run, and the link stays.
        place = None if out is None else Path(os.path.realpath(out)) if os.path.islink(out) else out
        parent = RUNS if place is None else place.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with lock.naming(parent) as alone:
                if alone:
                    clear_unnamed(parent)
                if place is not None and os.path.exists(place) and not (place.is_dir() and not any(place.iterdir())):
                    raise UsageError(
                        f"{out} exists already and nothing is overwritten",
                        f"name another --out, or resume: --resume {out}",
                    )
                found = _named(parent, place, name, recipe, record)
            return cls(found if out is None else out)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{out or parent}: cannot make the run directory: {getattr(error, 'strerror', None) or error}",
                "name another --out",
            ) from error

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """An existing run; raises RunError where ``path`` is none."""
        if not os.path.isdir(path):
            raise RunError(f"{path}: there is no such run", _other_runs(path))
        run = cls(path)
        if not run.recipe.is_file():
            if found := _latest(path):
                raise RunError(f"{path}: a folder of runs, not a run", f"name one of them: {found}")
            raise RunError(f"{path}: this is not a run directory (it has no recipe.yaml)", _other_runs(path))
        return run

    @property
    def is_done(self) -> bool:
        """Whether its report is the last word: it is not where the run was lengthened since."""
        return self.report.is_file() and not self.read_record().get("lengthened")

    def prediction_file(self, split: str) -> Path:
        """Where the predictions on ``split`` are."""
        return self.path / "predictions" / f"{split}.jsonl"

    def rivals_file(self, split: str) -> Path:
        """Where a fold keeps what rivals predict on ``split``."""
        return self.path / "predictions" / f"{split}-rivals.jsonl"

    def keep_vocabulary(self, save: Callable[[Path], object]) -> None:
        """Let ``save`` write what was learnt from the training part, and give its files the rights of all others.

        Some libraries write files that nobody else may read.
        """
        self.vocabulary.mkdir(exist_ok=True)
        save(self.vocabulary)
        rights = self._record.stat().st_mode
        for file in self.vocabulary.rglob("*"):
            if file.is_file():
                file.chmod(rights)

    def discard_unless_begun(self) -> bool:
        """Remove the directory again if nothing has been learnt in it, nor in a fold of it; whether it was."""
        begun = self.vocabulary.exists() or any(self.folds.glob(f"*/{self.vocabulary.name}"))
        if not begun:
            shutil.rmtree(self.path, ignore_errors=True)
        return not begun

    def read_report(self) -> Report:
        """The report of the finished run; raises RunError."""
        try:
            return Report.from_dict(with_declared(read_json(self.report), self._read_otherwise))
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise RunError(f"{self.report}: {error}", "restore the file, or train again") from error

    def _read_otherwise(self, values: Mapping[str, Any]) -> Mapping[str, Metric]:
        """What the predictions of a run make of its metrics, such as an f1 with the label it is of; nothing without."""
        with contextlib.suppress(OSError, KeyError, ValueError, TypeError, AttributeError):
            lines = self.prediction_file(values["split"]).read_text(encoding="utf-8").splitlines()
            rows, settings = list(map(json.loads, lines)), EvaluationSection(resamples=0)
            return tasks.scoring(values["task"]).details(rows, values.get("about", {}), settings, 1).metrics
        return {}

    def write_record(self, **fields: Any) -> None:
        """Merge ``fields`` into ``run.json``."""
        write_json(self._record, self.read_record() | fields)

    def read_record(self) -> dict[str, Any]:
        """What ``run.json`` says; empty before the first write."""
        record = read_json(self._record) if self._record.exists() else {}
        kinds = {"state": str, "argv": list}
        if not isinstance(record, dict) or not all(isinstance(record.get(key, of()), of) for key, of in kinds.items()):
            raise RunError(f"{self._record}: holds no record of a run", "restore the file, or train again")
        return record

    def append_metrics(self, row: dict[str, Any]) -> None:
        """One more line of ``metrics.jsonl``."""
        self._append(self._metrics, json.dumps(row, allow_nan=False))

    def cut_metrics(self, before_epoch: int, keys: Sequence[str]) -> list[dict[str, Any]]:
        """Keep the lines of epochs before ``before_epoch`` (a resumed run writes later ones anew); returns them.

        Lines without one of ``keys`` go as well: a kill may have cut them short.
        """
        rows = [row for row in self.read_metrics() if row.keys() >= set(keys) and row["epoch"] < before_epoch]
        write_lines(self._metrics, rows)
        return rows

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl`` that can be read."""
        if not self._metrics.exists():
            return []
        rows = []
        for line in self._metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                row = json.loads(line)
                if _is_epoch(row):
                    rows.append(row)
        return rows

    def log(self, text: str) -> None:
        """Add ``text`` to ``log.txt`` with the time; a log that cannot be written stops nothing."""
        with contextlib.suppress(RunError):
            self._append(self._log, f"{now()} {text}")

    def _append(self, path: Path, line: str) -> None:
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise RunError(
                f"{path}: cannot write: {error.strerror or error}", "free some space and resume the run"
            ) from error


def with_declared(values: Any, otherwise: Callable[[Mapping[str, Any]], Mapping[str, Metric]]) -> Any:
    """A report of version 0.1 with what it left to lists: unit and direction of each metric, what scoring must know.

    ``otherwise`` gives metrics of such a report that are to be read otherwise than as the task declares them.
    """
    if not isinstance(values, dict) or values.get("task") not in tasks.names():
        return values
    if values.get("positive") is not None:
        values.setdefault("about", {"positive": values["positive"]})
    if all(isinstance(metric, dict) and "unit" in metric for metric in values.get("metrics", {}).values()):
        return values
    declared = tasks.metrics(values["task"]) | dict(otherwise(values))
    grouped = (group["metrics"] for one in values.get("groups", ()) for group in one["groups"])
    for metrics in (values.get("metrics", {}), *grouped):
        for name, metric in metrics.items():
            if isinstance(metric, dict) and "unit" not in metric and name in declared:
                known = declared[name]
                metric |= {"unit": known.unit, "better": known.better, "show": known.show, "title": known.title}
    return values


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clear_unnamed(folder: Path) -> None:
    """Remove what killed runs left in ``folder`` before they had a name; nobody else may be naming one there now."""
    for torn in folder.glob(f"{UNNAMED}*"):
        shutil.rmtree(torn, ignore_errors=True)


def _named(parent: Path, out: Path | None, name: str, recipe: str, record: Mapping[str, Any]) -> Path:
    """A directory with what a run has from its beginning, under its name."""
    fresh = RunDirectory(parent / f"{UNNAMED}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        fresh.path.mkdir()
        write_text(fresh.recipe, recipe)
        write_json(fresh.path / RECORD, record)
        return fresh.path.replace(out) if out is not None else _first_free(fresh.path, name)
    except BaseException:
        shutil.rmtree(fresh.path, ignore_errors=True)
        raise


def _is_epoch(row: Any) -> bool:
    """Whether a line of ``metrics.jsonl`` has figures where they belong; of those that it lacks there is no saying."""
    if not isinstance(row, dict) or not isinstance(row.get("metrics", {}), dict):
        return False
    figures = [row.get("epoch"), row.get("loss"), row.get("watched"), *row.get("metrics", {}).values()]
    return all(figure is None or isinstance(figure, int | float) for figure in figures)


def _first_free(fresh: Path, name: str) -> Path:
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    for number in itertools.count(1):
        path = RUNS / f"{stem}-{number}"
        if not path.exists():
            try:
                return fresh.rename(path)
            except OSError as error:  # where there are no locks, another may have taken the name since
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR):
                    raise
    raise AssertionError("counting ended")


def _other_runs(path: Path) -> str:
    found = _latest(path.parent if os.path.isdir(path.parent) else RUNS)
    return f"runs here: {found}" if found else "train first: rnncli sentiment"


def _latest(folder: Path) -> str:
    """The latest runs of a folder, empty where it has none."""
    found = sorted(folder.glob("[!.]*/recipe.yaml"), key=lambda file: file.stat().st_mtime)[-3:]
    return ", ".join(str(file.parent) for file in found)
