"""Simple rivals of a recognizer of actions, so that a person sees what the order of frames buys."""

from __future__ import annotations

import numpy as np

from rnncli.metrics.statistics import Statistics
from rnncli.tasks.action.examples import ActionExamples
from rnncli.tasks.classify.labels import Labels

SIDE = 12
"""Rows and columns that pixels are averaged to."""


def rivals(train: ActionExamples, test: ActionExamples, labels: Labels) -> dict[str, Statistics]:
    """Majority; mean and deviation of each figure over the clip, with logistic regression or the nearest neighbour."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    majority = np.full(len(test), int(np.argmax(labels.frequencies)))
    found = {"majority": labels.of_predicted(test.truth, majority)}
    scaler = StandardScaler()
    X, Y = scaler.fit_transform(_summaries(train)), scaler.transform(_summaries(test))
    logistic = LogisticRegression(C=0.1, max_iter=500).fit(X, train.truth)
    probabilities = np.zeros((len(test), len(labels.names)))
    probabilities[:, logistic.classes_] = logistic.predict_proba(Y)
    found["mean frame + logistic"] = labels.of_probable(test.truth, probabilities)
    nearest = KNeighborsClassifier(1).fit(X, train.truth).predict(Y)
    found["nearest neighbour"] = labels.of_predicted(test.truth, nearest)
    return found


def _summaries(examples: ActionExamples) -> np.ndarray:
    """Mean and deviation over the frames of each clip, (N, 2 F)."""
    view, rows = examples.view, []
    for prepared in examples.prepared:
        frames = view.show(prepared).astype(np.float32)
        if view.pixels:
            frames = _averaged(frames)
        rows.append(np.concatenate([frames.mean(0), frames.std(0)]))
    return np.array(rows)


def _averaged(frames_TCHW: np.ndarray) -> np.ndarray:
    """Pixels averaged to a small picture, (T, F)."""
    for axis in (2, 3):
        size = frames_TCHW.shape[axis]
        cuts = np.unique(np.linspace(0, size, min(SIDE, size), endpoint=False).astype(np.int64))
        widths = np.diff([*cuts, size]).reshape([-1 if a == axis else 1 for a in range(4)])
        frames_TCHW = np.add.reduceat(frames_TCHW, cuts, axis) / widths
    return frames_TCHW.reshape(len(frames_TCHW), -1)
