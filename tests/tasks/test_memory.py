"""Memory over a lag: the sequences made up, what is right, and a model that learns to remember."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnncli.errors import DataError
from rnncli.tasks.memory import metrics
from rnncli.tasks.memory.builtin import QUESTION, SYMBOLS, generate
from rnncli.tasks.memory.problems import Adding, Copying
from tests.commands import rnncli

LAGS = (2, 7, 40)
SMALL = (
    "data.lags=[2,4]",
    "data.examples=600",
    "model.hidden=16",
    "train.epochs=10",
    "train.learning_rate=1e-2",
    "evaluation.resamples=20",
    "evaluation.page=false",
    "compute.threads=1",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that names a symbol shown 2 or 4 steps ago."""
    out = tmp_path_factory.mktemp("memory") / "run"
    done = rnncli("memory", "--problem", "copy", *SMALL, "--out", out, "--json")
    assert done.code == 0, done.err
    return out, done.json


def test_of_a_sum_the_first_number_lies_exactly_the_lag_back_and_the_second_in_the_first_half():
    rows = generate("adding", LAGS, 600)
    assert {lag for _, _, lag in rows} == set(LAGS)
    for text, answer, lag in rows:
        words = text.split()
        first, second = (at for at, word in enumerate(words) if word.endswith("*"))
        assert len(words) - 1 - first == lag
        assert 1 <= second - first <= lag // 2
        assert 0 <= first <= lag // 10
        numbers = [float(words[at].rstrip("*")) for at in (first, second)]
        assert float(answer) == pytest.approx(sum(numbers))


def test_the_symbol_to_name_lies_exactly_the_lag_before_the_question():
    for text, answer, lag in generate("copy", LAGS, 600):
        words = text.split()
        (at,) = (at for at, word in enumerate(words) if word in SYMBOLS)
        assert words[-1] == QUESTION
        assert (words[at], len(words) - 1 - at) == (answer, lag)


def test_a_seed_gives_the_same_sequences_and_another_gives_others():
    assert generate("adding", LAGS, 30, seed=3) == generate("adding", LAGS, 30, seed=3)
    assert generate("adding", LAGS, 30, seed=3) != generate("adding", LAGS, 30, seed=4)


def test_who_always_says_one_has_the_error_and_the_hits_that_theory_gives():
    """Of u + v: variance 1/6, and |u + v - 1| < 0.08 with probability 1 - 0.92^2."""
    truths = [float(answer) for _, answer, _ in generate("adding", (2,), 10_000)]
    found = metrics.statistics([{"truth": truth, "answer": 1.0} for truth in truths], {"problem": "adding"}).values()
    assert found["mse"] == pytest.approx(1 / 6, abs=0.01)
    assert found["accuracy"] == pytest.approx(1 - 0.92**2, abs=0.02)


def test_a_sum_is_right_where_half_of_it_is_off_by_less_than_four_hundredths():
    rows = [{"truth": 1.0, "answer": answer} for answer in (1.0, 1.079, 0.921, 1.081, 0.9)]
    assert metrics.is_right(rows).tolist() == [True, True, True, False, False]
    assert metrics.statistics(rows, {"problem": "adding"}).values()["accuracy"] == pytest.approx(0.6)
    names = [{"truth": "a", "answer": answer} for answer in "aab"]
    assert metrics.statistics(names, {"problem": "copy"}).values() == {"accuracy": pytest.approx(2 / 3)}


def test_steps_are_numbers_and_marks_or_one_for_each_symbol():
    assert Adding().steps("0.5* 1 0.25*").tolist() == [[0.5, 1], [1, 0], [0.25, 1]]
    assert Copying(("?", "a"), ("a",)).steps("a new ?").tolist() == [[0, 1], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.5* x 0.2*", '"x" is no number'),
        ("0.5* 0.2", "1 numbers are marked with a star, not 2"),
        ("", "0 numbers are marked"),
        ("0.5* nan*", "no number that can be added"),
    ],
)
def test_what_cannot_be_added_up_is_refused(text, said):
    with pytest.raises(DataError, match=said):
        Adding().steps(text)


def test_it_learns_to_remember_and_tells_how_well_by_lag(run):
    _, report = run
    assert report["metrics"]["accuracy"]["value"] > 0.9
    assert report["baselines"]["constant"]["accuracy"] < 0.3
    (lags,) = report["groups"]
    assert [group["name"] for group in lags["groups"]] == ["2", "4"]
    assert report["reach"]["steps"] >= 2


def test_a_prediction_does_not_hang_on_those_beside_it(run):
    path, _ = run
    texts = ["c - = ?", "a . ~ - = . ?", "h ?"]
    together = rnncli("predict", path, *texts).lines
    assert [one["answer"] for one in together[:2]] == ["c", "a"]
    for text, row in zip(texts, together, strict=True):
        assert rnncli("predict", path, text).lines == [row]


def test_a_table_of_ones_own_is_learnt_from(tmp_path):
    rows = [f"{'abcdefgh'[n % 8]} - ?,{'abcdefgh'[n % 8]}" for n in range(160)]
    file = tmp_path / "own.csv"
    file.write_text("\n".join(["sequence,answer", *rows]) + "\n", encoding="utf-8")
    keys = [key for key in SMALL if not key.startswith(("data", "train.epochs"))]
    own = rnncli(
        "memory", "--problem", "copy", "--data", file, "train.epochs=1", *keys, "--out", tmp_path / "own", "--json"
    )
    assert own.code == 0, own.err
    saved = json.loads((tmp_path / "own/predictions/test.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert {"place", "truth", "answer", "sequence", "probability"} <= saved.keys()
    file.write_text("sequence,answer\nc - ?,c\n" + "0.1* x,1\n" * 30, encoding="utf-8")
    bad = rnncli("memory", "--data", file, "--out", tmp_path / "bad", *keys)
    assert bad.code == 3
    assert "own.csv:" in bad.err
    assert "is no number" in bad.err


def test_the_worst_answers_are_shown_first():
    rows = [
        {"truth": 1.0, "answer": answer, "sequence": f"s{answer}", "place": str(answer)} for answer in (1.0, 1.5, 0.2)
    ]
    assert [one.place for one in metrics.samples(rows, {"problem": "adding"}, 5)] == ["0.2", "1.5"]
    assert np.allclose(metrics.errors(rows), [0, 0.5, 0.8])
