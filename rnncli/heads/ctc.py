"""Connectionist temporal classification: the loss, what can be aligned at all, and the most probable path.

A path labels each frame; dropping repeats and then blanks gives the labels (Graves et al. 2006). Label 0 is the blank.
Shape letters: B batch, T time (frames), V vocabulary with the blank, S target length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

BLANK = 0


@dataclass(frozen=True)
class Decoded:
    """Labels with the frames where each begins and ends (half open) and its probability at its surest frame."""

    labels: list[int]
    starts: list[int]
    ends: list[int]
    confidences: list[float]


def ctc_nll(logits_BTV: Tensor, lengths_B: Tensor, labels_BS: Tensor, label_lengths_B: Tensor) -> Tensor:
    """Minus the log probability of each example's labels, (B,), in fp32; infinite where frames do not suffice."""
    from torch.nn import functional  # what searches need is numpy alone, so that they run where torch is not

    log_probs_TBV = logits_BTV.float().log_softmax(-1).transpose(0, 1)
    # On the CPU the lengths stay: torch looks at them there.
    return functional.ctc_loss(
        log_probs_TBV, labels_BS, lengths_B, label_lengths_B, blank=BLANK, reduction="none", zero_infinity=False
    )


def log_probs(logits_BTV: Tensor, lengths_B: Tensor) -> list[np.ndarray]:
    """The log probabilities of each example within its length, (T, V) float64."""
    found_BTV = logits_BTV.double().log_softmax(-1).cpu().numpy()
    return [one[:length] for one, length in zip(found_BTV, lengths_B.tolist(), strict=True)]


def frames_needed(labels: Sequence[int] | np.ndarray) -> int:
    """The fewest frames that a path of these labels has: one each, and a blank between equal neighbours."""
    labels = np.asarray(labels)
    return len(labels) + int((labels[1:] == labels[:-1]).sum())


def greedy(log_probs_TV: np.ndarray) -> Decoded:
    """The labels of the most probable path, which need not be the most probable labels."""
    if not len(log_probs_TV):
        return Decoded([], [], [], [])
    best_T = log_probs_TV.argmax(1)
    changes = np.flatnonzero(np.diff(best_T, prepend=-1))
    ends = np.append(changes[1:], len(best_T))
    found = Decoded([], [], [], [])
    for start, end in zip(changes.tolist(), ends.tolist(), strict=True):
        label = int(best_T[start])
        if label != BLANK:
            found.labels.append(label)
            found.starts.append(start)
            found.ends.append(end)
            found.confidences.append(float(np.exp(log_probs_TV[start:end, label].max())))
    return found


def spot(log_probs_TV: np.ndarray, labels: Sequence[int]) -> Decoded:
    """Given labels on their most probable path; without times where the frames do not suffice.

    Viterbi over blank, first label, blank, ..., last label, blank; a label's frames are those that the path gives it.
    """
    frames, count = len(log_probs_TV), len(labels)
    if not count or frames < frames_needed(labels):
        return Decoded(list(labels), [0] * count, [frames] * count, [0.0] * count)
    states = np.full(2 * count + 1, BLANK)
    states[1::2] = labels
    skips = np.zeros(len(states), dtype=bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs_TV[0, states[:2]]
    moves_TS = np.zeros((frames, len(states)), dtype=np.int8)
    for t in range(1, frames):
        steps_3S = np.full((3, len(states)), -np.inf)
        steps_3S[0], steps_3S[1, 1:] = score, score[:-1]
        steps_3S[2, 2:] = np.where(skips[2:], score[:-2], -np.inf)
        moves_TS[t] = steps_3S.argmax(0)
        score = steps_3S.max(0) + log_probs_TV[t, states]
    state = len(states) - 1 if score[-1] >= score[-2] else len(states) - 2
    path_T = np.zeros(frames, dtype=np.int64)
    for t in range(frames - 1, -1, -1):
        path_T[t] = state
        state -= int(moves_TS[t, state])
    found = Decoded(list(labels), [], [], [])
    for k, label in enumerate(labels):
        at = np.flatnonzero(path_T == 2 * k + 1)
        found.starts.append(int(at[0]))
        found.ends.append(int(at[-1]) + 1)
        found.confidences.append(float(np.exp(log_probs_TV[at, label].max())))
    return found
