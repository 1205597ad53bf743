"""The attention decoder against plain computations and exhaustive search."""

from itertools import product

import pytest
import torch

from rnncli.core.recurrent import Recurrent
from rnncli.heads.attention import AttentionDecoder
from rnncli.heads.sentences import BEGIN, END, banned

WORDS, WIDTH = 6, 5


def decoder(cell="gru", layers=1):
    torch.manual_seed(3)
    model = AttentionDecoder(Recurrent(4, 7, cell=cell, layers=layers), WIDTH, WORDS, 4, 0.0).eval()
    for weight in model.parameters():  # far from even odds
        weight.data *= 2.5
    return model


def log_probability(model, memory, words):
    given = torch.tensor([[BEGIN, *words]])
    with torch.no_grad():
        found = model(memory[None], torch.tensor([len(memory)]), given)[0].log_softmax(-1)
    return sum(float(found[i, word]) for i, word in enumerate([*words, END]))


@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("lstm", 2), ("rnn", 1)])
def test_a_wide_beam_finds_what_trying_everything_finds(cell, layers):
    model, memory = decoder(cell, layers), torch.randn(4, WIDTH)
    every = [words for length in range(4) for words in product(range(3, WORDS), repeat=length)]
    ranked = sorted(every, key=lambda words: log_probability(model, memory, words) / (len(words) + 1) ** 0.7)[::-1]
    found = model.search(memory, beam=200, longest=4, best=3)
    assert [one.words for one in found] == ranked[:3]
    for one in found:
        expected = log_probability(model, memory, one.words) / (len(one.words) + 1) ** 0.7
        assert one.score == pytest.approx(expected, abs=1e-4)
        assert len(one.attention) == len(one.words)
        for weights in one.attention:
            assert sum(weights) == pytest.approx(1, abs=1e-3)


def test_batch_mates_and_padding_do_not_matter():
    model, memory = decoder(), torch.randn(2, 6, WIDTH)
    lengths = torch.tensor([6, 3])
    memory[1, 3:] = 0
    words = torch.tensor([[BEGIN, 3, 4], [BEGIN, 5, 3]])
    with torch.no_grad():
        both = model(memory, lengths, words)
        alone = model(memory[1:, :3], lengths[1:], words[1:])
    torch.testing.assert_close(both[1], alone[0], atol=1e-5, rtol=1e-5)


def test_no_n_gram_is_written_twice():
    assert banned([3, 4, 3], 2) == {4}
    assert banned([3, 4, 5], 1) == {3, 4, 5}
    assert banned([3], 2) == banned([3, 3], 0) == set()
    model, memory = decoder(), torch.randn(4, WIDTH)
    for one in model.search(memory, beam=5, longest=12, no_repeat=2, best=5):
        pairs = list(zip(one.words, one.words[1:], strict=False))
        assert len(set(pairs)) == len(pairs)


def test_gradients_reach_every_weight():
    model = decoder().train()
    memory = torch.randn(2, 4, WIDTH, requires_grad=True)
    model(memory, torch.tensor([4, 2]), torch.tensor([[BEGIN, 3], [BEGIN, 4]])).sum().backward()
    assert memory.grad is not None
    assert all(weight.grad is not None for weight in model.parameters())
