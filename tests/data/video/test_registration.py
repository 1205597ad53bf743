"""How far a clip lies off, by pictures that were moved by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.video.registration import mean_picture, moved, offset

PICTURE = np.random.default_rng(1).normal(100, 20, (20, 30)).astype(np.float32)


@given(st.integers(-4, 4), st.integers(-4, 4), st.floats(-50, 50))
def test_what_was_moved_is_found_and_brought_back_whatever_the_light(down, right, light):
    off = np.roll(PICTURE, (down, right), (0, 1)) + np.float32(light)
    assert offset(off, PICTURE, 4) == (down, right)
    back = moved(off, (down, right)) - np.float32(light)
    np.testing.assert_allclose(back[4:-4, 4:-4], PICTURE[4:-4, 4:-4], atol=1e-3)


def test_edges_are_repeated():
    assert moved(np.array([[1, 2, 3]]), (0, 2)).tolist() == [[3, 3, 3]]
    assert moved(np.array([[1, 2, 3]]), (0, -1)).tolist() == [[1, 1, 2]]


def test_the_mean_picture_is_over_frames_and_colours():
    frames = np.random.default_rng(2).integers(0, 255, (4, 3, 5, 3)).astype(np.uint8)
    np.testing.assert_allclose(mean_picture(frames), frames.astype(np.float64).mean((0, 3)), rtol=1e-6)
    np.testing.assert_allclose(mean_picture(frames[..., 0]), frames[..., 0].astype(np.float64).mean(0), rtol=1e-6)
