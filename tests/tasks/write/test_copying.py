"""What of samples stands in the training part, held to a search of each run in turn."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.steps import Steps
from rnncli.tasks.write import copying
from rnncli.tasks.write.chords import changes, copied_chords, resemblance
from rnncli.tasks.write.copying import Copied, copied, excerpts, matches, shares

DOCUMENTS = st.lists(st.lists(st.integers(0, 3), max_size=14), min_size=1, max_size=4)


def steps(documents, dtype=np.uint8):
    return Steps.of([np.array(document, dtype) for document in documents])


def plain_matches(samples, train):
    """Each run of each sample, one longer at a time."""
    held = {tuple(d[i:j]) for d in train for i in range(len(d)) for j in range(i + 1, len(d) + 1)}
    return [
        max((n for n in range(1, len(sample) - at + 1) if tuple(sample[at : at + n]) in held), default=0)
        for sample in samples
        for at in range(len(sample))
    ]


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_runs_are_as_long_as_a_search_of_each_finds_them(samples, train):
    assert matches(steps(samples), steps(train)).tolist() == plain_matches(samples, train)


@pytest.mark.parametrize(("name", "value"), [("CHUNK", 1), ("CHUNK", 3), ("MAX_TABLE", 0)])
def test_neither_chunks_nor_tables_change_what_is_found(name, value, monkeypatch):
    generator = np.random.default_rng(1)
    samples, train = ([generator.integers(0, 4, 40).tolist() for _ in range(4)] for _ in range(2))
    monkeypatch.setattr(copying, name, value)
    assert matches(steps(samples), steps(train)).tolist() == plain_matches(samples, train)


def test_a_run_does_not_go_from_one_document_into_the_next():
    train = steps([[1, 2, 3], [4, 5, 6]])
    assert matches(steps([[2, 3, 4, 5]]), train).tolist() == [2, 1, 2, 1]
    assert matches(steps([[2], [3]]), train).tolist() == [1, 1]


def test_longer_runs_than_asked_for_are_not_looked_for():
    assert matches(steps([[1, 2, 3, 4]]), steps([[1, 2, 3, 4]]), most=2).tolist() == [2, 2, 2, 1]


@pytest.mark.parametrize(("own", "other"), [(np.uint8, np.uint16), (np.int32, np.uint8), (np.int64, np.int64)])
def test_symbols_of_other_types_are_the_same_symbols(own, other):
    assert matches(steps([[255, 7, 9]], own), steps([[7, 9, 255]], other)).tolist() == [1, 2, 1]


def test_shares_are_of_the_runs_that_are_long_enough():
    train = steps([[1, 2, 3, 4, 5]])
    found = copied([steps([[1, 2, 3, 9, 4, 5], [3]]), steps([[7, 7, 7]]), steps([[1], [2]])], train, 2)
    assert found[0] == Copied(3, 3 / 5)
    assert found[1] == Copied(0, 0.0)
    assert found[2].longest == 1
    assert np.isnan(found[2].share)


def test_shares_by_document():
    train = steps([[1, 2, 3, 4, 5]])
    assert shares(steps([[1, 2, 3, 9], [2, 3], [5], [9, 9]]), train, 2).tolist() == [2 / 3, 1, 0, 0]


def test_millions_of_symbols_take_less_than_a_second():
    generator = np.random.default_rng(1)
    train = Steps.of([generator.choice(50, 5_000_000, p=generator.dirichlet(np.full(50, 0.3))).astype(np.uint8)])
    sample = excerpts(train, 3, 400)
    sample.values[::60] = 50
    began = time.process_time()
    found = matches(sample, train)
    assert time.process_time() - began < 3  # about 0.3 s where nothing else runs
    assert found.max() == 59


def test_excerpts_are_apart_and_as_long_as_asked_for():
    found = excerpts(steps([range(100), range(100, 120), [7]]), 3, 10)
    assert found.lengths.tolist() == [10, 10, 10]
    assert all((np.diff(one) == 1).all() for one in found)
    starts = [int(one[0]) for one in found]
    assert all(after - before >= 10 for before, after in pairwise(starts))


def test_of_short_documents_there_are_more_excerpts():
    found = excerpts(steps([[1, 2, 3]] * 20 + [[4]] * 5), 2, 9)
    assert found.lengths.tolist() == [3] * 6
    assert excerpts(steps([[1, 2], [3]]), 5, 100).lengths.tolist() == [2]


CHORDS = [(10, 14, 17), (10, 14, 17), (12, 15, 19), (), (10, 14), (10, 14), (3,)]


def frames(chords, slots=4, up=0):
    return np.array([[key + up for key in chord] + [-1] * (slots - len(chord)) for chord in chords], np.int16)


def test_music_is_the_same_in_any_key_and_however_long_it_sounds():
    train = Steps.of([frames(CHORDS)])
    longer = [chord for chord in CHORDS for _ in range(3)]
    found = copied_chords([Steps.of([frames(longer, slots=5, up=9)])], train, 88, 3)
    assert found == [Copied(5, 1.0)]


@pytest.mark.parametrize("change", [(10, 13, 17), (11, 14, 17), (10, 14, 17, 20), (11, 15, 18)])
def test_another_shape_or_another_movement_is_another_music(change):
    train = Steps.of([frames(CHORDS)])
    other = [*CHORDS[:2], change, *CHORDS[3:]]
    assert copied_chords([Steps.of([frames(other)])], train, 88, 2)[0].longest == 2


def test_voices_are_compared_by_what_sounds_in_whichever_voice():
    rolls = Steps.of([frames(CHORDS)])
    voices = np.array([[17, 10, 14], [19, 12, 15], [88, 88, 88], [88, 14, 10], [3, 88, 88]], np.int16)
    assert copied_chords([Steps.of([voices])], rolls, 88, 5) == [Copied(5, 1.0)]


def test_what_sounded_in_another_piece_does_not_change_a_piece():
    quiet = [(), (40, 44), (41, 45)]
    alone, [pair, _] = changes([Steps.of([frames(quiet)])], 88)[0], changes([Steps.of([frames(quiet)] * 2)] * 2, 88)
    assert len(alone.values) == 2
    assert pair[0].tolist() == pair[1].tolist() == alone.values.tolist()


def test_changes_are_numbered_alike_in_all_parts_and_keep_their_pieces():
    one, two = changes([Steps.of([frames(CHORDS), frames(CHORDS[:1])]), Steps.of([frames(CHORDS[2:], up=5)])], 88)
    assert one.lengths.tolist() == [4, 0]
    assert two.values.tolist() == one[0][1:].tolist()


def test_pieces_that_resemble_the_training_part_are_known():
    train = Steps.of([frames(CHORDS)])
    found = resemblance(Steps.of([frames(CHORDS, up=3), frames([(1, 2), (5, 9), (7, 8)])]), train, 88, 3)
    assert found.tolist() == [1.0, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share", "resembling"), [("jsb", 0.0079, 0), ("nottingham", 0.0900, 3)])
def test_music_of_the_literature_has_the_repetitions_that_a_plain_search_finds(name, share, resembling, real_data):
    with np.load(real_data / f"music/{name}/rolls.npz", allow_pickle=False) as arrays:
        train, test = (rolls(arrays[part], arrays[f"{part}_lengths"]) for part in ("train", "test"))
    assert copied_chords([test], train, 88, 8)[0].share == pytest.approx(share, abs=5e-5)
    assert (resemblance(test, train, 88, 8) > 0.5).sum() == resembling


def rolls(packed, lengths):
    sounds = np.unpackbits(packed, axis=1)[:, :88].astype(bool)
    slots = sounds.sum(1).max()
    order = np.argsort(~sounds, axis=1, kind="stable")[:, :slots]
    values = np.where(np.take_along_axis(sounds, order, 1), order, -1).astype(np.int16)
    return Steps(values, np.cumsum([0, *lengths]))
