"""Encoders against what pictures plainly show."""

import numpy as np
import pytest

from rnncli.data.video.encoders import (
    DIRECTIONS,
    GRID,
    HOG_DIRECTIONS,
    PATCHES,
    Motion,
    OrientedGradients,
    Patches,
    Recording,
    cell_means,
    encode,
    make,
)
from rnncli.data.video.frames import ClipError
from rnncli.errors import UsageError
from tests.data.video.videos import numbered, write_video

SIZE = 56


def whole(encoder, frames, chunk=64):
    chunks = (frames[start : start + chunk] for start in range(0, len(frames), chunk))
    return np.concatenate(list(encoder(chunks)))


def moving(right, down, frames=6):
    """A soft blob that moves so many pixels a frame."""
    y, x = np.mgrid[:SIZE, :SIZE]
    blobs = [np.exp(-((x - 28 - right * t) ** 2 + (y - 28 - down * t) ** 2) / 60) for t in range(frames)]
    return (255 * np.array(blobs)).astype(np.uint8)


@pytest.mark.parametrize("encoder", [Motion(), OrientedGradients(), Patches()])
def test_how_frames_are_cut_into_chunks_does_not_matter(encoder):
    shape = (9, SIZE, SIZE, 3) if encoder.colour else (9, SIZE, SIZE)
    frames = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_allclose(whole(encoder, frames), whole(encoder, frames, 2), atol=1e-6)


@pytest.mark.parametrize(("right", "down"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_flow_points_where_things_go(right, down):
    found = whole(Motion(), moving(right, down)).reshape(6, GRID * GRID, 1 + DIRECTIONS)
    assert (found[0] == 0).all()
    flow_O = found[1:, :, 1:].sum((0, 1))
    angles = (np.arange(DIRECTIONS) + 0.5) * 2 * np.pi / DIRECTIONS
    assert (flow_O * np.cos(angles)).sum() * right >= 0
    assert (flow_O * np.sin(angles)).sum() * down >= 0
    across = abs((flow_O * (np.sin(angles) if right else np.cos(angles))).sum())
    along = abs((flow_O * (np.cos(angles) if right else np.sin(angles))).sum())
    assert along > 3 * across


def test_what_stands_still_does_not_move():
    assert whole(Motion(), moving(0, 0)).max() == 0


def test_gradients_tell_upright_from_level_lines_and_not_how_bright_they_are():
    stripes = np.where(np.arange(SIZE) // 4 % 2, 200, 50).astype(np.uint8)
    upright, level = np.tile(stripes, (SIZE, 1)), np.tile(stripes[:, None], (1, SIZE))
    found = whole(OrientedGradients(), np.stack([upright, level, upright // 2])).reshape(3, -1, HOG_DIRECTIONS).sum(1)
    assert found[0].argmax() in (0, HOG_DIRECTIONS - 1)
    assert found[1].argmax() == HOG_DIRECTIONS // 2
    np.testing.assert_allclose(found[0], found[2], rtol=0.05)


def test_patches_have_their_colours_and_places():
    frame = np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8)
    frame[:, :8, -8:, 0] = 255
    found = whole(Patches(), frame).reshape(PATCHES, PATCHES, -1)
    assert found[0, -1, 2] == pytest.approx(1)  # red against green
    assert found[1, 0, 2] == 0
    np.testing.assert_allclose(found[0, -1, -2:], [6.5 / 7, 0.5 / 7], rtol=1e-5)


def test_means_of_cells_are_those_of_their_pixels():
    plane = np.random.default_rng(1).random((2, 9, 11)).astype(np.float32)
    found = cell_means(plane, 3)
    np.testing.assert_allclose(found[1, 2, 0], plane[1, 6:, :4].mean(), rtol=1e-5)
    with pytest.raises(ClipError):
        cell_means(plane, 10)


def test_a_picture_is_its_patches_and_a_video_its_frames(tmp_path):
    one = write_video(tmp_path / "one.mkv", numbered(1, SIZE, SIZE))
    many = write_video(tmp_path / "many.mkv", numbered(5, SIZE, SIZE))
    recording = Recording("patches", 0.0, SIZE, SIZE)
    assert encode(one, recording, make(recording), "one").shape == (PATCHES**2, 16)
    assert encode(many, recording, make(recording), "many").shape == (5, PATCHES**2 * 16)
    pixels = Recording("pixels", 0.0, 8, 6)
    assert encode(many, pixels, make(pixels), "many").shape == (5, 6, 8)


def test_settings_have_keys_of_their_own():
    assert Recording().key() == Recording().key()
    assert len({Recording(fps=fps, crop=crop).key() for fps in (5, 10) for crop in (None, (0, 0, 9, 9))}) == 4


@pytest.mark.parametrize("name", ["pixel", "torchvision:resnet18", "torchvision:resnot", ""])
def test_what_is_no_encoder_is_refused(name):
    with pytest.raises(UsageError):
        make(Recording(name))


def test_a_model_of_torchvision_describes_frames_at_any_layer(tmp_path):
    torchvision = pytest.importorskip("torchvision")
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    model = torchvision.models.get_model("squeezenet1_0", weights=None)
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    video = write_video(tmp_path / "a.mkv", numbered(3, 64, 64))
    for layer, width in (("", 512), ("@features.3", 128)):
        recording = Recording(f"torchvision:squeezenet1_0{layer}", 0.0, 64, 64, weights=str(tmp_path / "w.safetensors"))
        assert encode(video, recording, make(recording), "a").shape == (3, width)
    for bad in ("@nowhere",):
        with pytest.raises(UsageError, match="no such layer"):
            make(Recording(f"torchvision:squeezenet1_0{bad}", weights=str(tmp_path / "w.safetensors")))
    with pytest.raises(UsageError, match="weights"):
        make(Recording("torchvision:resnet18", weights=str(tmp_path / "w.safetensors")))
