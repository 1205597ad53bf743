"""The classifier of texts: its loss by hand, its predictions whoever stands beside them, several labels, vectors."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from rnncli.runs import use
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.sentiment import task
from rnncli.tasks.sentiment.schema import SentimentRecipe
from tests.commands import TINY, own_environment, reviews, rnncli


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    return tmp_path


def fitted(*keys, data="reviews.csv"):
    """A task fitted to a file, its corpus, a new model."""
    recipe = load_recipe("sentiment/own-data", [*TINY, f"data.train={data}", *keys])
    assert isinstance(recipe, SentimentRecipe)
    corpus = task.read(recipe)
    torch.manual_seed(0)
    found = task.fit(recipe, corpus)
    return found, corpus, found.build().eval()


def logits_of(model, batch):
    return model(batch.ids_BT, batch.lengths_B, batch.figures_BTF, batch.scores_BC).detach().double().numpy()


def unbalanced(here):
    lines = reviews(60).splitlines()
    rare = [line for line in lines[1:] if line.endswith("positive")][:10]
    common = [line for line in lines[1:] if line.endswith("negative")]
    (here / "x.csv").write_text("\n".join([lines[0], *common, *rare]) + "\n")


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_the_loss_is_the_weighted_and_smoothed_cross_entropy(smoothing, weights, here):
    unbalanced(here)
    keys = (f"train.label_smoothing={smoothing}", f"train.class_weights={weights}")
    found, corpus, model = fitted(*keys, data="x.csv")
    batch = found.encode(corpus.parts["train"]).batch(np.arange(12))
    logits = logits_of(model, batch)
    truth = [label for (label,) in corpus.parts["train"].labels()]
    counts = {label: truth.count(label) for label in found.labels.names}
    weight = {c: len(truth) / (2 * n) if weights == "balanced" else 1.0 for c, n in counts.items()}
    total = norm = 0.0
    for row, label in zip(logits, truth[:12], strict=True):
        log_p = row - math.log(sum(math.exp(value) for value in row))
        own = weight[label] * -log_p[found.labels.names.index(label)]
        spread = sum(weight[c] * -log_p[k] for k, c in enumerate(found.labels.names)) / 2
        total += (1 - smoothing) * own + smoothing * spread
        norm += weight[label]
    assert found.loss(model, batch).item() == pytest.approx(total / norm, rel=1e-5)


def several_labels(here, rows=80):
    draw = random.Random(0)
    lines = []
    for _ in range(rows):
        tags = [tag for tag in ("red", "blue", "loud") if draw.random() < 0.5]
        text = " ".join([*draw.sample(tags, len(tags)), "thing", draw.choice("abcdefgh"), draw.choice("ijklmnop")])
        lines.append(json.dumps({"text": text, "label": "|".join(tags)}))
    (here / "x.jsonl").write_text("\n".join(lines) + "\n")


def test_the_loss_of_several_labels_is_a_mean_of_binary_ones(here):
    several_labels(here)
    keys = ("data.multi_label=true", "train.label_smoothing=0.1", "train.class_weights=balanced")
    found, corpus, model = fitted(*keys, data="x.jsonl")
    part = corpus.parts["train"]
    batch = found.encode(part).batch(np.arange(6))
    chance = 1 / (1 + np.exp(-logits_of(model, batch)))
    truth = [set(labels) for labels in part.labels()]
    count = {label: sum(label in tags for tags in truth) for label in found.labels.names}
    total = 0.0
    for row in range(6):
        for k, label in enumerate(found.labels.names):
            target = 0.95 if label in truth[row] else 0.05
            odds = (sum(count.values()) - count[label]) / count[label]
            p = chance[row, k]
            total -= odds * target * math.log(p) + (1 - target) * math.log(1 - p)
    assert found.loss(model, batch).item() == pytest.approx(total / (6 * len(found.labels.names)), rel=1e-5)


def test_several_labels_a_text_are_learnt_reported_and_predicted(here):
    several_labels(here, 300)
    keys = ("data.multi_label=true", "train.epochs=25", "train.learning_rate=0.02", "train.patience=0", "train.ema=0")
    tuned = ("model.embedding_dropout=0", "model.word_dropout=0", "model.dropout=0", "evaluation.baselines=true")
    done = rnncli("sentiment", "--data", "x.jsonl", "--out", "run", "--json", *TINY, *keys, *tuned)
    assert done.code == 0, done.err
    report = done.json
    assert report["labels"] == ["blue", "loud", "red"]
    assert report["confusion"] == []
    assert report["metrics"]["f1_micro"]["value"] > 0.9
    assert set(report["baselines"]) == {"n-grams + logistic"}
    both, none = rnncli("predict", "run", "red blue thing a j", "thing a j").lines
    assert both["labels"] == ["blue", "red"]
    assert none["labels"] == []
    assert set(both["probabilities"]) == {"blue", "loud", "red"}
    again = rnncli("evaluate", "run", "--json").json
    assert again["metrics"]["f1_micro"] == report["metrics"]["f1_micro"]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictor")
    (folder / "reviews.csv").write_text(reviews())
    keys = ("model.evidence=on", "train.epochs=3", "train.ema=0", "train.learning_rate=0.02")
    assert rnncli("sentiment", "--data", folder / "reviews.csv", "--out", folder / "run", *TINY, *keys).code == 0
    return use.open_predictor(folder / "run")


TEXTS = (
    "good film",
    "bad",
    "",
    "   ",
    "unheard qwertz 很好",
    "good " * 40,
    "a bad film number 3 w1",
    "bad\tfilm\u2028x",
)


def test_a_prediction_depends_on_nothing_but_its_text(predictor):
    together = predictor.predict(TEXTS)
    alone = [predictor.predict([text])[0] for text in TEXTS]
    backwards = predictor.predict(TEXTS[::-1])[::-1]
    for a, b, c in zip(together, alone, backwards, strict=True):
        assert a["label"] == b["label"] == c["label"]
        for label, share in a["probabilities"].items():
            assert share == pytest.approx(b["probabilities"][label], abs=2e-6)
            assert share == pytest.approx(c["probabilities"][label], abs=2e-6)


def test_every_text_gets_a_prediction_even_an_empty_one_or_one_of_unknown_words(predictor):
    rows = predictor.predict(TEXTS)
    assert [row["text"] for row in rows] == list(TEXTS)
    for row in rows:
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].__getitem__)
    assert predictor.predict([]) == []


def scored(here, *keys, data="reviews.csv"):
    """Fitted with evidence, a batch of its test part, and the model."""
    found, corpus, model = fitted("model.evidence=auto", *keys, data=data)
    return found, found.encode(corpus.parts["test"]).batch(np.arange(5)), model


def test_evidence_is_told_by_default_and_a_note_says_so(here):
    found, batch, model = scored(here)
    assert batch.scores_BC is not None
    assert batch.figures_BTF is not None
    assert batch.figures_BTF.shape == (*batch.ids_BT.shape, found.evidence.width)
    assert model.core.input_size == 8 + found.evidence.width
    (note,) = [note for note in found.notes if note.startswith("evidence: ")]
    assert re.search(r"n-grams of up to 2 units and the letters in them tell .* learnt in \d+\.\d s", note)
    off, _, _ = fitted()
    assert off.evidence is None
    assert not any(note.startswith("evidence") for note in off.notes)


def test_scores_of_n_grams_are_added_to_those_of_the_model(here):
    _, batch, model = scored(here)
    without = model(batch.ids_BT, batch.lengths_B, batch.figures_BTF).detach().numpy()
    scores = batch.scores_BC.numpy()
    np.testing.assert_allclose(logits_of(model, batch), without + np.hstack([-scores, scores]) / 2, rtol=1e-5)
    model.trust.data.fill_(3)
    np.testing.assert_allclose(logits_of(model, batch), without + 1.5 * np.hstack([-scores, scores]), rtol=1e-5)


def test_texts_with_several_labels_have_a_score_of_each(here):
    several_labels(here, 200)
    found, batch, model = scored(here, "data.multi_label=true", data="x.jsonl")
    assert batch.scores_BC.shape == (5, 3)
    assert ((batch.scores_BC > 0) == (batch.truth > 0)).float().mean() > 0.9
    without = model(batch.ids_BT, batch.lengths_B, batch.figures_BTF).detach().numpy()
    np.testing.assert_allclose(logits_of(model, batch), without + batch.scores_BC.numpy(), rtol=1e-5)
    assert found.evidence.width == 5 * 3


def test_what_is_cut_off_a_text_still_counts_among_its_n_grams(here):
    keys = ("data.max_length=1",)
    found, _, model = scored(here, *keys)
    assert any("their n-grams are counted to the end" in note for note in found.notes)
    predictor = task.predictor(found, model, torch.device("cpu"))
    good, bad, none = predictor.predict(["a good film", "a bad film", "a"])
    likely = [row["probabilities"]["positive"] for row in (good, none, bad)]
    assert likely[0] > likely[1] > likely[2]


def test_evidence_of_before_there_were_scores_of_texts_is_told_as_it_was(here):
    found, batch, model = scored(here)
    found.evidence = dataclasses.replace(found.evidence, bias=None)
    then = found.build().eval()
    weights = model.state_dict()
    weights.pop("trust")
    then.load_state_dict(weights)
    wanted = model(batch.ids_BT, batch.lengths_B, batch.figures_BTF)
    texts = list(task.read(found.recipe).parts["test"].texts())[:5]
    rows = task.predictor(found, then, torch.device("cpu")).predict(texts)
    told = [list(row["probabilities"].values()) for row in rows]
    np.testing.assert_allclose(told, wanted.softmax(-1).detach().numpy(), atol=2e-6)


def test_evaluating_a_run_again_gives_the_figures_of_its_report(here):
    assert rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *TINY, "model.evidence=on").code == 0
    report = json.loads(Path("run/report.json").read_text())
    again = rnncli("evaluate", "run", "--json").json
    assert again["metrics"] == report["metrics"]
    assert again["confusion"] == report["confusion"]
    assert again["training"] == report["training"]
    rows = [json.loads(line) for line in Path("run/predictions/test.jsonl").read_text().splitlines()]
    told = rnncli("predict", "run", *(row["text"] for row in rows)).lines
    for one, other in zip(rows, told, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=2e-6)
    whole = rnncli("evaluate", "run", "--data", "reviews.csv", "--json").json
    assert whole["examples"] == 60


def test_embeddings_begin_with_the_vectors_of_a_file(here):
    Path("v.vec").write_text("2 8\nfilm 1 2 3 4 5 6 7 8\nunheard 9 9 9 9 9 9 9 9\n")
    found, _, model = fitted("model.vectors=v.vec")
    weight = model.get_parameter("embedding.weight").detach()
    assert weight[found.vocabulary.number("film")].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert weight[found.vocabulary.pad].tolist() == [0] * 8
    assert weight[found.vocabulary.number("good")].abs().max() < 1


def test_a_run_that_began_with_vectors_predicts_without_their_file(here):
    Path("v.vec").write_text("film 1 2 3 4 5 6 7 8\n")
    assert rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *TINY, "model.vectors=v.vec").code == 0
    Path("v.vec").unlink()
    assert rnncli("predict", "run", "good film").code == 0


def test_words_of_dev_and_test_stay_out_of_the_vocabulary(here):
    found, corpus, _ = fitted()
    seen = {word for text in corpus.parts["train"].texts() for word in found.units.split(text)}
    assert set(found.vocabulary.tokens) == seen
    others = {word for name in ("dev", "test") for text in corpus.parts[name].texts() for word in text.split()}
    assert not others <= seen


def test_columns_are_guessed_by_name_where_that_is_plain(here):
    Path("x.csv").write_text("id,Review,Stars\n" + "".join(f"{i},film {i} good,{1 + i % 2}\n" for i in range(40)))
    done = rnncli("sentiment", "--data", "x.csv", *TINY, "--json")
    assert done.code == 0, done.err
    assert 'text column "Review", label column "Stars" (text and label guessed by name)' in done.err
    assert done.json["labels"] == ["1", "2"]


def test_labels_that_are_numbers_stand_in_their_order(here):
    rows = "".join(f"film {i} {'good' * (i % 3)},{(10, 9, 100)[i % 3]}\n" for i in range(60))
    Path("x.csv").write_text("text,label\n" + rows)
    assert rnncli("sentiment", "--data", "x.csv", *TINY, "--json").json["labels"] == ["9", "10", "100"]


@pytest.mark.slow
def test_many_rows_train_in_little_memory(tmp_path):
    """A fifth of a million rows; what is measured is the peak of a process of its own, torch included."""
    with (tmp_path / "big.csv").open("w") as file:
        file.write("text,label\n")
        draw = random.Random(0)
        words = [f"word{i}" for i in range(5000)]
        for row in range(200_000):
            file.write(" ".join(draw.choices(words, k=12)) + f" {row},{'ab'[row % 2]}\n")
    keys = (
        "train.batch_size=2000",
        "train.batch_tokens=100000",
        "data.drop_duplicates=false",
        "data.max_vocabulary=5000",
    )
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from rnncli.cli.main import app
        app(sys.argv[1:], standalone_mode=False)
        # Not ru_maxrss, in which the peak of the process that started this one counts too.
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(peak.split()[1], file=sys.stderr)
    """)
    command = [sys.executable, "-c", code, "sentiment", "--data", "big.csv", "--quiet", *TINY, *keys]
    done = subprocess.run(command, cwd=tmp_path, env=own_environment(), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) < 1_500_000, "KiB at the peak"
