"""The ordered head: probabilities of all frames sum to one, whatever came before."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnncli.heads.chords import ChordHead, Frames
from rnncli.heads.next_notes import NextNotes
from rnncli.heads.notes import BEGIN, NOTHING

KEYS = 5


def head(slots):
    torch.manual_seed(2)
    one = ChordHead(7, KEYS, 16, slots=slots).double().eval()
    torch.nn.init.normal_(one.distance.weight)  # new ones are 0
    return one


def every_frame(slots):
    if slots:
        return torch.tensor(list(itertools.product(range(KEYS + 1), repeat=slots)))
    sets = (one for n in range(KEYS + 1) for one in itertools.combinations(range(KEYS), n))
    return torch.tensor([[*one, *[NOTHING] * (KEYS - len(one))] for one in sets])


def nats(one, y, before, frames):
    logits, true = one(Frames(y.expand(len(frames), -1), before.expand(len(frames), -1), frames))
    each = functional.cross_entropy(logits, true, reduction="none")
    frame = (one.symbols(frames) >= 0).nonzero()[:, 0]
    return torch.zeros(len(frames)).double().index_add(0, frame, each)


@pytest.mark.parametrize("slots", [0, 1, 3])
@pytest.mark.parametrize("before", ["begin", "chord", "silence"])
@torch.no_grad()
def test_probabilities_of_all_frames_sum_to_one(slots, before):
    one, frames = head(slots), every_frame(slots)
    width = frames.shape[1]
    silent = KEYS if slots else NOTHING
    last = {"begin": [BEGIN] * width, "silence": [silent] * width, "chord": ([1, 4] + [silent] * width)[:width]}[before]
    found = nats(one, torch.randn(1, 7).double(), torch.tensor([last]), frames)
    assert (-found).exp().sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("slots", "before"),
    [(0, [BEGIN]), (0, [0, 3, 4]), (0, [NOTHING]), (3, [BEGIN] * 3), (3, [0, 3, 4]), (3, [KEYS, 1, KEYS])],
)
@torch.no_grad()
def test_symbols_one_by_one_are_those_of_whole_frames(slots, before):
    one, frames, y = head(slots), every_frame(slots), torch.randn(7).double()
    width = frames.shape[1]
    before = (before + [NOTHING] * width)[:width]
    together, _ = one(Frames(y.expand(len(frames), -1), torch.tensor([before]).expand(len(frames), -1), frames))
    frame = NextNotes(one).frame(y.numpy(), before)
    symbols = [[symbol for symbol in row if symbol >= 0] for row in one.symbols(frames).tolist()]
    apart = [frame.logits(row[:n]) for row in symbols for n in range(len(row))]
    torch.testing.assert_close(torch.from_numpy(np.stack(apart)), together)


@torch.no_grad()
def test_distances_of_one_symbol_end_where_those_of_whole_frames_do():
    torch.manual_seed(3)
    one = ChordHead(4, 88, 8)
    torch.nn.init.normal_(one.distance.weight)
    frame, y, before = torch.tensor([[0, 20, 87]]), torch.randn(1, 4), torch.tensor([[1, 40, 86]])
    together, _ = one(Frames(y, before, frame))
    alone = NextNotes(one).frame(y[0].numpy(), before[0].tolist())
    for n in range(4):
        torch.testing.assert_close(torch.from_numpy(alone.logits(frame[0, :n].tolist())), together[n])


@torch.no_grad()
def test_a_frame_does_not_hang_on_its_batch():
    one, frames = head(0), every_frame(0)
    y, before = torch.randn(len(frames), 7).double(), frames[torch.randperm(len(frames))]
    together, true = one(Frames(y, before, frames))
    apart = torch.cat([one(Frames(*(part[n : n + 1] for part in (y, before, frames))))[0] for n in range(len(frames))])
    torch.testing.assert_close(together, apart)
    assert len(true) == len(together) == (one.symbols(frames) >= 0).sum()
