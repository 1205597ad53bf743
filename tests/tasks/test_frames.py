"""Clips as a model is shown them."""

import numpy as np
import pytest
import torch

from rnncli.errors import DataError
from rnncli.tasks.frames.clip import Item, Sampling
from rnncli.tasks.frames.encoder import FrameEncoder
from rnncli.tasks.frames.examples import moments, pad
from rnncli.tasks.frames.form import Form
from rnncli.tasks.frames.reader import Reader
from rnncli.tasks.frames.schema import FrameModel, FramesData, FramesRecipe, FrameVariation, PointsSection
from rnncli.tasks.frames.views import at_times, times, view

STILL = FrameVariation(crop=0, speed=0, jitter=0, size=0, shift=0)
WILD = FrameVariation(crop=0.9, speed=0.9, drop=0.9, jitter=0.5, turn=180, size=0.9, shift=0.9, flip=0.9)
KINDS = {
    "figures": ((9, 6), PointsSection()),
    "points": ((9, 6), PointsSection(dimensions=2, mirrored=["0-1"], parts=["0-1"])),
    "points in space": ((9, 2, 3), PointsSection(dimensions=3)),
    "grey": ((9, 12, 10), PointsSection()),
    "colour": ((9, 12, 10, 3), PointsSection()),
}


def recipe(points, variation=STILL, **data):
    return FramesRecipe(task="x", data=FramesData(**data), points=points, variation=variation)


def clip(folder, kind, frames=9, seed=1):
    shape, points = KINDS[kind]
    random = np.random.default_rng(seed)
    array = random.normal(5, 1, (frames, *shape[1:])).astype(np.float32)
    if kind in ("grey", "colour"):
        array = random.integers(0, 255, (frames, *shape[1:])).astype(np.uint8)
    np.save(folder / "clip.npy", array)
    return Reader(FramesData(), points).clip(Item.parse(str(folder / "clip.npy"))), points


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_varied_is_what_is_shown(kind, tmp_path):
    one, points = clip(tmp_path, kind)
    shown = view(one.shape, recipe(points))
    prepared = shown.prepare(one)
    np.testing.assert_allclose(shown.vary(prepared, np.random.default_rng(1)), shown.show(prepared), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_whatever_is_varied_stays_finite_and_has_frames(kind, frames, tmp_path):
    one, points = clip(tmp_path, kind, frames)
    shown = view(one.shape, recipe(points, WILD, differences=True))
    prepared, random = shown.prepare(one), np.random.default_rng(1)
    whole = shown.show(prepared)
    for _ in range(30):
        found = shown.vary(prepared, random)
        assert len(found) >= 1
        assert found.shape[1:] == whole.shape[1:]
        assert found.dtype == whole.dtype
        assert np.isfinite(found).all()


def test_frames_are_sampled_by_step_and_by_count():
    frames = np.arange(20)[:, None]
    assert Sampling(3)(frames)[:, 0].tolist() == list(range(0, 20, 3))
    assert Sampling(1, 3)(frames)[:, 0].tolist() == [0, 10, 19]
    assert len(Sampling(2, 50)(frames)) == 10


def test_times_stay_within_the_clip_and_ascend():
    random = np.random.default_rng(1)
    for frames in (1, 2, 30):
        for _ in range(50):
            found = times(frames, WILD, random)
            assert len(found)
            assert found.min() >= 0
            assert found.max() <= frames - 1
            assert (np.diff(found) >= 0).all()
    np.testing.assert_allclose(at_times(np.array([[0.0], [2.0]]), np.array([0, 0.25, 1.0]))[:, 0], [0, 0.5, 2])


@pytest.mark.parametrize("pixels", [False, True])
def test_a_frame_is_encoded_by_itself(pixels):
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    shape = (1, 20, 16) if pixels else (5,)
    clips = [random.integers(0, 255, (length, *shape)).astype(np.uint8 if pixels else np.float32) for length in (7, 3)]
    encoder = FrameEncoder(shape[0], pixels, FrameModel(projection=6, channels=8)).eval()
    mean, deviation = moments(clips, pixels)
    encoder.mean.copy_(mean)
    encoder.deviation.copy_(deviation)
    together, lengths = pad(clips)
    with torch.no_grad():
        both = encoder(together, lengths)
        for i, one in enumerate(clips):
            alone = encoder(*pad([one]))
            torch.testing.assert_close(both[i, : len(one)], alone[0], atol=1e-5, rtol=1e-5)
    assert (both[1, 3:] == 0).all()
    flat = np.concatenate(clips).astype(np.float64)
    axes = (0, 2, 3) if pixels else 0
    np.testing.assert_allclose(mean, flat.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(deviation, flat.std(axes), rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "points"),
    [
        ((7,), PointsSection(dimensions=2)),
        ((3, 2), PointsSection(dimensions=3)),
        ((6,), PointsSection(dimensions=2, centre=[3])),
        ((6,), PointsSection(dimensions=2, parts=["1-3"])),
        ((6,), PointsSection(dimensions=2, mirrored=["0-9"])),
    ],
)
def test_points_that_frames_do_not_have_are_refused(shape, points):
    with pytest.raises(DataError):
        view(shape, recipe(points))


def test_blocks_of_pixels_are_their_means_and_changes(tmp_path):
    one, points = clip(tmp_path, "colour")
    pixels = one.load().astype(np.float64)
    shown = view(one.shape, recipe(points, blocks=5, differences=True))
    found = shown.show(shown.prepare(one))
    assert not shown.pixels
    assert found.shape == (9, 2 * 2 * 2 * 3)
    assert found[4, 3 * 3 + 1] == pytest.approx(pixels[4, 5:10, 5:10, 1].mean(), abs=1e-3)
    np.testing.assert_allclose(found[1:, 12:], np.diff(found[:, :12], axis=0), atol=1e-3)
    with pytest.raises(DataError, match="less than a block"):
        view(one.shape, recipe(points, blocks=11)).prepare(one)


def test_a_mirror_image_of_blocks_is_that_of_the_picture(tmp_path):
    one, points = clip(tmp_path, "grey")
    shown = view(one.shape, recipe(points, STILL.model_copy(update={"flip": 0.999}), blocks=2))
    found = shown.vary(shown.prepare(one), np.random.default_rng(1)).reshape(9, 6, 5)
    np.testing.assert_allclose(found, shown.show(shown.prepare(one)).reshape(9, 6, 5)[:, :, ::-1], atol=1e-4)


@pytest.mark.parametrize("blocks", [0, 1])
def test_clips_that_lie_off_are_moved_onto_each_other_and_those_to_come_as_well(blocks, tmp_path):
    random = np.random.default_rng(1)
    scene = random.integers(0, 255, (30, 36)).astype(np.uint8).repeat(2, 0).repeat(2, 1)
    clips = []
    for number in range(12):
        down, right = random.integers(-3, 4, 2)
        np.save(tmp_path / f"{number}.npy", np.stack([scene[10 + down : 34 + down, 12 + right : 52 + right]] * 3))
        clips.append(Reader(FramesData(), PointsSection()).clip(Item.parse(str(tmp_path / f"{number}.npy"))))
    settings = recipe(PointsSection(), blocks=blocks, align=0.3)
    form = Form.learn(settings, clips[:11])
    form.save(tmp_path)
    shown = Form.load(settings, tmp_path).view
    pictures = [shown.show(shown.prepare(clip)).reshape(3, 24, 40)[0, 8:16, 8:32] for clip in clips]
    assert all((picture == pictures[0]).all() for picture in pictures)


def test_figures_are_not_moved(tmp_path):
    one, points = clip(tmp_path, "figures")
    with pytest.raises(DataError, match="frames of pixels"):
        Form.learn(recipe(points, align=0.2), [one])
