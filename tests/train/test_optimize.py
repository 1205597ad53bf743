"""Schedules and averages against their definitions written out."""

import math
import sys

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from rnncli.recipe.schema import TrainSection
from rnncli.train.optimize import MovingAverage, make_optimizer, rate_factor


def test_the_warm_up_is_linear_and_reaches_the_full_rate_at_its_last_step():
    settings = TrainSection(warmup_steps=4)
    assert [rate_factor(settings, step, 0.0, 1.0) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_the_cosine_agrees_with_torch():
    parameter = nn.Parameter(torch.zeros(1))
    oracle = torch.optim.SGD([parameter], lr=1.0)
    schedule = CosineAnnealingLR(oracle, T_max=10)
    settings = TrainSection(schedule="cosine")
    for step in range(10):
        assert rate_factor(settings, step, step / 10, 1.0) == pytest.approx(schedule.get_last_lr()[0], abs=1e-12)
        oracle.step()
        schedule.step()


@pytest.mark.parametrize(("schedule", "expected"), [("constant", 1.0), ("linear", 0.75), ("plateau", 0.5)])
def test_the_other_schedules_are_what_they_say(schedule, expected):
    assert rate_factor(TrainSection(schedule=schedule), 9, 0.25, 0.5) == expected


def test_groups_scale_the_rate_and_the_decay():
    one, two = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    settings = TrainSection(learning_rate=0.1, weight_decay=0.2)
    optimizer = make_optimizer(
        settings, [{"params": [one]}, {"params": [two], "learning_rate": 0.5, "weight_decay": 0}]
    )
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.05]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.2, 0.0]


@pytest.mark.parametrize(
    ("name", "kind", "more"),
    [
        ("adamw", torch.optim.AdamW, {}),
        ("adam", torch.optim.Adam, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.9}),
    ],
)
def test_an_optimizer_steps_as_torchs_own_and_loads_no_compiler(name, kind, more, monkeypatch):
    ours, theirs = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    oracle = kind([theirs], lr=0.1, weight_decay=0.2, fused=True, **more)
    settings = TrainSection(optimizer=name, learning_rate=0.1, weight_decay=0.2)

    def take_steps(optimizer, parameter):
        for step in range(4):
            optimizer.zero_grad()
            (parameter * torch.tensor([1.0, -2.0, step])).square().sum().backward()
            optimizer.step()

    take_steps(oracle, theirs)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch._dynamo", None)  # what imports it fails
        optimizer = make_optimizer(settings, [{"params": [ours]}])
        take_steps(optimizer, ours)
        optimizer.load_state_dict(optimizer.state_dict())
    assert torch.equal(ours, theirs)


def test_the_average_is_the_recurrence_written_out():
    model = nn.Linear(1, 1, bias=False)
    average = MovingAverage(model, decay=0.9)
    expected = model.weight.item()
    for step in range(30):
        with torch.no_grad():
            model.weight.fill_(math.sin(step))
        average.update(model)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * math.sin(step)
        assert average.shadow["weight"].item() == pytest.approx(expected, abs=1e-6)


def test_the_model_has_its_own_weights_again_after_the_averaged_ones():
    model = nn.Linear(2, 2)
    average = MovingAverage(model, decay=0.5)
    with torch.no_grad():
        model.weight.add_(1.0)
    average.update(model)
    own = model.weight.clone()
    with average.applied(model):
        assert torch.equal(model.weight, average.shadow["weight"])
        assert not torch.equal(model.weight, own)
    assert torch.equal(model.weight, own)
