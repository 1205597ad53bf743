"""Pages of ``rnncli explain``: frames as columns, with pictures where clips can be seen."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from matplotlib.image import imread

from rnncli.report.explained import MOST_COLUMNS, MOST_PICTURED, MOST_PICTURES, pictured
from rnncli.report.page import report_page
from rnncli.runs.page import story
from tests.commands import rnncli
from tests.explain import planted
from tests.tasks import clips


def pixels(label, seed):
    """A clip (T, 12, 16), uint8, that grows lighter or darker."""
    way = np.linspace(20, 220, 9 + seed % 4)[:: 1 if label == "rise" else -1]
    return np.broadcast_to(way[:, None, None], (len(way), 12, 16)).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny run on clips of pixels, beside them."""
    folder = tmp_path_factory.mktemp("pixels")
    lines = ["frames,label"]
    for number in range(20):
        label = ("rise", "fall")[number % 2]
        np.save(folder / f"{number}.npy", pixels(label, number))
        lines.append(f"{number}.npy,{label}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    done = rnncli("action", "--data", folder / "clips.csv", "--out", folder / "run", *clips.TINY)
    assert done.code == 0, done.err
    return folder / "run"


def page(run, *files):
    out = run.parent / "page.html"
    out.unlink(missing_ok=True)
    done = rnncli("explain", run, *files, "--method", "gradient", "--html", out)
    assert done.code == 0, done.err
    return out.read_text(encoding="utf-8")


def pictures(text):
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', text)
    return [imread(io.BytesIO(base64.b64decode(one)), format="jpeg") for one in found]


def test_frames_of_a_clip_are_small_pictures_above_what_they_add(run):
    text = page(run, run.parent / "0.npy")
    assert str(run.parent / "0.npy") in text
    found = pictures(text)
    assert [round(float(one.mean())) for one in found] == pytest.approx(np.linspace(20, 220, 9), abs=4)
    assert max(max(one.shape) for one in found) <= 56
    assert len(re.findall(r'<td class="speaks [a-z]+"', text)) == 9
    assert '<td class="tick" colspan="1">9</td>' in text


def test_a_clip_of_many_frames_has_but_some_pictures_and_columns(run):
    count = 400
    np.save(run.parent / "long.npy", np.full((count, 12, 16), 7, dtype=np.uint8))
    text = page(run, run.parent / "long.npy")
    for strip in text.split("<h3>")[1:]:
        assert len(pictures(strip)) <= MOST_PICTURES
        assert strip.count('<td class="speaks') <= MOST_COLUMNS
    for pieces in (1, 9, 24, 25, 119, 400):
        assert len(pictured(pieces)) == min(pieces, MOST_PICTURES)
        assert all(0 <= at < pieces for at in pictured(pieces))


def test_of_very_many_clips_the_first_have_pictures(run):
    clip = run.parent / "1.npy"
    text = page(run, *[clip] * (MOST_PICTURED + 2))
    strips = text.split("<h3>")[1:]
    assert [bool(pictures(one)) for one in strips] == [True] * MOST_PICTURED + [False] * 2


def test_clips_of_figures_have_times_but_no_pictures(tmp_path):
    table = clips.write_clips(tmp_path)
    done = rnncli("action", "--data", table, "--out", tmp_path / "run", *clips.TINY)
    assert done.code == 0, done.err
    text = page(tmp_path / "run", tmp_path / "clips/0.npy")
    assert not pictures(text)
    assert '<td class="tick"' in text


def test_the_worst_mistakes_name_their_clip_beside_what_its_frames_add(tmp_path):
    table = clips.write_clips(tmp_path)
    keys = (*clips.TINY, "train.epochs=1", "train.learning_rate=1e-6")
    done = rnncli("action", "--data", table, "--out", tmp_path / "run", *keys)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / "run/predictions/test.jsonl").read_text("utf-8").splitlines()]
    wrong = [row for row in rows if row["label"] != row["truth"]]
    assert wrong
    assert all("adds" in row for row in wrong)
    text = report_page(story(tmp_path / "run"))
    worst = text.split('<div class="worst">')[1].split("<h2>")[0]
    for row in wrong:
        assert worst.count(row["file"]) == 1


def test_the_worst_captions_and_transcripts_name_their_file_and_waste_no_time_on_amounts(tmp_path):
    table = planted.write_planted(tmp_path / "clips", ("up", "down", "on"), 30)
    keys = (*clips.TINY, "train.epochs=1", "data.cache=none")
    done = rnncli("captioning", "--data", table, "--out", tmp_path / "run", *keys)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / "run/predictions/test.jsonl").read_text("utf-8").splitlines()]
    worst = report_page(story(tmp_path / "run")).split('<div class="worst">')[1].split("<h2>")[0]
    wrong = [row for row in rows if row["caption"] not in row["truth"]]
    assert wrong
    assert all(row["file"] in worst for row in wrong)
    assert not any("adds" in row for row in rows)
