"""Single steps in numpy against whole passes of the core."""

from itertools import islice

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from rnncli.tasks.write import stepping
from rnncli.tasks.write.going import read, written
from rnncli.tasks.write.sampling import Drawing
from rnncli.tasks.write.stepping import Stepper, one_thread
from tests.tasks.write.models import StandInModel

CORES = (
    {"cell": "rnn"},
    {"cell": "rnn", "activation": "relu"},
    {"cell": "rnn", "activation": "sigmoid"},
    {"cell": "lstm"},
    {"cell": "lstm", "layers": 2, "learnt_initial_state": True},
    {"cell": "gru"},
    {"cell": "gru", "reset": "after", "layers": 3},
    {"cell": "gru", "learnt_initial_state": True, "hidden": 5},
)
TEXT = [3, 0, 6, 6, 1, 2, 5, 4, 4, 0]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(5)


@pytest.mark.parametrize("core", CORES, ids=str)
@pytest.mark.parametrize("table", [True, False])
def test_steps_equal_one_pass(core, table, monkeypatch):
    if not table:
        monkeypatch.setattr(stepping, "LARGEST_TABLE", 0)
    model = StandInModel(**core)
    stepper = Stepper([model])
    behind = stepper.begin()
    found = [behind.logits_V]
    for symbol in TEXT:
        behind = stepper.after(behind, symbol)
        found.append(behind.logits_V)
    assert np.abs(np.array(found) - model.logits(TEXT)).max() < 1e-4
    assert read(stepper, TEXT).logits_V.tolist() == behind.logits_V.tolist()


def test_the_probabilities_of_several_models_are_averaged():
    models = [StandInModel(cell="gru"), StandInModel(cell="lstm")]
    shares = [np.exp(model.logits(TEXT)[-1]) for model in models]
    expected = np.mean([one / one.sum() for one in shares], axis=0)
    logits_V = read(Stepper(models), TEXT).logits_V
    assert np.exp(logits_V) == pytest.approx(expected, rel=1e-5)


def test_greedy_writing_is_the_likeliest_symbol_each_time():
    model = StandInModel(cell="lstm")
    stepper = Stepper([model])
    found = list(islice(written(stepper, read(stepper, TEXT), Drawing(temperature=0), 1), 40))
    for at in range(len(found)):
        assert found[at] == model.logits([*TEXT, *found[:at]])[-1].argmax()


def test_a_sample_depends_on_its_seed_and_number_alone():
    stepper = Stepper([StandInModel(cell="gru", hidden=64)])
    begun = read(stepper, TEXT)

    def sample(seed, number, length=50):
        return list(islice(written(stepper, begun, Drawing(seed=seed), number), length))

    alone = sample(1, 2)
    several = [written(stepper, begun, Drawing(seed=1), number) for number in (1, 2, 3)]
    between = [tuple(next(one) for one in several) for _ in range(50)]
    assert [found[1] for found in between] == alone
    assert sample(1, 2, 70)[:50] == alone
    assert sample(2, 2) != alone != sample(1, 1)
    with threadpool_limits(1, "blas"):
        assert sample(1, 2) == alone


def test_barred_symbols_are_never_written():
    stepper = Stepper([StandInModel(symbols=3)])
    for temperature in (0, 1, 50):
        found = set(islice(written(stepper, stepper.begin(), Drawing(temperature), 1, barred=(0, 2)), 60))
        assert found == {1}


def test_threads_are_what_they_were_behind_one_thread():
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_core_that_reads_backward_is_refused():
    with pytest.raises(ValueError, match="backward"):
        Stepper([StandInModel(bidirectional=True)])
