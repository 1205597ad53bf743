"""What a recogniser writes: characters, words, or learnt pieces of words, numbered from 1; 0 is the blank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from rnncli.data.text.subwords import Subwords, learn

WHOLE = Subwords(())
Kind = Literal["character", "word", "subword"]
NAMES: dict[Kind, str] = {"character": "characters", "word": "words", "subword": "pieces of words"}


@dataclass(frozen=True)
class Units:
    """The labels, label k being ``labels[k - 1]``; ``subwords`` cuts words where they are pieces of such."""

    kind: Kind
    labels: tuple[str, ...]
    subwords: Subwords = WHOLE

    @classmethod
    def learn(cls, texts: Iterable[str], kind: Kind, size: int) -> Units:
        """Those of the texts, the most frequent first; of pieces of words about ``size``."""
        texts = list(texts)
        subwords = learn(texts, size) if kind == "subword" else WHOLE
        bare = cls(kind, (), subwords)
        counts = Counter(unit for text in texts for unit in bare.cut(text))
        return cls(kind, tuple(sorted(counts, key=lambda unit: (-counts[unit], unit))), subwords)

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
