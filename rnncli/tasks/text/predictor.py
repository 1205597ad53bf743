"""What texts cost under a model, and texts that it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.text.documents import Document
from rnncli.data.text.encoded import encode
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.predictors import Prompt
from rnncli.tasks.text.data import read_part
from rnncli.tasks.text.extras.writing import Writer
from rnncli.tasks.text.fitted import FittedText
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.portable import document_of, prompt_of, rows, text_of_json
from rnncli.tasks.write.sampling import Drawing
from rnncli.tasks.write.stepping import Stepper


class DocumentPredictor:
    """Texts in, one row each out: ``nats``, ``tokens``, ``bits_per_character``, ``perplexity``; or texts to go on with.

    A text begins anew: nothing stands before it. Of a file each document is a text, as it was in training.
    """

    formats = ("jsonl", "text")
    example = "It was a bright cold day in April."
    together = 64

    def __init__(self, fitted: FittedText, model: TextModel, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.usual_length = fitted.recipe.evaluation.sample_length

    def parse(self, text: str) -> Document:
        """A line of text as it is, or the ``text`` of a JSON object."""
        return self._document(text_of_json(text), "")

    def read(self, path: Path, form: str = "") -> Iterator[Document]:
        """The documents of a file, or where a form says how, its lines."""
        if not form:
            yield from read_part(self.fitted.recipe, path).parts["test"].documents
            return
        with open_text(path, detect(path, self.fitted.recipe.data.encoding)) as lines:
            yield from self.listen(lines, str(path), form)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Document]:
        """A text a line, plain or in a JSON object."""
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\r\n")
            yield self._document(text if form == "text" else text_of_json(text, f"{name}:{number}"), f"{name}:{number}")

    @torch.no_grad()
    def predict(self, examples: Sequence[Document]) -> list[dict[str, Any]]:
        """One row a text, in order; batch mates do not matter."""
        encoded = encode(self.fitted.codec, examples)
        return rows(self.fitted.codec, examples, encoded.steps, self.fitted.nats(self.model, encoded))

    def text(self, example: Document, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Bits per character, perplexity, tokens, the text or where it stands."""
        cells = [
            [_shown(row["bits_per_character"]), _shown(row["perplexity"]), f"{row['tokens']:,}", row["text"]]
            for row in rows
        ]
        return ["bits per character", "perplexity", "tokens", "text"], cells

    def prompt(self, text: str) -> Prompt:
        """A text to go on behind, what the model never learnt left out; raises DataError where nothing is left."""
        symbols_N, unknown = prompt_of(self.fitted.codec, text)
        return Prompt(self.fitted.codec.text(symbols_N.tolist()), tuple(unknown), self._writer.begin(symbols_N))

    def go_on(self, prompt: Prompt, sampling: Drawing, number: int, length: int) -> Iterator[str]:
        """Sample ``number`` behind a prompt, of ``length`` symbols, piece by piece."""
        return self._writer.text(prompt.behind, sampling, number, length)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self.fitted.codec, Stepper(self.model.networks))

    def _document(self, text: str, place: str) -> Document:
        return document_of(self.fitted.codec, text, place)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"
