"""Text to the units that a model reads: words, characters or learnt pieces of words."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text.vocabulary import UNKNOWN
from rnncli.errors import RunError, UsageError

Kind = Literal["auto", "whitespace", "word", "character", "subword"]
KIND = "text units"
SAMPLE = 2000  # texts that are looked at to choose
# Blocks of scripts that are written without spaces between words.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)


class Units(Protocol):
    """A way to cut text up; ``from_dict`` makes it again from what ``to_dict`` gives."""

    def split(self, text: str) -> list[str]:
        """The units of a text, in order."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        ...


@dataclass(frozen=True)
class SplitUnits:
    """Units by a fixed rule: ``whitespace``, ``word`` or ``character``; text is brought to NFC first."""

    kind: Literal["whitespace", "word", "character"]
    lower: bool = False

    def split(self, text: str) -> list[str]:
        """Words between spaces; words, numbers and marks; or characters, a run of spaces as one unit."""
        text = normalise(text, self.lower)
        if self.kind == "whitespace":
            return text.split()
        if self.kind == "word":
            return [unit for chunk in text.split() for unit in _words(chunk)]
        return list(" ".join(text.split()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"unit": self.kind, "lower": self.lower}


@dataclass(frozen=True)
class SubwordUnits:
    """Pieces of words learnt by byte pair encoding; ``model`` is the tokenizer as JSON."""

    model: str
    lower: bool = False

    def split(self, text: str) -> list[str]:
        """The pieces of a text; a word's first piece begins with a low bar."""
        return _tokenizer(self.model).encode(normalise(text, self.lower), add_special_tokens=False).tokens

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"unit": "subword", "lower": self.lower, "model": json.loads(self.model)}


@dataclass(frozen=True)
class SortedUnits:
    """The units of a text in the order of their code points: what a bag of words knows, and nothing of their order.

    >>> SortedUnits(SplitUnits("whitespace")).split("not half bad")
    ['bad', 'half', 'not']
    """

    units: SplitUnits | SubwordUnits

    def split(self, text: str) -> list[str]:
        """The units, sorted."""
        return sorted(self.units.split(text))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.units.to_dict(), "order": "sorted"}


@dataclass
class Cut:
    """Shortens sequences to ``max_length`` units, at the end, and counts those it had to; 0 is no limit."""

    max_length: int
    count: int = 0

    def __call__(self, units: Sequence[Any]) -> Sequence[Any]:
        """The sequence, or its beginning."""
        if not self.max_length or len(units) <= self.max_length:
            return units
        self.count += 1
        return units[: self.max_length]


def make(
    kind: Kind, texts: Iterable[str], *, lower: bool = False, subwords: int = 8000
) -> tuple[SplitUnits | SubwordUnits, str]:
    """The units for some training texts, and the reason for the choice where it was ``auto`` (else nothing).

    ``subwords`` is how many pieces to learn. Raises ``UsageError`` where subwords are wanted and
    ``tokenizers`` is not installed.
    """
    if kind == "subword":
        return SubwordUnits(_learn(texts, lower, subwords), lower), ""
    if kind == "auto":
        chosen, reason = choose(texts)
        return SplitUnits(chosen, lower), reason
    return SplitUnits(kind, lower), ""


def choose(texts: Iterable[str]) -> tuple[Literal["whitespace", "word", "character"], str]:
    """The kind of unit that suits the first texts, and why.

    Characters where most letters are of scripts without spaces between words; whitespace where punctuation
    already stands apart from words; else words.
    """
    letters = unspaced = attached = apart = 0
    run = re.compile(f"[{UNSPACED}]")
    mark = re.compile(r"(\S?)[.,!?;:](?=\s|$)")
    for text in islice(texts, SAMPLE):
        letters += sum(map(str.isalpha, text))
        unspaced += len(run.findall(text))
        before = Counter(bool(found) for found in mark.findall(text))
        attached, apart = attached + before[True], apart + before[False]
    if unspaced > 0.5 * letters:
        return "character", "characters: most letters are of a script without spaces between words"
    if apart > 4 * attached:
        return "whitespace", "words between spaces: punctuation already stands apart"
    return "word", "words, numbers and punctuation marks: punctuation is attached to words"


def from_dict(body: dict[str, Any]) -> Units:
    """The units that ``to_dict`` described; ``ValueError`` for anything else."""
    if body.get("order") == "sorted":
        return SortedUnits(_in_order(body))
    return _in_order(body)


def _in_order(body: dict[str, Any]) -> SplitUnits | SubwordUnits:
    kind, lower = body.get("unit"), body.get("lower", False)
    if kind in ("whitespace", "word", "character") and isinstance(lower, bool):
        return SplitUnits(kind, lower)
    if kind == "subword" and isinstance(lower, bool) and isinstance(body.get("model"), dict):
        return SubwordUnits(json.dumps(body["model"], ensure_ascii=False, sort_keys=True), lower)
    raise ValueError(f"no units of the kind {kind!r}")


def save(units: Units, path: Path) -> None:
    """Write units as JSON; whole or not at all."""
    write_json(path, KIND, units.to_dict())


def load(path: Path) -> Units:
    """Read what ``save`` wrote; raises ``RunError``."""
    try:
        return from_dict(read_json(path, KIND))
    except ValueError as error:
        raise RunError(f"{path}: {error}", "take it from a copy of the run") from error


def normalise(text: str, lower: bool = False) -> str:
    """NFC, so that an accent is the same however it was typed, and lower case if asked."""
    return unicodedata.normalize("NFC", text.lower() if lower else text)


def _words(chunk: str) -> tuple[str, ...]:
    # Most chunks come again and again; long ones, of scripts without spaces, hardly ever.
    return _find_words(chunk) if len(chunk) <= 32 else _find_words.__wrapped__(chunk)


@functools.lru_cache(maxsize=1 << 16)
def _find_words(chunk: str) -> tuple[str, ...]:
    return tuple(found.group() for found in _word_pattern().finditer(chunk))


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    """Contractions come apart (``did n't``, ``it 's``) as in treebanks: negation is a unit of its own."""
    letter = f"(?:[^\\W\\d_{UNSPACED}]|[{marks()}])"
    tail = f"['’](?:s|re|ve|ll|d|m|S|RE|VE|LL|D|M)(?!{letter})"
    negation = f"[nN]['’][tT](?!{letter})"
    return re.compile(
        rf"\d+(?:[.,]\d+)*{letter}*"  # 1,000.5 and 3d
        rf"|{negation}|{tail}"
        rf"|{letter}+?(?={negation})"
        rf"|{letter}+(?:(?!{tail})['’]{letter}+)*"  # o'clock
        rf"|[{UNSPACED}]"
        r"|([^\w\s])\1*|_+|\S"  # !!! is one unit
    )


@functools.cache
def marks() -> str:
    """Combining marks as ranges of a character class; to Python's ``re`` they are no letters."""
    unspaced = re.compile(f"[{UNSPACED}]")
    ranges: list[list[str]] = []
    for character in map(chr, range(0x300, 0x10000)):
        if unicodedata.category(character)[0] == "M" and not unspaced.match(character):
            if ranges and ord(ranges[-1][1]) == ord(character) - 1:
                ranges[-1][1] = character
            else:
                ranges.append([character, character])
    return "".join(f"{first}-{last}" for first, last in ranges)


def _learn(texts: Iterable[str], lower: bool, size: int) -> str:
    """Byte pair encoding of ``size`` pieces learnt from texts, as JSON."""
    tokenizers = _import_tokenizers()
    learner = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=UNKNOWN))
    learner.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=size, special_tokens=[UNKNOWN], show_progress=False)
    learner.train_from_iterator((normalise(text, lower) for text in texts), trainer)
    return json.dumps(json.loads(learner.to_str()), ensure_ascii=False, sort_keys=True)


@functools.lru_cache(maxsize=4)
def _tokenizer(model: str) -> Any:
    try:
        return _import_tokenizers().Tokenizer.from_str(model)
    except Exception as error:  # the library raises nothing narrower
        if isinstance(error, UsageError):
            raise
        raise RunError(f"the learnt subwords cannot be read: {error}", "take them from a copy of the run") from error


def _import_tokenizers() -> Any:
    try:
        import tokenizers
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise UsageError("subword units need the package tokenizers", 'pip install "rnncli[subword]"') from error
    return tokenizers
