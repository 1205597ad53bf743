"""Simple rivals of a text classifier, so that a person sees what recurrence buys.

Majority; TF-IDF of one- and two-grams with logistic regression; NB-SVM (Wang & Manning 2012): binary one- and two-grams
scaled by their naive Bayes log-count ratios, and a linear support vector machine, its weights drawn to their mean.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from rnncli.metrics.classification import multilabel_statistics
from rnncli.metrics.statistics import Statistics
from rnncli.tasks.classify.labels import Labels

MOST_TEXTS = 100_000
"""That rivals learn from: of more, some."""
Split = Callable[[str], list[str]]
Texts = tuple[list[str], np.ndarray]
"""Texts and their truth: (N,) numbers of labels or, of several, (N, K)."""


def rivals(split: Split, train: Texts, test: Texts, labels: Labels) -> dict[str, Statistics]:
    """All of them by name, scored on ``test``; ``split`` cuts a text into the model's own units."""
    found: dict[str, Statistics] = {}
    if not labels.several:
        usual = np.full(len(test[1]), int(np.argmax(labels.frequencies)))
        found["majority"] = labels.of_predicted(test[1], usual)
    found["n-grams + logistic"] = n_grams_and_logistic(split, train, test, labels)
    if not labels.several:
        found["nb-svm"] = nb_svm(split, train, test, labels)
    return found


def n_grams_and_logistic(split: Split, train: Texts, test: Texts, labels: Labels) -> Statistics:
    """TF-IDF of one- and two-grams of the model's own units, and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    X, Y = _vectors(TfidfVectorizer(sublinear_tf=True), split, train[0], test[0])
    if labels.several:
        from sklearn.multiclass import OneVsRestClassifier

        keep = train[1].any(0) & ~train[1].all(0)
        probabilities = np.tile(train[1].mean(0), (len(test[0]), 1))
        rival = OneVsRestClassifier(LogisticRegression(C=10, max_iter=300)).fit(X, train[1][:, keep])
        probabilities[:, keep] = rival.predict_proba(Y).reshape(len(test[0]), -1)
        return multilabel_statistics(test[1], probabilities)
    rival = LogisticRegression(C=10, max_iter=300).fit(X, train[1])
    probabilities = np.zeros((len(test[0]), len(labels.names)))
    probabilities[:, rival.classes_] = rival.predict_proba(Y)
    return labels.of_probable(test[1], probabilities)


def nb_svm(split: Split, train: Texts, test: Texts, labels: Labels, beta: float = 0.25) -> Statistics:
    """NB-SVM with the paper's smoothing of 1 and interpolation of 0.25, one class against the rest."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.svm import LinearSVC

    classes = len(labels.names)
    X, Y = _vectors(CountVectorizer(binary=True), split, train[0], test[0])
    scores = np.full((len(test[0]), classes), -np.inf)
    for label in [1] if classes == 2 else np.unique(train[1]):
        mine = train[1] == label
        ratio = _log_ratio(np.asarray(X[mine].sum(0)).ravel(), np.asarray(X[~mine].sum(0)).ravel())
        svm: Any = LinearSVC(C=1.0, random_state=1).fit(X.multiply(ratio).tocsr(), mine)
        weights = svm.coef_[0]
        weights = (1 - beta) * np.abs(weights).mean() + beta * weights
        scores[:, label] = Y.multiply(ratio) @ weights + svm.intercept_[0]
    if classes == 2:
        scores[:, 0] = 0.0
    return labels.of_predicted(test[1], scores.argmax(1))


def _vectors(vectorizer: Any, split: Split, train: list[str], test: list[str]) -> tuple[Any, Any]:
    vectorizer.set_params(analyzer=_bigrams(split), dtype=np.float32)
    return vectorizer.fit_transform(train), vectorizer.transform(test)


def _log_ratio(with_V: np.ndarray, without_V: np.ndarray) -> np.ndarray:
    p, q = with_V + 1, without_V + 1
    return np.log(p / p.sum()) - np.log(q / q.sum())


def _bigrams(split: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    def grams(text: str) -> list[str]:
        units = split(text)
        return units + [f"{one} {two}" for one, two in pairwise(units)]

    return grams
