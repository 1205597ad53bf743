"""Sentiment classification, any number of classes, one or several labels a text: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch

from rnncli.data.text import units as text_units
from rnncli.data.text.units import Cut, SortedUnits, Units
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.growing import growth
from rnncli.tasks.exporting import Exported
from rnncli.tasks.sentiment.data import TextPart, count_labels, read_corpus, read_part
from rnncli.tasks.sentiment.extras import checks
from rnncli.tasks.sentiment.extras.explained import TextExplainer
from rnncli.tasks.sentiment.extras.steps import TextSteps
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier
from rnncli.tasks.sentiment.predictor import TextPredictor
from rnncli.tasks.sentiment.schema import SentimentRecipe, TextData

read, read_more = read_corpus, read_part


def fit(recipe: SentimentRecipe, corpus: Corpus) -> FittedSentiment:
    """Units, vocabulary and labels of the training part."""
    return _fit(recipe, corpus, None)


def fit_further(recipe: SentimentRecipe, corpus: Corpus, known: FittedSentiment) -> FittedSentiment:
    """The units, vocabulary and labels of a run, and what is new; its evidence and that of the training part."""
    return _fit(recipe, corpus, known)


load = FittedSentiment.load
predictor = TextPredictor
explainer = TextExplainer


def export(fitted: FittedSentiment, model: TextClassifier, *, stream: bool) -> Exported:
    """The classifier as an ONNX graph with its tables."""
    from rnncli.tasks.sentiment.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def check(recipe: SentimentRecipe, corpus: Corpus) -> list[ReportTable]:
    """Tables of sizes, labels, coverage and duplicates."""
    units, _ = _units(recipe.data, corpus.parts["train"])
    return checks.tables(recipe, corpus, units)


def findings(corpus: Corpus) -> Iterator[Advice]:
    """Equal texts with two labels, texts and labels that stand for none, texts of test that train has."""
    yield from checks.findings(corpus.parts)


def step_reader(fitted: FittedSentiment, model: TextClassifier, device: torch.device) -> TextSteps:
    """What the core reads at each step."""
    return TextSteps(fitted, model, device)


def _units(data: TextData, train: TextPart) -> tuple[Units, str]:
    units, why = text_units.make(data.unit, train.texts(), lower=data.lower, subwords=data.subwords)
    return (SortedUnits(units) if data.order == "sorted" else units), why


def _fit(recipe: SentimentRecipe, corpus: Corpus, known: FittedSentiment | None) -> FittedSentiment:
    data, train = recipe.data, corpus.parts["train"]
    units, why = (known.units, "") if known else _units(data, train)
    cut = Cut(data.max_length)
    counts: Counter[str] = Counter()
    for text in train.texts():
        counts.update(cut(units.split(text)))
    old = known.vocabulary if known else Vocabulary(())
    vocabulary = old.grown(counts, min_count=data.min_count, max_size=data.max_vocabulary or None)
    labels = count_labels(train)
    notes = [f"units: {why}"] if why else []
    if cut.count:
        whole = "" if recipe.model.evidence == "off" else "; their n-grams are counted to the end"
        notes.append(f"{cut.count:,} training texts cut after {data.max_length} units (data.max_length){whole}")
    if known:
        notes += growth("units", old.tokens, vocabulary.tokens)
        notes += known.labels.growth(labels)
        labels = dict.fromkeys(known.labels.names, 0) | labels
    fitted = FittedSentiment(recipe, units, vocabulary, labels, fresh=True, notes=tuple(notes))
    fitted.labels.require_metric(recipe.train.best_by)
    evidence = "off" if recipe.model.evidence == "off" else "on"
    fitted.recipe = recipe.having({"data.unit": units.to_dict()["unit"], "model.evidence": evidence})
    if evidence == "on":
        fitted.learn_evidence(train, known)
    return fitted
