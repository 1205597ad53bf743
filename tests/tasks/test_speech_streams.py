"""Streams cut anywhere against one pass over the whole."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.audio.frontend import Frontend
from rnncli.data.audio.resampling import Resampler, resample
from rnncli.tasks.speech.extras.form import Scale
from rnncli.tasks.speech.extras.streaming import ScoreStream, Stream
from rnncli.tasks.speech.model import Recognizer
from rnncli.tasks.speech.schema import SpeechModel

SMALL = SpeechModel(hidden=6, channels=5, layers=2, bidirectional=False)


def model(**keys):
    torch.manual_seed(1)
    return Recognizer(4, SMALL.model_copy(update=keys), 7).eval()


def one_pass(recognizer, x_TF):
    with torch.no_grad():
        return recognizer(x_TF[None], torch.tensor([len(x_TF)]))[0][0]


@settings(max_examples=60, deadline=None)
@given(
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    subsampling=st.sampled_from([1, 2, 3, 4, 6]),
    lookahead=st.sampled_from([0, 1, 4]),
    members=st.sampled_from([1, 2]),
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any),
)
def test_features_in_pieces_of_any_size_give_the_scores_of_one_pass(cell, subsampling, lookahead, members, sizes):
    recognizer = model(cell=cell, subsampling=subsampling, lookahead=lookahead, members=members)
    x_TF = torch.from_numpy(np.random.default_rng(sum(sizes)).normal(size=(sum(sizes), 4)).astype(np.float32))
    stream, found, at = ScoreStream(recognizer), [], 0
    for number, size in enumerate(sizes, start=1):
        found.append(stream(x_TF[at : at + size], last=number == len(sizes)))
        at += size
    torch.testing.assert_close(torch.cat(found), one_pass(recognizer, x_TF), atol=1e-5, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 2500), max_size=8))
def test_samples_in_pieces_of_any_size_give_the_scores_of_one_pass(sizes):
    recognizer, frontend = model(), Frontend("log-mel", 8000, 4)
    sizes = [*sizes, 300]
    samples = (0.1 * np.random.default_rng(1).normal(size=sum(sizes))).astype(np.float32)
    scale = Scale(np.full(4, -3, dtype=np.float32), np.full(4, 2, dtype=np.float32))
    stream, found, at = Stream(recognizer, frontend, scale), [], 0
    for number, size in enumerate(sizes, start=1):
        found.append(stream(samples[at : at + size], last=number == len(sizes)))
        at += size
    expected = one_pass(recognizer, torch.from_numpy(scale(frontend(samples)))).double().log_softmax(-1)
    np.testing.assert_allclose(np.concatenate(found), expected.numpy(), atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    rates=st.sampled_from([(8000, 16000), (44100, 16000), (16000, 8000), (11025, 8000), (8000, 8000)]),
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
)
def test_pieces_of_any_size_are_resampled_as_the_whole(rates, sizes):
    samples = np.random.default_rng(1).normal(size=sum(sizes)).astype(np.float32)
    resampler, found, at = Resampler(*rates), [], 0
    for number, size in enumerate(sizes, start=1):
        found.append(resampler(samples[at : at + size], last=number == len(sizes)))
        at += size
    np.testing.assert_allclose(np.concatenate(found), resample(samples, *rates), atol=1e-5)


def test_what_a_frame_says_does_not_depend_on_what_comes_later_than_the_lookahead():
    recognizer = model(lookahead=2)
    x_TF = torch.randn(60, 4)
    other_TF = x_TF.clone()
    other_TF[40:] = 9
    same = 40 // 2 - 2 - 3  # less what the lookahead and the convolutions see
    torch.testing.assert_close(one_pass(recognizer, x_TF)[:same], one_pass(recognizer, other_TF)[:same])


def test_what_a_stream_remembers_does_not_grow():
    stream = ScoreStream(model(lookahead=3, members=2))
    sizes = []
    for _ in range(5):
        stream(torch.randn(101, 4))
        kept = [window.kept for window in (*stream.convolved, *(one.ahead for one in stream.members))]
        sizes.append(sum(one.numel() for one in kept if one is not None))
    assert max(sizes[1:]) <= sizes[0] + 5 * 8


def test_a_recognizer_that_reads_both_ways_does_not_stream():
    with pytest.raises(ValueError, match="bidirectional"):
        ScoreStream(model(bidirectional=True))
