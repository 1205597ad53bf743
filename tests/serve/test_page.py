"""The page in a browser: a text that is asked for is answered, nothing is complained of, nothing of a text runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from rnncli.serve.served import Served
from tests.serve.served import Files, serving, shouting

HOSTILE = "<img src=x onerror=alert(1)></textarea><script>alert(2)</script>"


@pytest.fixture(scope="module")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None) or pytest.skip("no Chromium here")


def look(browser: str, folder: Path, address: str) -> tuple[str, str]:
    """What a page has become after some seconds of its own time, and what was said meanwhile."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout, done.stderr


def test_texts_of_the_address_are_answered_in_a_table_and_none_runs(browser, tmp_path):
    model = shouting("loud & clear")
    with serving(model) as client:
        texts = quote(f"be quiet\n{HOSTILE}")
        page, said = look(browser, tmp_path, f"http://{client.address[0]}:{client.address[1]}/#{texts}")
    assert model.predictor.batches == [2]
    assert "<td>BE QUIET</td>" in page
    assert "<td>&lt;IMG SRC=X" in page
    assert "<img" not in page
    assert page.count("<script") == 1
    assert "CONSOLE" not in said


def test_what_is_wrong_is_said_and_files_are_shown_how_to_send(browser, tmp_path):
    with serving(shouting(), Served("clips", Path("clips"), "film", Files())) as client:
        page, said = look(browser, tmp_path, f"http://{client.address[0]}:{client.address[1]}/#defect")
    assert "this is a defect of rnncli: KeyError" in page
    assert "--data-binary @clip.mp4" in page
    assert 'type="file"' in page
    assert [line for line in said.splitlines() if "CONSOLE" in line and "500 (Internal" not in line] == []
