"""Ragged sequences and the batches made of them."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data import batching
from rnncli.data.ragged import Ragged

SEQUENCES = st.lists(st.lists(st.integers(0, 9), max_size=7), max_size=12)
LENGTHS = st.lists(st.integers(0, 40), max_size=120).map(lambda lengths: np.array(lengths, dtype=np.int64))


@settings(deadline=None)
@given(SEQUENCES, st.randoms(use_true_random=False))
def test_ragged_sequences_come_back_taken_and_padded(sequences, draw):
    ragged = Ragged.from_iterable(iter(sequences))
    assert [ragged[i].tolist() for i in range(len(ragged))] == sequences
    assert ragged.lengths.tolist() == [len(sequence) for sequence in sequences]
    indices = [draw.randrange(len(sequences)) for _ in range(5)] if sequences else []
    taken = ragged.take(indices)
    assert [taken[i].tolist() for i in range(len(taken))] == [sequences[i] for i in indices]
    ids_BT, lengths_B = ragged.pad(indices, fill=-1)
    steps = max([1, *(len(sequences[i]) for i in indices)])
    assert ids_BT.tolist() == [sequences[i] + [-1] * (steps - len(sequences[i])) for i in indices]
    assert lengths_B.tolist() == [len(sequences[i]) for i in indices]


def test_ragged_tensors_have_the_types_that_models_take():
    ragged = Ragged.from_iterable([np.array([1, 2], dtype=np.int32), [3]])
    ids_BT, lengths_B = ragged.pad([0, 1])
    assert (str(ids_BT.dtype), str(lengths_B.dtype)) == ("torch.int64", "torch.int64")
    assert (ragged.values.dtype, ragged.offsets.dtype) == (np.int32, np.int64)
    with pytest.raises(IndexError):
        ragged[2]


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 9), st.integers(1, 60), st.integers(1, 4), st.booleans())
def test_every_example_is_in_one_batch_within_the_budget(lengths, examples, tokens, window, shuffle):
    limits = {"max_examples": examples, "max_tokens": tokens}
    plan = (
        batching.shuffled(lengths, **limits, seed=1, epoch=2, window=window)
        if shuffle
        else batching.sequential(lengths, **limits)
    )
    batches = [plan[k] for k in range(len(plan))]
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    padded = 0
    for batch in batches:
        longest = max(1, int(lengths[batch].max()))
        padded += longest * len(batch)
        assert len(batch) == 1 or (len(batch) <= examples and longest * len(batch) <= tokens)
    assert plan.fill == pytest.approx(lengths.sum() / padded if padded else 1)


@settings(deadline=None)
@given(LENGTHS)
def test_results_in_batch_order_can_be_put_back(lengths):
    plan = batching.sequential(lengths, max_examples=4, max_tokens=50)
    results = np.concatenate([plan[k] for k in range(len(plan))]) if len(plan) else np.zeros(0, dtype=int)
    assert results[plan.restore()].tolist() == list(range(len(lengths)))


def test_evaluation_begins_with_the_longest():
    lengths = np.array([3, 9, 1, 5])
    plan = batching.sequential(lengths, max_examples=2, max_tokens=100)
    assert [sorted(lengths[plan[k]].tolist()) for k in range(2)] == [[5, 9], [1, 3]]


def test_a_plan_depends_on_seed_and_epoch_alone():
    lengths = np.random.default_rng(0).integers(1, 50, 500)
    limits = {"max_examples": 8, "max_tokens": 200}
    plans = [batching.shuffled(lengths, **limits, seed=s, epoch=e) for s, e in ((1, 0), (1, 0), (1, 1), (2, 0))]
    orders = [plan.order.tolist() for plan in plans]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] != orders[3] != orders[0]


def test_bucketing_fills_batches_and_still_shuffles_a_million_examples_quickly():
    lengths = np.random.default_rng(0).integers(1, 60, 1_000_000)
    start = time.perf_counter()
    plan = batching.shuffled(lengths, max_examples=32, max_tokens=4096, seed=1, epoch=0)
    assert time.perf_counter() - start < 10
    assert plan.fill > 0.97
    first = lengths[np.concatenate([plan[k] for k in range(200)])]
    assert abs(first.mean() - lengths.mean()) < 3  # short and long batches come mixed


def test_limits_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        batching.sequential(np.array([1]), max_examples=0, max_tokens=5)


def test_the_longest_batch_may_come_first_with_all_others_as_they_were():
    lengths = np.random.default_rng(1).integers(0, 50, 100)
    plan = batching.shuffled(lengths, max_examples=8, max_tokens=200, seed=1, epoch=1)
    found = batching.longest_first(plan, lengths)
    before, after = ([tuple(p[k]) for k in range(len(p))] for p in (plan, found))
    worst = max(before, key=lambda batch: max(lengths[list(batch)]) * len(batch))
    assert after[0] == worst
    assert after[1:] == [batch for batch in before if batch != worst]
    empty = batching.shuffled(np.zeros(0, int), max_examples=8, max_tokens=200, seed=1, epoch=1)
    assert len(batching.longest_first(empty, np.zeros(0, int))) == 0
