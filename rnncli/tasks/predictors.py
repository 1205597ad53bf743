"""What the predictors of tasks are to the rest of the program: the protocol of all, and what some can do beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

Records = Sequence[Mapping[str, Any]]
"""Rows of a table that is at hand: the value of each column by its name."""


class Coloured(NamedTuple):
    """A piece of a text on a terminal: those of one ``mark`` have one colour, those of mark 0 none."""

    text: str
    mark: int = 0


TableCell = str | Sequence[Coloured]
"""A cell of a table on a terminal."""


class Predictor(Protocol):
    """Turns lines of input into rows of output with a trained model.

    ``form`` is one of ``formats``, or empty: then it is found out, and output has the form of its input.
    """

    example: str
    """A valid input line."""
    formats: tuple[str, ...]
    """What ``--format`` may say."""
    together: int
    """Examples that are best predicted at once."""

    def parse(self, text: str) -> Any:
        """One example from an argument; raises DataError."""
        ...

    def read(self, path: Path, form: str = "") -> Iterator[Any]:
        """The examples of a file, one at a time; raises DataError."""
        ...

    def predict(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        """One JSON-ready row an example, in order."""
        ...

    def text(self, example: Any, row: dict[str, Any], form: str = "") -> str:
        """A row as it is written, line ends included."""
        ...

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], Sequence[Sequence[TableCell]]]:
        """Column titles and cells that show ``rows`` on a terminal; those of a single column are wrapped, not cut."""
        ...


@runtime_checkable
class LinePredictor(Protocol):
    """A predictor of what comes line by line."""

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Any]:
        """The examples of a stream of lines as they come; raises DataError naming ``name`` and the line."""
        ...


@runtime_checkable
class FilePredictor(Protocol):
    """A predictor whose inputs are files; a folder stands for those in it."""

    def expand(self, text: str) -> list[str]:
        """The files that an argument stands for; raises DataError for a folder without any."""
        ...


@runtime_checkable
class ClosingPredictor(Protocol):
    """A predictor that has something to say of what it did."""

    def closing(self) -> str:
        """What is to be said when all is done, such as how fast it was; empty for nothing."""
        ...


@runtime_checkable
class WholeFiles(Protocol):
    """A predictor some of whose forms make a whole file of each input; a form's name is the ending of that file."""

    whole: tuple[str, ...]
    """Of ``formats`` those whose texts cannot follow each other, such as subtitles."""


@runtime_checkable
class OneFile(Protocol):
    """A predictor some of whose forms make one file of all its rows; a form's name is the ending of that file."""

    joint: tuple[str, ...]
    """Of ``formats`` those in which rows follow each other to make a whole file, such as a table."""


@runtime_checkable
class AheadPredictor(Predictor, Protocol):
    """A predictor of what comes behind a table: an example is a step behind the rows of its input.

    Without any input it goes on behind the data that it was trained on.
    """

    def given(self, future: Path | Records | None, levels: Sequence[float]) -> Predictor:
        """The same predictor told what is known of the steps ahead, and which quantiles of them to give.

        ``future`` None is nothing but what the input tells; empty ``levels``, which ascend, are those that it usually
        gives.
        """
        ...

    def behind(self, rows: Records | None = None) -> Iterator[Any]:
        """The examples behind rows at hand, or behind what was trained on; raises DataError."""
        ...


@runtime_checkable
class StreamPredictor(Protocol):
    """A predictor to which a stream is the content of a file."""

    def hear(self, stream: BinaryIO, form: str = "") -> Iterator[str]:
        """What is to be written of a stream as it comes; raises DataError."""
        ...


@runtime_checkable
class WritingPredictor(Protocol):
    """A predictor that writes without making rows first, and so spares what ``form`` does not show of them."""

    def write(self, examples: Sequence[Any], form: str) -> Iterator[str]:
        """What ``text`` would write of each prediction."""
        ...
