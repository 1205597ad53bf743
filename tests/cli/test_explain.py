"""``rnncli explain`` as it is typed."""

from __future__ import annotations

import json
import re

import pytest

from rnncli.report.page import report_page
from rnncli.runs.page import story
from tests.cli import schemas
from tests.cli.test_json import told
from tests.commands import TINY, reviews, rnncli

TEXT = "a good film , and the <b>cast</b> is غير جيد 不好"


def test_a_pipe_gets_a_word_and_its_amount_a_line(trained):
    done = rnncli("explain", trained, TEXT, "")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert re.fullmatch(r"\w+  [\d.]+ %, log-odds [+-][\d.]+", lines[0])
    assert [line.split("\t")[0] for line in lines if "\t" in line][:3] == ["a", "good", "film"]
    assert "\x1b" not in done.out
    assert "method ig" in done.err or "method gradient" in done.err or "method occlusion" in done.err


def test_programs_get_every_figure(trained):
    found = rnncli("explain", trained, TEXT, "--of", "negative", "--method", "ig", "--json").json
    told(found, schemas.EXPLAIN)
    (answer,) = found["answers"]
    assert found["choice"]["method"] == answer["method"] == "ig"
    assert answer["label"] == "negative"
    assert answer["adds_up"]
    assert sum(one["adds"] for one in answer["pieces"]) == pytest.approx(answer["sum"], abs=0.01)
    assert answer["log_odds"] - answer["baseline"] == pytest.approx(answer["difference"], abs=1e-3)
    assert answer["inputs"] == {"words": answer["sum"]}
    assert answer["beside"] == {}
    assert "at" not in answer


def test_a_page_holds_data_as_text_and_is_not_overwritten(trained, tmp_path):
    page = tmp_path / "page.html"
    done = rnncli("explain", trained, TEXT, "", "--html", page, "--method", "gradient")
    assert done.code == 0, done.err
    written = page.read_text(encoding="utf-8")
    assert "<b>cast</b>" not in written
    assert "غير" in written
    assert "(empty)" in written
    again = rnncli("explain", trained, TEXT, "--html", page)
    assert again.code == 2
    assert "is there already" in again.err


def test_a_summary_tells_words_and_deletion(trained, tmp_path):
    lines = [f"the film was {word} and the cast of number {n} too" for n in range(8) for word in ("good", "bad")]
    (tmp_path / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    done = rnncli("explain", trained, tmp_path / "texts.txt", "--summary", "--method", "ig")
    assert done.code == 0, done.err
    assert "speaks for" in done.out
    assert "times as far" in done.out or "no better than chance" in done.out
    found = rnncli("explain", trained, tmp_path / "texts.txt", "--summary", "--method", "ig", "--json").json
    told(found, schemas.EXPLAIN_SUMMARY)
    assert found["questions"] == found["deletion"]["examples"] == 16
    assert [one["deleted"] for one in found["deletion"]["curve"]] == [1, 2, 3, 4, 5]


def test_mistakes_are_told_in_a_sentence(trained):
    assert rnncli("explain", trained, "x", "--of", "nobody").code == 2
    assert "there is no such label" in rnncli("explain", trained, "x", "--of", "nobody").err
    assert rnncli("explain", trained, "x", "--summary", "--html", "y.html").code == 2


def test_the_worst_mistakes_on_a_page_are_coloured_by_what_they_hang_on(trained):
    rows = [json.loads(line) for line in (trained / "predictions/test.jsonl").read_text("utf-8").splitlines()]
    told = [row for row in rows if "adds" in row]
    assert {row["place"] for row in told} == {row["place"] for row in rows if row["label"] != row["truth"]}
    row = told[0]
    (answer,) = rnncli("explain", trained, row["text"], "--method", "ig", "--json").json["answers"]
    assert [piece for piece, *_ in row["adds"]] == [one["piece"] for one in answer["pieces"]]
    assert [amount for *_, amount in row["adds"]] == pytest.approx([one["adds"] for one in answer["pieces"]], abs=2e-3)
    page = report_page(story(trained))
    assert '<span class="speaks for"' in page
    assert f'title="{row["adds"][0][2]:+.2f}"' in page


def test_nothing_is_told_of_mistakes_where_that_is_not_wanted(here):
    (here / "reviews.csv").write_text(reviews(), encoding="utf-8")
    done = rnncli("sentiment", "--data", "reviews.csv", "--out", "run", *TINY, "evaluation.explain=false")
    assert done.code == 0, done.err
    assert '"adds"' not in (here / "run/predictions/test.jsonl").read_text("utf-8")
