"""The metrics of classifiers, as every classifying task declares them; nothing heavy."""

from __future__ import annotations

from rnncli.metrics.metric import Metric

METRICS = (
    Metric("accuracy"),
    Metric("balanced_accuracy", show="never"),
    Metric("precision_macro", show="last"),
    Metric("precision_micro", show="last"),
    Metric("precision_weighted", show="never"),
    Metric("recall_macro", show="last"),
    Metric("recall_micro", show="last"),
    Metric("recall_weighted", show="never"),
    Metric("f1_macro"),
    Metric("f1_micro"),
    Metric("f1_weighted"),
    Metric("precision", show="last"),
    Metric("recall", show="last"),
    Metric("f1"),
    Metric("mean_absolute_error", better="lower", unit="plain", title="MAE"),
    Metric("quadratic_kappa", unit="plain"),
    Metric("roc_auc"),
    Metric("average_precision"),
    Metric("log_loss", better="lower", unit="plain"),
    Metric("brier", better="lower", unit="plain"),
    Metric("calibration_error", better="lower", unit="plain"),
)
