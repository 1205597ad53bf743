"""Few data get smaller batches and more epochs; what a recipe gives is obeyed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rnncli import tasks
from rnncli.data import batching
from rnncli.recipe.schema import AUTO, AUTOMATIC, Extent, TrainSection
from rnncli.train.steps import WARMUP_SHARE, described, settled, steps_of_epoch


class Small(TrainSection, frozen=True):
    usual = Extent(epochs=30, batch_size=16, warmup_steps=100, patience=4, least_steps=1000)


class Alike:
    """Examples of which only the lengths matter."""

    def __init__(self, lengths: np.ndarray) -> None:
        self.lengths = lengths


def lengths(count: int, each: int = 7) -> Any:
    return Alike(np.full(count, each))


def steps(settings: TrainSection, count: int) -> int:
    """Steps of all epochs, counted batch by batch."""
    extent, total = settings.extent, 0
    for epoch in range(1, extent.epochs + 1):
        most, tokens = extent.batch_size, settings.batch_tokens
        plan = batching.shuffled(lengths(count).lengths, max_examples=most, max_tokens=tokens, seed=3, epoch=epoch)
        total += math.ceil(len(plan) / settings.accumulate)
    return total


@pytest.mark.parametrize("count", [1, 3, 38, 48, 100, 150, 400, 532])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_few_examples_are_learnt_from_in_at_least_so_many_steps(count, accumulate):
    found = settled(Small(accumulate=accumulate), lengths(count), 3)
    assert steps(found, count) >= 1000
    assert found.extent.epochs >= 30
    fewer = found.model_copy(update={"epochs": found.extent.epochs - 1})
    assert found.extent.epochs == 30 or steps(fewer, count) < 1000
    assert found.extent.patience / 4 == pytest.approx(found.extent.epochs / 30, rel=0.25)


def test_many_examples_are_learnt_from_as_ever():
    assert settled(Small(), lengths(5000), 3).extent == Small.usual


@pytest.mark.parametrize(("count", "size"), [(1, 4), (48, 4), (60, 5), (100, 8), (191, 15), (192, 16), (10_000, 16)])
def test_few_examples_come_in_smaller_batches(count, size):
    assert settled(Small(), lengths(count), 3).extent.batch_size == size


def test_batches_are_never_made_larger():
    class Single(TrainSection, frozen=True):
        usual = Extent(epochs=2, batch_size=1)

    assert settled(Single(), lengths(48), 3).extent.batch_size == 1


@pytest.mark.parametrize("given", [{"epochs": 3}, {"batch_size": 16}, {"warmup_steps": 100}, {"patience": 1}])
def test_a_number_is_obeyed_whatever_the_data(given):
    found = settled(Small(**given), lengths(48), 3)
    assert {key: getattr(found, key) for key in given} == given
    assert AUTO not in [getattr(found, key) for key in AUTOMATIC]


def test_the_warm_up_is_a_share_of_all_steps():
    found = settled(Small(epochs=3), lengths(48), 3)
    assert found.extent.warmup_steps == int(WARMUP_SHARE * steps(found, 48)) < 100
    assert settled(Small(), lengths(48), 3).extent.warmup_steps == 100


def test_steps_are_counted_as_batches_are_cut_also_by_their_tokens():
    long = TrainSection(batch_tokens=100, accumulate=2)
    assert steps_of_epoch(long, lengths(60, each=50), 1) == 15
    assert steps_of_epoch(long, lengths(1, each=500), 1) == 1
    assert steps_of_epoch(long, lengths(0), 1) == 1


def test_what_is_settled_stays_so():
    found = settled(Small(), lengths(48), 3)
    assert settled(found, lengths(48), 3) == found == settled(found, lengths(9000), 3)


def test_a_sentence_says_how_many_steps_there_will_be_and_why():
    def said(asked, count):
        return described(asked, settled(asked, lengths(count), 3), lengths(count), 3)

    assert said(Small(), 48) == (
        "12 steps an epoch of up to 4 examples instead of 16, as they are few: 84 epochs instead of 30, for at least "
        "1,000 steps; 1,008 steps in all"
    )
    assert said(Small(epochs=1, batch_size=48), 48) == "1 step an epoch of up to 48 examples: 1 epoch; 1 step in all"
    assert said(Small(), 4800) == "300 steps an epoch of up to 16 examples: 30 epochs; 9,000 steps in all"


@pytest.mark.parametrize("task", tasks.names())
def test_every_task_gives_few_data_steps_enough_to_learn(task):
    train = tasks.schema(task).model_fields["train"].default
    assert {getattr(train, key) for key in AUTOMATIC} == {AUTO}
    found = settled(train, lengths(40), 3)
    assert steps(found, 40) >= train.usual.least_steps >= 400
    assert settled(train, lengths(20_000), 3).extent == train.usual


@pytest.mark.parametrize("task", tasks.names())
def test_a_run_of_before_has_numbers_for_all_of_it_and_goes_on_by_them(task):
    train = tasks.schema(task).model_fields["train"].default
    before = train.settled(train.usual)
    assert settled(before, lengths(3), 3) == before


def test_a_transformer_gets_a_warm_up_and_is_trained_to_the_end():
    class Impatient(TrainSection, frozen=True):
        usual = Extent(epochs=20, batch_size=16, patience=2)

    found = settled(Impatient(), lengths(5000), 3, transformer=True).extent
    assert (found.warmup_steps, found.patience) == (100, 0)
    assert settled(Impatient(), lengths(48), 3, transformer=True).extent.warmup_steps == int(WARMUP_SHARE * 20 * 12)
    given = settled(Impatient(warmup_steps=7, patience=3), lengths(5000), 3, transformer=True).extent
    assert (given.warmup_steps, given.patience) == (7, 3)
