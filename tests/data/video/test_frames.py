"""Arrays of frames from files, whole ones and others."""

import h5py
import numpy as np
import pytest

from rnncli.data.video.frames import ClipError, FrameFile, read_frames
from tests.data.video.damaged import ARRAYS

FRAMES = np.arange(24, dtype=np.float64).reshape(4, 6)


@pytest.fixture
def here(tmp_path):
    np.save(tmp_path / "a.npy", FRAMES)
    np.savez(tmp_path / "a.npz", FRAMES)
    np.savez(tmp_path / "two.npz", one=FRAMES, other=-FRAMES)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s1/walk"] = FRAMES
        file["s1/run"] = -FRAMES
    return tmp_path


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a.npy", 1),
        ("a.npz", 1),
        ("two.npz#one", 1),
        ("two.npz#other", -1),
        ("a.h5#s1/walk", 1),
        ("a.h5#/s1/run", -1),
    ],
)
def test_an_array_is_read_by_file_and_name(text, sign, here):
    found = read_frames(FrameFile.parse(text, here))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, sign * FRAMES)


def test_a_file_name_with_a_number_sign_is_found(here):
    np.save(here / "x#1.npy", FRAMES)
    assert FrameFile.parse("x#1.npy", here) == FrameFile(here / "x#1.npy")


def test_bytes_stay_bytes(here):
    np.save(here / "p.npy", np.zeros((2, 3, 3), dtype=np.uint8))
    assert read_frames(FrameFile(here / "p.npy")).dtype == np.uint8


@pytest.mark.parametrize(
    ("write", "text", "reason"),
    [
        (lambda f: None, "no.npy", "missing file"),
        (lambda f: None, "no.h5", "missing file"),
        (lambda f: (f / "b.npy").write_bytes((f / "a.npy").read_bytes()[:150]), "b.npy", "unreadable frames"),
        (lambda f: (f / "b.npz").write_bytes((f / "a.npz").read_bytes()[:150]), "b.npz", "unreadable frames"),
        (lambda f: (f / "b.h5").write_bytes(b"no HDF5"), "b.h5", "unreadable frames"),
        (lambda f: np.save(f / "b.npy", np.array([{}]), allow_pickle=True), "b.npy", "unreadable frames"),
        (lambda f: np.save(f / "b.npy", np.zeros(3)), "b.npy", "frames of another shape"),
        (lambda f: np.save(f / "b.npy", np.array([["a"]])), "b.npy", "frames of another shape"),
        (lambda f: np.save(f / "b.npy", np.zeros((0, 3))), "b.npy", "clip without frames"),
        (lambda f: None, "two.npz", "frames not found in file"),
        (lambda f: None, "two.npz#three", "frames not found in file"),
        (lambda f: None, "a.h5#s1", "frames not found in file"),
    ],
)
def test_what_cannot_be_read_says_why(write, text, reason, here):
    write(here)
    with pytest.raises(ClipError) as caught:
        read_frames(FrameFile.parse(text, here))
    assert caught.value.reason == reason
    assert text.split("#")[0] in caught.value.message


@pytest.mark.parametrize("name", ARRAYS)
def test_a_damaged_file_or_a_false_header_is_no_clip(name, tmp_path):
    ARRAYS[name](tmp_path / name)
    with pytest.raises(ClipError) as caught:
        read_frames(FrameFile(tmp_path / name))
    assert caught.value.reason == "unreadable frames"
    assert name in caught.value.message


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5"])
@pytest.mark.parametrize("path", ["n" * 300, "a\0b", "file/a", "loop"])
def test_what_is_no_path_is_no_clip(path, suffix, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / f"loop{suffix}").symlink_to(f"loop{suffix}")
    with pytest.raises(ClipError, match=r"cannot be read|not a whole"):
        read_frames(FrameFile(tmp_path / (path + suffix)))


def test_an_array_of_zeros_in_a_small_file_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=np.zeros((200_000, 8), np.float32), compression="gzip")
    assert (tmp_path / "a.h5").stat().st_size < 50_000
    assert read_frames(FrameFile(tmp_path / "a.h5")).shape == (200_000, 8)
