"""What simple models make of music: held to counts one at a time, to enumeration, and to figures that were measured."""

import json
from itertools import combinations, pairwise, product

import numpy as np
import pytest

from rnncli.data.music.pieces import slotted
from rnncli.data.steps import Steps
from rnncli.tasks.music.extras import rivals as module
from rnncli.tasks.music.extras.rivals import FREQUENCY, NOTES, SOUNDED, as_symbols, limited, rivals

KEYS = 3


def rolls(seed, lengths, keys=KEYS):
    generator = np.random.default_rng(seed)
    on = np.cumsum(generator.random((sum(lengths), keys)) < 0.3, axis=0) % 2 == 1
    return Steps(slotted(on), np.cumsum([0, *lengths]))


def voices(seed, lengths, count=2, keys=KEYS):
    generator = np.random.default_rng(seed)
    values = np.cumsum(generator.integers(0, 2, (sum(lengths), count)), axis=0) % (keys + 1)
    return Steps(values.astype(np.int16), np.cumsum([0, *lengths]))


def plain_rolls(train, test, keys):
    """Each key of each frame alone, by counts of frames that begin at a half each."""
    pieces = [[set(frame[frame >= 0].tolist()) for frame in piece] for piece in train]
    frames = [frame for piece in pieces for frame in piece]
    pairs = [pair for piece in pieces for pair in pairwise(piece)]

    def share(key, sounding, state=None):
        among = frames if state is None else [now for was, now in pairs if (key in was) == state]
        on = (sum(key in frame for frame in among) + 0.5) / (len(among) + 1)
        return on if sounding else 1 - on

    found = []
    for piece in test:
        was = None
        for values in piece:
            now = set(values[values >= 0].tolist())
            each = [(share(k, k in now), share(k, k in now, None if was is None else k in was)) for k in range(keys)]
            found.append(-np.log(each).sum(0))
            was = now
    return np.array(found)


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_keys_cost_what_counts_of_each_alone_say(chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    train, test = rolls(1, [9, 1, 0, 14]), rolls(2, [5, 3, 1])
    found = rivals(train, test, "rolls", KEYS)
    assert list(found) == [NOTES, FREQUENCY, SOUNDED]
    assert np.column_stack([found[FREQUENCY], found[SOUNDED]]) == pytest.approx(plain_rolls(train, test, KEYS))


@pytest.mark.parametrize("before", [[], [[0]], [[1, 2], [0, 2]]])
def test_all_frames_that_may_come_next_have_a_probability_of_one_together(before):
    train = rolls(1, [30, 20])
    frames = [list(one) for size in range(KEYS + 1) for one in combinations(range(KEYS), size)]
    costs = {name: [] for name in (NOTES, FREQUENCY, SOUNDED)}
    for frame in frames:
        padded = np.array([[*one, *[-1] * (KEYS - len(one))] for one in (*before, frame)])
        for name, nats_N in rivals(train, Steps.of([padded]), "rolls", KEYS).items():
            costs[name].append(nats_N[-1])
    totals = {name: np.exp(-np.array(one)).sum() for name, one in costs.items()}
    assert totals[FREQUENCY] == pytest.approx(1)
    assert totals[SOUNDED] == pytest.approx(1)
    assert 0.5 < totals[NOTES] < 1 + 1e-6  # some is lost to notes in another order, which no frame has


@pytest.mark.parametrize("before", [[], [[0, 3]], [[1, 2], [0, 2]]])
def test_all_keys_that_voices_may_have_next_have_a_probability_of_one_together(before):
    train = voices(1, [30, 20])
    costs = {name: [] for name in (NOTES, FREQUENCY, SOUNDED)}
    for frame in product(range(KEYS + 1), repeat=2):
        for name, nats_N in rivals(train, Steps.of([np.array([*before, frame])]), "voices", KEYS).items():
            costs[name].append(nats_N[-1])
    totals = {name: np.exp(-np.array(one)).sum() for name, one in costs.items()}
    assert totals[FREQUENCY] == pytest.approx(1)
    assert totals[SOUNDED] == pytest.approx(1)
    assert 0.8 < totals[NOTES] < 1 + 1e-6  # some is lost to keys of another voice


def test_voices_cost_what_counts_of_each_alone_say():
    train = Steps.of([np.array([[0, 1], [0, 1], [2, 1]]), np.array([[0, 3]])])
    found = rivals(train, Steps.of([np.array([[0, 1], [0, 2], [2, 2]])]), "voices", KEYS)
    share = [(3.5 / 6, 0.5 / 6, 1.5 / 6, 0.5 / 6), (0.5 / 6, 3.5 / 6, 0.5 / 6, 1.5 / 6)]
    held = (1.5 / 3, 2.5 / 3)
    first = share[0][0] * share[1][1]
    second = held[0] * (1 - held[1]) * share[1][2] / (1 - share[1][1])
    third = (1 - held[0]) * share[0][2] / (1 - share[0][0]) * held[1]
    assert found[FREQUENCY] == pytest.approx(-np.log([first, share[0][0] * share[1][2], share[0][2] * share[1][2]]))
    assert found[SOUNDED] == pytest.approx(-np.log([first, second, third]))


def test_voices_are_symbols_apart_from_each_other():
    notes, first = as_symbols(Steps.of([np.array([[2, 3]]), np.array([[3, 0]])]), "voices", KEYS)
    assert notes.values.tolist() == [2, 3 + 4, 3, 0 + 4]
    assert (notes.bounds_D1.tolist(), first.tolist()) == ([0, 2, 4], [0, 2])


@pytest.mark.parametrize(("form", "make"), [("rolls", rolls), ("voices", voices)])
def test_what_comes_does_not_change_what_was_foretold_nor_other_pieces(form, make):
    train, test = make(1, [40, 30]), make(2, [20, 20])
    changed = test.values.copy()
    changed[12] = changed[12][::-1] if form == "voices" else [1, *[-1] * (changed.shape[1] - 1)]
    assert (changed != test.values).any()
    for nats_N, other_N in zip(
        rivals(train, test, form, KEYS).values(),
        rivals(train, Steps(changed, test.bounds_D1), form, KEYS).values(),
        strict=True,
    ):
        assert nats_N[:12].tolist() == other_N[:12].tolist()
        assert nats_N[20:].tolist() == other_N[20:].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"), [("jsb", (5.552, 11.091, 10.490)), ("nottingham", (2.492, 10.261, 5.155))]
)
def test_music_of_the_literature_costs_what_was_measured(name, expected, real_data):
    """First frames left out; the first of the figures is this program's own."""
    parts = {}
    with np.load(real_data / f"music/{name}/rolls.npz", allow_pickle=False) as arrays:
        for part in ("train", "test"):
            on = np.unpackbits(arrays[part], axis=1)[:, :88].astype(bool)
            parts[part] = Steps(slotted(on), np.cumsum([0, *arrays[f"{part}_lengths"]]))
    found = np.array(list(rivals(parts["train"], parts["test"], "rolls", 88).values()))
    later = np.delete(found, parts["test"].bounds_D1[:-1], axis=1)
    assert later.shape[1] == {"jsb": 4648, "nottingham": 44_293}[name]
    assert later.mean(1) == pytest.approx(expected, abs=2.5e-3)


@pytest.mark.slow
def test_voices_of_the_chorales_cost_what_was_measured(real_data):
    pitches = json.loads((real_data / "music/jsb/satb16.json").read_text(encoding="utf-8"))
    train, test = (
        Steps.of([np.where(np.array(piece) < 0, 88, np.array(piece) - 21) for piece in pitches[part]])
        for part in ("train", "test")
    )
    each = [nats_N.mean() / 4 for nats_N in rivals(train, test, "voices", 88).values()]
    assert each == pytest.approx([0.936, 2.639, 1.136], abs=1e-3)


def test_of_long_training_parts_n_grams_know_the_last_and_it_is_said(monkeypatch):
    train, test = rolls(1, [30, 40]), rolls(2, [20])
    assert limited(train) == ""
    monkeypatch.setattr(module, "MAX_FRAMES", 40)
    assert limited(train) == "n-grams are learnt from the last 40 of 70 frames"
    last = Steps(train.values[30:], np.array([0, 40]))
    assert rivals(train, test, "rolls", KEYS)[NOTES].tolist() == rivals(last, test, "rolls", KEYS)[NOTES].tolist()
