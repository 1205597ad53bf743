"""``rnncli report``, and the page that every run leaves."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from rnncli.runs.use import load, predictor_of
from tests.commands import TINY, reviews, rnncli
from tests.runs.made import made_run


def test_every_run_leaves_a_page(trained):
    page = (trained / "report.html").read_text(encoding="utf-8")
    record = json.loads((trained / "run.json").read_text())
    assert record["data"]["headline"] in page.replace("&#34;", '"')
    assert record["data"]["sizes"]["train"] == 48
    assert "evaluation:" in page
    assert "loss" in page
    assert "steps back" in page


def test_a_run_that_is_told_to_leaves_no_page(here):
    done = rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *TINY, "evaluation.page=false")
    assert done.code == 0
    assert not (here / "run/report.html").exists()
    assert rnncli("report", "run", "--html").out.strip() == "run/report.html"
    assert (here / "run/report.html").exists()


def test_a_page_that_cannot_be_written_does_not_undo_the_run(here, monkeypatch):
    monkeypatch.setattr("rnncli.runs.page.report_page", lambda _: 1 / 0)
    done = rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *TINY, "evaluation.page=true")
    assert done.code == 0
    assert "ZeroDivisionError" in (here / "run/log.txt").read_text()


def test_the_report_is_shown_again_as_text_json_card_or_page(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    assert "accuracy" in rnncli("report", run).out
    assert rnncli("report", run, "--json").json == json.loads((run / "report.json").read_text())
    card = rnncli("report", run, "--markdown").out
    assert card.startswith("# sentiment: own-data")
    assert "train 48" in card
    (run / "report.html").unlink()
    assert rnncli("report", run, "--html", "--json").json == {"path": str(run / "report.html")}
    assert (run / "report.html").exists()


def test_a_run_and_its_folds_end_in_a_verdict_on_rivals_and_data(here):
    (here / "reviews.csv").write_text(reviews(120) + "N/A,positive\n", encoding="utf-8")
    keys = (*TINY, "evaluation.baselines=true")
    found = rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *keys, "--json").json
    told = "\n".join(found["advice"])
    assert re.search(r"(best rival, .*|simpler method, .* beats the model).*, on the same 1\d test examples\)", told)
    assert re.search(r"^there was one epoch.*train\.epochs=5$", told, re.MULTILINE)
    assert '"N/A" (reviews.csv:122 first)' in told
    assert len(found["advice"]) <= 5
    shown = rnncli("report", "run").out
    assert all(f"- {line}\n" in shown for line in found["advice"])
    folded = rnncli("sentiment", "--data", "reviews.csv", "--out", "folded", *keys, "data.folds=2", "--json").json
    assert any(", over 2 folds)" in line for line in folded["advice"])
    assert any('"N/A"' in line for line in folded["advice"])
    assert rnncli("report", "folded", "--json").json["advice"] == folded["advice"]


@pytest.mark.parametrize("explain", [True, False])
def test_a_page_shades_the_words_of_mistakes_by_what_they_add_or_by_the_attention_they_got(here, explain):
    text = reviews(120).replace("good ", "such ").replace("bad ", "such ")  # nothing tells the labels apart
    (here / "reviews.csv").write_text(text, encoding="utf-8")
    keys = (*TINY, "model.pooling=max+attention", "evaluation.page=true", f"evaluation.explain={str(explain).lower()}")
    done = rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *keys)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (here / "run/predictions/test.jsonl").read_text().splitlines()]
    wrong = [row for row in rows if row["label"] != row["truth"]]
    assert wrong
    assert [row for row in rows if "attention" in row] == wrong
    trained = load(here / "run")
    for row in wrong:
        assert "".join(unit for unit, _ in row["attention"]) == row["text"].replace(" ", "")
        found = paid(trained, row["text"])
        assert [weight for _, weight in row["attention"]] == pytest.approx(found, abs=1e-4)
        assert sum(found) == pytest.approx(1, abs=1e-5)
    page = (here / "run/report.html").read_text()
    worst = page.split("<h2>Worst examples</h2>")[1]
    words = sum(len(row["attention"]) for row in wrong)
    if explain:
        assert 0 < worst.split("<h2>")[0].count('class="speaks') - 2 <= words  # beside the two of the legend
        assert "speaks for what was predicted" in page
    else:
        assert worst.count('class="shaded"') == words
        assert "the more attention it got" in page


def paid(trained, text: str) -> list[float]:
    """The attention to each word of one text, from what the pooling is given when a text is predicted."""
    given = []
    hook = trained.model.pooling.register_forward_pre_hook(lambda _, arguments: given.append(arguments))
    predictor_of(trained).predict([text])
    hook.remove()
    return trained.model.pooling.weights(*given[0])[0].tolist()


def test_opening_a_page_asks_the_browser_or_says_where_it_is(tmp_path, monkeypatch):
    run = made_run(tmp_path / "run")
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda where: opened.append(where) or True)
    assert rnncli("report", run, "--open").code == 0
    assert opened == [(run / "report.html").as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda where: False)
    done = rnncli("report", run, "--open")
    assert done.code == 2
    assert "report.html yourself" in done.err


def test_a_page_without_predictions_lacks_curves_and_nothing_else(tmp_path):
    run = made_run(tmp_path / "run")
    assert rnncli("report", run, "--html").code == 0
    assert "Order and trust" in (run / "report.html").read_text()
    (run / "predictions/test.jsonl").write_text('{"place": ')
    assert rnncli("report", run, "--html").code == 0
    page = (run / "report.html").read_text()
    assert "Order and trust" not in page
    assert "By class" in page


def test_a_comparison_is_a_page_too(tmp_path):
    for cell in ("rnn", "gru"):
        made_run(tmp_path / cell, f"model.cell={cell}", skill=1.0 + (cell == "gru"))
    done = rnncli("compare", tmp_path, "--html", tmp_path / "page.html")
    assert done.code == 0
    page = (tmp_path / "page.html").read_text()
    assert "differences to model.cell=gru" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "code"), [(["nowhere"], 4), (["nowhere", "--html"], 4), (["nowhere", "--markdown", "--html"], 2)]
)
def test_a_report_that_is_not_there_is_a_sentence(arguments, code):
    done = rnncli("report", *arguments)
    assert done.code == code
    assert "Traceback" not in done.err
