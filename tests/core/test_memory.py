"""A model that does not fit is refused before its memory is taken, with how large it is."""

import pytest
import torch
from torch import nn

from rnncli.core import memory
from rnncli.core.memory import TooLargeError, build_within, free

HUGE = 10**7
"""Units of a layer whose weights take 400 TB."""


def test_what_fits_is_built_as_without_a_bound():
    torch.manual_seed(1)
    model = build_within(lambda: nn.Linear(4, 3), 4 * 15)
    torch.manual_seed(1)
    assert torch.equal(model.weight, nn.Linear(4, 3).weight)
    assert build_within(lambda: nn.Linear(4, 3), None).weight.shape == (3, 4)


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (lambda: nn.Linear(4, 3), 15),
        (lambda: nn.Linear(HUGE, HUGE), HUGE * HUGE + HUGE),
        (lambda: nn.Embedding(HUGE, HUGE), HUGE * HUGE),
        (lambda: nn.Sequential(*(nn.Linear(3, 3) for _ in range(100))), 1200),
        (lambda: nn.Conv2d(HUGE, HUGE, 3), 9 * HUGE * HUGE + HUGE),
        (lambda: nn.ParameterList([nn.Parameter(torch.zeros(HUGE, HUGE))]), HUGE * HUGE),
    ],
    ids=["little room", "linear", "embedding", "many", "convolution", "zeros"],
)
def test_what_does_not_fit_is_refused_with_its_size(build, parameters):
    with pytest.raises(TooLargeError) as caught:
        build_within(build, 59)
    assert caught.value.parameters == parameters


def test_memory_that_runs_out_all_the_same_is_told_likewise():
    with pytest.raises(TooLargeError):
        build_within(lambda: nn.Linear(HUGE, HUGE), None)  # where nobody says how much is free


def test_other_errors_of_a_model_are_its_own():
    def wrong() -> nn.Module:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        build_within(wrong, 100)


@pytest.mark.parametrize(("limit", "said"), [("max", None), ("", None), ("5000", 4000)])
def test_a_container_has_less_than_its_machine(limit, said, tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.stat").write_text("anon 1000\nfile 7\n")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    found = free(torch.device("cpu"))
    assert found == said if said else found is None or found > 5000
