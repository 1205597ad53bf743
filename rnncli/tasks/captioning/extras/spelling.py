"""The units that captions are written in, their numbers, and the words that captions are scored by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.text.units import Units
from rnncli.heads.sentences import END


class Spelling:
    """Units known from the training part, numbered behind the special ones of the head: three, or the blank of ctc."""

    def __init__(self, units: Units, known: tuple[str, ...], ctc: bool) -> None:
        self.units, self.known, self.ctc = units, known, ctc
        self.first = 1 if ctc else END + 1
        self._number = {unit: k for k, unit in enumerate(known, start=self.first)}
        characters = units.to_dict()["unit"] == "character"
        self.name = "characters" if characters else "words"
        self.spaced = characters and " " in self._number
        self._gap = "" if characters and not self.spaced else " "

    @property
    def size(self) -> int:
        """How many numbers there are, special ones included."""
        return len(self.known) + self.first

    @property
    def pieces(self) -> tuple[str, ...]:
        """What each unit adds to the words that are scored, divided by spaces."""
        return self.known if self.spaced else tuple(unit + " " for unit in self.known)

    def numbers(self, text: str) -> np.ndarray:
        """The numbers of a caption's units, those that training does not have left out; of attention with an end."""
        found = [self._number[unit] for unit in self.units.split(text) if unit in self._number]
        return np.array(found if self.ctc else [*found, END], dtype=np.int64)

    def words(self, text: str) -> list[str]:
        """What a caption is scored by: its units; characters are joined to words where captions have spaces."""
        return self._joined(self.units.split(text))

    def read(self, numbers: Sequence[int]) -> list[str]:
        """The words of what was written, as it is scored."""
        return self._joined([self.known[number - self.first] for number in numbers])

    def caption(self, numbers: Sequence[int]) -> str:
        """What was written, as it is shown."""
        return self._gap.join(self.read(numbers))

    def _joined(self, units: list[str]) -> list[str]:
        return "".join(units).split() if self.spaced else units
