"""Actions in videos as people type them: trained on, named, in windows where they are long, and bad ones counted."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import rnncli
from tests.data.video.damaged import PICTURES, VIDEOS
from tests.data.video.videos import write_sound, write_video
from tests.tasks.clips import TINY


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def videos(here):
    """A csv of videos: a block that goes left or right."""
    lines = ["video,label"]
    for number in range(30):
        frames = []
        for t in range(12):
            frame = np.full((32, 32, 3), 30, dtype=np.uint8)
            left = 2 * t if number % 2 else 24 - 2 * t
            frame[number % 20 : number % 20 + 8, left : left + 6] = 220
            frames.append(frame)
        (here / "videos").mkdir(exist_ok=True)
        write_video(here / f"videos/{number}.mkv", frames)
        lines.append(f"videos/{number}.mkv,{('left', 'right')[number % 2]}")
    (here / "videos.csv").write_text("\n".join(lines) + "\n")
    return here / "videos.csv"


SMALL = (*TINY, "data.width=16", "data.height=16", "model.channels=8", "data.fps=0")


def test_videos_are_trained_on_and_named_and_read_once(videos, here, monkeypatch):
    keys = (*SMALL, "data.cache=cache", "train.epochs=10", "train.learning_rate=5e-3")
    done = rnncli("action", "--data", "videos.csv", "--out", "run", *keys, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {}
    monkeypatch.setattr("rnncli.data.video.encoders.encode", lambda *_: 1 / 0)
    again = rnncli("action", "--data", "videos.csv", "--out", "again", *keys, "--json")
    assert again.json["metrics"]["accuracy"] == done.json["metrics"]["accuracy"]
    rows = rnncli("predict", "run", *(f"videos/{number}.mkv" for number in range(4))).lines
    assert [row["file"] for row in rows] == [f"videos/{number}.mkv" for number in range(4)]


def test_rows_of_datasets_with_the_content_of_videos_are_read(videos, here):
    rows = [line.split(",") for line in videos.read_text().splitlines()[1:]]
    content = [{"bytes": (here / path).read_bytes(), "path": path} for path, _ in rows]
    (here / "repository").mkdir()
    pq.write_table(pa.table({"video": content, "label": [row[1] for row in rows]}), here / "repository/train.parquet")
    done = rnncli("action", "--data", "repository", "--out", "run", *SMALL, "data.cache=none", "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {}


def test_a_long_video_is_named_in_windows_with_their_times(videos, here):
    keys = (*SMALL, "data.fps=25", "data.cache=none")
    assert rnncli("action", "--data", "videos.csv", "--out", "run", *keys).code == 0
    write_video(here / "long.mkv", [np.zeros((32, 32, 3), dtype=np.uint8)] * 50)
    (row,) = rnncli("predict", "run", "long.mkv").lines
    spans = [(window["start"], window["end"]) for window in row["windows"]]
    assert row["unit"] == "seconds"
    assert spans == [
        (0.0, 0.48),
        (0.24, 0.72),
        (0.48, 0.96),
        (0.72, 1.2),
        (0.96, 1.44),
        (1.2, 1.68),
        (1.44, 1.92),
        (1.52, 2.0),
    ]
    assert "windows" not in rnncli("predict", "run", "videos/0.mkv").lines[0]


@pytest.mark.parametrize(
    "reason", ["damaged video", "unreadable video", "empty file", "no video stream", "frame smaller than the crop"]
)
def test_a_bad_video_is_dropped_and_counted(reason, videos, here):
    path = here / "videos/0.mkv"
    if reason == "damaged video":
        noise = list(np.random.default_rng(1).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8))
        write_video(path, noise, codec="mpeg4")
        content = bytearray(path.read_bytes())
        content[len(content) // 2 :] = b""
        path.write_bytes(content)
    elif reason == "no video stream":
        write_sound(here / "s.wav").replace(path)
    elif reason == "frame smaller than the crop":
        write_video(path, [np.zeros((16, 16, 3), dtype=np.uint8)] * 4)
    else:
        path.write_bytes(b"" if reason == "empty file" else b"no video at all " * 50)
    keys = (*SMALL, "data.cache=none", "data.crop=[0, 0, 32, 32]")
    done = rnncli("action", "--data", "videos.csv", "--out", "run", *keys, "--json")
    assert done.code == 0, done.err
    expected = {} if reason == "damaged video" else {reason: 1}  # a Matroska file that ends early is only shorter
    assert done.json["dropped"] == expected


def test_damaged_videos_and_pictures_among_good_ones_are_counted_and_named(videos, here):
    rows = videos.read_text()
    for name, write in (PICTURES | VIDEOS).items():
        write(here / "videos" / name)
        rows += f"videos/{name},left\n"
    videos.write_text(rows + f"videos/{'n' * 300}.mp4,left\n")
    done = rnncli("action", "--data", "videos.csv", "--out", "run", *SMALL, "data.cache=cache", "--json")
    assert done.code == 0, done.err
    assert sum(done.json["dropped"].values()) == len(PICTURES | VIDEOS) + 1
    assert "videos/svg.png: no decoder for its video" in done.err
