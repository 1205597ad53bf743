"""Write with a finished run: on behind prompts, or files behind a primer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from rnncli.errors import DataError, UsageError
from rnncli.runs import streams
from rnncli.runs.apart import require_new
from rnncli.runs.directory import make_folder, written_whole
from rnncli.runs.use import Trained, load, predictor_of, require_run
from rnncli.tasks.predictors import Composition, FileWriter, Predictor, Prompt, TextWriter
from rnncli.tasks.write.sampling import Drawing


@dataclass(frozen=True)
class Asked:
    """What a person asks to be written; ``length`` and ``bars`` 0 are the usual ones. Raises UsageError.

    ``prompt`` is a text, ``-`` for a stream of them, one a line, or None for the begin of a text; ``stop`` is what a
    text ends before; ``primer`` is a file to go on behind, ``melody`` one to find the other voices of, ``soundfont``
    one of instruments to play with.
    """

    prompt: str | None = None
    primer: Path | None = None
    melody: Path | None = None
    soundfont: Path | None = None
    length: int | None = None
    bars: int | None = None
    samples: int = 1
    stop: str = ""
    out: Path | None = None
    sampling: Drawing = field(default_factory=Drawing)

    def __post_init__(self) -> None:
        for flag, count in (("--length", self.length), ("--bars", self.bars), ("--samples", self.samples)):
            if count is not None and count < 1:
                raise UsageError(f"{flag} {count}: a count of at least 1 is wanted", f"leave {flag} away")

    def require_text(self) -> None:
        """UsageError for what texts have no use for."""
        self.refuse("texts", primer=self.primer, harmonise=self.melody, soundfont=self.soundfont, bars=self.bars)

    def require_music(self) -> None:
        """UsageError for what pieces of music have no use for, or cannot both have."""
        self.refuse("pieces of music", prompt=self.prompt, stop=self.stop, unknown=self.sampling.unknown)
        if self.length is not None and self.bars is not None:
            raise UsageError("--length and --bars both say how long a piece is", "leave one of them away")

    def refuse(self, kind: str, **given: Any) -> None:
        """UsageError for options that are ``given`` though runs that write this ``kind`` have no use for them."""
        if flags := [f"--{name}" for name, value in given.items() if value not in (None, "", False)]:
            raise UsageError(f"{flags[0]} is not for runs that write {kind}", f"leave {flags[0]} away")


@dataclass(frozen=True)
class TextSample:
    """A sample of a text, in ``pieces`` as they are drawn; ``number`` counts those of a prompt from 1."""

    prompt: Prompt
    number: int
    pieces: Iterator[str]


@dataclass(frozen=True)
class FileSample:
    """A sample of which each ending has a file, not yet written."""

    paths: tuple[Path, ...]
    number: int
    made: Composition

    def save(self) -> None:
        """Write the files; raises RunError."""
        make_folder(self.paths[0].parent)
        for path, content in zip(self.paths, self.made.files.values(), strict=True):
            with written_whole(path) as file:
                file.write(content)

    def row(self, seed: int) -> str:
        """A JSON object on a line."""
        return _line({"files": [*map(str, self.paths)], "seed": seed, "sample": self.number, **self.made.row})


def open_writer(path: Path) -> TextWriter | FileWriter:
    """What writes with the best model of the run at ``path``; UsageError for a run that does not write."""
    require_run(path, "write")
    return writer_of(load(path))


def writer_of(trained: Trained) -> TextWriter | FileWriter:
    """What writes with a model that is loaded; UsageError for one that does not write."""
    predictor: Predictor = predictor_of(trained)
    if not isinstance(predictor, TextWriter | FileWriter):
        path = trained.run.path
        raise UsageError(f"{path}: a run of task {trained.recipe.task}, which does not write", f"rnncli predict {path}")
    return predictor


def prompts(writer: TextWriter, asked: Asked, stdin: BinaryIO | None) -> Iterator[Prompt]:
    """The prompts as they come; raises DataError, of a stream with the line, and UsageError."""
    asked.require_text()
    if asked.prompt != streams.STDIN[0]:
        yield writer.prompt(asked.prompt or "")
        return
    number = 0
    for number, line in enumerate(streams.lines_of(asked.prompt, stdin), start=1):
        try:
            yield writer.prompt(line.rstrip("\r\n"))
        except DataError as error:
            raise DataError(f"stdin:{number}: {error.message}", error.hint) from error
    if not number:
        raise DataError("stdin: no prompt came, where one a line is wanted", "leave --prompt away to begin anew")


def text_samples(writer: TextWriter, prompt: Prompt, asked: Asked) -> Iterator[TextSample]:
    """The samples behind a prompt."""
    for number in range(1, asked.samples + 1):
        pieces = writer.go_on(prompt, asked.sampling, number, asked.length or writer.usual_length)
        yield TextSample(prompt, number, until(pieces, asked.stop) if asked.stop else pieces)


def text_row(sample: TextSample, seed: int) -> str:
    """A sample as a JSON object on a line."""
    found: dict[str, Any] = {"prompt": sample.prompt.text, "text": "".join(sample.pieces)}
    skipped = {"skipped": list(sample.prompt.skipped)} if sample.prompt.skipped else {}
    return _line(found | {"seed": seed, "sample": sample.number} | skipped)


def until(pieces: Iterable[str], stop: str) -> Iterator[str]:
    """The text of ``pieces`` up to where ``stop`` begins; what may be its begin is held back until that is known.

    >>> list(until(["a b", "c", "da"], "cd"))
    ['a b']
    """
    held = ""
    for piece in pieces:
        held += piece
        if (at := held.find(stop)) >= 0:
            if at:
                yield held[:at]
            return
        longest = range(max(0, len(held) - len(stop) + 1), len(held) + 1)
        sure = next(at for at in longest if stop.startswith(held[at:]))
        if sure:
            yield held[:sure]
            held = held[sure:]
    if held:
        yield held


def file_samples(writer: FileWriter, asked: Asked, name: str) -> tuple[Iterator[FileSample], tuple[str, ...]]:
    """The samples, and what is to be said of what they begin with; ``name`` is that of their files if none is given.

    Raises UsageError, before anything is done, for files that are there already.
    """
    places = _places(writer.endings, asked, name)
    made, notes = compositions(writer, asked)
    numbered = enumerate(zip(places, made, strict=True), start=1)
    return (FileSample(paths, number, one) for number, (paths, one) in numbered), notes


def compositions(writer: FileWriter, asked: Asked) -> tuple[Iterator[Composition], tuple[str, ...]]:
    """The samples as they are composed, and what is to be said of what they begin with.

    Raises DataError, and UsageError for what music has no use for.
    """
    asked.require_music()
    begun, notes = writer.begin(asked.primer, asked.melody, asked.soundfont)
    length = {"length": asked.length or 0, "bars": asked.bars or 0}
    numbers = range(1, asked.samples + 1)
    return (writer.compose(begun, asked.sampling, number, **length) for number in numbers), notes


def _places(endings: tuple[str, ...], asked: Asked, name: str) -> list[tuple[Path, ...]]:
    """The files of each sample: numbered where there are several, or where no name is given."""
    if asked.out is not None and asked.out.suffix != endings[0]:
        hint = f"--out {asked.out.with_suffix(endings[0])}"
        raise UsageError(f"--out {asked.out}: a file that ends in {endings[0]} is wanted", hint)
    stem = Path(name) if asked.out is None else asked.out.with_suffix("")
    if asked.out is not None and asked.samples == 1:
        stems = [stem]
    else:
        numbered = (stem.with_name(f"{stem.name}-{number}") for number in itertools.count(1))
        free = numbered if asked.out is not None else (one for one in numbered if not _are_there(one, endings))
        stems = list(itertools.islice(free, asked.samples))
    places = [tuple(one.with_name(one.name + ending) for ending in endings) for one in stems]
    for path in itertools.chain.from_iterable(places):
        require_new(path)
    return places


def _are_there(stem: Path, endings: tuple[str, ...]) -> bool:
    return any(stem.with_name(stem.name + ending).exists() for ending in endings)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
