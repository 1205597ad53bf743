"""Tables that let a person judge running texts before training on them, and what is odd in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data import splits
from rnncli.data.text.codec import ODD, Codec
from rnncli.data.text.documents import Document, Documents
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common import findings as common
from rnncli.tasks.common.checks import QUANTILES, by_split, overlaps, quantiles
from rnncli.tasks.text.data import DocumentPart
from rnncli.tasks.text.schema import TextRecipe

LONG_LINE = 40
"""Characters from which on a line that stands there twice is no accident."""
COPIED, FOREIGN, MARKED_UP = 0.05, 0.01, 0.002
"""The share of lines of test that train has, of characters that it lacks, and of marks in a text, that matters."""
SHOWN = 15
"""Tokens of a table."""
LOOKED_AT = 64
"""Pieces of a part that are looked at for what is odd: 64 MB."""
_MARKUP = re.compile(r"</[A-Za-z][A-Za-z0-9:]{0,30}>|&(?:[a-z]{2,6}|#\d{2,5});")
_MISREAD = re.compile("[ÃÂ][\u0080-\u00bf]|â€[\u0090-\u009f™œžšš˜“”]|ï»¿")
Parts = Mapping[str, DocumentPart]


def tables(recipe: TextRecipe, corpus: Corpus) -> list[ReportTable]:
    """Sizes, lengths of documents, the most frequent tokens, what test has of train."""
    parts: Parts = corpus.parts
    codec, _ = Codec.learn(recipe.data, parts["train"].documents)
    counts = {name: _counts(codec, part.documents) for name, part in parts.items()}
    columns = ("documents", "characters", "bytes", "tokens", "kinds", "unknown")
    rows = [(name, *_sizes(part, counts[name])) for name, part in parts.items()]
    found = [ReportTable(f"sizes, by {recipe.data.unit}", ("split", *columns), tuple(rows))]
    if max(map(len, parts.values())) > 1:
        lengths = {name: part.documents.characters_D for name, part in parts.items()}
        found.append(by_split("characters of a document", QUANTILES, lengths, quantiles))
        found.append(overlaps("documents", {name: _prints(part.documents) for name, part in parts.items()}))
    found.append(_frequent(codec, counts))
    if lines := _lines_again(parts):
        cells = tuple((name, f"{long:,}", f"{again:,}") for name, (long, again) in lines.items())
        title = f"lines of {LONG_LINE} characters or more that train has too"
        found.append(ReportTable(title, ("split", "lines", "also in train"), cells))
    return found


def findings(corpus: Corpus) -> Iterator[Advice]:
    """Documents and lines of test that train has, signs of a wrong encoding, markup, characters that train lacks."""
    parts: Parts = corpus.parts
    copied = list(common.leaks(parts, {name: part.documents.texts() for name, part in parts.items()}, "documents"))
    yield from copied or _copied_lines(parts)
    yield from _misread(parts["train"])
    yield from _foreign(parts)


def _sizes(part: DocumentPart, counts_V: np.ndarray) -> list[str]:
    total = int(counts_V.sum())
    numbers = (len(part), part.characters, part.documents.bytes, total, int(np.count_nonzero(counts_V[1:])))
    unknown = int(counts_V[0])
    return [*(f"{number:,}" for number in numbers), f"{unknown:,}  {100 * unknown / max(1, total):.2f} %"]


def _counts(codec: Codec, documents: Documents) -> np.ndarray:
    """How often each symbol is there, (V,)."""
    counts_V = np.zeros(codec.size, dtype=np.int64)
    for numbers_N in (numbers_N for document in documents for numbers_N in codec.encode(document)):
        counts_V += np.bincount(numbers_N, minlength=codec.size)
    return counts_V


def _frequent(codec: Codec, counts: Mapping[str, np.ndarray]) -> ReportTable:
    most = np.argsort(-counts["train"], kind="stable")[:SHOWN]
    rows = []
    for number in most[counts["train"][most] > 0].tolist():
        shares = (100 * counts_V[number] / max(1, counts_V.sum()) for counts_V in counts.values())
        rows.append((_visible(codec.token(number)), *(f"{share:.2f} %" for share in shares)))
    return ReportTable("most frequent tokens", ("token", *counts), tuple(rows))


def _visible(token: str) -> str:
    """A token that can be told from a blank cell."""
    return repr(token) if token.strip() != token or not token.isprintable() else token


def _prints(documents: Documents) -> np.ndarray:
    return splits.fingerprints(text.strip() for text in documents.texts())


def _lines_again(parts: Parts) -> dict[str, tuple[int, int]]:
    """How many long lines each part but train has, and how many of them train has as well."""
    train = _long_lines(parts["train"].documents)
    others = {name: _long_lines(part.documents) for name, part in parts.items() if name != "train"}
    return {name: (len(found), len(splits.overlap(train, found))) for name, found in others.items() if len(found)}


def _long_lines(documents: Documents) -> np.ndarray:
    """Fingerprints of all lines that are long, without the blanks around them."""
    lines = (line.strip() for document in documents for line in _lines(document))
    return splits.fingerprints(line for line in lines if len(line) >= LONG_LINE)


def _lines(document: Document) -> Iterator[str]:
    rest = ""
    for piece in document.pieces():
        *whole, rest = (rest + piece).split("\n")
        yield from whole
    yield rest


def _copied_lines(parts: Parts) -> Iterator[Advice]:
    long, again = _lines_again({name: parts[name] for name in ("train", "test") if name in parts}).get("test", (0, 0))
    if again >= common.FEW_LEAKS and again >= COPIED * long:
        says = f"{again:,} of the {long:,} long lines of test ({100 * again / long:.0f} %) are also in train"
        yield Advice(says, "take them out of one of the two, for figures of what was seen are too good", rank=22)


def _misread(train: DocumentPart) -> Iterator[Advice]:
    """Signs that bytes were taken for other characters than they are, or that the text is a page with its markup."""
    characters = lost = misread = marked_up = 0
    for piece in _first_pieces(train.documents):
        characters += len(piece)
        lost += piece.count(ODD)
        misread += len(_MISREAD.findall(piece))
        marked_up += len(_MARKUP.findall(piece))
    if lost:
        says = f"{lost:,} characters of train are {ODD}: what stood there was lost when the text was converted"
        yield Advice(says, "convert it again, or name the encoding of the original: data.encoding=cp1252", rank=30)
    if misread >= common.FEW_LEAKS:
        says = f"train has {misread:,} pairs such as Ã© or â€œ: utf-8 that was read as latin-1 and saved so"
        yield Advice(says, "convert the text back before it is learnt from", rank=30)
    if marked_up > MARKED_UP * characters:
        says = f"train has {marked_up:,} marks such as </p> or &amp;, which are learnt as well"
        yield Advice(says, "take the text out of the pages first, if only that is meant", rank=33)


def _foreign(parts: Parts) -> Iterator[Advice]:
    if "test" not in parts:
        return
    train, test = (_kinds(parts[name].documents) for name in ("train", "test"))
    foreign = {kind: count for kind, count in test.items() if kind not in train}
    if sum(foreign.values()) > FOREIGN * test.total():
        some = ", ".join(sorted(foreign, key=lambda kind: -foreign[kind])[:5])
        share = 100 * sum(foreign.values()) / test.total()
        says = f"{share:.0f} % of the characters of test are of kinds that train lacks: {some}"
        yield Advice(says, "are both of one language, and in one encoding?", rank=29)


def _kinds(documents: Documents) -> Counter[str]:
    counts: Counter[str] = Counter()
    for piece in _first_pieces(documents):
        counts.update(piece)
    return counts


def _first_pieces(documents: Documents) -> Iterator[str]:
    """The first of the text, as much as is looked at."""
    room = LOOKED_AT << 20
    for piece in (piece for document in documents for piece in document.pieces()):
        yield piece
        room -= len(piece)
        if room < 0:
            return
