"""What streams of symbols or frames cost, by blocks of their documents, each block a row of predictions.

A row of a text, and one of music::

    {"place": "book.txt, characters 2,001-4,000", "example": 0, "text": "He was an old man", "truth": 2774182304,
     "sums": [2911.4, 2000.0, 2000.0, 2011.0, 0.0], "with": {"n-gram": 2890.2}, "dearest": [["Q", 11.2, "what, said "]]}
    {"place": "tune.mid", "example": 3, "truth": 1185271, "sums": [262.9, 64.0, 251.0], "frames": [[48, 64, 67], ...]}

``sums`` are :data:`TEXT_COUNTS` and :data:`MUSIC_COUNTS`. A long text is cut by its characters and not by its symbols,
so that models of different units have the same blocks and can be held against each other block by block. Shape letters:
N steps, D documents, K blocks, S slots of a frame, C counts.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from rnncli.data.steps import Steps
from rnncli.metrics.paired import share
from rnncli.metrics.statistics import Array, Scores, Statistics, Sums
from rnncli.tasks.base import Row

TEXT_COUNTS = ("nats", "tokens", "characters", "bytes", "unknown")
MUSIC_COUNTS = ("nats", "frames", "notes")
BLOCK_CHARACTERS, BLOCK_FRAMES = 2000, 200
"""Of a block, about: a document is cut into equal ones, none of them shorter unless the document is."""
SHOWN_CHARACTERS, CONTEXT_CHARACTERS = 80, 40
"""Of a block in its row, and ahead of a symbol that was dear."""
DRAWN = 4
"""Pieces whose frames are kept, so that a page can draw and play them."""
_CHUNK = 1 << 20
_BYTES_OF_A_CHARACTER = 4


class SymbolWriter(Protocol):
    """What turns numbers of symbols back into text."""

    def text(self, numbers: Iterable[int]) -> str:
        """Symbols one after the other, as they are written."""
        ...

    def token(self, number: int) -> str:
        """One symbol."""
        ...


@dataclass(frozen=True, eq=False)
class _Parts:
    """Documents in parts: part k has the steps from ``bounds_K1[k]`` on, and is one of document ``document_K[k]``.

    ``span_K2`` says from which character or frame of its document to which.
    """

    bounds_K1: Array
    document_K: Array
    span_K2: Array

    @classmethod
    def of(cls, steps: Steps, least: int, size_N: Array | None = None) -> _Parts:
        """Documents in equal parts of ``least`` or more; ``size_N`` is what a step counts, 1 if not given."""
        bounds_D1 = steps.bounds_D1
        size_D = steps.lengths if size_N is None else _summed(size_N, bounds_D1).astype(np.int64)
        parts_D = np.maximum(1, size_D // least)
        document_K = np.repeat(np.arange(len(steps)), parts_D)
        first_D = np.cumsum(parts_D) - parts_D
        at_K = np.arange(len(document_K)) - first_D[document_K]
        low_K, high_K = ((at_K + one) * size_D[document_K] // parts_D[document_K] for one in (0, 1))
        bounds_K1 = np.append(bounds_D1[:-1][document_K], bounds_D1[-1])
        for d in np.flatnonzero(parts_D > 1).tolist():
            inside_N = None if size_N is None else size_N[bounds_D1[d] : bounds_D1[d + 1]]
            within = slice(int(first_D[d]) + 1, int(first_D[d] + parts_D[d]))
            bounds_K1[within] += low_K[within] if inside_N is None else _starting(inside_N, low_K[within])
        return cls(bounds_K1, document_K, np.column_stack([low_K, high_K]))

    def summed(self, values_N: Array) -> Array:
        """The sum over the steps of each part, (K,) float64."""
        return _summed(values_N, self.bounds_K1)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of documents with what they count: ``counts_KC``, the sums of a row but the nats.

    ``score`` makes metrics of sums. The steps ``unscored`` cost nothing and are not counted.
    """

    parts: _Parts
    counts_KC: Array
    score: Callable[[Array], Scores]
    unscored: Array = field(default_factory=lambda: np.array([], np.int64))

    def __len__(self) -> int:
        return len(self.counts_KC)

    @property
    def document_K(self) -> Array:
        """The document of each block."""
        return self.parts.document_K

    def steps(self, block: int) -> slice:
        """The steps of a block."""
        return slice(*self.parts.bounds_K1[block : block + 2].tolist())

    def holding(self, step: int) -> int:
        """The block that has a step."""
        return int(np.searchsorted(self.parts.bounds_K1, step, side="right")) - 1

    def nats(self, nats_N: Array) -> Array:
        """The nats of each block, (K,) float64, of those of each step."""
        if len(self.unscored):
            nats_N = nats_N.copy()
            nats_N[self.unscored] = 0
        return self.parts.summed(nats_N)

    def sums(self, nats_N: Array) -> Array:
        """The sums of a row of each block, (K, 1 + C)."""
        return np.column_stack([self.nats(nats_N), self.counts_KC])

    def statistics(self, nats_N: Array) -> Statistics:
        """What another model of the same steps, such as a rival, comes to, block by block."""
        return of_sums(self.sums(nats_N), self.score)

    def places(self, documents: Sequence[str], counted: str) -> list[str]:
        """Where each block stands, by the places of the documents; ``counted`` is what spans count."""
        several_D = np.bincount(self.document_K) > 1
        found = []
        for document, (first, end) in zip(self.document_K, self.parts.span_K2, strict=True):
            part = f", {counted} {first + 1:,}-{end:,}" if several_D[document] else ""
            found.append(f"{documents[int(document)]}{part}")
        return found


def text_scores(sums: Array) -> Scores:
    """The metrics of a text (...) of sums (..., 5)."""
    nats, tokens, characters, size = (sums[..., at] for at in range(4))
    each = share(np.stack([nats, tokens], -1))
    bits = nats / np.log(2)
    with np.errstate(over="ignore"):
        return {
            "bits_per_character": share(np.stack([bits, characters], -1)),
            "bits_per_byte": share(np.stack([bits, size], -1)),
            "perplexity": np.exp(each),
            "nats_per_token": each,
        }


def music_scores(sums: Array) -> Scores:
    """The metrics of music (...) of sums (..., 3)."""
    return {"nats_per_frame": share(sums[..., [0, 1]]), "nats_per_note": share(sums[..., [0, 2]])}


def of_sums(sums_KC: Array, score: Callable[[Array], Scores]) -> Statistics:
    """Statistics of blocks; a single block says nothing of others, and has no interval."""
    return Statistics((Sums(sums_KC, score, resampled=len(sums_KC) > 1),))


def of_rows(rows: Sequence[Row], score: Callable[[Array], Scores], way: str = "") -> Statistics:
    """Statistics of rows, with the nats of a ``way`` that helps the model, or of the model alone."""
    return of_sums(row_sums(rows, way), score)


def row_sums(rows: Sequence[Row], way: str = "") -> Array:
    """The sums of rows, (K, 1 + C) float64, with the nats of a ``way`` that helps the model, or of the model alone."""
    sums_KC = np.array([row["sums"] for row in rows], np.float64)
    if way:
        sums_KC[:, 0] = [row["with"][way] for row in rows]
    return sums_KC


def text_blocks(
    steps: Steps, characters_N: Array | None = None, bytes_N: Array | None = None, unknown_N: Array | None = None
) -> Blocks:
    """Documents in blocks of about 2,000 characters; a symbol is in the block in which its first character lies.

    ``characters_N`` and ``bytes_N`` are what each symbol stands for, 1 if not given, ``unknown_N`` (bool) which symbols
    do not say which text they are. A block without a symbol, within a very long one, counts nothing.
    """
    parts = _Parts.of(steps, BLOCK_CHARACTERS, characters_N)
    tokens_K = np.diff(parts.bounds_K1)
    counts = [tokens_K, *(tokens_K if one is None else parts.summed(one) for one in (characters_N, bytes_N))]
    counts.append(np.zeros(len(tokens_K)) if unknown_N is None else parts.summed(unknown_N))
    return Blocks(parts, np.column_stack(counts).astype(np.float64), text_scores)


def music_blocks(steps: Steps, *, first: bool = True) -> Blocks:
    """Pieces, long ones in blocks of about 200 frames; without ``first`` the first frame of each is not scored.

    A note is a key of a roll or a voice of voices, silent ones too.
    """
    parts = _Parts.of(steps, BLOCK_FRAMES)
    unscored = steps.bounds_D1[:-1][steps.lengths > 0] if not first else np.array([], np.int64)
    notes_N = (steps.values >= 0).sum(1)
    scored_N = np.ones(len(notes_N), np.int64)
    notes_N[unscored] = scored_N[unscored] = 0
    counts_K2 = np.column_stack([parts.summed(scored_N), parts.summed(notes_N)])
    return Blocks(parts, counts_K2, music_scores, unscored)


def text_rows(
    blocks: Blocks,
    steps: Steps,
    nats_N: Array,
    *,
    codec: SymbolWriter,
    places: Sequence[str],
    truths: Sequence[int],
    helped: Mapping[str, Array] | None = None,
    keep: int = 10,
) -> Iterator[dict[str, Any]]:
    """A row for each block; ``places`` and ``truths`` (see :func:`text_truth`) are those of the documents.

    ``helped`` are the nats of each step by ways that help the model, ``keep`` the dearest symbols to be named.
    """
    named = _dearest_by_block(blocks, steps, nats_N, codec, keep)
    common = _common(blocks, nats_N, blocks.places(places, "characters"), truths, helped)
    for k, row in enumerate(common):
        first_N = steps.values[blocks.steps(k)][: _BYTES_OF_A_CHARACTER * SHOWN_CHARACTERS]
        shown = codec.text(first_N.tolist())[:SHOWN_CHARACTERS]
        yield row | {"text": shown} | ({"dearest": named[k]} if k in named else {})


def music_rows(
    blocks: Blocks,
    steps: Steps,
    nats_N: Array,
    *,
    pitches: Callable[[Array], list[list[int]]],
    places: Sequence[str],
    helped: Mapping[str, Array] | None = None,
    seconds: Sequence[float] = (),
) -> Iterator[dict[str, Any]]:
    """A row for each block; ``pitches`` gives the MIDI numbers of frames (T, S), as :func:`midi_frames` does.

    Some blocks, hard ones and easy ones, keep their frames, and how long one lasts of ``seconds`` by document.
    """
    truths = [music_truth(pitches(steps[d])) for d in range(len(steps))]
    drawn = set(_worth_drawing(blocks.sums(nats_N)))
    common = _common(blocks, nats_N, blocks.places(places, "frames"), truths, helped)
    for k, row in enumerate(common):
        if k in drawn:
            row["frames"] = pitches(steps.values[blocks.steps(k)])
            row |= {"seconds": float(seconds[row["example"]])} if len(seconds) else {}
        yield row


def text_truth(pieces: Iterable[str]) -> int:
    """What tells a document from others: the CRC-32 of its text, given piece by piece."""
    found = 0
    for piece in pieces:
        found = zlib.crc32(piece.encode("utf-8", "surrogatepass"), found)
    return found


def music_truth(frames: Sequence[Sequence[int]]) -> int:
    """What tells a piece from others: the CRC-32 of its MIDI numbers."""
    return zlib.crc32(json.dumps(frames).encode())


def midi_frames(frames_TS: Array, lowest: int, keys: int) -> list[list[int]]:
    """The MIDI numbers of each frame: of rolls those that sound, of voices one each, -1 for silence.

    >>> midi_frames(np.array([[0, 4, -1], [3, 88, 88]]), 60, 88)
    [[60, 64], [63, -1, -1]]
    """
    return [[-1 if key >= keys else key + lowest for key in frame if key >= 0] for frame in frames_TS.tolist()]


def dearest(nats_N: Array, values_N: Array, keep: int) -> list[int]:
    """The steps that cost most, the dearest first, at most ``keep``, no symbol twice."""
    wanted = 50 * keep
    found = np.array([], np.int64)
    for first in range(0, len(nats_N), _CHUNK):
        least = nats_N[found[-1]] if len(found) == wanted > 0 else -np.inf
        some = np.concatenate([found, first + np.flatnonzero(nats_N[first : first + _CHUNK] > least)])
        found = some[np.argsort(-nats_N[some], kind="stable")[:wanted]]
    once = {int(values_N[at]): int(at) for at in found[::-1]}
    return sorted(once.values(), key=lambda at: (-nats_N[at], at))[:keep]


def _common(
    blocks: Blocks, nats_N: Array, places: Sequence[str], truths: Sequence[int], helped: Mapping[str, Array] | None
) -> Iterator[dict[str, Any]]:
    """What rows of texts and of music have."""
    sums_KC = blocks.sums(nats_N)
    helped_K = {name: blocks.nats(one) for name, one in (helped or {}).items()}
    for k, d in enumerate(blocks.document_K.tolist()):
        row = {"place": places[k], "example": d, "truth": truths[d], "sums": sums_KC[k].tolist()}
        yield row | ({"with": {name: float(one[k]) for name, one in helped_K.items()}} if helped_K else {})


def _starting(size_N: Array, cuts: Array) -> Array:
    """The first step that begins at or behind each cut, which ascend and count as ``size_N`` does.

    A step of size 0, such as a further byte of a character, goes with the step before it.
    """
    found, before = [], 0
    for first in range(0, len(size_N), _CHUNK):
        some_N = size_N[first : first + _CHUNK]
        end_N = before + np.cumsum(some_N, dtype=np.int64)
        before = int(end_N[-1])
        here = cuts[: np.searchsorted(cuts, before)]
        at = np.searchsorted(end_N, here, side="right")
        found.append(first + at + (end_N[at] - some_N[at] < here))
        cuts = cuts[len(here) :]
    return np.concatenate([*found, np.full(len(cuts), len(size_N))])


def _summed(values_N: Array, bounds_K1: Array) -> Array:
    """The sum over the steps of each block, (K,) float64, 0 for an empty one."""
    found_K = np.zeros(len(bounds_K1) - 1)
    some_K = np.diff(bounds_K1) > 0
    if some_K.any():
        found_K[some_K] = np.add.reduceat(values_N[: bounds_K1[-1]], bounds_K1[:-1][some_K], dtype=np.float64)
    return found_K


def _dearest_by_block(
    blocks: Blocks, steps: Steps, nats_N: Array, codec: SymbolWriter, keep: int
) -> dict[int, list[tuple[str, float, str]]]:
    """The dearest symbols with what they cost and what stands ahead of them, by the block that they are in."""
    found: dict[int, list[tuple[str, float, str]]] = {}
    for at in dearest(nats_N, steps.values, keep):
        k = blocks.holding(at)
        begin = int(steps.bounds_D1[blocks.document_K[k]])
        ahead = steps.values[max(begin, at - _BYTES_OF_A_CHARACTER * CONTEXT_CHARACTERS) : at]
        before = codec.text(ahead.tolist())[-CONTEXT_CHARACTERS:]
        found.setdefault(k, []).append((codec.token(int(steps.values[at])), float(nats_N[at]), before))
    return found


def _worth_drawing(sums_K3: Array) -> list[int]:
    """The hardest, a typical and the easiest of blocks that have frames enough to be seen."""
    some = np.flatnonzero(sums_K3[:, 1] >= min(8, sums_K3[:, 1].max(initial=0)))
    order = some[np.argsort(-music_scores(sums_K3[some])["nats_per_frame"], kind="stable")]
    places = np.unique(np.array([0, 1, len(order) // 2, len(order) - 1])[:DRAWN].clip(max=max(len(order) - 1, 0)))
    return order[places].tolist() if len(order) else []
