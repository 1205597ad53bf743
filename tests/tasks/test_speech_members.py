"""Several stacks in one recognizer, against each of them by itself."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnncli.data.text.labelunits import LabelUnits
from rnncli.tasks.decode.language import Language
from rnncli.tasks.speech.examples import collate
from rnncli.tasks.speech.extras.form import FeatureForm, Scale
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.model import Recognizer
from rnncli.tasks.speech.schema import SpeechModel, SpeechRecipe

LENGTHS, LABELS = (60, 44, 31), ([1, 2, 2, 3], [4], [])


def recognizer(**keys):
    torch.manual_seed(3)
    settings = SpeechModel(hidden=6, channels=5, layers=2, dropout=0).model_copy(update={"members": 3} | keys)
    return Recognizer(4, settings, 5)


def some_batch():
    random = np.random.default_rng(1)
    found = [random.normal(size=(length, 4)).astype(np.float32) for length in LENGTHS]
    return collate(found, [np.array(one, dtype=np.int64) for one in LABELS])


def log_probs(scores_RV):
    """By the definition, in float64."""
    exact_RV = scores_RV.detach().numpy().astype(np.float64)
    return exact_RV - np.log(np.exp(exact_RV).sum(-1, keepdims=True))


def alone(model, x_TF):
    """The log probabilities (R, V) that each member gives to one recording."""
    x_1RX = torch.from_numpy(x_TF)[None]
    for k in range(2):
        x_1RX = model.heard(k, functional.pad(x_1RX, (0, 0, 2, 2)))
    outputs = [(member, member.remembered(x_1RX, None, [None, None])[0]) for member in model.members]
    return [log_probs(member.linear(y_1RE)[0]) for member, y_1RE in outputs]


def nll(log_probs_RV, labels):
    """Minus the logarithm of the sum over all paths: the forward recursion of Graves et al. (2006)."""
    states = [0] + [state for label in labels for state in (label, 0)]
    sums = [math.exp(log_probs_RV[0, state]) if s < 2 else 0.0 for s, state in enumerate(states)]
    for row_V in log_probs_RV[1:]:
        before = sums
        sums = []
        for s, state in enumerate(states):
            total = before[s] + (before[s - 1] if s else 0)
            if s > 1 and state and state != states[s - 2]:
                total += before[s - 2]
            sums.append(total * math.exp(row_V[state]))
    return -math.log(sum(sums[-2:]))


def test_log_probabilities_are_the_mean_of_members_that_differ():
    model, batch = recognizer().eval(), some_batch()
    scores_BRV, lengths_B = model(batch.x_BTF, batch.lengths_B)
    for i, length in enumerate(lengths_B.tolist()):
        apart = alone(model, batch.x_BTF[i, : LENGTHS[i]].numpy())
        assert np.abs(apart[0] - apart[1]).max() > 0.01
        expected_RV = log_probs(torch.from_numpy(sum(apart) / 3))
        np.testing.assert_allclose(log_probs(scores_BRV[i, :length]), expected_RV, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_members_learn_each_and_together_and_are_judged_together(training):
    units = LabelUnits("character", tuple("abcd"))
    fitted = FittedSpeech(SpeechRecipe(), units, Language(), FeatureForm(4, True, Scale()))
    model, batch = recognizer().train(training), some_batch()
    learnt = []
    for i, labels in enumerate(LABELS):
        apart = alone(model, batch.x_BTF[i, : LENGTHS[i]].numpy())
        mean_RV = log_probs(torch.from_numpy(sum(apart) / 3))
        learnt.append(np.mean([nll(one, labels) for one in ([mean_RV, *apart] if training else [mean_RV])]))
    assert fitted.loss(model, batch).item() == pytest.approx(sum(learnt) / sum(map(len, LABELS)), rel=1e-5)


def test_equal_members_are_dropped_out_by_masks_of_their_own():
    model, batch = recognizer(members=2, dropout=0.5), some_batch()
    one, other = model.members
    other.load_state_dict(one.state_dict())
    for training in (True, False):
        (first, second), _ = model.train(training).apart(batch.x_BTF, batch.lengths_B)
        assert torch.equal(first, second) != training
