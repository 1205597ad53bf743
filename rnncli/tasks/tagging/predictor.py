"""Tags for new sentences: plain, in CoNLL columns, or in JSON; written back in the form in which they came."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.cells import list_in
from rnncli.data.tables.conll import Block, blocks, fill, with_feature
from rnncli.data.tables.live import cut_header, records
from rnncli.data.tables.sentences import names_sentence
from rnncli.data.tables.sources import read_file
from rnncli.data.tables.table import Table
from rnncli.data.text.neighbours import Given, with_neighbours
from rnncli.errors import DataError, UsageError
from rnncli.tasks.common.predicting import json_line, require_characters
from rnncli.tasks.predictors import Coloured
from rnncli.tasks.tagging.answers import row
from rnncli.tasks.tagging.data import TOKEN_NAMES, strings
from rnncli.tasks.tagging.extras.forms import FORMATS, JSON_DOCUMENT, TEXT_NAMES, Ahead, Knowledge, by_name
from rnncli.tasks.tagging.extras.known import KnownWords
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import Tagger

TOGETHER = 2048
"""Sentences that are best tagged at once: many of like length, and words that come again."""
ENOUGH_ROWS = 20
"""Rows of a single word each, from the first on, that are no sentences."""
ONE_A_ROW = "give a line a word, with tabs between columns and a blank line between sentences: --format conll"
WORD = re.compile(r"\w+(?:[-.,:/'’]\w+)*|\.\.\.|[^\w\s]")


class TagPredictor:
    """Sentences in, one row each out: ``tokens``, ``tags``, ``probabilities`` and, where tags are spans, ``spans``.

    What a file or a stream is, CoNLL columns of whatever width, JSON lines, or a sentence a line, its name and its
    first lines tell (:mod:`rnncli.tasks.tagging.extras.forms`); ``--format`` says it outright. CoNLL is written back as
    it was with the column of tags filled, JSON with the tags added.
    """

    formats = FORMATS
    together = TOGETHER

    def __init__(self, fitted: FittedTagging, model: Tagger, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.layout, self.lexicon = fitted.layout, fitted.lexicon
        self.context = fitted.recipe.data.context
        self.knowledge = Knowledge(self.layout, self._written(), fitted.scheme is not None)
        self.known = KnownWords(fitted.lexicon, model, device, self.context)
        self.example = (
            "王 小 明 ， 工 程 师".replace(" ", "") if self.layout["by_character"] else "Ms Braflen met Dr. Kavik ."
        )

    def parse(self, text: str) -> Given:
        """A sentence, or a JSON object that holds ``tokens`` or ``text``."""
        require_characters(text, "input")
        if text.lstrip().startswith("{"):
            return self._object(text, "input")
        return self._sentence(text)

    def read(self, path: Path, form: str = "") -> Iterator[Given]:
        """The sentences of a file, one at a time."""
        encoding = self.fitted.recipe.data.encoding
        form = form or by_name(path)
        if form == "csv" and by_name(path) == "csv":
            yield from self._neighbourly(self._table(read_file(path, encoding)))
            return
        with open_text(path, detect(path, encoding)) as lines:
            yield from self._neighbourly(self._sentences(Ahead(lines, live=False), str(path), form))

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Given]:
        """The sentences of a stream of lines, as they come, or when as much as is read behind them has come too."""
        return self._neighbourly(self._sentences(Ahead(lines, live=True), name, form or by_name(Path(name))))

    def _neighbourly(self, found: Iterator[tuple[Given, object]]) -> Iterator[Given]:
        """Sentences with those of their documents that are read with them."""
        return with_neighbours(found, self.context) if self.context else (given for given, _ in found)

    def _sentences(self, lines: Ahead, name: str, form: str) -> Iterator[tuple[Given, object]]:
        """The sentences of a stream, each with something that is the same for all of one document."""
        form = form or self.knowledge.form(lines)
        if form == JSON_DOCUMENT:
            raise DataError(f"{name}: a whole JSON document, where a line is an object", "jq -c '.[]' makes such lines")
        if form == "csv":
            yield from self._records(iter(lines), name)
        elif form == "conll":
            yield from self._blocks(lines, name)
        else:
            for number, line in enumerate(lines, start=1):
                if form == "jsonl" and not line.strip():
                    continue
                given = self._object(line, f"{name}:{number}") if form == "jsonl" else self._sentence(line)
                yield given, given.row.get(self.fitted.recipe.data.document_column)

    def _table(self, table: Table) -> Iterator[tuple[Given, object]]:
        rows = zip(*(table.values(name) for name in table.columns), strict=True)
        return self._rows(enumerate(rows), table.columns, table.name, table.place)

    def _records(self, lines: Iterator[str], name: str) -> Iterator[tuple[Given, object]]:
        """The sentences of separated text as it comes."""
        header = cut_header(next(lines, ""))
        return self._rows(records(lines, header, name), header.names, name, lambda line: f"{name}:{line}")

    def _rows(
        self, rows: Iterable[tuple[int, Sequence[Any]]], columns: Sequence[str], name: str, place: Callable[[int], str]
    ) -> Iterator[tuple[Given, object]]:
        """The sentences of the rows of a table; ``place`` tells where the row of a number stands."""
        lower = {column.lower(): column for column in reversed(columns)}
        token = next((lower[one.lower()] for one in self.knowledge.words_in if one.lower() in lower), "")
        if not token:
            raise DataError(f"{name}: no column of words", f'name one "tokens"; there are: {", ".join(columns)}')
        alone, numbered = 0, any(names_sentence(column) for column in columns if column != token)
        enough = 2 if numbered else ENOUGH_ROWS
        for number, values in rows:
            row = dict(zip(columns, values, strict=True))
            if token.lower() in TEXT_NAMES:
                given = replace(self._sentence(str(row[token] or "")), row=row)
            else:
                features = tuple(_words(row.get(feature)) for feature in self.layout["features"])
                given = Given(_words(row[token]), features, row=row)
                _require_alike(given, place(number))
            alone = alone + 1 if len(given.tokens) == 1 else -enough
            if alone == enough:
                raise DataError(f'{place(number)}: a row for each word in column "{token}"', ONE_A_ROW)
            yield given, row.get(self.fitted.recipe.data.document_column)

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
        return [row(given.tokens, names, shares, self.fitted.scheme) for given, names, shares in found]

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
        return json_line(example.row | row)

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

    def _sentence(self, text: str) -> Given:
        if self.layout["features"]:
            needed = ", ".join(self.layout["features"])
            raise UsageError(
                f"this model also reads column {needed}, which a plain sentence lacks",
                "give CoNLL columns as it was trained on: rnncli predict RUN FILE",
            )
        return Given(self._words(text), row={"text": text.rstrip("\r\n")})

    def _words(self, text: str) -> list[str]:
        """The words of a plain sentence: what stands between spaces, cut at punctuation where it is no known word."""
        if self.layout["by_character"]:
            return [one for one in text if not one.isspace()]
        parts = text.split()
        known = self.lexicon.knows(parts)
        return [
            word for part, whole in zip(parts, known, strict=True) for word in ([part] if whole else WORD.findall(part))
        ]

    def _object(self, line: str, place: str) -> Given:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: not JSON: {error}", "each line holds one whole JSON object") from error
        if "\\u" in line:  # the one way in which half a character may come
            require_characters(json.dumps(row, ensure_ascii=False), place)
        if isinstance(row, dict) and isinstance(row.get("text"), str) and "tokens" not in row:
            return Given(self._sentence(row["text"]).tokens, row=row)
        names = (self.layout["token"], *TOKEN_NAMES)
        tokens = next((row[name] for name in names if name in row), None) if isinstance(row, dict) else None
        features = [row.get(name) for name in self.layout["features"]] if isinstance(row, dict) else []
        for values in (tokens, *features):
            if not isinstance(values, list) or (tokens is not None and len(values) != len(tokens)):
                raise DataError(f'{place}: no list "tokens"', 'for example {"tokens": ["Berlin", "calls"]}')
        return Given(
            [str(token) for token in tokens or []], tuple([str(v) for v in f or []] for f in features), row=row
        )

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


def _require_alike(given: Given, place: str) -> None:
    """DataError where a further column has another number of values than there are words."""
    for values in given.features:
        if len(values) != len(given.tokens):
            raise DataError(f"{place}: {len(given.tokens)} words but {len(values)} of what is read with them")


def _words(cell: object) -> list[str]:
    """A cell of a table as its words: a list, be it saved as text, or a text with blanks."""
    found = list_in(cell) if isinstance(cell, str) else None
    return strings(cell if found is None else found)


def _filled(block: Block, column: str, tags: list[str]) -> str:
    """The lines of a block with the column of tags filled, or the key of FEATS that was learnt."""
    name, _, key = column.partition(".")
    if block.layout is None or not key:
        return fill(block, column, tags)
    at = block.layout.index(name)
    return fill(block, name, [with_feature(old, key, tag) for old, tag in zip(block.column(at), tags, strict=True)])
