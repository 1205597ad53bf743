"""Pages: whole, well-formed, and nothing from data is ever markup."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import json
import re

import pytest

from rnncli.report.card import model_card
from rnncli.report.comparison import Compared, Comparison, Score
from rnncli.report.figures import Figure, Line, Piece, Sample
from rnncli.report.grids import predictions_grid
from rnncli.report.page import Story, every_metric, report_page
from rnncli.report.svg import figure_chart, history_chart
from tests.report.samples import report
from tests.report.stories import HOSTILE, hostile_story, story

VOID = {"meta", "link", "br", "img", "input"}
TAGS = {
    *("html", "head", "meta", "title", "link", "style", "body", "h1", "h2", "h3", "p", "ul", "li", "b", "br", "span"),
    *("div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "dl", "dt", "dd", "figure", "figcaption"),
    *(
        "svg",
        "g",
        "path",
        "text",
        "defs",
        "use",
        "mark",
        "small",
        "pre",
        "code",
        "details",
        "summary",
        "circle",
        "section",
    ),
    *("a", "label", "input", "output", "script"),
}


class Reader(html.parser.HTMLParser):
    """The tags, attributes and texts of a page; every element is closed by its own end."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_page_holds_all_of_a_run_in_one_well_formed_file():
    page = report_page(story())
    read = Reader(page)
    text = " ".join(read.texts)
    assert read.tags <= TAGS
    for what in ("accuracy", "reviews.csv: 60 rows", "by length", "truth blue", "a.wav", "rnncli run recipe.yaml"):
        assert what in text
    assert page.count('role="img"') == 3
    assert not re.search(r"https?://|src=|@import|url\(", page)
    assert len(re.findall("<script>", page)) == 1
    assert len(page) < 100_000


def test_nothing_from_data_is_markup():
    page = report_page(hostile_story())
    read = Reader(page)
    assert read.tags <= TAGS | {"img"}
    assert page.count("<img") == page.count('<img src="data:image/gif;base64,') == 1
    assert not [name for name in read.attributes if name.startswith("on")]
    allowed = re.search(r"script-src 'sha256-([^']*)'", page)[1]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert base64.b64decode(allowed) == hashlib.sha256(script.encode()).digest()
    text = "".join(read.texts)
    for one in HOSTILE:
        assert one in text
    assert "49" not in re.sub(r"[\d.,]*49[\d.,]+|[\d.,]+49[\d.,]*", "", text.replace("1,912,345", ""))


def test_control_and_reversing_characters_are_shown_and_not_obeyed():
    hidden = "a\x1b[31mb\u202ec\x00d"
    page = report_page(story(samples=[Sample(hidden, (Piece(hidden),))], recipe=f"name: {hidden}\nseed: 1"))
    assert not {"\x1b", "\u202e", "\x00"} & set(page)
    assert "seed: 1" in page


def test_a_long_text_is_cut_so_that_the_page_stays_small():
    many = [Sample("long", tuple(Piece("word " * 50_000) for _ in range(3))) for _ in range(20)]
    assert len(report_page(story(samples=many))) < 500_000


def test_a_matrix_of_many_labels_gives_way_to_the_pairs_confused_most():
    labels = tuple(f"label {number}" for number in range(80))
    page = report_page(Story("run", report(labels, examples=2000)))
    assert "confused most" in page
    assert 'class="matrix"' not in page


def test_a_page_of_a_run_without_curves_history_or_predictions_is_still_one():
    assert "sentiment" in report_page(Story("run", report(("a", "b"))))


def texts(picture: str) -> list[str]:
    return [text.replace("−", "-") for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture)]


def test_axes_hold_all_values_between_round_marks():
    for values in ((0.013, 0.98), (3.0, 3.0), (-5.0, 1200.0), (0.0, 0.0), (1e-6, 3e-6)):
        picture = history_chart("loss", "loss", [Line("", (1.0, 2.0), values)], "a")
        across, up = (texts(picture)[:2], texts(picture)[3:-1])
        assert across == ["1", "2"]
        marks = [float(mark) for mark in up]
        assert marks[0] <= min(values) <= max(values) <= marks[-1]
        assert 2 <= len(marks) <= 12
    assert "0.30000" not in history_chart("", "", [Line("", (1.0, 2.0), (0.1, 0.5))], "a")


def test_points_stand_where_their_values_are():
    drawn = figure_chart(Figure("t", "x", "y", (Line("", (0.0, 1.0), (0.0, 0.5)),)), "a")
    assert '<path d="M 52 253 L 408 131.5"' in drawn


def test_one_epoch_is_a_point():
    picture = history_chart("loss", "loss", [Line("train", (1.0,), (0.5,))], "a", 1)
    assert picture.count("<use ") == 1
    assert texts(picture)[:2] == ["1", "epoch"]


def test_pictures_on_one_page_share_no_id_and_speak_for_themselves_only():
    page = report_page(story())
    ids = re.findall(r' id="((?:figure|history)[^"]*)"', page)
    assert len(ids) == len(set(ids)) == 6
    assert {f"#{name}" for name in ids} == set(re.findall(r' href="(#[^"]*)"', page))
    assert page.count("<style") == 1
    assert "<?xml" not in page
    assert "<!DOCTYPE svg" not in page


def test_a_picture_is_the_same_whenever_and_with_whatever_settings_it_is_drawn():
    import matplotlib

    curve = Figure("t", "$x$", "中", (Line("a", (0.0, 1.0), (0.0, 0.5)),))
    first = figure_chart(curve, "a")
    with matplotlib.rc_context({"axes.facecolor": "red", "svg.fonttype": "path", "font.size": 30}):
        assert figure_chart(curve, "a") == first
        assert matplotlib.rcParams["font.size"] == 30
    assert texts(first)[6] == "$x$"
    assert "var(--faint)" in first


@pytest.mark.parametrize("settings", [2, 5])
def test_every_metric_of_a_comparison_is_shown_the_longer_side_down(settings):
    metrics = ("accuracy", "loss", "wer")
    made = [
        Compared(
            name=f"seed {n}",
            settings={},
            runs=("a",),
            seeds=(1,),
            scores={name: Score(n / 10, 0.01, (n / 10,)) for name in metrics},
            versus={},
            parameters=1,
            seconds=1.0,
            reach=None,
            reach_beyond=False,
        )
        for n in range(settings)
    ]
    best = {"accuracy": made[-1].name, "loss": made[0].name, "wer": made[0].name}
    names = {name: name for name in metrics}
    units = {"accuracy": "share", "loss": "plain", "wer": "share"}
    better = {"accuracy": "higher", "loss": "lower", "wer": "lower"}
    told = (names, units, better)
    comparison = Comparison("stars", "test", 9, 0.95, metrics, (), made[0].name, best, *told, tuple(made), (), ())
    grid = every_metric(comparison)
    shown = {
        (row[0], head): (cell, (r, c) in grid.best)
        for r, row in enumerate(grid.rows)
        for c, (head, cell) in enumerate(zip(grid.heads, row, strict=True))
        if c
    }
    if settings > len(metrics):
        shown = {(metric, setting): cell for (setting, metric), cell in shown.items()}
    assert len(grid.rows) == max(settings, len(metrics))
    assert shown["accuracy", made[-1].name] == (f"{10 * (settings - 1):.1f} ± 1.0", True)
    assert shown["loss", "seed 1"] == ("0.100 ± 0.010", False)
    assert shown["wer", "seed 0"] == ("0.0 ± 1.0", True)


def test_a_model_card_asks_its_author_and_escapes_the_rest():
    card = model_card(hostile_story())
    assert "To be written by the author" in card
    assert "<script>" not in card
    assert "<img" not in card
    assert "\\{\\{ 7 \\* 7 \\}\\}" in card
    plain = model_card(story())
    assert "| accuracy |" in plain
    assert "reviews.csv: 60 rows" in plain


def test_a_model_card_and_a_page_count_members():
    told = story()
    model = dataclasses.replace(told.report.model, members=3)
    several = dataclasses.replace(told, report=dataclasses.replace(told.report, model=model))
    assert "units, 3 of them averaged" in model_card(several)
    assert ", 3 members" in report_page(several)


def test_a_count_of_the_matrix_leads_to_its_examples():
    labels = story().report.classes.labels
    cells = [Sample(f"example {n}", cell=(labels[0], labels[1])) for n in range(2)]
    page = report_page(story(cell_samples=[*cells, Sample("of no label", cell=("?", labels[0]))]))
    assert '<a href="#cell-0-1">' in page
    (section,) = re.findall(r'<section class="cell" id="cell-0-1">(.*?)</section>', page, re.DOTALL)
    assert "example 0" in section
    assert "example 1" in section
    assert "of no label" not in page


def test_predictions_are_downloaded_as_they_are_and_shown_without_what_is_nested():
    rows = [
        {"place": "a:1", "text": "fine – “film”", "tags": ["O", "B"], "probabilities": {"x": 1.0}, "sure": 0.123456}
    ]
    page = report_page(story(predictions=rows, download="predictions/test.jsonl"))
    address, name = re.search(r'<a href="data:application/x-ndjson;base64,([^"]*)" download="([^"]*)"', page).groups()
    assert name == "test.jsonl"
    assert [json.loads(line) for line in base64.b64decode(address).decode().splitlines()] == rows
    grid = predictions_grid(rows)
    assert grid.heads == ["place", "text", "tags", "sure"]
    assert grid.rows == [["a:1", "fine – “film”", "O B", "0.1235"]]


def test_many_predictions_stay_beside_the_page():
    rows = [{"place": f"a:{n}", "text": "word " * 100} for n in range(5000)]
    page = report_page(story(predictions=rows, download="predictions/test.jsonl"))
    assert '<a href="predictions/test.jsonl" download="test.jsonl">' in page
    assert len(page) < 1_000_000


def test_points_say_their_values_where_a_pointer_rests():
    line = Line("good", (0.0, 0.25, 1.0), (0.0, 0.5, 1.0))
    picture = figure_chart(Figure("ROC", "x", "y", (line,)), "a")
    discs = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"[^>]*><title>([^<]*)</title>', picture)
    assert [said for _, _, said in discs] == ["good: 0, 0", "good: 0.25, 0.5", "good: 1, 1"]
    xs, ys = ([float(disc[axis]) for disc in discs] for axis in (0, 1))
    assert xs[1] - xs[0] == pytest.approx((xs[2] - xs[0]) / 4, abs=0.1)
    assert ys[1] - ys[0] == pytest.approx((ys[2] - ys[0]) / 2, abs=0.1)
    assert ys[0] > ys[2]
