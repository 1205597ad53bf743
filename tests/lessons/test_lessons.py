"""Lessons: what they plan, that they go on, and that their answers are those of the runs, whoever wins."""

from __future__ import annotations

import re
from itertools import product

import jsonschema
import pytest

from rnncli.lessons import cells, long_lag
from rnncli.lessons.course import hold
from rnncli.lessons.lesson import LessonRequest
from rnncli.lessons.library import LESSONS
from rnncli.lessons.sizes import Counter
from rnncli.report.lesson import written_equation
from rnncli.runs.recipes import load_recipe
from tests.cli import schemas
from tests.commands import rnncli
from tests.lessons.made import made_memory, made_texts

LAGS = (5, 50)
SHORT = (f"data.lags=[{','.join(map(str, LAGS))}]", "evaluation.resamples=100")
CORES = {"model.cell=rnn": 0.8, "model.cell=lstm": 0.95, "model.cell=gru": 0.99, "model.core=transformer": 0.97}
NAMES = {"model.cell=rnn": "RNN", "model.cell=lstm": "LSTM", "model.cell=gru": "GRU"}


def made_course(folder, right):
    """The lesson on lags with all its runs done; ``right`` gives a core's share of right answers at a lag."""
    folder.mkdir()
    for problem, (core, decay) in product(long_lag.PROBLEMS, CORES.items()):
        settings = (core, f"data.problem={problem}", "evaluation.page=false", *SHORT)
        name = f"lessons-long-lag-data.problem={problem}-{core}"
        made_memory(folder / name, settings, {lag: right(core, lag) for lag in LAGS}, decay)
    return folder


def chapter(core, lag):
    return 0.2 if core == "model.cell=rnn" and lag == 50 else 0.95


def reversed_chapter(core, lag):
    return 0.95 if core == "model.cell=rnn" else 0.2


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The document and the page of the lesson on lags where the chapter is right."""
    folder = made_course(tmp_path_factory.mktemp("lag") / "lag", chapter)
    done = rnncli("lesson", "long-lag", *SHORT, "--out", folder, "--json")
    assert done.code == 0, done.err
    return done.json, (folder / "lesson.html").read_text(encoding="utf-8")


def test_alone_it_lists_the_questions_with_their_names():
    listed = rnncli("lesson").out.splitlines()
    assert [line.split()[0] for line in listed] == list(LESSONS)
    assert all(line.endswith("?") for line in listed)


def test_what_is_done_is_not_run_again(told):
    assert len(told[0]["runs"]) == 8
    assert all(one["before"] and one["state"] == "finished" for one in told[0]["runs"])


def test_what_programs_read_is_what_is_documented(told):
    jsonschema.Draft202012Validator(schemas.LESSON).validate(told[0])
    jsonschema.Draft202012Validator(schemas.LESSONS).validate(rnncli("lesson", "--json").json)


def test_each_question_is_answered_by_figures_of_the_runs(told):
    document, page = told
    for answer in document["answers"]:
        assert answer["question"].endswith("?")
        assert any(re.search(r"\d", sentence) for sentence in answer["says"])
        for sentence in (answer["question"], *answer["says"]):
            assert sentence.replace("<", "&lt;").replace(">", "&gt;") in page.replace("&#39;", "'")
    assert document["answers"][0]["figures"]["RNN"] == {"remembered": 5, "accuracy": {"5": 0.95, "50": 0.2}}


def test_where_the_rnn_forgets_it_says_so_and_where_the_gradient_went(told):
    adding, _, why = told[0]["answers"]
    assert adding["says"][0].startswith("Yes: at lag 50 the ")
    assert "RNN up to lag 5, LSTM up to lag 50" in adding["says"][2]
    assert "50 steps back" in why["says"][0]
    assert f"RNN {100 * 0.8**50:.3g} %, LSTM {100 * 0.95**50:.3g} %" in why["says"][0]
    assert "where the gradient arrives, the answer can be learnt" in why["says"][1]
    assert why["figures"]["adding"]["RNN"]["share"]["5"] == pytest.approx(0.8**5)


def test_where_the_rnn_wins_it_says_that(tmp_path):
    folder = made_course(tmp_path / "lag", reversed_chapter)
    adding, _, why = rnncli("lesson", "long-lag", *SHORT, "--out", folder, "--json").json["answers"]
    assert adding["says"][0].startswith("Not more than the others")
    assert "RNN up to lag 50" in adding["says"][2]
    assert "that a gradient arrives is not all that is needed" in why["says"][1]


def test_the_page_is_one_file_that_teaches(told):
    page = told[1]
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    for heading in ("In short", "What the chapter says", "What was run", "What came out", "Try next"):
        assert f"<h2>{heading}</h2>" in page
    assert "h<sub>t</sub> = tanh(W x<sub>t</sub> + U h<sub>t-1</sub> + b)" in page
    assert page.count("<svg") == 4


def test_what_is_from_a_recipe_is_never_markup_in_an_equation():
    assert "&lt;b&gt;" in written_equation("x_t <b> y^k")


@pytest.mark.parametrize(("skill", "said"), [(0.95, "Yes: here"), (0.5, "Not that this"), (0.2, "No: here")])
def test_whether_order_matters_is_what_the_difference_says(tmp_path, monkeypatch, skill, said):
    monkeypatch.chdir(tmp_path)
    texts = [f"the film was {'not ' * (n % 3 == 0)}good {n}" for n in range(200)]
    for order, known in (("kept", skill), ("sorted", 0.5)):
        settings = (f"data.order={order}", "evaluation.page=false")
        made_texts(tmp_path / "o" / f"lessons-order-data.order={order}", "lessons/order", settings, texts, known, 8)
    answers = rnncli("lesson", "order", "--out", "o", "--json").json["answers"]
    assert answers[0]["says"][0].startswith(said)
    assert "Of the 67 test texts with a word that turns others round" in answers[2]["says"][0]


def test_cells_get_as_many_parameters_as_come_nearest():
    counter = Counter(load_recipe("memory/default", ["data.examples=40", "data.lags=[2]"]))
    for cell, products in (("rnn", 1), ("gru", 3), ("lstm", 4)):

        def counted(hidden, products=products):
            return products * hidden * (2 + hidden + 1) + hidden + 1

        assert counter.parameters(cell, 7) == counted(7)
        for wanted in (50, 777, 12_929):
            best = min(range(1, 200), key=lambda hidden: abs(counted(hidden) - wanted))
            assert counter.hidden(cell, wanted) == best


def test_cells_are_compared_at_equal_parameters_and_then_for_as_long_as_the_slowest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cells, "RECIPES", cells.RECIPES[:1])
    monkeypatch.setattr(Counter, "__init__", lambda self, recipe: None)
    monkeypatch.setattr(Counter, "parameters", lambda self, cell, hidden: 1000)
    monkeypatch.setattr(Counter, "hidden", lambda self, cell, parameters: {"gru": 40, "lstm": 30, "rnn": 80}[cell])
    texts = [f"text {n}" for n in range(200)]
    source, stem = cells.RECIPES[0], cells.RECIPES[0].replace("/", "-")

    def made(cell, hidden, skill, units, *more):
        name = "-".join([stem, f"model.cell={cell}", f"model.hidden={hidden}", *more])
        settings = (f"model.cell={cell}", f"model.hidden={hidden}", *more)
        made_texts(tmp_path / "c" / name, source, settings, texts, skill, units)

    made("gru", 40, 0.7, 20)
    made("lstm", 30, 0.95, 40)
    made("rnn", 80, 0.3, 10)
    made("gru", 40, 0.7, 20, "train.epochs=8")
    made("lstm", 30, 0.95, 40, "train.epochs=4")
    made("rnn", 80, 0.3, 10, "train.epochs=16")
    done = rnncli("lesson", "cells", "--out", "c", "--json")
    assert done.code == 0, done.err
    parameters, time, differ = done.json["answers"]
    said = "The LSTM is shown to be better than the GRU on 1 of 1 tasks, and worse on 0 and the RNN"
    assert parameters["says"][0].startswith(said.replace(" and the RNN", ""))
    assert "RNN is shown to be better than the GRU on 0 of 1 tasks, and worse on 1" in time["says"][0]
    assert differ["says"][-1].startswith("In 2 comparisons the LSTM is shown to be better 2 times")
    assert all(one["before"] for one in done.json["runs"])


def test_a_lesson_that_is_not_there_is_not_guessed():
    done = rnncli("lesson", "longlag")
    assert done.code == 2
    assert 'did you mean "long-lag"?' in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cells", "--data", "x.csv"], "about data that it makes itself"),
        (["order", "data.order=kept"], "data.order is what lesson order varies"),
        (["order", "seed"], "seed: not a key with a value"),
        (["order", "--data", ""], "--data names no file"),
        (["long-lag", "--jobs", "0"], "at least one run at a time"),
    ],
)
def test_what_a_lesson_cannot_do_is_said_before_anything_runs(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = rnncli("lesson", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.glob("runs/*/*/recipe.yaml"))


def test_quick_runs_are_tiny_and_the_page_says_so():
    tiny = LESSONS["long-lag"].settings(LessonRequest(quick=True, settings=("seed=2",)), long_lag.RECIPE)
    assert tiny["data.examples"] == "160"
    assert tiny["seed"] == "2"
    assert hold.__module__ == "rnncli.lessons.course"
