"""Sequence tagging, a tag for each word or spans written as tags: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from rnncli.data.text.tagschemes import OUTSIDE
from rnncli.errors import DataError
from rnncli.report.build import Advice
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.growing import grown, growth
from rnncli.tasks.exporting import Exported
from rnncli.tasks.tagging.data import SentencePart, read_corpus, read_part
from rnncli.tasks.tagging.extras import checks
from rnncli.tasks.tagging.extras.explained import TagExplainer
from rnncli.tasks.tagging.extras.lexicon import Lexicon
from rnncli.tasks.tagging.extras.steps import TaggingSteps
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import Tagger
from rnncli.tasks.tagging.predictor import TagPredictor
from rnncli.tasks.tagging.schema import TaggingRecipe

ONE_CHARACTER = 1.5
"""Characters a word, on average, below which words are taken to be characters."""
MEASURED = 1000
"""Sentences that this average is taken over."""

read, read_more = read_corpus, read_part


def fit(recipe: TaggingRecipe, corpus: Corpus) -> FittedTagging:
    """Lexicon and tags of the training part."""
    return _fit(recipe, corpus, None)


def fit_further(recipe: TaggingRecipe, corpus: Corpus, known: FittedTagging) -> FittedTagging:
    """Lexicon and tags of a run, and what is new."""
    return _fit(recipe, corpus, known)


load = FittedTagging.load
predictor = TagPredictor
explainer = TagExplainer
check = checks.tables


def export(fitted: FittedTagging, model: Tagger, *, stream: bool) -> Exported:
    """The tagger as an ONNX graph with its tables."""
    from rnncli.tasks.tagging.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def findings(corpus: Corpus) -> Iterator[Advice]:
    """Equal sentences with other tags, sentences of test that train has."""
    yield from checks.findings(corpus.parts)


def suited(recipe: TaggingRecipe, train: SentencePart) -> tuple[TaggingRecipe, str]:
    """The recipe for these words: where they are single characters there are no ends and no characters to look at."""
    if word_size(train) >= ONE_CHARACTER or not (recipe.model.characters or recipe.model.affixes):
        return recipe, ""
    pairs = recipe.model.pairs or recipe.model.embedding // 2
    model = recipe.model.model_copy(update={"characters": 0, "affixes": 0, "pairs": pairs})
    note = f"words are single characters: read with pairs of neighbours ({pairs}), without characters and affixes"
    return recipe.model_copy(update={"model": model}), note


def word_size(part: SentencePart) -> float:
    """Characters a word, on average over the first sentences."""
    sizes = [len(word) for _, tokens in zip(range(MEASURED), part.tokens(), strict=False) for word in tokens]
    return float(np.mean(sizes)) if sizes else 0.0


def step_reader(fitted: FittedTagging, model: Tagger, device: torch.device) -> TaggingSteps:
    """What the core reads at each step."""
    return TaggingSteps(fitted, model, device)


def _fit(recipe: TaggingRecipe, corpus: Corpus, known: FittedTagging | None) -> FittedTagging:
    train: SentencePart = corpus.parts["train"]
    recipe, note = suited(recipe, train) if known is None else (recipe, "")
    counts = Counter(tag for tags in train.tags() for tag in tags)
    if known and (known.scheme is None) != (train.scheme is None):
        ours, theirs = ("single tags" if one is None else "spans" for one in (train.scheme, known.scheme))
        raise DataError(
            f"{train.place(0)}: {ours}, where the run has {theirs}", "data.tag_scheme says how tags are read"
        )
    if len({*counts, *(known.tags if known else ())}) < 2:
        raise DataError(
            f"{train.place(0)}: the training part has only the tag {next(iter(counts))}; two are needed",
            "is this the right --tag-column?",
        )
    if recipe.data.mixed_copies and train.scheme is None:
        raise DataError(f"{train.place(0)}: data.mixed_copies exchanges spans, but the tags are none", "leave it out")
    lexicon, notes = Lexicon.learn(recipe, train.sentences()), [note] if note else []
    if known:
        lexicon = known.lexicon.grown(lexicon, recipe.data.max_vocabulary)
        old, words = (one.vocabularies["word"].tokens for one in (known.lexicon, lexicon))
        lost = sorted(set(known.tags) - counts.keys())
        notes += [*growth("words", old, words), *growth("tags", known.tags, grown(known.tags, sorted(counts)), lost)]
    every = {*counts, *(known.tags if known else ())}
    tags = sorted(every, key=lambda tag: (tag != OUTSIDE, tag[2:] if train.scheme else tag, tag))
    columns = train.columns
    layout: dict[str, Any] = {"columns": train.table.columns, "token": columns.token, "tag": columns.tag_name}
    layout |= {"features": list(columns.features), "by_character": word_size(train) < ONE_CHARACTER}
    return FittedTagging(recipe, lexicon, tags, train.scheme, layout, fresh=True, notes=tuple(notes))
