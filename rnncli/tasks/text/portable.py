"""What texts cost under a model, and texts that it goes on with: for the program and for exported models.

Shape letters: B batch, T steps, V symbols, N symbols of all documents, L layers, H hidden.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.steps import Steps
from rnncli.data.text.codec import Codec
from rnncli.data.text.documents import Document
from rnncli.data.text.encoded import encode
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import require_characters
from rnncli.tasks.portable import Arrays, Run
from rnncli.tasks.text.extras.writing import UNKNOWN_SYMBOL, Writer
from rnncli.tasks.write.going import Behind
from rnncli.tasks.write.sampling import Drawing

CODEC, KIND = "units.json", "model of texts"
SHOWN = 200
"""Characters of a text that its row holds."""
LARGEST_EXPONENT = 700.0
"""A perplexity beyond that of so many nats is given as infinite, which JSON has no number for: as null."""
LOGITS, LONGEST = 1 << 22, 1024
"""Logits that are there at once, and steps that are read at once."""
USAGE = "python predict.py --write TEXT"


def text_of_json(text: str, place: str = "input") -> str:
    """The ``text`` of a JSON object, or a text that is none as it is; raises DataError."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found.get("text"), str):
        raise DataError(f'{place}: {text[:60]!r}: a JSON object without a "text"', 'for example {"text": "Once upon"}')
    return found["text"]


def document_of(codec: Codec, text: str, place: str) -> Document:
    """A text as the model reads it; raises DataError."""
    require_characters(text, place or "input")
    return Document.of(codec.form.of(text), place)


def rows(codec: Codec, documents: Sequence[Document], steps: Steps, nats_N: np.ndarray) -> list[dict[str, Any]]:
    """A row for each document by what its symbols cost."""
    is_byte = codec.unit == "byte"
    unknown_N = np.zeros(len(nats_N), bool) if is_byte else steps.values == UNKNOWN_SYMBOL
    spans = pairwise(steps.bounds_D1.tolist())
    return [
        row_of(document, nats_N[begin:end], int(unknown_N[begin:end].sum()))
        for document, (begin, end) in zip(documents, spans, strict=True)
    ]


def row_of(document: Document, nats_N: np.ndarray, unknown: int) -> dict[str, Any]:
    """What a text costs; means are None for a text without a symbol."""
    nats, tokens, characters = float(nats_N.sum()), len(nats_N), document.characters
    each = nats / tokens if tokens else math.inf
    place = {"place": document.place} if document.place else {}
    return place | {
        "text": document.slice(0, SHOWN).text(),
        "nats": nats,
        "tokens": tokens,
        "characters": characters,
        "unknown": unknown,
        "bits_per_character": nats / characters / math.log(2) if characters else None,
        "perplexity": math.exp(each) if each < LARGEST_EXPONENT else None,
    }


def prompt_of(codec: Codec, text: str) -> tuple[np.ndarray, list[str]]:
    """The symbols of a text to go on behind, and what of it is unknown; DataError where nothing of it is known."""
    require_characters(text, "the prompt")
    symbols_N, unknown = codec.prompt(text)
    if unknown and not len(symbols_N):
        named = ", ".join(f'"{one}"' for one in unknown[:8])
        raise DataError(f"the prompt holds nothing that the model learnt: {named}", "begin as its texts do")
    return symbols_N, unknown


@dataclass(frozen=True, eq=False)
class WriterTables:
    """All but the weights: the symbols, how long a sample usually is, and the state (L, 1, H) of each network at the
    begin of a document, by the names of the graph's inputs.
    """

    codec: Codec
    usual_length: int
    beginning: Arrays

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        self.codec.save(folder / CODEC)
        write_json(folder / "writing.json", KIND, {"usual_length": self.usual_length})
        np.savez(folder / "beginning.npz", **self.beginning)  # pyright: ignore[reportArgumentType]

    @classmethod
    def load(cls, folder: Path) -> WriterTables:
        """What :meth:`save` wrote; raises RunError."""
        with np.load(folder / "beginning.npz") as arrays:
            beginning = dict(arrays)
        return cls(Codec.load(folder / CODEC), read_json(folder / "writing.json", KIND)["usual_length"], beginning)


class PortableWriting:
    """See :class:`rnncli.tasks.portable.Portable`; an example is a text, which begins anew."""

    together = 64

    def __init__(self, tables: WriterTables, run: Run) -> None:
        self.tables, self.codec, self.run = tables, tables.codec, run

    def parse(self, text: str) -> Document:
        """A line of text as it is, or the text of a JSON object; raises DataError."""
        return document_of(self.codec, text_of_json(text), "")

    def read(self, path: Path) -> Iterator[Document]:
        """A text a line."""
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            yield from self._listen(lines, str(path))

    def listen(self, lines: Iterable[str]) -> Iterator[Document]:
        """A text a line, plain or in a JSON object."""
        return self._listen(lines, "stdin")

    def predict(self, examples: Sequence[Document]) -> list[dict[str, Any]]:
        """One row a text, in order; batch mates do not matter."""
        steps = encode(self.codec, examples).steps
        return rows(self.codec, examples, steps, self._nats(steps))

    def write(self, arguments: Sequence[str]) -> Iterator[str]:
        """The text of a command line that asks to go on behind one, piece by piece; raises UserError."""
        asked = _asked(arguments, self.tables.usual_length)
        how = Drawing(asked.temperature, asked.top_k, asked.top_p, asked.seed, asked.unknown)
        symbols_N, _ = prompt_of(self.codec, asked.prompt)
        begun, prompt, apart = self._writer.begin(symbols_N), self.codec.text(symbols_N.tolist()), ""
        for number in range(1, asked.samples + 1):
            last = prompt
            yield apart + prompt
            for piece in self._writer.text(begun, how, number, asked.length):
                last = piece or last
                yield piece
            apart = "\n" if last.endswith("\n") else "\n\n"
        yield apart[1:]

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self.codec, GraphStepper(self.tables, self.run))

    def _listen(self, lines: Iterable[str], name: str) -> Iterator[Document]:
        for number, line in enumerate(lines, start=1):
            place = f"{name}:{number}"
            yield document_of(self.codec, text_of_json(line.rstrip("\r\n"), place), place)

    def _nats(self, steps: Steps) -> np.ndarray:
        """-ln p of each symbol given all before it in its document, (N,)."""
        nats_N = np.zeros(len(steps.values))
        at_B, end_B = steps.bounds_D1[:-1].copy(), steps.bounds_D1[1:]
        state = {name: np.repeat(part, len(steps), axis=1) for name, part in self.tables.beginning.items()}
        before_B = np.full(len(steps), self.codec.size)
        while len(live := np.flatnonzero(at_B < end_B)):
            room = int(np.clip(LOGITS // (self.codec.size * len(live)), 1, LONGEST))
            length_B = np.minimum(end_B[live] - at_B[live], room)
            target_BT = np.zeros((len(live), int(length_B.max())), np.int64)
            for row, (at, length) in enumerate(zip(at_B[live].tolist(), length_B.tolist(), strict=True)):
                target_BT[row, :length] = steps.values[at : at + length]
            given = {"before": np.concatenate([before_B[live, None], target_BT[:, :-1]], 1), "lengths": length_B}
            found = self.run("model", given | {name: part[:, live] for name, part in state.items()})
            found_BT = -np.take_along_axis(found["logs"], target_BT[..., None], 2)[..., 0]
            for row, (at, length) in enumerate(zip(at_B[live].tolist(), length_B.tolist(), strict=True)):
                nats_N[at : at + length] = found_BT[row, :length]
            for name, part in state.items():
                part[:, live] = found[f"next_{name}"]
            before_B[live] = target_BT[np.arange(len(live)), length_B - 1]
            at_B[live] += length_B
        return nats_N


class GraphStepper:
    """See :class:`rnncli.tasks.write.going.Stepping`: a graph that reads one symbol at a time."""

    def __init__(self, tables: WriterTables, run: Run) -> None:
        self.run, self.beginning, self.begin_symbol = run, tables.beginning, tables.codec.size

    def begin(self) -> Behind:
        """Before the first symbol of a document."""
        return self._after(self.beginning, self.begin_symbol)

    def after(self, behind: Behind, symbol: int) -> Behind:
        """One symbol further."""
        return self._after(behind.states, symbol)

    def steadily(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to be done: how many threads there are, ONNX Runtime decides."""
        return contextlib.nullcontext()

    def _after(self, state: Arrays, symbol: int) -> Behind:
        given = {"before": np.array([[symbol]]), "lengths": np.ones(1, np.int64)}
        found = self.run("model", given | state)
        return Behind(found["logs"][0, 0].astype(np.float64), {name: found[f"next_{name}"] for name in state})


def open_model(folder: Path, run: Run) -> PortableWriting:
    """The model of texts whose tables lie in ``folder``."""
    return PortableWriting(WriterTables.load(folder), run)


def _asked(arguments: Sequence[str], length: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=USAGE.removesuffix(" TEXT"), description="Go on behind a text.")
    parser.add_argument("prompt", nargs="?", default="", help="the text; none is the begin of one")
    parser.add_argument("--length", type=int, default=length, help=f"symbols to write, {length} if not said")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 takes the likeliest")
    parser.add_argument("--top-k", type=int, default=0, help="draw from so many likeliest symbols")
    parser.add_argument("--top-p", type=float, default=1.0, help="draw from the fewest symbols with this share")
    parser.add_argument("--seed", type=int, default=1, help="draws the same samples again")
    parser.add_argument("--samples", type=int, default=1, help="samples of the text")
    parser.add_argument("--unknown", action="store_true", help="let the unknown symbol be written")
    asked = parser.parse_args(arguments)
    for flag, value in (("--length", asked.length), ("--samples", asked.samples)):
        if value < 1:
            parser.error(f"{flag} {value}: a count of at least 1 is wanted")
    return asked
