"""Tokens and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.errors import RunError

PAD, UNKNOWN = "<pad>", "<unk>"
KIND = "vocabulary"


@dataclass(frozen=True)
class Vocabulary:
    """The numbers of tokens: specials first (padding is 0, the unknown token 1), then ``tokens``.

    A special's number is given out by ``special`` alone: text that happens to read ``<pad>`` is an unknown
    token.
    """

    tokens: tuple[str, ...]
    specials: tuple[str, ...] = (PAD, UNKNOWN)
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.specials[:2] != (PAD, UNKNOWN) or len(set(self.specials)) < len(self.specials):
            raise ValueError(f"specials begin with {PAD}, {UNKNOWN} and are distinct, not {self.specials}")
        numbers = {token: number for number, token in enumerate(self.tokens, start=len(self.specials))}
        if len(numbers) < len(self.tokens) or not numbers.keys().isdisjoint(self.specials):
            raise ValueError("a token occurs twice, or is also a special")
        object.__setattr__(self, "_numbers", numbers)

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (PAD, UNKNOWN),
    ) -> Vocabulary:
        """The tokens seen at least ``min_count`` times, most frequent first, equal ones in code point order.

        ``max_size`` is the largest number of tokens, the specials not counted.
        """
        kept = [token for token, count in counts.items() if count >= min_count and token not in specials]
        kept.sort(key=lambda token: (-counts[token], token))
        return cls(tuple(kept[:max_size]), tuple(specials))

    def grown(self, counts: Mapping[str, int], *, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """These tokens under their numbers, and behind them new ones as :meth:`from_counts` takes them.

        ``max_size`` is the largest number of tokens of both; none is taken away.
        """
        new = {token: count for token, count in counts.items() if token not in self}
        room = None if max_size is None else max(0, max_size - len(self.tokens))
        more = Vocabulary.from_counts(new, min_count=min_count, max_size=room, specials=self.specials)
        return Vocabulary((*self.tokens, *more.tokens), self.specials)

    @property
    def names(self) -> tuple[str, ...]:
        """Specials and tokens in the order of their numbers."""
        return (*self.specials, *self.tokens)

    def __len__(self) -> int:
        return len(self.specials) + len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._numbers

    @property
    def pad(self) -> int:
        """The number of the padding."""
        return 0

    @property
    def unknown(self) -> int:
        """The number of any token that is not here."""
        return 1

    def special(self, name: str) -> int:
        """The number of a special token; ``ValueError`` where there is none of that name."""
        return self.specials.index(name)

    def number(self, token: str) -> int:
        """The number of a token, that of the unknown token where it is not here."""
        return self._numbers.get(token, 1)

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """The numbers of some tokens, int32, shape (T,)."""
        find = self._numbers.get
        return np.array([find(token, 1) for token in tokens], dtype=np.int32)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The tokens and specials of some numbers."""
        special = len(self.specials)
        return [self.specials[n] if n < special else self.tokens[n - special] for n in numbers]

    def coverage(self, counts: Mapping[str, int]) -> float:
        """The share of a text's tokens that are here, from the count of each; 1 for no tokens at all."""
        known = sum(count for token, count in counts.items() if token in self._numbers)
        return known / total if (total := sum(counts.values())) else 1.0

    def save(self, path: Path) -> None:
        """Write as JSON, one token a line; whole or not at all."""
        body = {"size": len(self), "specials": list(self.specials), "tokens": list(self.tokens)}
        write_json(path, KIND, body)

    @classmethod
    def load(cls, path: Path, size: int | None = None) -> Vocabulary:
        """Read what ``save`` wrote; ``size`` is how many numbers the model expects. Raises ``RunError``."""
        body = read_json(path, KIND)
        tokens, specials = body.get("tokens"), body.get("specials")
        if not _are_strings(tokens) or not _are_strings(specials):
            raise RunError(f"{path}: tokens or specials are missing or are no strings")
        try:
            loaded = cls(tuple(tokens), tuple(specials))
        except ValueError as error:
            raise RunError(f"{path}: {error}") from error
        for expected, whose in ((body.get("size"), "as it says itself"), (size, "as the model has")):
            if expected is not None and expected != len(loaded):
                raise RunError(
                    f"{path}: {len(loaded)} entries, not {expected} {whose}", "take it from a copy of the run"
                )
        return loaded


def _are_strings(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
