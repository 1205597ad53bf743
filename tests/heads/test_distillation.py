"""The distance to teachers against numpy, and what is made of it and the loss by the labels."""

import numpy as np
import pytest
import torch

from rnncli.heads.distillation import distance, distance_by_label
from rnncli.tasks.teaching import Teaching


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_the_distance_is_that_of_softened_softmaxes(temperature):
    random = np.random.default_rng(1)
    theirs, ours = random.normal(size=(2, 6, 4)) * 3
    p, q = softmax(theirs / temperature), softmax(ours / temperature)
    wanted = temperature**2 * (p * np.log(p / q)).sum(-1)
    found = distance(torch.from_numpy(ours).log_softmax(-1), torch.from_numpy(softmax(theirs)), temperature)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9)


def test_labels_that_are_each_true_or_not_are_two_outcomes_each():
    random = np.random.default_rng(2)
    logits, said = random.normal(size=(5, 3)), random.uniform(0.01, 0.99, size=(5, 3))
    q = 1 / (1 + np.exp(-logits))
    wanted = said * np.log(said / q) + (1 - said) * np.log((1 - said) / (1 - q))
    found = distance_by_label(torch.from_numpy(logits), torch.from_numpy(said), 1.0)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9)


def test_teachers_that_are_quite_sure_leave_loss_and_gradient_finite():
    logits = torch.randn(3, 2, requires_grad=True)
    said = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    loss = distance(logits.log_softmax(-1), said, 3.0).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(("weight", "labelled", "wanted"), [(0.25, True, 2.5), (0.0, True, 2.0), (0.25, False, 4.0)])
def test_an_example_without_a_label_is_the_teachers_alone(weight, labelled, wanted):
    teaching = Teaching(torch.zeros(1, 1, 2), weight, 2.0, labelled)
    assert teaching.mixed(torch.tensor(2.0), torch.tensor(4.0)).item() == wanted
