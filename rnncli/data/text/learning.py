"""Which symbols a text is written with: those that training texts have often enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, Protocol

import numpy as np

from rnncli.data.text import tokens as cutting
from rnncli.data.text.documents import Document, running
from rnncli.data.text.subwords import Subwords, learn_from_counts
from rnncli.data.text.vocabulary import UNKNOWN
from rnncli.errors import DataError

Unit = Literal["character", "byte", "whitespace", "word", "subword"]
NAMES: dict[Unit, str] = {
    "character": "characters",
    "byte": "bytes",
    "whitespace": "words between blanks",
    "word": "words with the blank before them, digits, marks",
    "subword": "pieces of words",
}
USUAL_LEAST = 2
"""How often a unit is there at least that counts as known: so training meets what is unknown, where some come once."""
MAX_KINDS = 2_000_000
"""Kinds that are counted at once; of more, those that came once are forgotten."""
MAX_SPANS = 200_000
"""Kinds of words that pieces are learnt from, the most frequent ones."""


class CodecSettings(Protocol):
    """What a recipe says of the units of a text."""

    @property
    def unit(self) -> Unit:
        """What the text is cut into."""
        ...

    @property
    def lower(self) -> bool:
        """Whether it is read in lower case."""
        ...

    @property
    def line_ends(self) -> Literal["keep", "drop"]:
        """Whether line ends are part of it."""
        ...

    @property
    def vocabulary(self) -> int:
        """The most kinds that are kept, 0 for all."""
        ...

    @property
    def min_count(self) -> int | Literal["auto"]:
        """How often a kind is there at least that counts as known."""
        ...

    @property
    def pieces(self) -> int:
        """How many pieces of words are learnt."""
        ...


class Learnt(NamedTuple):
    """Tokens, the most frequent first, the pairs that pieces are joined of, and a sentence for a person."""

    tokens: tuple[str, ...]
    subwords: Subwords
    why: str


def learn(settings: CodecSettings, documents: Iterable[Document]) -> Learnt:
    """The tokens of training texts; raises DataError for texts without two kinds of them."""
    unit = settings.unit
    if unit == "byte":
        return Learnt((), Subwords(()), "bytes: 256 kinds and none unknown")
    counts = count(unit, documents)
    marked = counts.pop(UNKNOWN, 0) if unit == "whitespace" else 0
    least = settings.min_count
    if least == "auto":
        least = 1 if marked else USUAL_LEAST
    subwords, always = Subwords(()), frozenset[str]()
    if unit == "subword":
        often = _often(counts, least)
        subwords = _join(counts, settings.pieces, often)
        always = often.union("".join(pair) for pair in subwords.merges)
        counts = _count_pieces(counts, subwords)
    kept = sorted((one for one in counts.keys() | always if counts[one] >= least or one in always), key=_order(counts))
    tokens = tuple(kept[: settings.vocabulary or None])
    if len(tokens) < 2 - bool(marked):
        some = f"a single kind, {tokens[0]!r}," if tokens else "no kind"
        raise DataError(
            f"the training text has {some} of {NAMES[unit]} that is known: nothing to be foretold",
            "more text, another data.unit, or other data.min_count and data.vocabulary",
        )
    return Learnt(tokens, subwords, _said(unit, counts, tokens, marked))


def count(unit: Unit, documents: Iterable[Document]) -> Counter[str]:
    """How often each token is there, of pieces of words each word; rare ones are forgotten where kinds are many."""
    if unit == "character":
        return _count_characters(documents)
    cut = cutting.spaced if unit == "whitespace" else cutting.chunks
    counts: Counter[str] = Counter()
    for document in documents:
        for text in cutting.whole(document.pieces(), with_blanks=unit == "whitespace"):
            counts.update(cut(text))
            if len(counts) > MAX_KINDS:
                counts = Counter({token: n for token, n in counts.items() if n > 1})
    if unit == "whitespace":
        return counts
    inside: Counter[str] = Counter()
    for chunk, n in counts.items():
        for token in cutting.words(chunk) if unit == "word" else cutting.spans(chunk):
            inside[token] += n
    return inside


def _count_characters(documents: Iterable[Document]) -> Counter[str]:
    total = np.zeros(0x110000, dtype=np.int64)
    for text in running(documents):
        codes, counts = np.unique(np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32), return_counts=True)
        total[codes] += counts
    return Counter({chr(code): int(total[code]) for code in np.flatnonzero(total)})


def _order(counts: Mapping[str, int]) -> Callable[[str], tuple[int, str]]:
    """The most frequent first, equal ones by their characters."""
    return lambda token: (-counts[token], token)


def _often(words: Counter[str], least: int) -> frozenset[str]:
    """The characters that are there so often at least."""
    characters: Counter[str] = Counter()
    for word, n in words.items():
        for character in word:
            characters[character] += n
    return frozenset(character for character, n in characters.items() if n >= least)


def _join(words: Counter[str], size: int, often: frozenset[str]) -> Subwords:
    """What pieces are joined of, all of them of those characters."""
    frequent = sorted(words, key=_order(words))[:MAX_SPANS]
    return learn_from_counts({word: words[word] for word in frequent if often.issuperset(word)}, size)


def _count_pieces(words: Counter[str], subwords: Subwords) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word, n in words.items():
        for piece in subwords.join(word):
            counts[piece] += n
    return counts


def _said(unit: Unit, counts: Counter[str], tokens: tuple[str, ...], marked: int) -> str:
    total = counts.total() + marked
    unknown = total - sum(counts[token] for token in tokens)
    said = f"{NAMES[unit]}: {len(tokens):,} kinds of train"
    if not unknown:
        return f"{said}, none unknown"
    left = len(counts.keys() - tokens)
    rare = f", {left:,} rarer one{'s'[: left != 1]} left out" if left else ""
    written = f" ({marked:,} are {UNKNOWN} in the text)" if marked else ""
    return f"{said}{rare}: {unknown:,} of {total:,}{written}, {100 * unknown / total:.2g} %, count as unknown"
