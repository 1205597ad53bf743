"""Memory over a lag: the adding problem, and naming a symbol shown long ago: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.report.build import ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import QUANTILES, by_split, counted, quantiles
from rnncli.tasks.memory.data import MemoryPart, read_corpus, read_part
from rnncli.tasks.memory.fitted import FittedMemory
from rnncli.tasks.memory.metrics import COPY
from rnncli.tasks.memory.predictor import MemoryPredictor
from rnncli.tasks.memory.problems import learn
from rnncli.tasks.memory.schema import MemoryRecipe

read, read_more = read_corpus, read_part
load = FittedMemory.load
predictor = MemoryPredictor


def fit(recipe: MemoryRecipe, corpus: Corpus) -> FittedMemory:
    """The symbols and the answers of the training part."""
    train: MemoryPart = corpus.parts["train"]
    return FittedMemory(recipe, learn(recipe.data.problem, list(train.sequences()), list(train.answers())))


def check(recipe: MemoryRecipe, corpus: Corpus) -> list[ReportTable]:
    """How long the sequences are and, of symbols, how often each is the answer."""
    lengths = {name: np.array([len(text.split()) for text in part.sequences()]) for name, part in corpus.parts.items()}
    found = [by_split("steps of a sequence", ("sequences", *QUANTILES), lengths, _sizes)]
    if recipe.data.problem == COPY:
        answers = {name: Counter(part.answers()) for name, part in corpus.parts.items()}
        found.append(counted("answers", "answer", answers, shares=True))
    return found


def _sizes(lengths_N: np.ndarray) -> list[str]:
    return [f"{len(lengths_N):,}", *quantiles(lengths_N)]
