"""Frames that are composed: held to the model's own distribution, to what is given, and to their seed."""

import numpy as np
import pytest
import torch

from rnncli.heads.notes import BEGIN
from rnncli.tasks.music.extras.composing import Composer
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.music.schema import MusicModelSection
from rnncli.tasks.write.sampling import Drawing

KEYS, VOICES, SAMPLES = 5, 3, 150


def model(voices, seed=1, members=1):
    torch.manual_seed(seed)
    found = MusicModel(MusicModelSection(hidden=6, embedding=4, head_hidden=8, members=members), KEYS, voices, 2)
    for parameter in found.parameters():
        torch.nn.init.uniform_(parameter, -1, 1)
    return found.eval()


def written(voices, length=12, melody=None, number=1, begin=None, **how):
    composer = Composer(model(voices))
    return composer.frames(composer.begin(begin), Drawing(**how), number, length, melody)


@torch.no_grad()
def step_costs(voices, frames_TS, members=1):
    """-ln p of frames by one pass of the model, (T,)."""
    one, values = model(voices, members=members), torch.from_numpy(frames_TS.astype(np.int64))[None]
    before = torch.cat([torch.full_like(values[:, :1], BEGIN), values[:, :-1]], 1)
    outputs, _ = one.read(before, torch.tensor([len(frames_TS)]), torch.tensor([0]), one.begin(1))
    return one.nats(outputs, before, values, torch.ones(1, len(frames_TS), dtype=torch.bool)).numpy()


def test_frames_of_notes_rise_and_frames_of_voices_are_full():
    rolls = written(0, 20)
    for frame in rolls.tolist():
        keys = [key for key in frame if key >= 0]
        assert keys == sorted(set(keys))
        assert all(key < KEYS for key in keys)
    voices = written(VOICES, 20)
    assert voices.shape == (20, VOICES)
    assert ((voices >= 0) & (voices <= KEYS)).all()


@pytest.mark.parametrize(("voices", "members"), [(0, 1), (0, 2), (VOICES, 1)])
def test_frames_are_drawn_as_often_as_the_model_says(voices, members):
    composer = Composer(model(voices, members=members))
    begun, how = composer.begin(), Drawing(seed=5)
    found = [tuple(composer.frames(begun, how, number, 1)[0].tolist()) for number in range(SAMPLES)]
    common = max(set(found), key=found.count)
    share = np.exp(-step_costs(voices, np.array([common]), members))[0]
    assert found.count(common) / SAMPLES == pytest.approx(share, abs=4 * np.sqrt(share / SAMPLES))


def test_greedy_voices_are_those_of_one_pass_over_all_frames():
    begun = written(VOICES, 3, seed=9)
    whole = np.concatenate([begun, written(VOICES, 4, begin=begun, temperature=0)])
    costs_T = step_costs(VOICES, whole)
    for at in range(3, 7):
        for key in range(KEYS + 1):
            other = whole[: at + 1].copy()
            other[at, -1] = key
            assert step_costs(VOICES, other)[at] > costs_T[at] - 1e-4


@pytest.mark.parametrize("voices", [0, VOICES])
def test_a_sample_depends_on_its_seed_and_number_alone(voices):
    found = written(voices, seed=2, number=3)
    assert np.array_equal(found, written(voices, seed=2, number=3))
    assert np.array_equal(found[:5], written(voices, 5, seed=2, number=3)[:, : found.shape[1]])
    assert not np.array_equal(found, written(voices, seed=2, number=4))


def test_a_melody_stays_as_it_is_and_lies_on_top():
    melody = np.array([4, 4, 2, -1, 0, 3, -1, 4])
    for seed in range(3):
        rolls = written(0, len(melody), melody, seed=seed)
        for frame, key in zip(rolls.tolist(), melody.tolist(), strict=True):
            assert key < 0 or max(frame) == key
        voices = written(VOICES, len(melody), melody, seed=seed)
        assert voices[:, 0].tolist() == [KEYS if key < 0 else key for key in melody.tolist()]


def test_notes_below_a_melody_are_drawn_as_the_model_says_of_those_that_fit():
    composer = Composer(model(0))
    begun, how, melody = composer.begin(), Drawing(seed=5), np.array([2])
    found = [tuple(composer.frames(begun, how, number, 1, melody)[0].tolist()) for number in range(SAMPLES)]

    def among(chosen):
        shares_K = np.exp(begun.next_logits(chosen)[:3])
        return shares_K / shares_K.sum()

    first = among([])
    expected = {(2, -1): first[2], (0, 2): first[0] * among([0])[2], (1, 2): first[1]}
    for frame, share in expected.items():
        assert found.count(frame) / SAMPLES == pytest.approx(share, abs=4 * np.sqrt(share / SAMPLES) + 1e-9)
