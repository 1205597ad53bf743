"""What the predictors of tasks are to the rest of the program: the protocol of all, and what some can do beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from rnncli.data.tables.sheet import Sheet, Sought
    from rnncli.tasks.write.sampling import Drawing

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


@dataclass(frozen=True)
class Missing:
    """A row of a table of which nothing can be predicted, for this ``reason``; ``example`` is what it holds still."""

    reason: str
    example: Any


@runtime_checkable
class TablePredictor(Predictor, Protocol):
    """A predictor of the rows of a table such as its task trains on."""

    sought: Sought
    """The column that holds what is predicted."""
    other_forms: tuple[str, ...]
    """Forms of output beside those of tables."""
    own_columns: tuple[str, ...]
    """What :meth:`own` tells of an example."""

    def is_table(self, path: Path) -> bool:
        """Whether a file is a table by its name, or by its first line."""
        ...

    def rows(self, sheet: Sheet) -> Iterator[Any]:
        """An example for each row in order, Missing for one that has none; one may stand for several rows in a row."""
        ...

    def blank(self, example: Any) -> dict[str, Any]:
        """The row of an example of which nothing is predicted."""
        ...

    def added(self, sheet: Sheet | None) -> Mapping[str, type]:
        """The columns that predictions add to a table, and the types of their values; ``list`` for JSON."""
        ...

    def cells(self, example: Any, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """What is added to each row of a table that an example stands for, nothing of what is not there."""
        ...

    def own(self, example: Any) -> dict[str, Any]:
        """What stands for an example in a table where it came from none, such as its text."""
        ...


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


@dataclass(frozen=True)
class Prompt:
    """What a model has read and goes on behind: ``text`` as it reads it, ``skipped`` what it never learnt of it.

    ``behind`` is the predictor's own.
    """

    text: str
    skipped: tuple[str, ...]
    behind: Any


@runtime_checkable
class TextWriter(Predictor, Protocol):
    """A predictor that goes on behind a text."""

    usual_length: int
    """Symbols that are written where nobody says how many."""

    def prompt(self, text: str) -> Prompt:
        """A text as it is read, empty for the begin of one; raises DataError where nothing of it was learnt."""
        ...

    def go_on(self, prompt: Prompt, sampling: Drawing, number: int, length: int) -> Iterator[str]:
        """Sample ``number``, of ``length`` symbols, in pieces as they are drawn; some may be empty."""
        ...


@dataclass(frozen=True)
class Composition:
    """What was written as files, by their endings such as ``.mid``; ``row`` is JSON-ready, ``said`` is for a person."""

    files: Mapping[str, bytes]
    row: Mapping[str, Any]
    said: str


@runtime_checkable
class FileWriter(Predictor, Protocol):
    """A predictor that writes files, each sample one of each ending."""

    endings: tuple[str, ...]
    """Those of its files, that which ``--out`` names first."""

    def begin(
        self, primer: Path | None, melody: Path | None, soundfont: Path | None = None
    ) -> tuple[Any, tuple[str, ...]]:
        """What goes on behind ``primer`` or under ``melody``, and what is to be said of them; raises DataError.

        Of sound the files are made with the instruments of ``soundfont``, or with none but what is built in.
        """
        ...

    def compose(self, begun: Any, sampling: Drawing, number: int, *, length: int, bars: int) -> Composition:
        """Sample ``number`` of so many frames or bars; where both are 0, of the usual length or the melody's."""
        ...
