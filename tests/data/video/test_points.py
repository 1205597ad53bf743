"""Key points against plain geometry."""

import numpy as np
import pytest

from rnncli.data.video.points import Points, described, filled, normalised, seen, turned

BODY = Points(3, centre=(0,), scale=(0, 1), facing=(2, 3))


def clip(frames=7, points=5, dimensions=3, seed=1):
    return np.random.default_rng(seed).normal(size=(frames, points, dimensions)).astype(np.float32) + 3


def test_a_point_is_seen_unless_it_is_nan_or_all_zero():
    given = np.array([[[0, 0], [0, 1], [np.nan, 1]]], dtype=np.float32)
    assert seen(given, zero_is_missing=True).tolist() == [[False, True, False]]
    assert seen(given, zero_is_missing=False).tolist() == [[True, True, False]]


def test_gaps_are_bridged_by_a_line_and_ends_held():
    given = np.zeros((6, 1, 2), dtype=np.float32)
    given[1], given[4] = (1, 10), (4, 40)
    found = filled(given, seen(given, True))
    np.testing.assert_allclose(found[:, 0, 0], [1, 1, 2, 3, 4, 4])
    np.testing.assert_allclose(found[:, 0, 1], [10, 10, 20, 30, 40, 40])


def test_a_point_never_seen_stands_among_the_others():
    given = np.array([[[2, 2], [4, 4], [0, 0]]] * 3, dtype=np.float32)
    np.testing.assert_allclose(filled(given, seen(given, True))[:, 2], 3)


def test_place_size_and_direction_of_the_body_do_not_matter():
    given = clip()
    plain, _ = normalised(given, BODY)
    moved, _ = normalised(turned(given * 2.5, 0.7) + np.float32([4, -1, 9]), BODY)
    np.testing.assert_allclose(moved, plain, atol=1e-4)
    np.testing.assert_allclose(plain[:, 0].mean(0), 0, atol=1e-5)
    assert np.median(np.linalg.norm(plain[:, 0] - plain[:, 1], axis=-1)) == pytest.approx(1, abs=1e-4)
    line = (plain[:, 3] - plain[:, 2]).mean(0)
    assert line[0] > 0
    assert line[2] == pytest.approx(0, abs=1e-4)


def test_going_somewhere_is_not_lost():
    given = np.repeat(clip(1), 7, 0)
    given[:, :, 0] += np.arange(7)[:, None]
    found, _ = normalised(given, BODY)
    assert found[-1, 0, 0] != pytest.approx(found[0, 0, 0], abs=0.5) or found[-1, 0, 2] != found[0, 0, 2]


def test_a_turn_is_a_rotation_about_the_vertical():
    given = clip()
    found = turned(given, np.pi / 2)
    np.testing.assert_allclose(found[..., 1], given[..., 1])
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), np.linalg.norm(given, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(turned(found, -np.pi / 2), given, atol=1e-5)


def test_the_description_has_parts_speeds_and_what_was_seen():
    how = Points(2, centre=(0,), parts=((1, 2), (3, 4)))
    given = clip(dimensions=2)
    given[2, 3] = 0
    points, was_seen = normalised(given, how)
    found = described(points, was_seen, how)
    assert found.shape == (7, 5 * 2 + 2 + 5 * 2 + 2 * 2 * 2 + 2)
    np.testing.assert_allclose(found[:, :2], 0, atol=1e-6)  # the centre about itself
    np.testing.assert_allclose(found[1:, 12:22], np.diff(points, axis=0).reshape(6, -1), rtol=1e-5)
    assert found[2, -1] == 0.5
    assert (found[:, -2] == 1).all()


def test_clips_without_movement_or_points_stay_finite():
    for given in (np.zeros((3, 4, 2), np.float32), np.ones((1, 4, 2), np.float32)):
        how = Points(2, scale=(0, 1), parts=((0, 1),))
        assert np.isfinite(described(*normalised(given, how), how)).all()
