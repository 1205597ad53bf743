"""The metrics of classifiers, as every classifying task declares them; nothing heavy."""

from __future__ import annotations

from rnncli.metrics.metric import Metric

METRICS = (
    Metric("accuracy", meaning="the share of examples whose prediction is right"),
    Metric(
        "balanced_accuracy",
        show="never",
        meaning="the mean of the recalls of the classes: rare ones count as much as frequent ones",
    ),
    Metric("precision_macro", show="last", meaning="the mean over classes of their precision"),
    Metric("precision_micro", show="last", meaning="of all labels that were predicted, the share that is right"),
    Metric(
        "precision_weighted", show="never", meaning="the mean over classes of their precision, by how frequent they are"
    ),
    Metric("recall_macro", show="last", meaning="the mean over classes of their recall"),
    Metric("recall_micro", show="last", meaning="of all true labels, the share that was predicted"),
    Metric("recall_weighted", show="never", meaning="the mean over classes of their recall, by how frequent they are"),
    Metric("f1_macro", meaning="the mean over classes of their f1: rare ones count as much as frequent ones"),
    Metric("f1_micro", meaning="the f1 of all labels counted together"),
    Metric("f1_weighted", meaning="the mean over classes of their f1, by how frequent they are"),
    Metric("precision", show="last", meaning="of the examples predicted to be of the class, the share that is"),
    Metric("recall", show="last", meaning="of the examples of the class, the share that was found"),
    Metric("f1", meaning="the harmonic mean of precision and recall"),
    Metric(
        "mean_absolute_error",
        better="lower",
        unit="plain",
        title="MAE",
        meaning="how far the predicted number is from the true one, on average; 0 is perfect",
    ),
    Metric(
        "quadratic_kappa",
        unit="plain",
        meaning="agreement beyond chance, where far misses count by their square; 1 is perfect, 0 chance",
    ),
    Metric(
        "roc_auc",
        meaning="how often an example of a class has a higher probability of it than one of another; 50 is chance",
    ),
    Metric(
        "average_precision",
        meaning="the mean precision over all thresholds of probability, weighted by the gain in recall",
    ),
    Metric(
        "log_loss",
        better="lower",
        unit="plain",
        meaning="the mean of minus the logarithm of the probability given to the truth; 0 is perfect",
    ),
    Metric(
        "brier",
        better="lower",
        unit="plain",
        meaning="the mean squared distance of the probabilities from the truth; 0 is perfect",
    ),
    Metric(
        "calibration_error",
        better="lower",
        unit="plain",
        meaning="how far probabilities are from the shares that turn out right, on average; 0 is perfect",
    ),
)
