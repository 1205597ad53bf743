"""Running text as numbers of symbols and back: characters, bytes, words between blanks, words, pieces of words.

All units but words between blanks are without loss: what is written of the symbols of a text is the text, symbols for
what is unknown apart.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeGuard

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text import tokens as cutting
from rnncli.data.text.documents import Document
from rnncli.data.text.learning import CodecSettings, Unit, learn
from rnncli.data.text.subwords import Subwords
from rnncli.data.text.vocabulary import UNKNOWN
from rnncli.errors import RunError

UNITS: tuple[Unit, ...] = ("character", "byte", "whitespace", "word", "subword")
KIND = "text codec"
LINE_END = "\n"
ODD = "\ufffd"
"""What is written for an unknown character."""
MAX_REMEMBERED = 500_000
"""Words whose pieces are remembered."""


class Coded(NamedTuple):
    """Symbols of a piece of text, and how many characters and bytes of it each stands for, None for one each."""

    numbers_N: np.ndarray
    characters_N: np.ndarray | None
    bytes_N: np.ndarray | None


@dataclass(frozen=True)
class TextForm:
    """How texts are written before they are cut into units: ``line_end`` is what stands for the end of a line.

    >>> TextForm(lower=True, line_end=" ").of("One\\r\\nTwo")
    'one two'
    """

    lower: bool = False
    line_end: str = LINE_END

    @classmethod
    def asked(cls, settings: CodecSettings) -> Self:
        """That of a recipe: line ends that are dropped leave a blank between words, and nothing between characters."""
        dropped = "" if settings.unit in ("character", "byte") else " "
        return cls(settings.lower, LINE_END if settings.line_ends == "keep" else dropped)

    def of(self, text: str) -> str:
        """A text in this form."""
        text = text.replace("\r\n", LINE_END).replace("\r", LINE_END)
        text = text if self.line_end == LINE_END else text.replace(LINE_END, self.line_end)
        return text.lower() if self.lower else text


@dataclass(frozen=True)
class Codec:
    """The symbols of a unit: 0 is the unknown one, the others stand for ``tokens``, the most frequent first.

    >>> codec = Codec("character", ("a", "b", "n"))
    >>> codec.prompt("banana!")[0].tolist(), codec.text([2, 1, 0])
    ([2, 1, 3, 1, 3, 1], 'ba\ufffd')
    """

    unit: Unit
    tokens: tuple[str, ...] = ()
    form: TextForm = TextForm()
    subwords: Subwords = field(default=Subwords(()), repr=False)

    @classmethod
    def learn(cls, settings: CodecSettings, documents: Iterable[Document]) -> tuple[Self, str]:
        """The symbols of training texts, and what is to be said of them; raises DataError for texts of one symbol."""
        found = learn(settings, documents)
        return cls(settings.unit, found.tokens, TextForm.asked(settings), found.subwords), found.why

    def grown(self, settings: CodecSettings, documents: Iterable[Document]) -> Self:
        """These symbols, and behind them what else further texts have often enough; bytes and pieces stay as they are.

        ``settings.vocabulary`` is the most there may be of both.
        """
        if self.unit in ("byte", "subword"):
            return self
        every = tuple(dict.fromkeys((*self.tokens, *learn(settings, documents).tokens)))
        return replace(self, tokens=every[: max(settings.vocabulary or len(every), len(self.tokens))])

    @property
    def names(self) -> tuple[int | str, ...]:
        """What each symbol stands for, each once."""
        return tuple(range(self.size)) if self.unit == "byte" else (0, *self.tokens)

    @property
    def size(self) -> int:
        """How many symbols there are, the unknown one among them."""
        return 257 if self.unit == "byte" else len(self.tokens) + 1

    @property
    def dtype(self) -> np.dtype:
        """The type of arrays of symbols."""
        return np.dtype(np.uint8 if self.size <= 1 << 8 else np.uint16 if self.size <= 1 << 16 else np.int32)

    def number(self, token: str) -> int:
        """The symbol of a token, 0 for one that is unknown."""
        if self.unit == "byte":
            return next((number for number in range(1, 257) if self.token(number) == token), 0)
        return self._numbers.get(token, 0)

    def token(self, number: int) -> str:
        """The token of a symbol: a byte that is no ASCII as ``<0xE9>``, what is unknown as ``<unk>``."""
        if not 0 <= number < self.size:
            raise IndexError(f"symbol {number} of {self.size}")
        if number == 0:
            return UNKNOWN
        if self.unit == "byte":
            return chr(number - 1) if number <= 128 else f"<0x{number - 1:02X}>"
        return self.tokens[number - 1]

    def encode(self, document: Document) -> Iterator[np.ndarray]:
        """The symbols of a document, piece by piece."""
        return (piece.numbers_N for piece in self.coded(document))

    def coded(self, document: Document) -> Iterator[Coded]:
        """The symbols of a document, and what they stand for, piece by piece."""
        pieces = document.pieces()
        if self.unit not in ("character", "byte"):
            pieces = cutting.whole(pieces, with_blanks=self.unit == "whitespace")
        return map(self.coded_piece, pieces)

    def coded_piece(self, text: str) -> Coded:
        """The same of a piece of a text, between which and others no token is."""
        if self.unit == "character":
            return self._of_characters(text)
        return self._of_bytes(text) if self.unit == "byte" else self._of_tokens(text)

    def prompt(self, text: str) -> tuple[np.ndarray, list[str]]:
        """The symbols of a text that is to be gone on with, and what of it is unknown, which they leave out.

        A first word that is only known with a blank before it is taken for that.
        """
        text = self.form.of(text)
        if self.unit == "byte":
            return self._of_bytes(text).numbers_N, []
        found = self.cut(text)
        if self.unit == "word" and found and found[0] not in self._numbers and f" {found[0]}" in self._numbers:
            found[0] = f" {found[0]}"
        kept = [token for token in found if self._is_known(token)]
        unknown = [token.strip(" ") for token in dict.fromkeys(found) if not self._is_known(token)]
        return np.array([self._numbers.get(token, 0) for token in kept], dtype=self.dtype), unknown

    def cut(self, text: str) -> list[str]:
        """The tokens of a text in this form, known or not."""
        if self.unit == "whitespace":
            return cutting.spaced(text)
        if self.unit == "word":
            return cutting.words(text)
        if self.unit == "subword":
            return [piece for chunk in cutting.chunks(text) for piece in self._pieces(chunk)]
        return list(text)

    def text(self, numbers: Iterable[int]) -> str:
        """Symbols as they are written: words between blanks with one blank between them, none around a line end."""
        decoder = self.decoder()
        return "".join([*map(decoder.feed, numbers), decoder.close()])

    def decoder(self) -> TextDecoder:
        """A writer of symbols that come one by one."""
        return TextDecoder(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "unit": self.unit,
            "lower": self.form.lower,
            "line_end": self.form.line_end,
            "tokens": list(self.tokens),
            "merges": [list(pair) for pair in self.subwords.merges],
        }

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Self:
        """What ``to_dict`` gave; ValueError for anything else."""
        unit, tokens, merges = body.get("unit"), body.get("tokens"), body.get("merges")
        form = TextForm(body.get("lower", False), body.get("line_end", LINE_END))
        if unit not in UNITS or not isinstance(form.lower, bool) or not isinstance(form.line_end, str):
            raise ValueError(f"no codec of the unit {unit!r}")
        if not _are_strings(tokens) or len(set(tokens)) < len(tokens) or not isinstance(merges, list):
            raise ValueError("tokens or merges are missing, are no strings, or stand there twice")
        if not all(_are_strings(pair) and len(pair) == 2 for pair in merges):
            raise ValueError("merges are no pairs of strings")
        return cls(unit, tuple(tokens), form, Subwords(tuple((one, other) for one, other in merges)))

    def save(self, path: Path) -> None:
        """Write as JSON, a token a line; whole or not at all."""
        write_json(path, KIND, {"size": self.size, **self.to_dict()})

    @classmethod
    def load(cls, path: Path, size: int | None = None) -> Self:
        """Read what ``save`` wrote; ``size`` is how many symbols the model has. Raises RunError."""
        body = read_json(path, KIND)
        try:
            loaded = cls.from_dict(body)
        except ValueError as error:
            raise RunError(f"{path}: {error}", "take it from a copy of the run") from error
        for expected in (body.get("size"), size):
            if expected is not None and expected != loaded.size:
                raise RunError(f"{path}: {loaded.size} symbols, not {expected}", "take it from a copy of the run")
        return loaded

    def _is_known(self, token: str) -> bool:
        return token in self._numbers or (self.unit == "whitespace" and token == UNKNOWN)

    def _of_characters(self, text: str) -> Coded:
        codes_N = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        return Coded(self._by_code[codes_N], None, None if text.isascii() else _utf8_lengths(codes_N))

    def _of_bytes(self, text: str) -> Coded:
        content_N = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
        begins_N = None if text.isascii() else ((content_N & 0xC0) != 0x80).astype(np.uint8)
        return Coded(content_N.astype(self.dtype) + 1, begins_N, None)

    def _of_tokens(self, text: str) -> Coded:
        tokens, find = self.cut(text), self._numbers.get
        numbers_N = np.fromiter((find(token, 0) for token in tokens), self.dtype, len(tokens))
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        if self.unit == "whitespace":
            begins_N = cutting.starts(codes)
            begins_N[:1] = 0  # blanks before the first token are its own
            characters_N = np.diff(begins_N, append=len(text))
        else:
            characters_N = np.fromiter(map(len, tokens), np.int64, len(tokens))
            begins_N = np.cumsum(characters_N) - characters_N
        if text.isascii():
            return Coded(numbers_N, characters_N, characters_N)
        return Coded(numbers_N, characters_N, np.add.reduceat(_utf8_lengths(codes), begins_N, dtype=np.int64))

    def _pieces(self, chunk: str) -> list[str]:
        found = self._known_pieces.get(chunk)
        if found is None:
            found = [piece for span in cutting.spans(chunk) for piece in self.subwords.join(span)]
            if len(self._known_pieces) < MAX_REMEMBERED:
                self._known_pieces[chunk] = found
        return found

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens, start=1)}

    @cached_property
    def _by_code(self) -> np.ndarray:
        """The symbol of each character by its code point."""
        table = np.zeros(0x110000, dtype=self.dtype)
        table[[ord(token) for token in self.tokens]] = np.arange(1, self.size)
        return table

    @cached_property
    def _known_pieces(self) -> dict[str, list[str]]:
        return {}


class TextDecoder:
    """Writes symbols as they come: ``feed`` gives what each adds to the text, nothing while a character is not whole.

    >>> decoder = Codec("byte").decoder()
    >>> [decoder.feed(byte + 1) for byte in "né".encode()]
    ['n', '', 'é']
    """

    def __init__(self, codec: Codec) -> None:
        self._codec, self._before = codec, LINE_END
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, number: int) -> str:
        """What a symbol adds."""
        unit, number = self._codec.unit, int(number)
        if unit == "byte":
            return self._bytes.decode(bytes([number - 1])) if number else ODD
        token = self._codec.token(number)
        if unit == "whitespace":
            apart = "" if LINE_END in (token, self._before) else " "
            self._before = token
            return apart + token
        if number:
            return token
        return f" {UNKNOWN}" if unit == "word" else ODD

    def close(self) -> str:
        """What is left of a character that never became whole."""
        return self._bytes.decode(b"", final=True)


def _utf8_lengths(codes_N: np.ndarray) -> np.ndarray:
    """How many bytes each character takes, (N,) uint8."""
    return (1 + (codes_N > 0x7F).astype(np.uint8) + (codes_N > 0x7FF) + (codes_N > 0xFFFF)).astype(np.uint8)


def _are_strings(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(one, str) for one in values)
