"""Reports to look at: a simulated classifier with any labels."""

import dataclasses

import numpy as np

from rnncli import tasks
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import (
    Details,
    Estimate,
    Evaluation,
    Mistake,
    ModelSummary,
    Report,
    TrainingSummary,
    build_report,
)
from rnncli.runs.score import evaluate
from rnncli.tasks.classify.scoring import rows
from rnncli.tasks.sentiment.schema import SentimentRecipe

BASELINES = {
    "majority": {"accuracy": 0.5, "f1_macro": 0.333, "roc_auc": 0.5, "log_loss": 0.693},
    "n-grams + logistic": {"accuracy": 0.768, "f1_macro": 0.767},
    "nb-svm": {"accuracy": 0.781, "f1_macro": 0.78},
}


def evaluation(labels, *, seed=0, examples=400, **more) -> Evaluation:
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(labels), examples)
    scores = random.normal(size=(examples, len(labels)))
    scores[np.arange(examples), truth] += 2
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    places, texts = (f"reviews.csv:{i + 2}" for i in range(examples)), (f"text {i}" for i in range(examples))
    predictions = list(rows(places, texts, truth, probabilities, labels))
    about = {"positive": labels[1]} if len(labels) == 2 else {}
    recipe = SentimentRecipe(seed=seed, evaluation=EvaluationSection(resamples=50))
    found = evaluate(recipe, predictions, about)
    mistake = Mistake("never a dull moment , alas", labels[0], labels[-1], 0.983, "reviews.csv:17")
    details = dataclasses.replace(found.details, **{"mistakes": [mistake], **more})
    return dataclasses.replace(found, details=details)


def scored(examples: int, values, **details) -> Evaluation:
    """Values, or (value, low, high), of metrics that the tasks declare."""
    declared = tasks.metrics("sentiment") | tasks.metrics("speech")
    metrics = {
        name: Estimate.of(declared[name], *(value if isinstance(value, tuple) else (value,)))
        for name, value in values.items()
    }
    return Evaluation(examples, metrics, Details(**details))


def report(labels=("negative", "positive"), *, baselines=BASELINES, notes=(), **more) -> Report:
    return build_report(
        task="sentiment",
        recipe="default",
        split="test",
        evaluation=evaluation(list(labels), **more),
        model=ModelSummary("gru", 1, 128, True, 1_912_345),
        training=TrainingSummary(252.3, 5, 3, 4120.2, "cpu"),
        dropped={"duplicate": 3},
        baselines=baselines,
        notes=notes,
    )
