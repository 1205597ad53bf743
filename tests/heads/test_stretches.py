"""What CTC writes within a stretch, against a sum over every path there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from rnncli.heads.stretches import LabelStretch, between, with_spaces, written_log_odds, written_log_probs


def collapsed(path):
    """What a path writes: repeats and then blanks dropped."""
    return tuple(label for at, label in enumerate(path) if label and (not at or path[at - 1] != label))


def by_hand(log_probs_TV, stretch):
    """The sum over all paths of the frames of a stretch that write any of its sequences."""
    frames = range(stretch.begin, stretch.end)
    paths = product(range(log_probs_TV.shape[1]), repeat=len(frames))
    return sum(
        float(np.exp(sum(log_probs_TV[t, label] for t, label in zip(frames, path, strict=True))))
        for path in paths
        if collapsed(path) in stretch.sequences
    )


def test_the_probability_of_a_stretch_is_the_sum_over_its_paths():
    logits_NTV = torch.randn(3, 7, 4, generator=torch.manual_seed(0)).double() * 2
    stretches = [
        LabelStretch(1, 6, with_spaces((1, 2), (3,))),
        LabelStretch(0, 4, ((2, 2),)),
        LabelStretch(5, 7, with_spaces((1, 2), (3,))),  # of which only two labels fit
    ]
    found = written_log_probs(logits_NTV, stretches).exp()
    logs_NTV = logits_NTV.log_softmax(-1).numpy()
    expected = [by_hand(log_probs_TV, one) for log_probs_TV, one in zip(logs_NTV, stretches, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)
    odds = written_log_odds(logits_NTV, stretches)
    np.testing.assert_allclose(odds.numpy(), np.log(expected) - np.log1p(-np.array(expected)), rtol=1e-9)


def test_its_gradient_is_that_of_finite_differences():
    logits_NTV = torch.randn(1, 5, 4, generator=torch.manual_seed(1)).double().requires_grad_()
    stretches = [LabelStretch(1, 5, with_spaces((1, 2), (3,)))]
    assert torch.autograd.gradcheck(lambda x: written_log_odds(x, stretches), (logits_NTV,))
    (gradient,) = torch.autograd.grad(written_log_odds(logits_NTV, stretches).sum(), logits_NTV)
    assert not gradient[0, 0].any()  # outside the stretch


def test_what_has_too_few_frames_is_no_sum_of_anything():
    assert not LabelStretch(0, 2, ((1, 1),)).fits
    assert LabelStretch(0, 3, ((1, 1),)).fits
    logits_NTV = torch.zeros(1, 2, 3)
    assert float(written_log_probs(logits_NTV, [LabelStretch(0, 2, ((1, 1),))])[0]) < -1000


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [([], [], []), ([2], [4], [(0, 9)]), ([1, 6], [3, 8], [(0, 4), (4, 9)]), ([1, 3], [3, 4], [(0, 3), (3, 9)])],
)
def test_stretches_meet_midway_and_leave_no_frame_out(begins, ends, expected):
    assert between(begins, ends, 9) == expected
