"""Tags for new sentences: plain, in CoNLL columns, or in JSON; written back in the form in which they came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.conll import Block, blocks, fill, with_feature
from rnncli.data.text.neighbours import Given, with_neighbours
from rnncli.errors import DataError, UsageError
from rnncli.tasks.base import Coloured
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.tagging.data import TOKEN_NAMES
from rnncli.tasks.tagging.extras.known import KnownWords
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.metrics import row
from rnncli.tasks.tagging.model import Tagger

FORMATS = ("conll", "jsonl", "text")
TOGETHER = 2048
"""Sentences that are best tagged at once: many of like length, and words that come again."""
WORD = re.compile(r"\w+(?:[-.,:/'’]\w+)*|\.\.\.|[^\w\s]")


class TagPredictor:
    """Sentences in, one row each out: ``tokens``, ``tags``, ``probabilities`` and, where tags are spans, ``spans``.

    A file or a stream is taken for JSON lines if it begins with a brace, for CoNLL columns if its first token's line
    has the columns that the model was trained on or tabs, else for a sentence a line; ``--format`` says it outright.
    CoNLL is written back as it was with the column of tags filled, JSON with the tags added.
    """

    formats = FORMATS
    together = TOGETHER

    def __init__(self, fitted: FittedTagging, model: Tagger, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.layout, self.lexicon = fitted.layout, fitted.lexicon
        self.context = fitted.recipe.data.context
        self.known = KnownWords(fitted.lexicon, model, device, self.context)
        self.example = (
            "王 小 明 ， 工 程 师".replace(" ", "") if self.layout["by_character"] else "Ms Braflen met Dr. Kavik ."
        )

    def parse(self, text: str) -> Given:
        """A sentence, or a JSON object that holds ``tokens`` or ``text``."""
        if text.lstrip().startswith("{"):
            return self._object(text, "input")
        return self._sentence(text)

    def read(self, path: Path, form: str = "") -> Iterator[Given]:
        """The sentences of a file, one at a time."""
        with open_text(path, detect(path, self.fitted.recipe.data.encoding)) as lines:
            yield from self.listen(lines, str(path), form)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Given]:
        """The sentences of a stream of lines, as they come, or when as much as is read behind them has come too."""
        found = self._sentences(lines, name, form)
        if self.context:
            return with_neighbours(found, self.context)
        return (given for given, _ in found)

    def _sentences(self, lines: Iterable[str], name: str, form: str) -> Iterator[tuple[Given, object]]:
        """The sentences of a stream, each with something that is the same for all of one document."""
        head, lines = _peek(lines)
        form = form or self._form(head)
        if form == "conll":
            document = 0
            for block in blocks(lines, name):
                document += block.begins_document()
                yield self._block(block, name), self._named_document(block) or document
            return
        for number, line in enumerate(lines, start=1):
            if form == "jsonl" and not line.strip():
                continue
            given = self._object(line, f"{name}:{number}") if form == "jsonl" else self._sentence(line)
            yield given, given.row.get(self.fitted.recipe.data.document_column)

    def _named_document(self, block: Block) -> str:
        """What the column of documents says of a block's first word, empty without such a column."""
        column = self.fitted.recipe.data.document_column
        if not column or not block.fields or (at := self._index(block, column)) < 0:
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
            return self._filled(example.block, row["tags"])
        if example.block is not None and not example.tokens:
            return ""
        pairs = list(zip(row["tokens"], row["tags"], strict=True))
        if form == "conll":
            return "".join(f"{word}\t{tag}\n" for word, tag in pairs) + "\n"
        if form == "text":
            return " ".join(f"{word}/{tag}" for word, tag in pairs) + "\n"
        return json_line(example.row | row)

    def _filled(self, block: Block, tags: list[str]) -> str:
        """The lines of a block with the column of tags filled, or the key of FEATS that was learnt."""
        column = self._tag_column(block)
        name, _, key = column.partition(".")
        if block.layout is None or not key:
            return fill(block, column, tags)
        at = block.layout.index(name)
        return fill(block, name, [with_feature(old, key, tag) for old, tag in zip(block.column(at), tags, strict=True)])

    def _tag_column(self, block: Block) -> str:
        """The column of tags by the run's name; in unnamed columns, where the run had names, the last of several."""
        tag: str = self.layout["tag"]
        if block.layout is None or block.layout.names or tag.isdigit():
            return tag
        return str(max(2, block.layout.width))

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

    def _form(self, head: str) -> str:
        """What a stream is that begins with this line."""
        if head.lstrip().startswith("{"):
            return "jsonl"
        width = len(head.split())
        plain = len(self.layout["columns"]) == width > 1 and not self.layout["by_character"]
        tagged = width > 1 and head.split()[-1] in self._written()
        return "conll" if plain or tagged or "\t" in head or head.startswith("-DOCSTART-") else "text"

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

    def _index(self, block: Block, column: str) -> int:
        """Where a column stands in the lines: by its name or number; the words of a model of lists stand first."""
        assert block.layout is not None
        at = block.layout.index(column)
        lists = not column.isdigit() and not block.layout.names
        return 0 if at < 0 and lists and column == self.layout["token"] else at

    def _block(self, block: Block, name: str) -> Given:
        if block.layout is None:
            return Given([], tuple([] for _ in self.layout["features"]), block)
        columns = []
        for column in (self.layout["token"], *self.layout["features"]):
            at = self._index(block, column)
            if at < 0:
                raise DataError(
                    f"{name}:{block.start}: no column {column}, which the model reads",
                    f"it was trained on columns {', '.join(self.layout['columns'])}",
                )
            columns.append(block.column(at))
        return Given(columns[0], tuple(columns[1:]), block)


def _peek(lines: Iterable[str]) -> tuple[str, Iterable[str]]:
    """The first line that says something of the form, and the lines with it and those before it."""
    waiting, rest = [], iter(lines)
    for line in rest:
        waiting.append(line)
        if line.strip() and not line.startswith("#"):
            return line.rstrip("\r\n"), chain(waiting, rest)
    return "", waiting
