"""CTC against brute force over all paths."""

import itertools

import numpy as np
import pytest
import torch

from rnncli.heads.beam import beam_search
from rnncli.heads.ctc import ctc_nll, frames_needed, greedy, spot


def log_probs(frames, vocabulary, seed, sharp=1.0):
    logits = np.random.default_rng(seed).normal(size=(frames, vocabulary)) * sharp
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def collapse(path):
    return tuple(label for label, _ in itertools.groupby(path) if label)


def brute(log_probs_TV):
    """log p of every labelling, and its best path."""
    totals, best = {}, {}
    for path in itertools.product(range(log_probs_TV.shape[1]), repeat=len(log_probs_TV)):
        score = sum(log_probs_TV[t, label] for t, label in enumerate(path))
        labels = collapse(path)
        totals[labels] = np.logaddexp(totals.get(labels, -np.inf), score)
        if score > best.get(labels, (-np.inf, ()))[0]:
            best[labels] = score, path
    return totals, best


def test_the_loss_is_minus_the_log_of_the_sum_over_all_paths():
    frames, labels = 4, (1, 1)
    table = log_probs(frames, 3, 1)
    expected = -brute(table)[0][labels]
    logits = torch.from_numpy(table)[None].half()
    found = ctc_nll(logits, torch.tensor([frames]), torch.tensor([labels]), torch.tensor([2]))
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=1e-3)


def test_labels_that_frames_do_not_suffice_for_have_no_probability():
    assert frames_needed([1, 1, 2]) == 4
    assert frames_needed([]) == 0
    for frames in (3, 4):
        logits = torch.from_numpy(log_probs(frames, 3, 2))[None]
        found = ctc_nll(logits, torch.tensor([frames]), torch.tensor([[1, 1, 2]]), torch.tensor([3]))
        assert torch.isfinite(found).item() == (frames >= 4)
    assert (1, 1, 2) not in brute(log_probs(3, 3, 2))[0]


def test_greedy_is_the_best_path_collapsed_with_the_frames_of_each_label():
    table = log_probs(7, 4, 3, sharp=2)
    path = table.argmax(1)
    found = greedy(table)
    assert tuple(found.labels) == collapse(path)
    for label, start, end, sure in zip(found.labels, found.starts, found.ends, found.confidences, strict=True):
        assert (path[start:end] == label).all()
        assert sure == pytest.approx(np.exp(table[start:end, label].max()))
    assert greedy(np.zeros((0, 4))).labels == []


@pytest.mark.parametrize("seed", range(6))
def test_an_unlimited_beam_finds_the_most_probable_labels_with_their_probabilities(seed):
    table = log_probs(5, 3, seed)
    totals, _ = brute(table)
    found = beam_search(table, beam=10_000, best=5, least=-np.inf)
    expected = sorted(totals, key=lambda labels: -totals[labels])[:5]
    assert [one.labels for one in found] == expected
    for one in found:
        assert one.acoustic == pytest.approx(totals[one.labels])
        assert one.score == one.acoustic


class Pairs:
    """Weighs pairs of labels by a table, forbids 2 behind 1, and wants an odd number of labels."""

    def __init__(self, table):
        self.table = table

    def start(self):
        return (0, 0)

    def extend(self, state, label):
        last, count = state
        return None if (last, label) == (1, 2) else ((label, count + 1), self.table[last, label])

    def finish(self, state):
        return 0.5 if state[1] % 2 else None


@pytest.mark.parametrize("seed", range(4))
def test_a_scorer_weighs_forbids_and_ends(seed):
    table = log_probs(5, 3, seed)
    weights = np.random.default_rng(seed + 50).normal(size=(3, 3))
    scores = {}
    for labels, total in brute(table)[0].items():
        pairs = list(zip((0, *labels), labels, strict=False))
        if (1, 2) not in pairs and len(labels) % 2:
            scores[labels] = total + sum(weights[pair] for pair in pairs) + 0.5
    found = beam_search(table, beam=10_000, scorer=Pairs(weights), best=4, least=-np.inf)
    assert [one.labels for one in found] == sorted(scores, key=lambda labels: -scores[labels])[:4]
    for one in found:
        assert one.score == pytest.approx(scores[one.labels])


def test_a_narrow_beam_is_no_better_than_a_wide_one():
    table = log_probs(40, 12, 9, sharp=2)
    scores = [beam_search(table, beam=beam)[0].score for beam in (1, 4, 64)]
    assert scores[0] <= scores[1] + 1e-9
    assert scores[1] <= scores[2] + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_given_labels_are_laid_on_their_best_path(seed):
    table = log_probs(6, 3, seed)
    for labels, (_, path) in brute(table)[1].items():
        found = spot(table, labels)
        runs = [(label, len(list(run))) for label, run in itertools.groupby(path)]
        ends = np.cumsum([length for _, length in runs])
        spans = [(end - length, end) for (label, length), end in zip(runs, ends, strict=True) if label]
        assert list(zip(found.starts, found.ends, strict=True)) == spans


def test_labels_that_do_not_fit_have_no_confidence():
    found = spot(log_probs(2, 3, 0), [1, 1])
    assert found.confidences == [0.0, 0.0]
