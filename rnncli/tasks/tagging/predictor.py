"""Tags for new sentences: plain, in CoNLL columns, or in JSON; written back in the form in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.conll import Block, blocks, fill, with_feature
from rnncli.data.tables.sheet import Sheet, is_tabular
from rnncli.data.text.neighbours import Given, with_neighbours
from rnncli.data.text.sentences import cut, paragraphs
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.predictors import Coloured, Missing
from rnncli.tasks.tagging.answers import answered
from rnncli.tasks.tagging.data import has_sentences
from rnncli.tasks.tagging.extras.forms import FORMATS, JSON_DOCUMENT, Ahead, Knowledge, by_name
from rnncli.tasks.tagging.extras.known import KnownWords
from rnncli.tasks.tagging.extras.rows import SentenceRows
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import Tagger
from rnncli.tasks.tagging.sentences import SentenceReader

TOGETHER = 2048
"""Sentences that are best tagged at once: many of like length, and words that come again."""


class TagPredictor:
    """Sentences in, one row each out: ``tokens``, ``tags``, ``probabilities`` and, where tags are spans, ``spans``.

    What a file or a stream is, CoNLL columns of whatever width, JSON lines, or a sentence a line, its name and its
    first lines tell (:mod:`rnncli.tasks.tagging.extras.forms`); ``--format`` says it outright. CoNLL is written back as
    it was with the column of tags filled, JSON with the tags added.
    """

    formats = FORMATS
    together = TOGETHER
    other_forms, own_columns = ("conll", "text"), ("text",)

    def __init__(self, fitted: FittedTagging, model: Tagger, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.layout, self.lexicon = fitted.layout, fitted.lexicon
        self.reader = SentenceReader(fitted.layout, fitted.lexicon)
        self.context = fitted.recipe.data.context
        self.knowledge = Knowledge(self.layout, self._written(), fitted.scheme is not None)
        self.in_rows = SentenceRows(self.layout, fitted.recipe.data.document_column, self.reader.sentence)
        self.sought = self.in_rows.sought
        self.known = KnownWords(fitted.lexicon, model, device, self.context)
        self.example = (
            "王 小 明 ， 工 程 师".replace(" ", "") if self.layout["by_character"] else "Ms Braflen met Dr. Kavik ."
        )

    def parse(self, text: str) -> Given:
        """A sentence, or a JSON object that holds ``tokens`` or ``text``."""
        return self.reader.parse(text, "input")

    def read(self, path: Path, form: str = "") -> Iterator[Given]:
        """The sentences of a file, one at a time."""
        with open_text(path, detect(path, self.fitted.recipe.data.encoding)) as lines:
            yield from self._neighbourly(self._sentences(Ahead(lines, live=False), str(path), form or by_name(path)))

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Given]:
        """The sentences of a stream of lines, as they come, or when as much as is read behind them has come too."""
        return self._neighbourly(self._sentences(Ahead(lines, live=True), name, form or by_name(Path(name))))

    def is_table(self, path: Path) -> bool:
        """Whether a file is a table by its name; with tabs, by a column of sentences as training knows it."""
        return by_name(path) == "csv" or (is_tabular(path) and by_name(path) == "conll" and has_sentences(path))

    def rows(self, sheet: Sheet) -> Iterator[Given | Missing]:
        """The sentence of each row, or of rows of a word each; those without a word are missing."""
        found = self._neighbourly(self.in_rows.sentences(sheet))
        return (given if given.tokens else Missing("empty sentence", given) for given in found)

    def _neighbourly(self, found: Iterator[tuple[Given, object]]) -> Iterator[Given]:
        """Sentences with those of their documents that are read with them."""
        return with_neighbours(found, self.context) if self.context else (given for given, _ in found)

    def _sentences(self, lines: Ahead, name: str, form: str) -> Iterator[tuple[Given, object]]:
        """The sentences of a stream, each with something that is the same for all of one document."""
        form = form or self.knowledge.form(lines)
        if form == JSON_DOCUMENT:
            raise DataError(f"{name}: a whole JSON document, where a line is an object", "jq -c '.[]' makes such lines")
        if form == "paragraphs":
            yield from self._paragraphs(lines)
        elif form == "conll":
            yield from self._blocks(lines, name)
        else:
            for number, line in enumerate(lines, start=1):
                if form == "jsonl" and not line.strip():
                    continue
                given = self.reader.object(line, f"{name}:{number}") if form == "jsonl" else self.reader.sentence(line)
                yield given, given.row.get(self.fitted.recipe.data.document_column)

    def _paragraphs(self, lines: Iterable[str]) -> Iterator[tuple[Given, object]]:
        """The sentences of running text, each with its ``offset`` in characters."""
        for begin, paragraph in paragraphs(lines):
            for at, text in cut(paragraph, lambda word: self.lexicon.knows([word])[0]):
                given = self.reader.sentence(text)
                yield replace(given, row=given.row | {"offset": begin + at}), None

    def _blocks(self, lines: Ahead, name: str) -> Iterator[tuple[Given, object]]:
        document, columns = 0, ("", "")
        rows = lines.rows()
        for block in blocks(lines, name):
            document += block.begins_document()
            if block.layout is not None and not all(columns):
                columns = self.knowledge.columns(block.layout, rows)
            yield self._block(block, name, *columns), self._named_document(block) or document

    def _named_document(self, block: Block) -> str:
        """What the column of documents says of a block's first word, empty without such a column."""
        column = self.fitted.recipe.data.document_column
        if not column or not block.fields or block.layout is None or (at := block.layout.index(column)) < 0:
            return ""
        return block.fields[0][at]

    def predict(self, examples: Sequence[Given]) -> list[dict[str, Any]]:
        """One row a sentence, in order; batch mates do not matter."""
        tags, sure = self.known.tag(examples, sure=True)
        found = zip(examples, map(self.fitted.names, tags), sure, strict=True)
        return [answered(given, names, shares, self.fitted.scheme) for given, names, shares in found]

    def blank(self, example: Given) -> dict[str, Any]:
        """The row of a sentence without a word."""
        return answered(example, [], np.zeros((0, 2)), self.fitted.scheme)

    def added(self, sheet: Sheet | None) -> dict[str, type]:
        """The tags of a sentence as a list, and its spans; or the tag of the word in each row."""
        if sheet is not None and self.in_rows.by_words(sheet):
            return {"tag": str, "probability": float}
        tokens = ("tokens",) if sheet is None or self.in_rows.is_plain(sheet) else ()
        spans = ("spans",) if self.fitted.scheme is not None else ()
        return dict.fromkeys((*tokens, "tags", "probabilities", *spans), list)

    def cells(self, example: Given, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is added to the rows of a sentence."""
        if example.rows:
            pairs = zip(row["tags"], row["probabilities"], strict=True)
            return [{"tag": tag, "probability": share} for tag, share in pairs]
        if not row["tokens"]:
            return [{}]
        tokens = {"tokens": row["tokens"]} if example.starts or not example.row else {}
        return [tokens | {name: row[name] for name in ("tags", "probabilities", "spans") if name in row}]

    def own(self, example: Given) -> dict[str, Any]:
        """The text, or the words with blanks between them."""
        return {"text": example.text or " ".join(example.tokens)}

    def write(self, examples: Sequence[Given], form: str) -> Iterator[str]:
        """What :meth:`text` would write of each prediction, without the probabilities where they are not shown."""
        bare = [form in ("conll", "text") or (not form and given.block is not None) for given in examples]
        if not all(bare):
            yield from (
                self.text(given, row, form) for given, row in zip(examples, self.predict(examples), strict=True)
            )
            return
        tags, _ = self.known.tag(examples, sure=False)
        for given, numbers in zip(examples, tags, strict=True):
            yield self.text(given, {"tokens": given.tokens, "tags": self.fitted.written(numbers)}, form)

    def text(self, example: Given, row: dict[str, Any], form: str = "") -> str:
        """A row as it is written, line ends included: in the form of its example, or in ``form``."""
        if form in ("", "conll") and example.block is not None:
            return _filled(example.block, example.column, row["tags"])
        if example.block is not None and not example.tokens:
            return ""
        pairs = list(zip(row["tokens"], row["tags"], strict=True))
        if form == "conll":
            return "".join(f"{word}\t{tag}\n" for word, tag in pairs) + "\n"
        if form == "text":
            return " ".join(f"{word}/{tag}" for word, tag in pairs) + "\n"
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[list[Coloured]]]]:
        """The sentence with its spans in brackets, or with a tag behind each word."""
        return [""], [[self._pieces(row)] for row in rows]

    def _pieces(self, row: dict[str, Any]) -> list[Coloured]:
        words, gap = row["tokens"], "" if self.layout["by_character"] else " "
        if "spans" not in row:
            tagged = ((f"{word}/", tag) for word, tag in zip(words, row["tags"], strict=True))
            return [piece for word, tag in tagged for piece in (Coloured(word), Coloured(f"{tag} ", self._mark[tag]))]
        pieces, end = [], 0
        for span in row["spans"]:
            pieces += [Coloured(word + gap) for word in words[end : span["start"]]]
            end = span["end"]
            text = f"[{gap.join(words[span['start'] : end])} {span['type']}]"
            pieces += [Coloured(text, self._mark[span["type"]]), Coloured(gap)]
        return [*pieces, *(Coloured(word + gap) for word in words[end:])]

    @cached_property
    def _mark(self) -> dict[str, int]:
        """The marks of tags or of types of spans, from 1."""
        tags = self.fitted.tags if self.fitted.scheme is None else [tag[2:] for tag in self.fitted.tags if tag != "O"]
        return {name: mark for mark, name in enumerate(dict.fromkeys(tags), start=1)}

    def _written(self) -> set[str]:
        tags, scheme = self.fitted.tags, self.fitted.scheme
        if scheme is None:
            return set(tags)
        prefixes = (scheme.begin, scheme.inner, scheme.last, scheme.single)
        return {"O", *(prefix + scheme.separator + tag[2:] for tag in tags for prefix in prefixes)}

    def _block(self, block: Block, name: str, token: str, tag: str) -> Given:
        """The sentence of a block whose words and tags are in these columns."""
        if block.layout is None:
            return Given([], tuple([] for _ in self.layout["features"]), block)
        columns = []
        for column in (token, *self.layout["features"]):
            at = block.layout.index(column)
            if at < 0:
                raise DataError(
                    f"{name}:{block.start}: no column {column}, which the model reads",
                    f"it was trained on columns {', '.join(self.layout['columns'])}",
                )
            columns.append(block.column(at))
        return Given(columns[0], tuple(columns[1:]), block, column=tag)


def _filled(block: Block, column: str, tags: list[str]) -> str:
    """The lines of a block with the column of tags filled, or the key of FEATS that was learnt."""
    name, _, key = column.partition(".")
    if block.layout is None or not key:
        return fill(block, column, tags)
    at = block.layout.index(name)
    return fill(block, name, [with_feature(old, key, tag) for old, tag in zip(block.column(at), tags, strict=True)])
