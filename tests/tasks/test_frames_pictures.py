"""Clips as pictures for a page."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from rnncli.report.figures import Sample
from rnncli.tasks.captioning.metrics import samples
from rnncli.tasks.frames.pictures import SIDE, illustrated, stretches

FIGURES, BODIES = (SimpleNamespace(points=SimpleNamespace(dimensions=n)) for n in (0, 3))


def shown(path, recipe=FIGURES):
    (media,) = illustrated(Sample("", file=str(path)), recipe).media
    return imread(io.BytesIO(media.content), format=media.kind.partition("/")[2])


def test_stretches_are_as_equal_as_whole_frames_allow():
    for frames in range(1, 50):
        ends = stretches(frames)
        assert (ends[0], ends[-1], len(ends) - 1) == (0, frames, min(8, frames))
        assert np.ptp(np.diff(ends)) <= 1


def test_a_clip_of_pixels_is_a_strip_of_frames_in_order(tmp_path):
    grey = np.broadcast_to(np.arange(0, 250, 10, dtype=np.uint8)[:, None, None], (25, 40, 30))
    np.save(tmp_path / "a.npy", grey)
    strip = shown(tmp_path / "a.npy")
    assert strip.shape == (40, 8 * 30, 3)
    middles = strip[20, 15::30, 0].astype(float)
    assert np.all(np.diff(middles) > 0)
    assert middles[0] == pytest.approx(10, abs=10)


def test_large_frames_are_made_small_and_numbers_of_any_range_are_seen(tmp_path):
    frames = np.zeros((2, 500, 301), dtype=np.float32) - 7
    frames[:, :, 150:] = 1e4
    np.save(tmp_path / "a.npy", frames)
    strip = shown(tmp_path / "a.npy")
    assert strip.shape[0] <= SIDE
    assert strip[10, 5, 0] < 20
    assert strip[10, strip.shape[1] // 2 - 5, 0] > 235


def test_points_are_dots_the_higher_the_further_up(tmp_path):
    points = np.zeros((1, 3, 3), dtype=np.float32)
    points[0, :2] = (0.1, 5.0, 3.0), (0.1, 6.7, 3.0)
    np.save(tmp_path / "a.npy", points.reshape(1, 9))
    picture = shown(tmp_path / "a.npy", BODIES)[..., 0] < 128
    rows = np.flatnonzero(picture.any(1))
    assert picture.sum() == pytest.approx(50, abs=12)
    assert (rows.min() < 10, rows.max() > SIDE - 11) == (True, True)


def test_figures_are_shades_over_time(tmp_path):
    rising = np.stack([np.arange(20), 5 - np.arange(20), np.ones(20)], 1).astype(np.float32)
    np.save(tmp_path / "a.npy", rising)
    shades = shown(tmp_path / "a.npy")
    assert shades.shape[:2] == (3, 20)
    assert np.all(np.diff(shades[0, :, 0]) > 0)
    assert np.all(np.diff(shades[1, :, 0]) < 0)


@pytest.mark.parametrize("content", [None, b"", b"no frames", b"\x93NUMPY\x01\x00v\x00"])
@pytest.mark.parametrize("name", ["gone.mp4", "gone.npy", "gone.png", "gone.txt", ""])
def test_a_clip_that_cannot_be_read_leaves_the_example_without_picture(tmp_path, name, content):
    if name and content is not None:
        (tmp_path / name).write_bytes(content)
    sample = Sample("", file=str(tmp_path / name) if name else "")
    assert illustrated(sample, FIGURES) == sample


def test_what_a_word_looked_at_is_summed_over_the_stretches():
    looked = np.random.default_rng(1).dirichlet(np.ones(21), 3).tolist()
    row = {
        "place": "",
        "file": "a.mp4",
        "truth": ["a dog"],
        "words": ["a", "cat", "runs"],
        "truth_words": [["a", "dog"]],
    }
    (sample,) = samples([row | {"attention": looked}], {}, 1)
    ends = stretches(21)
    for shares, weights in zip(sample.attention.shares_WK, looked, strict=True):
        assert sum(shares) == pytest.approx(1)
        assert shares[2] == pytest.approx(sum(weights[ends[2] : ends[3]]))
    (picture,) = samples([row | {"attention": looked, "file": "a.JPG"}], {}, 1)
    assert picture.attention is None
