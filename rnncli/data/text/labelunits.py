"""What a recognizer writes: characters, words, or learnt pieces of words, numbered from 1; 0 is the blank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from rnncli.data.text.subwords import Subwords, learn

WHOLE = Subwords(())
Kind = Literal["character", "word", "subword"]
NAMES: dict[Kind, str] = {"character": "characters", "word": "words", "subword": "pieces of words"}


@dataclass(frozen=True)
class LabelUnits:
    """The labels, label k being ``labels[k - 1]``; ``subwords`` cuts words where they are pieces of such.

    >>> LabelUnits.learn(["go on", "no"], "character", 0).encode("on")
    array([1, 2])
    """

    kind: Kind
    labels: tuple[str, ...]
    subwords: Subwords = WHOLE

    @classmethod
    def learn(cls, texts: Iterable[str], kind: Kind, size: int) -> Self:
        """Those of the texts, the most frequent first; of pieces of words about ``size``."""
        texts = list(texts)
        subwords = learn(texts, size) if kind == "subword" else WHOLE
        return cls(kind, (), subwords).grown(texts)

    def grown(self, texts: Iterable[str]) -> Self:
        """These labels, and behind them what else texts have when they are cut likewise."""
        counts = Counter(unit for text in texts for unit in self.cut(text))
        new = sorted(counts.keys() - set(self.labels), key=lambda unit: (-counts[unit], unit))
        return replace(self, labels=(*self.labels, *new))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"labels": list(self.labels), "merges": [list(pair) for pair in self.subwords.merges]}

    @classmethod
    def from_dict(cls, kind: Kind, body: Mapping[str, Any]) -> Self:
        """What ``to_dict`` gave; KeyError, TypeError or ValueError for anything else."""
        merges = tuple((str(one), str(other)) for one, other in body["merges"])
        if not body["labels"]:
            raise ValueError("no labels")
        return cls(kind, tuple(map(str, body["labels"])), Subwords(merges))

    def lacks(self, text: str) -> bool:
        """Whether the text has units that are none of the labels."""
        return len(self.encode(text)) < len(self.cut(text))

    def describe(self) -> str:
        """How many of what."""
        return f"{len(self.labels):,} {NAMES[self.kind]}"

    def cut(self, text: str) -> list[str]:
        """The units of a text, unknown ones among them."""
        if self.kind == "subword":
            return self.subwords.cut_text(text)
        return list(text) if self.kind == "character" else text.split()

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's units, unknown ones left out."""
        return np.array([self._number[unit] for unit in self.cut(text) if unit in self._number], dtype=np.int64)

    @cached_property
    def _number(self) -> dict[str, int]:
        return {label: k for k, label in enumerate(self.labels, start=1)}
