"""Reports to look at: a simulated classifier with any labels."""

import numpy as np

from rnncli.metrics.classification import classification_intervals, classification_metrics
from rnncli.metrics.confusion import Confusion
from rnncli.report.build import Evaluation, Mistake, ModelSummary, Report, TrainingSummary, build_report

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
    confusion = Confusion(labels)
    confusion.add(truth, probabilities.argmax(axis=1))
    positive = 1 if len(labels) == 2 else None
    values = {
        "metrics": classification_metrics(truth, probabilities, positive),
        "intervals": classification_intervals(truth, probabilities, positive, resamples=50),
        "labels": labels,
        "confusion": confusion.counts_KK,
        "per_class": confusion.per_class(),
        "positive": None if positive is None else labels[positive],
        "mistakes": [Mistake("never a dull moment , alas", labels[0], labels[-1], 0.983, "reviews.csv:17")],
    }
    return Evaluation(examples, **{**values, **more})


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
