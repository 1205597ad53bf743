"""Pages in a browser: nothing sticks out, nothing is complained of, nothing from data runs; they print."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rnncli.comparison.compare import compare
from rnncli.report.page import comparison_page, report_page
from tests.report.stories import (
    HOSTILE,
    action_story,
    captioning_story,
    forecast_story,
    hostile_story,
    speech_story,
    story,
    tagging_story,
)
from tests.runs.made import made_run

WIDTHS = (1280, 400)
MOST_BYTES = 3_000_000


@pytest.fixture(scope="session")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None) or pytest.skip("no Chromium here")


def look(browser: str, folder: Path, *arguments: str, page: str) -> subprocess.CompletedProcess[str]:
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--window-size=1800,1000"]
    command += ["--virtual-time-budget=3000", *arguments, (folder / page).as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def hostile_comparison(folder: Path) -> str:
    """Runs in folders and with settings whose names are hostile, with long ones among them."""
    for number, cell in enumerate(("rnn", "gru")):
        for seed in (1, 2):
            name = HOSTILE[0].replace("/", "") + f" {cell} {seed} {'long' * 20}"
            keys = (f"model.cell={cell}", f"seed={seed}", f"data.text_column={json.dumps(HOSTILE[1])}")
            made_run(folder / name, *keys, f"data.label_column={json.dumps(HOSTILE[number])}", skill=1.0 + number)
    return comparison_page([compare([str(folder)])])


PAGES: dict[str, Callable[[Path], str]] = {
    "sentiment": lambda _: report_page(story()),
    "hostile": lambda _: report_page(hostile_story()),
    "tagging": lambda _: report_page(tagging_story()),
    "speech": lambda _: report_page(speech_story()),
    "action": lambda _: report_page(action_story()),
    "captioning": lambda _: report_page(captioning_story()),
    "forecast": lambda _: report_page(forecast_story()),
    "comparison": hostile_comparison,
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_wide_and_narrow_windows_without_complaint(browser, tmp_path, name):
    page = PAGES[name](tmp_path / "runs")
    assert len(page.encode()) < MOST_BYTES
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    frames = "".join(f'<iframe src="page.html" style="width:{width}px;height:900px"></iframe>' for width in WIDTHS)
    script = (
        "onload = () => document.title = JSON.stringify([...document.querySelectorAll('iframe')].map(frame => {"
        "const page = frame.contentDocument, root = page.documentElement;"
        "const cut = [...page.querySelectorAll('svg text')].filter(text => {"
        "const [one, all] = [text, text.ownerSVGElement].map(element => element.getBoundingClientRect());"
        "return one.left < all.left - 1 || one.right > all.right + 1 || one.bottom > all.bottom + 1;"
        "}).map(text => text.textContent);"
        "const touching = [...page.querySelectorAll('svg')].flatMap(picture => {"
        "const texts = [...picture.querySelectorAll('text')], places = texts.map(text => text.getBoundingClientRect());"
        "return texts.flatMap((text, n) => texts.slice(n + 1).filter((_, k) => {"
        "const [a, b] = [places[n], places[n + 1 + k]];"
        "return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;"
        "}).map(other => text.textContent + ' | ' + other.textContent));});"
        "return {wide: root.scrollWidth, name: page.title, scripts: page.scripts.length, cut: cut,"
        "touching: touching};}))"
    )
    style = "<style>iframe { border: 0 }</style>"
    (tmp_path / "frame.html").write_text(f"{style}{frames}<script>{script}</script>", encoding="utf-8")
    done = look(browser, tmp_path, "--dump-dom", page="frame.html")
    said = html.unescape(re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)[1])
    titles = ("sentiment", "tagging", "speech", "action", "captioning", "forecast", "Comparison", HOSTILE[0])
    for width, seen in zip(WIDTHS, json.loads(said), strict=True):
        assert seen["wide"] <= width
        assert seen["name"].startswith(titles)
        assert (seen["scripts"], seen["cut"], seen["touching"]) == (int(name != "comparison"), [], [])
    assert "CONSOLE" not in done.stderr


def test_a_page_prints_with_what_is_folded_away_on_a_screen(browser, tmp_path):
    pages = {}
    for name, typed in (("short", "seed: 1\n"), ("long", "".join(f"key{n}: {n}\n" for n in range(400)))):
        (tmp_path / f"{name}.html").write_text(report_page(story(recipe=typed)), encoding="utf-8")
        look(browser, tmp_path, f"--print-to-pdf={tmp_path / name}.pdf", "--no-pdf-header-footer", page=f"{name}.html")
        pages[name] = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / f"{name}.pdf").read_bytes()))
    assert 2 <= pages["short"] <= 6
    assert pages["long"] >= pages["short"] + 5
