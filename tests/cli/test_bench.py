"""``rnncli bench``: its figures add up, its parity check is real, and it speaks as the other commands do."""

import pytest
import torch

from rnncli.bench import core as bench
from rnncli.bench.contenders import onnx_layers
from rnncli.bench.phases import PHASES
from rnncli.core.recurrent import Recurrent
from tests.commands import TINY, reviews, rnncli


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(bench.SHAPES, "sentences", bench.Shape("a few", 6, 8, 4, 2, 7, batches=2, bidirectional=True))


@pytest.mark.parametrize("cell", list(bench.CELLS))
def test_the_core_is_measured_beside_its_rivals_and_is_exact(cell):
    done = rnncli("bench", "core", "--cell", cell, "--repeats", 3, "--json")
    (result,) = done.json
    assert done.code == 0
    rivals = {"plain loop"} if cell == "gru" else {"torch padded", "torch packed"}
    assert set(result["ratios"]) == rivals
    assert set(result["seconds"]) == {"rnncli", *rivals}
    assert result["peak_bytes"] == dict.fromkeys(result["seconds"], 0)
    assert result["output_error"] < 1e-5
    assert result["gradient_error"] < 1e-4
    assert all(low <= result["ratios"][name] <= high for name, (low, high) in result["spread"].items())


def test_streaming_is_measured_without_gradients(monkeypatch):
    short = bench.Shape("steps", 6, 8, 1, 1, 1, batches=3, training=False)
    monkeypatch.setitem(bench.SHAPES, "streaming", short)
    (result,) = rnncli("bench", "core", "--cell", "lstm", "--shape", "streaming", "--repeats", 1, "--json").json
    assert set(result["ratios"]) >= {"torch padded"}
    assert not result["training"]


def test_the_device_may_be_chosen_for_one(monkeypatch):
    monkeypatch.setitem(bench.SHAPES, "equal", bench.Shape("steps", 6, 8, 2, 3, 3))
    options = ("--cell", "rnn", "--shape", "equal", "--repeats", 1, "--device", "auto", "--json")
    (result,) = rnncli("bench", "core", *options).json
    assert ("cuda" if torch.cuda.is_available() else "cpu") in result["kernel"]


def test_memory_is_measured_in_processes_of_their_own(monkeypatch):
    large = bench.Shape("large", 64, 64, 32, 100, 100)
    monkeypatch.setitem(bench.SHAPES, "equal", large)
    (result,) = rnncli("bench", "core", "--cell", "rnn", "--shape", "equal", "--repeats", 1, "--memory", "--json").json
    kept = 4 * 32 * 100 * 64
    assert all(kept < grown < 100 * kept for grown in result["peak_bytes"].values())


@pytest.mark.parametrize("cell", list(bench.CELLS))
@pytest.mark.parametrize("layers", [1, 2])
def test_onnx_runtime_computes_the_same_from_the_same_weights(cell, layers):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    core = Recurrent(5, 7, **bench.CELLS[cell], layers=layers, bidirectional=True)
    with torch.no_grad():
        for part in core.parameters():
            part.add_(torch.randn_like(part) * 0.1)
        x_BTI, lengths_B = torch.randn(4, 9, 5), torch.tensor([9, 3, 1, 6])
        ours, theirs = core(x_BTI, lengths_B)[0], onnx_layers(core)(x_BTI, lengths_B)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_batches_of_like_lengths_hold_the_same_examples():
    drawn = bench._draw(bench.SHAPES["sentences"], "cpu")
    sorted_ones = bench._by_length(drawn, 4)

    def examples(batches):
        return sorted(x[:n].flatten().tolist() for x_BTI, n_B in batches for x, n in zip(x_BTI, n_B, strict=True))

    assert examples(sorted_ones) == examples(drawn)
    assert all(int(n_B.max()) == x_BTI.shape[1] for x_BTI, n_B in sorted_ones)


def test_the_table_has_a_row_for_each_contender():
    done = rnncli("bench", "core", "--cell", "gru-after", "--repeats", 1, "--quiet")
    assert done.err == ""
    assert [line.split("  ")[0] for line in done.out.splitlines()][:2] == ["shape", "sentences"]
    assert "torch padded" in done.out
    assert "torch packed" in done.out


def test_the_parity_check_notices_a_wrong_result(monkeypatch):
    right = Recurrent.forward

    def wrong(self, x_BTI, *rest, **options):
        y_BTE, end = right(self, x_BTI, *rest, **options)
        return y_BTE * 1.01, end

    monkeypatch.setattr(Recurrent, "forward", wrong)
    assert bench.bench_core("rnn", "sentences", repeats=1).output_error > 1e-4


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--cell", "gruu"], "gruu"),
        (["--shape", "huge"], "huge"),
        (["--repeats", "0"], "repeats"),
        pytest.param(
            ["--device", "cuda"],
            "cuda",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device"),
        ),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(arguments, word):
    done = rnncli("bench", "core", *arguments)
    assert done.code == 2
    assert word in done.err


def test_a_training_step_is_told_by_phase(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    options = ("data.train=reviews.csv", *TINY, "train.epochs=10", "--steps", 4, "--json")
    done = rnncli("bench", "step", "sentiment/own-data", *options)
    assert done.code == 0, done.err
    assert list(done.json["seconds"]) == list(PHASES)
    assert all(seconds > 0 for seconds in done.json["seconds"].values())
    assert done.json["total"] == pytest.approx(sum(done.json["seconds"].values()))
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    here = tmp_path_factory.mktemp("bench")
    (here / "reviews.csv").write_text(reviews(60), encoding="utf-8")
    done = rnncli("sentiment", "--data", here / "reviews.csv", "--out", here / "run", *TINY)
    assert done.code == 0, done.err
    return here / "run"


def test_the_model_of_a_run_is_timed_at_one_example_beside_others(small_run):
    pytest.importorskip("onnxruntime")
    done = rnncli("bench", "serve", small_run, "--steps", 7, "--repeats", 2, "--json")
    assert done.code == 0, done.err
    result = done.json
    assert (result["task"], result["steps"], result["threads"]) == ("sentiment", 7, 1)
    found = {(one["work"], one["contender"]): one for one in result["latencies"]}
    for work in ("layers", "network"):
        theirs = found[work, "onnxruntime"]
        assert theirs["spread"][0] <= theirs["ratio"] <= theirs["spread"][1]
    assert found["prediction", "rnncli"]["ratio"] is None
    assert all(0 < one["seconds"] <= one["slow"] for one in found.values())
    shown = rnncli("bench", "serve", small_run, "--repeats", 1)
    assert shown.out.split("\n")[0].split() == ["one", "example", "by", "ms", "95", "%", "ratio", "quartiles"]


def test_a_model_without_graphs_is_timed_without_rivals(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = ("train.epochs=1", "model.hidden=8", "data.examples=20", "model.core=transformer", "model.heads=2")
    done = rnncli("memory", "--out", "run", *keys)
    assert done.code == 0, done.err
    result = rnncli("bench", "serve", "run", "--repeats", 1, "--json").json
    assert {one["contender"] for one in result["latencies"]} <= {"rnncli"}


@pytest.mark.parametrize("option", ["--steps", "--threads", "--repeats"])
def test_less_than_one_of_anything_is_refused(small_run, option):
    done = rnncli("bench", "serve", small_run, option, 0)
    assert (done.code, f"{option} is 0" in done.err) == (2, True)
