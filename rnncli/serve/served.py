"""A run that is served: its predictor, and what of a client's input it takes."""

from __future__ import annotations

import io
import json
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from rnncli.errors import DataError, UsageError, UserError
from rnncli.runs.directory import RunDirectory
from rnncli.runs.page import model_card
from rnncli.runs.predicting import closing, looking_ahead
from rnncli.runs.streams import lines as lines_of
from rnncli.runs.use import Trained, load, predictor_of, require_run
from rnncli.tasks.predictors import AheadPredictor, FilePredictor, Predictor

MAX_CHARACTERS = 100_000
"""Of a single input; a longer one would keep all others waiting."""
PADDED_CHARACTERS = 2_000_000
"""Of the inputs that are predicted at once, each as long as the longest: what bounds memory."""
MANY = 40
"""Inputs at once, for which other kernels may be used than for a single one."""
FORM = "jsonl"
UPLOAD = "upload"
"""What a row calls a file that was sent."""
SUFFIX = re.compile(r"\.?[A-Za-z0-9]{1,5}")


class Sized(NamedTuple):
    """An example, and how many characters of input it is."""

    example: Any
    size: int


@dataclass(frozen=True)
class Answered:
    """The rows of an answer, JSON objects on a line each, and what is to be said of the input."""

    lines: Sequence[str]
    notes: str = ""


class Served:
    """A finished run under its ``name``; ``kind`` is what it takes: ``texts``, ``rows`` of a history, a ``file``."""

    def __init__(self, name: str, path: Path, task: str, predictor: Predictor) -> None:
        self.name, self.path, self.task, self.predictor = name, path, task, predictor
        self.together = predictor.together
        ahead, of_files = isinstance(self.predictor, AheadPredictor), isinstance(self.predictor, FilePredictor)
        self.kind = "rows" if ahead else "file" if of_files else "texts"
        self.answers = 0

    @cached_property
    def card(self) -> str:
        """The model card in Markdown; raises RunError where the run has no report."""
        return model_card(self.path)

    @cached_property
    def example(self) -> Any:
        """Something to send, as JSON has it: a text, or rows; of files the name of one."""
        if self.kind != "rows":
            return self.predictor.example
        head, *rows = (line.split(",") for line in self.predictor.example.splitlines())
        return [dict(zip(head, map(_number, row), strict=True)) for row in rows]

    def warm_up(self) -> None:
        """Predict once alone and once together: kernels are compiled then, which takes seconds."""
        if self.kind == "texts":
            for count in (1, min(self.together, MANY)):
                self.predictor.predict([self.predictor.parse(self.predictor.example)] * count)

    def lines(self, examples: Sequence[Sized]) -> list[str]:
        """A JSON object for each example, in order; those of like length are predicted together."""
        found = [""] * len(examples)
        for places in chunks([one.size for one in examples], self.together):
            chunk = [examples[at].example for at in places]
            rows = zip(places, chunk, self.predictor.predict(chunk), strict=True)
            for at, example, row in rows:
                found[at] = self.predictor.text(example, row, FORM).rstrip("\n")
        self.answers += len(examples)
        return found

    def texts(self, inputs: Sequence[str], place: str) -> list[Sized]:
        """Examples of texts, each plain or a JSON object as on the command line.

        Raises DataError naming the ``place``, in which ``{}`` is the number from 1.
        """
        found = []
        for number, text in enumerate(inputs, start=1):
            try:
                found.append(Sized(self.predictor.parse(text), len(text)))
            except UserError as error:
                raise DataError(
                    f"{place.format(number)}: {error.message.removeprefix('input: ')}", error.hint
                ) from error
        return found

    def behind(self, rows: Sequence[Mapping[str, Any]], future: Any, quantiles: Sequence[float]) -> Answered:
        """The forecasts behind a history of rows; raises DataError and UsageError."""
        predictor = looking_ahead(self.predictor, future, quantiles)
        assert isinstance(predictor, AheadPredictor)
        return self._answered(predictor, list(predictor.behind(rows)))

    def behind_table(self, content: bytes) -> Answered:
        """The forecasts behind a history in csv or JSON lines."""
        assert isinstance(self.predictor, AheadPredictor)
        listen: Any = self.predictor
        return self._answered(self.predictor, list(listen.listen(lines_of(io.BytesIO(content), "body"), "body")))

    def file(self, content: bytes, suffix: str) -> Answered:
        """The row of a file's content, which is kept under a name of our own while it is looked at."""
        with tempfile.TemporaryDirectory(prefix="rnncli-") as folder:
            path = Path(folder) / f"{UPLOAD}{suffix}"
            path.write_bytes(content)
            try:
                found = self._answered(self.predictor, [self.predictor.parse(str(path))])
            except UserError as error:
                raise DataError(error.message.replace(str(path), UPLOAD), error.hint) from error
        place = json.dumps(str(path), ensure_ascii=False)[1:-1]
        return Answered([line.replace(place, UPLOAD) for line in found.lines], found.notes)

    def _answered(self, predictor: Any, examples: Sequence[Any]) -> Answered:
        lines = []
        for start in range(0, len(examples), self.together):
            chunk = examples[start : start + self.together]
            rows = zip(chunk, predictor.predict(chunk), strict=True)
            lines += [predictor.text(example, row, FORM).rstrip("\n") for example, row in rows]
        self.answers += 1
        return Answered(lines, closing(predictor))


def named(paths: Sequence[Path]) -> dict[str, Path]:
    """Runs by the names of their folders; raises RunError, and UsageError for two of one name."""
    found: dict[str, Path] = {}
    for path in paths:
        require_run(path, "serve")
        name = RunDirectory.open(path).path.resolve().name
        if found.setdefault(name, path) is not path:
            hint = "serve one of them, or rename its folder, which is the name that it is served under"
            raise UsageError(f"{path}: two of the runs are called {name}", hint)
    return found


def open_runs(runs: Mapping[str, Path]) -> list[Served]:
    """The models of runs under their names; raises RunError."""
    return [_served(name, load(path)) for name, path in runs.items()]


def _served(name: str, trained: Trained) -> Served:
    return Served(name, trained.run.path, trained.recipe.task, predictor_of(trained))


def chunks(sizes: Sequence[int], together: int) -> Iterator[list[int]]:
    """The places of examples that are predicted at once: of like size, no more than ``together``, padding bounded.

    >>> list(chunks([5, 900_000, 7, 600_000], 3))
    [[1, 3], [2, 0]]
    """
    chunk: list[int] = []
    for place in sorted(range(len(sizes)), key=lambda at: -sizes[at]):
        longest = sizes[chunk[0]] if chunk else 0
        if chunk and (len(chunk) == together or (len(chunk) + 1) * longest > PADDED_CHARACTERS):
            yield chunk
            chunk = []
        chunk.append(place)
    if chunk:
        yield chunk


def suffix_of(named: str) -> str:
    """The ending that a client says its file has, such as mp4; DataError for what is none."""
    if not SUFFIX.fullmatch(named):
        raise DataError(f"type={shlex.quote(named[:20])}: the ending of a file is wanted", "such as ?type=wav")
    return "." + named.lower().removeprefix(".")


def _number(text: str) -> Any:
    try:
        return float(text) if text else None
    except ValueError:
        return text
