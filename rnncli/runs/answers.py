"""Examples and the answers to them; those of a table beside its rows, each of which gets one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from rnncli.data.tables.sheet import Sheet, SheetRow, SheetRows
from rnncli.errors import DataError
from rnncli.tasks.predictors import (
    ClosingPredictor,
    FilePredictor,
    Missing,
    Predictor,
    TablePredictor,
    WritingPredictor,
)


class Answer(NamedTuple):
    """An example and its row, which is blank where nothing could be predicted."""

    example: Any
    row: dict[str, Any]
    blank: bool = False


@dataclass
class Predicting:
    """Examples that come once, the rows of a ``sheet`` if there is one; and what became of them.

    ``kept`` are rows as they came that have not been answered yet, where answers are to stand beside them; ``lost``
    counts the examples of which nothing could be predicted by reason.
    """

    predictor: Predictor
    chunks: Iterator[list[Any]]
    sheet: Sheet | None = None
    kept: deque[Mapping[str, Any]] = field(default_factory=deque)
    lost: Counter[str] = field(default_factory=Counter)
    done: int = 0
    trouble: DataError | None = None

    def answers(self) -> Iterator[list[Answer]]:
        """Answers in order; DataError at the end where the rows name files and none of them could be read."""
        for chunk in self.chunks:
            yield self._answered(chunk)
        if self.trouble and not self.done:
            raise self.trouble

    def written(self, form: str = "") -> Iterator[list[str]]:
        """Answers as the predictor writes them, in ``form`` or, where that is empty, in that of the input."""
        predictor = self.predictor
        if isinstance(predictor, WritingPredictor) and self.sheet is None:
            for chunk in self.chunks:
                yield list(predictor.write(chunk, form))
            return
        for answers in self.answers():
            yield [predictor.text(one.example, one.row, form) for one in answers]

    def closing(self) -> str:
        """What is to be said when all is done, a sentence a line; empty for nothing."""
        said = [self.predictor.closing()] if isinstance(self.predictor, ClosingPredictor) else []
        if count := self.lost.total():
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in self.lost.most_common())
            first = f"; the first: {self.trouble.message}" if self.trouble else ""
            said.append(f"{count:,} row{'s'[: count != 1]} without a prediction: {reasons}{first}")
        return "\n".join(filter(None, said))

    def keep(self) -> None:
        """Let the rows of the sheet be kept as they are read."""
        assert self.sheet is not None
        self.sheet = replace(self.sheet, rows=SheetRows(map(self._kept, self.sheet.rows)))

    def _kept(self, row: SheetRow) -> SheetRow:
        self.kept.append(row[1])
        return row

    def _answered(self, chunk: list[Any]) -> list[Answer]:
        there = [one for one in chunk if not isinstance(one, Missing)]
        try:
            found = iter(self.predictor.predict(there) if there else [])
            self.done += len(there)
        except DataError as error:
            if self.sheet is None or not isinstance(self.predictor, FilePredictor):
                raise
            if len(chunk) > 1:
                return [answer for one in chunk for answer in self._answered([one])]
            self.trouble = self.trouble or error
            chunk = [Missing(getattr(error, "reason", "unreadable file"), there[0])]
            found = iter(())
        return [self._without(one) if isinstance(one, Missing) else Answer(one, next(found)) for one in chunk]

    def _without(self, missing: Missing) -> Answer:
        assert isinstance(self.predictor, TablePredictor)
        self.lost[missing.reason] += 1
        return Answer(missing.example, self.predictor.blank(missing.example), blank=True)
