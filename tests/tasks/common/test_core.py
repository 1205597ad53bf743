"""A Transformer where tasks have recurrent layers: trained, gone on with, used; what is of one core refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rnncli.core.transformer import Transformer
from rnncli.heads.symbols import SymbolHead
from rnncli.recipe.schema import OF_RECURRENT, OF_TRANSFORMER, CoreSection
from rnncli.tasks.common.core import build_core
from rnncli.tasks.speech.extras.streaming import ScoreStream
from rnncli.tasks.speech.model import Recognizer
from rnncli.tasks.speech.schema import SpeechModel
from rnncli.tasks.write.carried import Carried
from rnncli.tasks.write.going import read
from rnncli.tasks.write.stepping import Stepper
from tests.commands import TINY, reviews, rnncli

KINDS = ("transformer", "transformer+gru")
OTHER = {
    "cell": "lstm",
    "activation": "relu",
    "reset": "after",
    "recurrent_dropout": 0.1,
    "initial_state": "learnt",
    "start": "weights.h5",
    "start_layer": "lstm",
    "heads": 2,
    "feed_forward": 2,
    "context": 9,
}
SENTIMENT = ("sentiment", "--data", "mine.csv", *TINY, "model.heads=2", "train.warmup_steps=2")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_core_is_what_the_recipe_says(kind, bidirectional):
    forward_only = {} if bidirectional else {"context": 5}
    section = CoreSection(core=kind, hidden=16, layers=3, heads=2, bidirectional=bidirectional, **forward_only)  # pyright: ignore[reportArgumentType]
    core = build_core(7, section)
    assert isinstance(core, Transformer)
    both = bidirectional and kind == "transformer+gru"
    assert (core.input_size, core.layers, core.heads, core.causal) == (7, 3, 2, not bidirectional)
    assert bidirectional or core.context == 5
    assert (core.output_size, core.directions) == (32 if both else 16, 2 if both else 1)


def test_a_transformer_has_two_layers_if_not_said():
    assert [CoreSection(core=core).layers for core in ("recurrent", *KINDS)] == [1, 2, 2]  # pyright: ignore[reportArgumentType]
    assert CoreSection(core="transformer", layers=1).layers == 1
    assert SpeechModel(core="transformer").layers == 3


@pytest.mark.parametrize("key", [*OF_RECURRENT, *OF_TRANSFORMER])
def test_a_key_of_the_other_core_is_refused_by_name(key):
    core = "transformer" if key in OF_RECURRENT else "recurrent"
    done = rnncli("sentiment", f"model.core={core}", f"model.{key}={OTHER[key]}")
    assert done.code == 2
    assert f"command line: model.{key}: is " in done.err
    assert f"model.core is {core}" in done.err


def test_a_context_of_a_transformer_that_reads_both_ways_is_refused():
    with pytest.raises(ValueError, match="reads forward only"):
        CoreSection.model_validate({"core": "transformer", "context": 10})
    assert CoreSection.model_validate({"core": "transformer", "context": 10, "bidirectional": False}).context == 10


def test_heads_that_do_not_share_a_width_are_refused():
    done = rnncli("sentiment", "model.core=transformer", "model.hidden=60")
    assert done.code == 2
    assert "it must be a multiple of 8" in done.err


def test_a_run_with_a_transformer_is_trained_gone_on_with_used_and_not_exported(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text(reviews(), encoding="utf-8")
    whole = rnncli(*SENTIMENT, "model.core=transformer+gru", "train.epochs=3", "--out", "whole", "--json")
    assert whole.code == 0, whole.err
    assert rnncli(*SENTIMENT, "model.core=transformer+gru", "train.epochs=1", "--out", "short").code == 0
    longer = rnncli("run", "--resume", "short", "train.epochs=3")
    assert longer.code == 0, longer.err
    weights = [Path(run, "checkpoints/last/model.safetensors").read_bytes() for run in ("whole", "short")]
    assert weights[0] == weights[1]
    report = json.loads(Path("whole/report.json").read_text())
    assert report["model"]["cell"] == "transformer+gru"
    assert "scaled_dot_product_attention" in json.loads(Path("whole/run.json").read_text())["kernel"]
    assert rnncli("predict", "whole", "good film").code == 0
    refused = rnncli("export", "whole", "--out", "model", "--format", "safetensors")
    assert refused.code == 2
    assert "model.core is transformer+gru" in refused.err
    assert not Path("model").exists()


class Writing(nn.Module):
    """A network of texts that has not learnt anything."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.core = build_core(5, CoreSection(core=kind, hidden=8, heads=2, layers=2, context=3, bidirectional=False))  # pyright: ignore[reportArgumentType]
        self.head = SymbolHead(8, nn.Parameter(torch.randn(7, 5)))
        self.table = torch.randn(8, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_of_writing_equal_one_pass(kind):
    model, text = Writing(kind).eval(), [3, 0, 6, 6, 1, 2, 5, 4]
    with torch.no_grad():
        y_1TE, _ = model.core(model.table[[7, *text]][None])
        expected = model.head(y_1TE[0, -1])
    assert np.abs(read(Stepper([model]), text).logits_V - expected.numpy()).max() < 1e-5


def test_what_training_carries_between_windows_holds_the_cache_of_a_transformer():
    core = Writing("transformer+gru").core
    x_BTI = torch.randn(2, 4, 5)
    _, end = core(x_BTI)
    carried = Carried()
    carried.keep(np.array([3, 8]), end)
    again = Carried()
    again.restore(carried.tensors(), torch.device("cpu"))
    state, known_B = again.before(np.array([9, 5]), np.array([True, True]), core.initial_state(2))
    assert known_B.tolist() == [True, False]
    y_BTE, _ = core(x_BTI, None, state)
    alone_1TE, _ = core(torch.cat([x_BTI[1:], x_BTI[:1]], 1))
    torch.testing.assert_close(y_BTE[:1], alone_1TE[:, 4:])
    torch.testing.assert_close(y_BTE[1:], core(x_BTI[1:])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_speech_in_pieces_gives_the_scores_of_one_pass(kind):
    torch.manual_seed(1)
    settings = SpeechModel(core=kind, hidden=8, heads=2, channels=5, layers=2, context=3, bidirectional=False)  # pyright: ignore[reportArgumentType]
    recognizer = Recognizer(4, settings, 7).eval()
    x_TF = torch.randn(61, 4)
    stream = ScoreStream(recognizer)
    found = [stream(piece, last=False) for piece in x_TF.split([1, 20, 0, 40])]
    with torch.no_grad():
        whole_1RV, _ = recognizer(x_TF[None], torch.tensor([61]))
    torch.testing.assert_close(torch.cat([*found, stream(x_TF[:0], last=True)]), whole_1RV[0], atol=1e-5, rtol=1e-5)
