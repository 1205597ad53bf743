"""A tagger as an ONNX graph: what is known of words in, scores of tags out; the chain is decoded outside of it.

Shape letters: B sentences, S words that are read, T words of the sentences themselves, K tags, U different words,
C characters, I size of what is known of a word, E size of what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from onnx import ModelProto
from torch import Tensor, nn

from rnncli.core.graph import OnnxGraph, cleared, embedding, linear, padding, recurrent
from rnncli.errors import RecipeError
from rnncli.heads.path import Chain
from rnncli.tasks.exporting import MODEL, Exported, Trial
from rnncli.tasks.portable import Arrays
from rnncli.tasks.tagging import portable
from rnncli.tasks.tagging.collating import inside
from rnncli.tasks.tagging.examples import TaggingBatch
from rnncli.tasks.tagging.extras.lexicon import SHAPES
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import WIDTH, ConvolutionReader, RecurrentReader, Tagger, TagScorer, WordKnowledge
from rnncli.tasks.tagging.portable import TagTables

LONGEST = 100
"""Words of a long sentence; how long those of training were is not known any more."""
WORDS = 50
"""Different words of a batch that is tried."""
SENTENCES = ("Ms Braflen met Dr. Kavik .", "", "a b c d e f g h")


def export(fitted: FittedTagging, model: Tagger, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    if stream:
        why = "the best tags of a sentence are found from its end, so there is nothing to give step by step"
        raise RecipeError(f"task: {why}", "leave --stream away")
    tables = tables_of(fitted, model)
    trial = _Trial(tables, model)
    return Exported(
        {MODEL: tagger(model, tables)},
        tables.save,
        portable.__name__,
        Trial(trial.draw, trial.by_torch, trial.decisions, trial.by_graphs),
        LONGEST + 2 * tables.context,
        () if tables.layout["features"] else SENTENCES,
    )


def tables_of(fitted: FittedTagging, model: Tagger) -> TagTables:
    """What the graph lacks: words, tags, and the scores of neighbouring tags."""
    chain, head = None, model.head
    if head is not None:
        forbidden = -np.inf
        parts = (
            (head.transition_KK, head.allowed_KK),
            (head.start_K, head.allowed_start_K),
            (head.end_K, head.allowed_end_K),
        )
        chain = Chain(*(part.detach().masked_fill(~allowed, forbidden).numpy() for part, allowed in parts))
    data = fitted.recipe.data
    known = (fitted.lexicon, fitted.tags, fitted.scheme, fitted.layout)
    return TagTables(*known, data.context, chain, data.document_column)


def tagger(model: Tagger, tables: TagTables) -> ModelProto:
    """The graph: the mean scores of all members, (B, T, K), of sentences read as ``tables`` says."""
    graph, context = OnnxGraph("tagger"), bool(tables.context)
    given = {
        "word": graph.input("word", "int64", ("B", "S")),
        "read": graph.input("read", "int64", ("B",)),
        "places": graph.input("places", "int64", ("B", "S", len(tables.lexicon.positions))),
        "forms": graph.input("forms", "int64", ("U", 2 + len(tables.lexicon.affixes))),
        "characters": graph.input("characters", "int64", ("U", "C")),
        "character_lengths": graph.input("character_lengths", "int64", ("U",)),
    }
    own_BT1 = _own(graph, *(graph.input(name, "int64", ("B",)) for name in ("lengths", "before"))) if context else ""
    scores = [_scorer(graph, member, given, own_BT1) for member in model.members]
    scores_BTK = scores[0] if len(scores) == 1 else graph.add("Mean", *scores)
    graph.output(scores_BTK, "scores", "float32", ("B", "T" if context else "S", len(tables.tags)))
    return graph.model()


def _scorer(graph: OnnxGraph, member: TagScorer, given: Mapping[str, str], own_BT1: str) -> str:
    """One member's scores of the tags."""
    known_UI = _words(graph, member.words, given)
    found = [graph.add("Gather", known_UI, given["word"])]
    for at, name in enumerate(member.order):
        numbers_BS = graph.add("Gather", given["places"], graph.constant(np.int64(at)), axis=2)
        found.append(embedding(graph, cast(nn.Embedding, member.places[name]), numbers_BS))
    x_BSI = graph.add("Concat", *found, axis=-1)
    y_BSE, _ = recurrent(graph, member.core, x_BSI, given["read"])
    both = graph.add("Concat", y_BSE, x_BSI, axis=-1)
    if own_BT1:
        both = graph.add("GatherND", both, own_BT1, batch_dims=1)
    return linear(graph, member.linear, both)


def _own(graph: OnnxGraph, lengths_B: str, before_B: str) -> str:
    """Where the words of the sentences themselves stand among those that are read, (B, T, 1)."""
    one, zero = graph.constant(np.int64(1)), graph.constant(np.int64(0))
    axes = [graph.constant(np.array([axis])) for axis in (1, 2)]
    most = graph.add("Max", graph.add("ReduceMax", lengths_B, keepdims=0), one)
    times_T = graph.add("Range", zero, most, one)
    lengths_B1 = graph.add("Max", graph.add("Unsqueeze", lengths_B, axes[0]), one)
    # What lies beyond a sentence has no meaning, but a place of its own.
    within_BT = graph.add("Min", times_T, graph.add("Sub", lengths_B1, one))
    at_BT = graph.add("Add", graph.add("Unsqueeze", before_B, axes[0]), within_BT)
    return graph.add("Unsqueeze", at_BT, axes[1])


def _words(graph: OnnxGraph, words: WordKnowledge, given: Mapping[str, str]) -> str:
    """What is known of the different words, (U, I)."""
    found = []
    for at, table in enumerate(words.tables):
        numbers_U = graph.add("Gather", given["forms"], graph.constant(np.int64(at)), axis=1)
        found.append(embedding(graph, cast(nn.Embedding, table), numbers_U))
    if words.characters is not None and words.character_table is not None:
        x_UCI = embedding(graph, words.character_table, given["characters"])
        read = _read if isinstance(words.characters, RecurrentReader) else _convolved
        found.append(read(graph, words.characters, x_UCI, given["character_lengths"]))
    return graph.add("Concat", *found, axis=-1)


def _read(graph: OnnxGraph, reader: RecurrentReader, x_UCI: str, lengths_U: str) -> str:
    """The states in which both directions end, (U, E)."""
    _, state = recurrent(graph, reader.core, x_UCI, lengths_U)
    end_UDH = graph.add("Transpose", state[0], perm=[1, 0, 2])
    return graph.add("Reshape", end_UDH, graph.constant(np.array([0, reader.output_size])))


def _convolved(graph: OnnxGraph, reader: ConvolutionReader, x_UCI: str, lengths_U: str) -> str:
    """The largest answer of each filter, (U, E)."""
    padding_UC = padding(graph, x_UCI, lengths_U)
    x_UIC = graph.add("Transpose", cleared(graph, x_UCI, padding_UC), perm=[0, 2, 1])
    filters, side = reader.filters, WIDTH // 2
    assert filters.bias is not None
    weights = [graph.constant(filters.weight), graph.constant(filters.bias)]
    answers_UCE = graph.add("Transpose", graph.add("Conv", x_UIC, *weights, pads=[side, side]), perm=[0, 2, 1])
    return graph.add("Relu", graph.add("ReduceMax", cleared(graph, answers_UCE, padding_UC), axes=[1], keepdims=0))


class _Trial:
    """Random sentences of random words, as the model meets them."""

    def __init__(self, tables: TagTables, model: Tagger) -> None:
        self.tables, self.model = tables, model

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        """``lengths_B`` are the words that are read, of which some are the sentence itself."""
        lexicon, inside_BS = self.tables.lexicon, inside(lengths_B)
        shape, vocabularies = inside_BS.shape, lexicon.vocabularies
        sizes = [len(vocabularies["word"]), SHAPES, *(len(vocabularies[name]) for name in lexicon.affixes)]
        places = [chance.integers(1, len(vocabularies[name]), shape) for name in lexicon.positions]
        found = {
            "word": chance.integers(0, WORDS, shape) * inside_BS,
            "read": lengths_B,
            "places": np.stack(places, -1) * inside_BS[..., None] if places else np.zeros((*shape, 0), np.int64),
            "forms": np.stack([chance.integers(1, size, WORDS) for size in sizes], 1),
        }
        character_lengths_U = chance.integers(0, lexicon.max_characters + 1, WORDS)
        inside_UC = inside(character_lengths_U)
        most = len(vocabularies["character"]) if "character" in vocabularies else 2
        found |= {"characters": chance.integers(1, most, inside_UC.shape) * inside_UC}
        if self.tables.context:
            own_B = (lengths_B * chance.random(len(lengths_B))).astype(np.int64)
            found |= {
                "lengths": own_B,
                "before": ((lengths_B - own_B) * chance.random(len(lengths_B))).astype(np.int64),
            }
        return found | {"character_lengths": character_lengths_U}

    def by_torch(self, given: Arrays) -> Arrays:
        own_B = given.get("lengths", given["read"])
        tensors: dict[str, Tensor] = {name: torch.from_numpy(array) for name, array in given.items()}
        batch = TaggingBatch(
            tensors["word"],
            torch.from_numpy(own_B),
            tensors["read"],
            tensors.get("before"),
            tensors["forms"],
            tensors["characters"],
            tensors["character_lengths"],
            tensors["places"],
            torch.zeros(inside(own_B).shape, dtype=torch.int64),
        )
        return _within({"scores": self.model(batch).numpy(), "lengths": own_B})

    def by_graphs(self, run: portable.Run, given: Arrays) -> Arrays:
        own_B = given.get("lengths", given["read"])
        return _within({"scores": run(MODEL, given)["scores"], "lengths": own_B})

    def decisions(self, found: Arrays) -> Sequence[list[int]]:
        rows = zip(found["scores"], found["lengths"].tolist(), strict=True)
        return [self.tables.decoded(scores_TK[:length])[0].tolist() for scores_TK, length in rows]


def _within(found: Arrays) -> Arrays:
    """Scores, those beyond the lengths 0, for they have no meaning."""
    return found | {"scores": found["scores"] * inside(found["lengths"])[..., None]}
