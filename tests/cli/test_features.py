"""Features of many videos as people compute them: once, whole or not at all, whatever interrupts it."""

import csv
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.commands import rnncli, start_rnncli
from tests.data.video.damaged import PICTURES, VIDEOS
from tests.data.video.videos import numbered, write_sound, write_video

DATA, USAGE = 3, 2


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of classes with videos in them, one of no use, and a table."""
    lines = ["video,label,subject"]
    for number in range(12):
        label = ("left", "right")[number % 2]
        (tmp_path / "videos" / label).mkdir(parents=True, exist_ok=True)
        write_video(tmp_path / "videos" / label / f"{number}.mkv", numbered(10 + number))
        lines.append(f"videos/{label}/{number}.mkv,{label},s{number // 4}")
    write_sound(tmp_path / "sound.wav").rename(tmp_path / "videos/left/sound.mp4")
    lines += ["videos/left/sound.mp4,left,s0", "videos/no.mkv,left,s1"]
    (tmp_path / "videos.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_becomes_arrays_and_a_table_of_them(here):
    done = rnncli("features", "videos", "out", "--fps", "0", "--size", "8x6", "--json")
    assert done.code == 0, done.err
    assert done.json["clips"] == done.json["computed"] == 12
    table = rows("out/manifest.csv")
    assert {row["label"] for row in table} == {"left", "right"}
    for row in table:
        found = np.load(here / "out" / row["frames"])
        assert found.shape == (int(row["count"]), 6, 8)
        assert (found[:, 0, 0] == np.arange(len(found))).all()
    (refused,) = rows("out/refused.csv")
    assert refused["reason"] == "no video stream"
    assert "sound.mp4" in refused["message"]


def test_a_table_keeps_its_columns_and_lists_what_is_refused(here):
    done = rnncli("features", "videos.csv", "out", "--encoder", "motion", "--size", "16")
    assert done.code == 0, done.err
    assert "2 refused" in done.out
    table = rows("out/manifest.csv")
    assert len(table) == 12
    assert list(table[0]) == ["frames", "label", "subject", "count"]
    assert table[3]["subject"] == "s0"
    assert {row["reason"] for row in rows("out/refused.csv")} == {"no video stream", "missing file"}


def test_what_is_there_is_not_computed_again_unless_its_video_changed(here):
    assert rnncli("features", "videos.csv", "out", "--size", "8").code == 0
    first = (here / "out/manifest.csv").read_text()
    again = rnncli("features", "videos.csv", "out", "--size", "8", "--json").json
    assert again["computed"] == 0
    assert (here / "out/manifest.csv").read_text() == first
    time.sleep(0.05)
    write_video(here / "videos/left/0.mkv", numbered(40))
    changed = rnncli("features", "videos.csv", "out", "--size", "8", "--json").json
    assert changed["computed"] == 1
    assert rows("out/manifest.csv")[0]["count"] != first.splitlines()[1].rsplit(",", 1)[1]


def test_other_settings_do_not_mix(here):
    assert rnncli("features", "videos.csv", "out", "--size", "8").code == 0
    done = rnncli("features", "videos.csv", "out", "--size", "9")
    assert done.code == USAGE
    assert "other settings" in done.err


def test_a_video_that_several_rows_name_is_computed_once(here):
    (here / "twice.csv").write_text("image,caption\nvideos/left/0.mkv,one\nvideos/left/0.mkv,two\n")
    done = rnncli("features", "twice.csv", "out", "--size", "8", "--json").json
    assert (done["clips"], done["computed"]) == (2, 1)
    assert [row["caption"] for row in rows("out/manifest.csv")] == ["one", "two"]


def test_paths_that_end_alike_do_not_meet(here, monkeypatch):
    write_video(here / "a.mkv", numbered(3))
    (here / "sub").mkdir()
    write_video(here / "sub/a.mkv", numbered(7))
    (here / "sub/table.csv").write_text(f"video\n../a.mkv\na.mkv\n{here}/videos/left/0.mkv\n")
    assert rnncli("features", "sub/table.csv", "out", "--size", "8", "--fps", "0").code == 0
    assert [row["count"] for row in rows("out/manifest.csv")] == ["3", "7", "10"]


def test_a_run_that_was_killed_at_any_instant_goes_on_to_the_same_end(here):
    for number in range(12, 60):
        write_video(here / "videos/left" / f"{number}.mkv", numbered(60, 64, 64))
    assert rnncli("features", "videos", "whole", "--encoder", "hog").code == 0
    generator = random.Random(1)
    kills = 0
    for _ in range(6):
        process = start_rnncli("features", "videos", "out", "--encoder", "hog", cwd=here)
        time.sleep(generator.uniform(0.4, 1.6))
        kills += process.poll() is None
        process.kill()
        process.communicate()
        for path in (here / "out").rglob("*.npy"):
            assert np.load(path, allow_pickle=False).ndim == 2  # never a part of a file
    assert kills
    assert rnncli("features", "videos", "out", "--encoder", "hog").code == 0
    for name in ("manifest.csv", "refused.csv", "encoder.json"):
        assert (here / "out" / name).read_text() == (here / "whole" / name).read_text()
    names = sorted(path.relative_to(here / "out") for path in (here / "out").rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(here / "whole") for path in (here / "whole").rglob("*") if path.is_file())
    for name in names:
        assert (here / "out" / name).read_bytes() == (here / "whole" / name).read_bytes()


def test_what_features_wrote_is_trained_on(here):
    assert rnncli("features", "videos", "out", "--size", "8", "--fps", "0").code == 0
    keys = ("model.hidden=4", "model.channels=4", "train.epochs=1", "evaluation.resamples=0", "compute.threads=1")
    done = rnncli("action", "--data", "out/manifest.csv", "--out", "run", *keys, "data.test_fraction=0.2", "--json")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["no", "out"], DATA, "no: neither"),
        (["empty", "out"], DATA, "no video in this folder"),
        (["videos.csv", "out", "--column", "film"], DATA, "film"),
        (["videos.csv", "out", "--encoder", "hogs"], USAGE, "no such encoder"),
        (["videos.csv", "out", "--size", "big"], USAGE, "--size big"),
        (["videos.csv", "out", "--crop", "1,2,3"], USAGE, "--crop 1,2,3"),
        (["videos.csv", "out", "--fps", "-1"], USAGE, "--fps"),
        (["videos.csv", "videos.csv/out"], 4, "cannot be written"),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(arguments, code, says, here):
    (here / "empty").mkdir()
    done = rnncli("features", *arguments)
    assert done.code == code
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_every_real_video_is_decoded_or_refused(real_data, here):
    done = rnncli("features", real_data / "codecs/video", "out", "--json")
    assert done.code == 0, done.err
    assert done.json["clips"] + len(done.json["refused"]) == len(list((real_data / "codecs/video").iterdir()))
    shutil.rmtree(here / "out")


@pytest.mark.slow
def test_mouths_cut_out_of_real_videos_are_those_that_others_cut_out(real_data, here):
    options = ("--fps", "0", "--size", "70x23", "--crop", "80,190,140,46")
    done = rnncli("features", real_data / "video/grid/clips.csv", "out", *options, "--json")
    assert done.code == 0, done.err
    table = rows("out/manifest.csv")
    assert len(table) == 40
    for row in table:
        name = Path(row["frames"]).name.partition(".")[0]
        found, theirs = np.load(here / "out" / row["frames"]), np.load(real_data / f"video/grid/lips/{name}.npy")
        assert np.abs(found.astype(int) - theirs).max() <= 1


def test_damaged_videos_and_pictures_are_listed_with_reasons(here):
    for name, write in (PICTURES | VIDEOS).items():
        write(here / "videos/left" / name)
    done = rnncli("features", "videos", "out", "--fps", "0", "--size", "8x6", "--json")
    assert done.code == 0, done.err
    assert done.json["clips"] == 12
    refused = {Path(row["file"]).name: row["reason"] for row in rows("out/refused.csv")}
    # A folder of that name is no video to begin with; sound.mp4 is refused in any case.
    assert set(refused) == {*PICTURES, *VIDEOS, "sound.mp4"} - {"folder.mp4"}
    assert refused["svg.png"] == refused["codec.mkv"] == refused["codec.mp4"] == "no decoder"
