"""Pages: whole, well-formed, and nothing from data is ever markup."""

from __future__ import annotations

import dataclasses
import html.parser
import re
import shutil
import subprocess

import pytest

from rnncli.report.build import Curve, Example, Line, Mistake, Piece, Table
from rnncli.report.card import model_card
from rnncli.report.page import Story, report_page
from rnncli.report.svg import curve_chart, history_chart
from tests.report.samples import report

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></pre></textarea><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; ]]> --> 'x' `y` $\\frac{1}{2}$ $x",
)
VOID = {"meta", "link", "br", "img"}
TAGS = {
    *("html", "head", "meta", "title", "link", "style", "body", "h1", "h2", "h3", "p", "ul", "li", "b", "br", "span"),
    *("div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "dl", "dt", "dd", "figure", "figcaption"),
    *("svg", "g", "path", "text", "defs", "use", "mark", "small", "pre", "code", "details", "summary"),
}
HISTORY = [
    {"epoch": n, "loss": 1 / n, "watched": 1 - 1 / n, "metrics": {"loss": 1.5 / n, "accuracy": 1 - 1 / n}}
    for n in (1, 2, 3)
]


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


def hostile_story() -> Story:
    text = " ".join(HOSTILE)
    labels = tuple(HOSTILE[:3])
    made = report(labels, baselines={HOSTILE[0]: {"accuracy": 0.5}}, notes=HOSTILE)
    made = dataclasses.replace(
        made,
        task=HOSTILE[0],
        recipe=HOSTILE[1],
        split=HOSTILE[2],
        dropped={HOSTILE[1]: 3},
        mistakes=(Mistake(text, *labels[:2], 0.9, HOSTILE[2]),),
        tables=(Table(HOSTILE[0], HOSTILE, (HOSTILE,)),),
    )
    lines = tuple(Line(label, (0.0, 1.0), (0.0, 1.0)) for label in labels)
    return Story(
        name=HOSTILE[1],
        report=made,
        recipe=text,
        history={HOSTILE[0]: HISTORY, HOSTILE[1]: HISTORY},
        curves=[Curve(HOSTILE[0], HOSTILE[1], HOSTILE[2], lines)],
        worst=[Example(HOSTILE[0], (Piece(HOSTILE[1], "wrong", HOSTILE[2]), Piece(text)), HOSTILE[1])],
        facts={"device": HOSTILE[0], "kernel": HOSTILE[1], "versions": {HOSTILE[2]: HOSTILE[0]}, "watched": HOSTILE[1]},
        typed=text,
    )


def story(**more) -> Story:
    table = Table("by length", ("words", "n"), (("1", 2),))
    made = dataclasses.replace(report(("bad", "fair", "good")), tables=(table,))
    lines = tuple(Line(label, (0.0, 0.2, 1.0), (0.0, 0.8, 1.0)) for label in made.labels)
    kept = {
        "curves": [Curve("ROC", "false positive rate", "true positive rate", lines, diagonal=True)],
        "worst": [Example("2 errors", (Piece("set"), Piece("green", "wrong", "truth blue")), "a.wav")],
        "history": {"": HISTORY},
        "facts": {"watched": "accuracy", "data": {"headline": "reviews.csv: 60 rows", "sizes": {"train": 48}}},
        "recipe": "task: sentiment\nseed: 1\n",
        "typed": "rnncli sentiment",
    }
    return Story("run-1", made, **{**kept, **more})


def test_a_page_holds_all_of_a_run_in_one_well_formed_file():
    page = report_page(story())
    read = Reader(page)
    text = " ".join(read.texts)
    assert read.tags <= TAGS
    for what in ("accuracy", "reviews.csv: 60 rows", "by length", "truth blue", "a.wav", "rnncli run recipe.yaml"):
        assert what in text
    assert page.count('role="img"') == 3
    assert not re.search(r"https?://|src=|@import|url\(", page)
    assert len(page) < 100_000


def test_nothing_from_data_is_markup():
    page = report_page(hostile_story())
    read = Reader(page)
    assert read.tags <= TAGS
    assert not [name for name in read.attributes if name.startswith("on")]
    text = "".join(read.texts)
    for one in HOSTILE:
        assert one in text
    assert "49" not in re.sub(r"[\d.,]*49[\d.,]+|[\d.,]+49[\d.,]*", "", text.replace("1,912,345", ""))


def test_control_and_reversing_characters_are_shown_and_not_obeyed():
    hidden = "a\x1b[31mb\u202ec\x00d"
    page = report_page(story(worst=[Example(hidden, (Piece(hidden),))], recipe=f"name: {hidden}\nseed: 1"))
    assert not {"\x1b", "\u202e", "\x00"} & set(page)
    assert "seed: 1" in page


def test_a_long_text_is_cut_so_that_the_page_stays_small():
    many = [Example("long", tuple(Piece("word " * 50_000) for _ in range(3))) for _ in range(20)]
    assert len(report_page(story(worst=many))) < 500_000


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
    drawn = curve_chart(Curve("t", "x", "y", (Line("", (0.0, 1.0), (0.0, 0.5)),)), "a")
    assert '<path d="M 52 258 L 408 134"' in drawn


def test_one_epoch_is_a_point():
    picture = history_chart("loss", "loss", [Line("train", (1.0,), (0.5,))], "a", 1)
    assert picture.count("<use ") == 1
    assert texts(picture)[:2] == ["1", "epoch"]


def test_pictures_on_one_page_share_no_id_and_speak_for_themselves_only():
    page = report_page(story())
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids)) == 6
    assert {f"#{name}" for name in ids} == set(re.findall(r' href="(#[^"]*)"', page))
    assert page.count("<style") == 1
    assert "<?xml" not in page
    assert "<!DOCTYPE svg" not in page


def test_a_picture_is_the_same_whenever_and_with_whatever_settings_it_is_drawn():
    import matplotlib

    curve = Curve("t", "$x$", "中", (Line("a", (0.0, 1.0), (0.0, 0.5)),))
    first = curve_chart(curve, "a")
    with matplotlib.rc_context({"axes.facecolor": "red", "svg.fonttype": "path", "font.size": 30}):
        assert curve_chart(curve, "a") == first
        assert matplotlib.rcParams["font.size"] == 30
    assert texts(first)[6] == "$x$"
    assert "var(--faint)" in first


def test_a_model_card_asks_its_author_and_escapes_the_rest():
    card = model_card(hostile_story())
    assert "To be written by the author" in card
    assert "<script>" not in card
    assert "<img" not in card
    assert "\\{\\{ 7 \\* 7 \\}\\}" in card
    plain = model_card(story())
    assert "| accuracy |" in plain
    assert "reviews.csv: 60 rows" in plain


def _browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    return found or pytest.skip("no Chromium here")


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("made", [story, hostile_story])
def test_a_browser_shows_the_page_without_overflow_or_complaint(tmp_path, width, made):
    browser = _browser()
    (tmp_path / "page.html").write_text(report_page(made()), encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        f'<iframe src="page.html" style="width:{width}px;height:900px;border:0" onload="'
        "const page = this.contentDocument; const root = page.documentElement;"
        "document.title = [root.scrollWidth, page.title, page.scripts.length].join('|')"
        '"></iframe>',
        encoding="utf-8",
    )
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--window-size=1400,1000"]
    command += ["--virtual-time-budget=3000", "--dump-dom", (tmp_path / "frame.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    title = html.unescape(re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)[1])
    wide, name, scripts = title.split("|")
    assert int(wide) <= width
    assert name.startswith(("sentiment: default", HOSTILE[0]))
    assert scripts == "0"
    assert "CONSOLE" not in done.stderr
