"""The built-in videos: always the same ones, rendered once for all commands."""

import pytest

from rnncli.data.video import shapes
from rnncli.data.video.decoding import Picking, read_video
from rnncli.data.video.shapes import kept

COUNT = 7


@pytest.fixture
def rendered():
    """How often scenes were rendered."""
    return []


@pytest.fixture(params=[shapes.actions, shapes.stories])
def render(request, rendered):
    return lambda: rendered.append(1) or request.param(COUNT)


def test_they_are_files_of_64_by_64_pixels_that_can_be_named(render, tmp_path):
    found = kept(render, tmp_path / "videos")
    assert [path.name for _, path in found] == [f"{number:04}.mp4" for number in range(COUNT)]
    for scene, path in found:
        assert path.read_bytes() == scene.content
        pixels = [frame.pixels.shape for frame in read_video(path, Picking())]
        assert len(pixels) > 10
        assert set(pixels) == {(64, 64, 3)}


def test_they_are_rendered_once(render, rendered, tmp_path):
    assert kept(render, tmp_path) == kept(render, tmp_path) == kept(render, tmp_path)
    assert len(rendered) == 1


@pytest.mark.parametrize("name", ["0003.mp4", shapes.INDEX])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}"])
def test_what_is_missing_or_damaged_is_made_anew(name, content, render, rendered, tmp_path):
    first = kept(render, tmp_path)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
    assert kept(render, tmp_path) == kept(render, tmp_path) == first
    assert len(rendered) == 2
    assert all(path.read_bytes() == scene.content for scene, path in first)


def test_videos_of_an_earlier_release_are_rendered_anew(render, rendered, tmp_path, monkeypatch):
    first = kept(render, tmp_path)
    monkeypatch.setattr(shapes, "KIND", "built-in videos 0")
    assert kept(render, tmp_path) == first
    assert len(rendered) == 2


def test_a_shape_moves_as_its_scene_says():
    for scene in shapes.actions(len(shapes.CLASSES)):
        assert scene.caption.endswith(f" moves {scene.movement}")
    assert {scene.movement for scene in shapes.actions(len(shapes.CLASSES))} == set(shapes.CLASSES)
