"""An exported model at work, with numpy and ONNX Runtime alone: what ``predict.py`` of a bundle calls."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import onnxruntime

from rnncli.errors import UserError
from rnncli.tasks.portable import Arrays, Portable, PortableAhead, PortableWriter, checked_levels, levels_in

MANIFEST, WRITE = "manifest.json", "--write"
USAGE = """usage: python predict.py TEXT|FILE|- ...

Answers each input with a JSON object on a line: arguments, the lines of one file, or with - those of stdin.
A model of texts also writes on: python predict.py --write TEXT, and --write --help says how.
A model of series goes on behind a table, csv or JSON lines: python predict.py history.csv [--future FILE]
[--quantiles 0.1,0.5,0.9], FILE holds what is known ahead."""


class Graphs:
    """The graphs of a bundle, each loaded when it is first run; see :data:`rnncli.tasks.portable.Run`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}

    def __call__(self, name: str, given: Mapping[str, np.ndarray]) -> Arrays:
        """The outputs of a graph by their names."""
        if name not in self._sessions:
            self._sessions[name] = _session(self.folder / f"{name}.onnx")
        session = self._sessions[name]
        found = session.run(None, dict(given))
        return {output.name: np.asarray(one) for output, one in zip(session.get_outputs(), found, strict=True)}


def open_bundle(folder: Path) -> Portable:
    """The model of a bundle."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return importlib.import_module(manifest["portable"]).open_model(folder, Graphs(folder))


def predicted(model: Portable, examples: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """A row for each example, as many at once as the model takes together."""
    remaining = iter(examples)
    while some := list(islice(remaining, model.together)):
        yield from model.predict(some)


def main(folder: Path, arguments: Sequence[str], stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout) -> int:
    """Carry out the command line of a bundle; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=stdout)
        return 0 if arguments else 2
    for stream in (stdin, stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        model, arguments = _told(open_bundle(folder), arguments)
        for piece in _pieces(model, arguments, stdin):
            stdout.write(piece)
            stdout.flush()
        if isinstance(model, PortableAhead) and (said := model.closing()):
            print(said, file=sys.stderr)
    except UserError as error:
        print(f"error: {error.message}" + (f"\n{error.hint}" if error.hint else ""), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _told(model: Portable, arguments: Sequence[str]) -> tuple[Portable, Sequence[str]]:
    """The model told what options say, which one that goes on behind tables has, and the other arguments."""
    if not isinstance(model, PortableAhead):
        return model, arguments
    parser = argparse.ArgumentParser(prog="python predict.py", usage=USAGE.removeprefix("usage: "), add_help=False)
    parser.add_argument("--future", type=Path)
    parser.add_argument("--quantiles", type=levels_in, default=[])
    options, others = parser.parse_known_args(arguments)
    return model.given(options.future, checked_levels(options.quantiles)), others


def _pieces(model: Portable, arguments: Sequence[str], stdin: TextIO) -> Iterator[str]:
    """What is to be written on stdout."""
    if arguments[0] == WRITE and isinstance(model, PortableWriter):
        return model.write(arguments[1:])
    return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in _answers(model, arguments, stdin))


def _answers(model: Portable, arguments: Sequence[str], stdin: TextIO) -> Iterator[dict[str, Any]]:
    if list(arguments) == ["-"]:
        for example in model.listen(stdin):
            yield from model.predict([example])
    elif len(arguments) == 1 and os.path.isfile(arguments[0]):
        yield from predicted(model, model.read(Path(arguments[0])))
    else:
        yield from predicted(model, list(map(model.parse, arguments)))


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of what it cannot fold, which is none of the user's business
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
