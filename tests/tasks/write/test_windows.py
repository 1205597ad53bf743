"""Windows of an epoch: every step once, in order within its row, the state going on from each to the next."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.steps import Steps
from rnncli.tasks.write.carried import Carried
from rnncli.tasks.write.windows import Windows

BEGIN = 99


def windows(lengths, window, **more):
    values = np.arange(sum(lengths))
    steps = Steps(values, np.cumsum([0, *lengths]))
    return Windows(steps, window, BEGIN, lambda row: f"book {row}", training=True, **more)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any),
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(1, 3),
)
def test_each_step_is_foretold_once_an_epoch_from_the_one_before(lengths, window, rows, epoch):
    made = windows(lengths, window)
    plan = made.plan(max_examples=rows, max_tokens=10_000, seed=4, epoch=epoch)
    seen = []
    for k in range(len(plan)):
        batch = made.batch(plan[k])
        assert len(batch.windows) <= rows
        for row, length in enumerate(batch.lengths_B.tolist()):
            steps, before = batch.steps_BT[row, :length].tolist(), batch.before_BT[row, :length].tolist()
            starts = made.steps.bounds_D1[:-1].tolist()
            assert before == [BEGIN if step in starts else step - 1 for step in steps]
            seen += steps
    assert sorted(seen) == list(range(sum(lengths)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 12), st.integers(1, 4))
def test_a_state_goes_on_within_a_document_and_never_into_another(lengths, window, rows):
    made, carried, lost = windows(lengths, window), Carried(), 0
    plan = made.plan(max_examples=rows, max_tokens=10_000, seed=1, epoch=2)
    for k in range(len(plan)):
        batch = made.batch(plan[k])
        nothing = (torch.full((1, len(batch.windows), 1), -1.0),)
        (state,), known = carried.before(batch.windows, batch.follow, nothing)
        first = batch.steps_BT[:, 0].tolist()
        ends = [first[row] + length - 1 for row, length in enumerate(batch.lengths_B.tolist())]
        for row, got in enumerate(state[0, :, 0].tolist()):
            is_first = first[row] in made.steps.bounds_D1
            assert got in (-1, first[row] - 1)  # the last step of the window before, or nothing
            assert not is_first or got == -1
            lost += got == -1 and not is_first
            assert known[row] == (got != -1)
            assert batch.beginning(known)[row, 0] == (first[row] - 1 if known[row] else BEGIN)
        carried.keep(batch.windows, (torch.tensor(ends, dtype=torch.float32)[None, :, None],))
    assert lost <= rows + len(lengths)  # only where long documents are cut into several rows


def test_the_order_is_drawn_by_seed_and_epoch():
    made = windows([400, 30, 90, 20, 50, 40, 35, 10], 10)
    plans = [made.plan(max_examples=4, max_tokens=10_000, seed=s, epoch=e) for s, e in ((1, 1), (1, 1), (1, 2), (2, 1))]
    assert np.array_equal(plans[0].order, plans[1].order)
    assert not np.array_equal(plans[0].order, plans[2].order)
    assert not np.array_equal(plans[0].order, plans[3].order)


def test_variants_are_those_of_a_document_in_an_epoch():
    made = windows([30, 30], 10, variants=3, vary=lambda values, variant: values + 1000 * variant)
    seen = set()
    for epoch in range(1, 30):
        plan = made.plan(max_examples=2, max_tokens=10_000, seed=1, epoch=epoch)
        found = {0: set(), 1: set()}
        for k in range(len(plan)):
            batch = made.batch(plan[k])
            for row in batch.steps_BT.tolist():
                found[row[0] % 1000 // 30].add(row[0] // 1000)
        assert all(len(variants) == 1 for variants in found.values())
        seen |= found[0]
    assert seen == {0, 1, 2}


def test_a_window_says_where_it_stands():
    made = windows([25, 10], 10)
    assert made.place(int(made.plan(max_examples=1, max_tokens=100, seed=1, epoch=1)[0][0])).startswith("book ")
    assert made.place(0) == "book 0, from step 1"


def test_states_of_a_checkpoint_go_on():
    carried, again = Carried(), Carried()
    carried.keep(np.array([3, 8]), (torch.rand(2, 2, 4), torch.rand(2, 2, 4)))
    again.restore(carried.tensors(), torch.device("cpu"))
    begin = (torch.zeros(2, 2, 4),) * 2
    wanted, _ = carried.before(np.array([9, 4]), np.array([True, True]), begin)
    found, _ = again.before(np.array([9, 4]), np.array([True, True]), begin)
    assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))
    empty = Carried()
    empty.restore(Carried().tensors(), torch.device("cpu"))
    assert torch.equal(empty.before(np.array([4]), np.array([True]), begin[:1])[0][0], begin[0])


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
def test_rows_may_be_computed_in_smaller_batches(order):
    """As where memory does not suffice for a batch, and its step is taken in halves."""
    carried, begin = Carried(), torch.zeros(1, 4, 1)
    carried.keep(np.array([10, 20, 30, 40]), (torch.tensor([[[1.0], [2.0], [3.0], [4.0]]]),))
    for row in order:
        follow = np.array([11 + 10 * row])
        (found,), _ = carried.before(follow, np.array([True]), (begin[:, :1],))
        assert found.item() == row + 1
        carried.keep(follow, (found,))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any), st.integers(1, 12))
def test_lengths_are_those_of_windows_of_the_first_variant(lengths, window):
    made = windows(lengths, window)
    found = [made.batch(np.array([number])).lengths_B.item() for number in range(len(made))]
    assert made.lengths.tolist() == found
