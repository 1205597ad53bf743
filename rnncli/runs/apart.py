"""Predictions that are files of their own: the subtitles of several recordings, say, cannot follow each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rnncli.errors import UsageError
from rnncli.runs.directory import make_folder, write_text, written_whole
from rnncli.tasks.predictors import FilePredictor, Predictor, WholeFiles


def inputs_apart(predictor: Predictor, inputs: Sequence[str], form: str, folder: Path | None) -> list[str]:
    """The files whose predictions are files of their own, a folder as those in it; empty where they are written on.

    So it is with several of them in such a form, and with one where a ``folder`` is named for it.
    """
    whole = isinstance(predictor, WholeFiles) and form in predictor.whole
    if not whole or not isinstance(predictor, FilePredictor) or list(inputs) == ["-"]:
        return []
    files = [file for one in inputs for file in predictor.expand(one)]
    return files if len(files) > 1 or folder is not None else []


def require_new(path: Path, option: str = "--out") -> None:
    """UsageError for a file that is there already, where ``option`` names it."""
    if path.exists():
        raise UsageError(f"{path} exists already and nothing is overwritten", f"name another with {option}")


def write_pieces(pieces: Iterable[str], out: Path) -> None:
    """Write pieces of a text as they come into the file ``out``, whole or not at all; its folder is made."""
    make_folder(out.parent)
    with written_whole(out) as file:
        for piece in pieces:
            file.write(piece.encode())


def write_apart(predictor: Predictor, files: Sequence[str], form: str, folder: Path | None) -> Iterator[Path]:
    """Write the prediction of each file beside it or into ``folder``, under its name with the form for an ending.

    Gives each path when it is written. Raises UsageError, before anything is done, where one is there already.
    """
    paths = targets(files, form, folder)
    for path in paths:
        require_new(path)
    for file, path in zip(files, paths, strict=True):
        example = predictor.parse(file)
        (row,) = predictor.predict([example])
        make_folder(path.parent)
        write_text(path, predictor.text(example, row, form))
        yield path


def targets(files: Sequence[str], form: str, folder: Path | None) -> list[Path]:
    """Where the predictions go; files that differ in their endings alone keep these, and no two have one path."""
    places = [Path(file) if folder is None else folder / Path(file).name for file in files]
    short = [place.with_suffix(f".{form}") for place in places]
    counts = Counter(short)
    found = [
        one if counts[one] == 1 else place.with_name(f"{place.name}.{form}")
        for one, place in zip(short, places, strict=True)
    ]
    twice = next((path for path, count in Counter(found).items() if count > 1), None)
    if twice is not None:
        raise UsageError(
            f"two inputs would be written to {twice}", "predict the folders one by one, each with its --out"
        )
    return found
