"""Learn a language model from a file of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnncli.data import progress
from rnncli.data.encodings import detect, open_text
from rnncli.data.regular import require_regular
from rnncli.data.tables.sources import READERS, read_file
from rnncli.data.text import ngram
from rnncli.data.text.units import normalise
from rnncli.errors import DataError, UsageError


@dataclass(frozen=True)
class NgramSummary:
    """What a language model was learnt from, and how large it is."""

    sentences: int
    words: int
    vocabulary: int
    ngrams: int
    perplexity: float


def learn_ngram(source: Path, out: Path, *, order: int = 3, column: str = "text", lower: bool = True) -> NgramSummary:
    """Write an ARPA file learnt from the column of a table, or from the lines of any other file.

    Raises UsageError where ``out`` is there already, DataError for a source that cannot be read or is empty.
    """
    if order < 1:
        raise UsageError(f"--order is {order}", "give it at least 1; 3 is usual")
    if out.exists():
        raise UsageError(f"{out}: there already, and left as it was", "name another file")
    texts = [normalise(text, lower).split() for text in _texts(source, column)]
    texts = [words for words in texts if words]
    model = ngram.learn(progress.counted("sentences", texts, len(texts)), order)
    model.write(out)
    words = sum(map(len, texts))
    return NgramSummary(len(texts), words, len({w for t in texts for w in t}), len(model.logs), model.perplexity(texts))


def _texts(source: Path, column: str) -> Iterator[str]:
    require_regular(source)
    if not source.is_file():
        raise DataError(f"{source}: no such file", "a text with a sentence a line, or a table with a column of texts")
    suffixes = [suffix.lower() for suffix in source.suffixes if suffix != ".gz"]
    if suffixes and suffixes[-1] in READERS:
        yield from read_file(source).texts(column)
        return
    with open_text(source, detect(source, "auto")) as lines:
        yield from lines
