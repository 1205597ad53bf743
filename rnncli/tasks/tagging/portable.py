"""Sentences to the inputs of a tagger, and its scores to rows: what exported models predict with.

Shape letters: B sentences, S words that are read, T words of a sentence itself, U different words, K tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.ragged import Ragged
from rnncli.data.text.neighbours import Given, laid_out, reach, with_neighbours
from rnncli.data.text.tagschemes import Scheme, named
from rnncli.heads.path import Chain, alone
from rnncli.tasks.common.predicting import lines_of
from rnncli.tasks.portable import Arrays, Run
from rnncli.tasks.tagging.answers import answered, valid
from rnncli.tasks.tagging.collating import collated, gather, read_at
from rnncli.tasks.tagging.extras.lexicon import Lexicon
from rnncli.tasks.tagging.sentences import SentenceReader

KIND, FILE, CHAIN = "tagger", "tags.json", "chain.npz"
MOST_WORDS = 8192
"""Words that are tagged at once, in sentences of like length."""


@dataclass(frozen=True)
class TagTables:
    """All but the weights of the network: what is known of words, tags and their scheme, the scores of neighbours.

    ``chain`` is None where each tag is chosen by itself; ``context`` words on either side are read with a sentence,
    in lines of the same value under ``document``.
    """

    lexicon: Lexicon
    tags: tuple[str, ...]
    scheme: Scheme | None
    layout: Mapping[str, Any]
    context: int
    chain: Chain | None
    document: str = ""

    def batches(self, given: Sequence[Given]) -> Iterator[tuple[np.ndarray, Arrays]]:
        """The numbers of sentences of like length, and what the model is given for them."""
        laid = laid_out(given)
        column, columns, offsets = gather(laid.sentences, self.lexicon.columns)
        places = self.lexicon.places(column, columns, offsets)
        around = reach(offsets, laid.documents, self.context) if self.context else None
        read_N, numbered = Ragged(column.numbers, offsets), column.distinct.strings()
        sizes_N = (read_N.lengths if around is None else around[1] - around[0])[laid.wanted]
        order = np.argsort(-sizes_N, kind="stable")
        while len(order):
            size = max(1, MOST_WORDS // max(1, int(sizes_N[order[0]])))
            some, order = order[:size], order[size:]
            wanted = laid.wanted[some]
            unique_U, numbers = np.unique(read_N.values[read_at(read_N, around, wanted)], return_inverse=True)
            found = collated(read_N, numbers, places, around, wanted)
            inputs = {"word": found.word_BS, "read": found.read_lengths_B, "places": found.places_BSP}
            if found.before_B is not None:
                inputs |= {"lengths": found.lengths_B, "before": found.before_B}
            yield some, inputs | self._forms([numbered[u] for u in unique_U.tolist()])

    def _forms(self, forms: Sequence[str]) -> Arrays:
        """What is known of different words, of one at least."""
        forms = forms or [""]
        characters_UC, lengths_U = self.lexicon.characters(forms).padded(range(len(forms)))
        return {"forms": self.lexicon.forms(forms), "characters": characters_UC, "character_lengths": lengths_U}

    def decoded(self, scores_TK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the tags of a sentence, and the probability of each by itself and given the one before."""
        if self.chain is None:
            return alone(scores_TK)
        best_T = self.chain.best(scores_TK)
        return best_T, self.chain.shares(scores_TK, best_T)

    def row(self, given: Given, scores_TK: np.ndarray) -> dict[str, Any]:
        """The row of a sentence as it is written."""
        best_T, sure_T2 = self.decoded(scores_TK)
        names = valid([self.tags[k] for k in best_T.tolist()], self.scheme)
        return answered(given, names, sure_T2, self.scheme)

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        self.lexicon.save(folder)
        scheme = [self.scheme.name, self.scheme.separator] if self.scheme else None
        body = {
            "tags": self.tags,
            "scheme": scheme,
            "layout": self.layout,
            "context": self.context,
            "document": self.document,
        }
        write_json(folder / FILE, KIND, body)
        if chain := self.chain:
            np.savez(folder / CHAIN, transition=chain.transition_KK, start=chain.start_K, end=chain.end_K)

    @classmethod
    def load(cls, folder: Path) -> TagTables:
        """What :meth:`save` wrote; raises RunError."""
        body, chain = read_json(folder / FILE, KIND), None
        if (folder / CHAIN).exists():
            with np.load(folder / CHAIN) as arrays:
                chain = Chain(arrays["transition"], arrays["start"], arrays["end"])
        scheme = replace(named(body["scheme"][0]), separator=body["scheme"][1]) if body["scheme"] else None
        return cls(
            Lexicon.load(folder), tuple(body["tags"]), scheme, body["layout"], body["context"], chain, body["document"]
        )


class PortableTagger:
    """See :class:`rnncli.tasks.portable.Portable`; an example is a sentence."""

    together = 2048

    def __init__(self, tables: TagTables, run: Run) -> None:
        self.tables, self.run = tables, run
        self.reader = SentenceReader(tables.layout, tables.lexicon)

    def parse(self, text: str) -> Given:
        """A sentence, or a JSON object that holds ``tokens`` or ``text``; raises DataError."""
        return self.reader.parse(text, "input")

    def read(self, path: Path) -> Iterator[Given]:
        """A sentence a line, plain or in a JSON object."""
        return self._sentences(lines_of(path), str(path))

    def listen(self, lines: Iterable[str]) -> Iterator[Given]:
        """A sentence a line, plain or in a JSON object."""
        return self._sentences(lines, "stdin")

    def predict(self, examples: Sequence[Given]) -> list[dict[str, Any]]:
        """One row a sentence, in order; batch mates do not matter."""
        found: list[dict[str, Any]] = [{}] * len(examples)
        for some, inputs in self.tables.batches(examples):
            scores_BTK = self.run("model", inputs)["scores"]
            for i, scores_TK in zip(some.tolist(), scores_BTK, strict=True):
                found[i] = self.tables.row(examples[i], scores_TK[: len(examples[i].tokens)])
        return found

    def _sentences(self, lines: Iterable[str], name: str) -> Iterator[Given]:
        """The sentences of lines, with their neighbours where these are read too."""
        context, document = self.tables.context, self.tables.document
        given = (self.reader.parse(line, f"{name}:{number}") for number, line in enumerate(lines, start=1))
        return with_neighbours(((one, one.row.get(document)) for one in given), context) if context else given


def open_model(folder: Path, run: Run) -> PortableTagger:
    """The tagger whose tables lie in ``folder``."""
    return PortableTagger(TagTables.load(folder), run)
