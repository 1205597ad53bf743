"""Videos against what was written, and real ones against what PyAV says of them."""

import av
import numpy as np
import pytest

from rnncli.data.video.decoding import Picking, read_video
from rnncli.data.video.frames import ClipError
from tests.data.video.damaged import PICTURES, VIDEOS
from tests.data.video.videos import numbered, turn_clockwise, write_sound, write_video

ALL = Picking()


def seen(path, picking=ALL):
    return [(round(frame.seconds, 3), int(frame.pixels.flat[0])) for frame in read_video(path, picking)]


def test_all_frames_come_with_their_times(tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(10))
    assert seen(path) == [(round(n * 0.04, 3), n) for n in range(10)]


def test_pixels_are_those_that_were_written(tmp_path):
    frames = list(np.random.default_rng(1).integers(0, 256, (3, 16, 24, 3), dtype=np.uint8))
    path = write_video(tmp_path / "a.mkv", frames)
    for found, written in zip(read_video(path, ALL), frames, strict=True):
        np.testing.assert_array_equal(found.pixels, written)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(25, list(range(10))), (5, [0, 5]), (10, [0, 2, 5, 7]), (50, [n // 2 for n in range(20)])],
)
def test_at_a_rate_the_frame_on_the_screen_is_taken(rate, expected, tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(10))
    assert seen(path, Picking(rate=rate)) == [(round(k / rate, 3), n) for k, n in enumerate(expected)]


def test_a_frame_rate_that_varies_is_honoured(tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(5), times=[0, 20, 500, 510, 1000], rate=1000)
    assert seen(path) == [(0.0, 0), (0.02, 1), (0.5, 2), (0.51, 3), (1.0, 4)]
    assert seen(path, Picking(rate=10))[:11] == [(k / 10, n) for k, n in enumerate([0, 1, 1, 1, 1, 2, 3, 3, 3, 3, 4])]


@pytest.mark.parametrize("jump", [61_000, 3_600_000, 86_400_000, 2_000_000_000])
@pytest.mark.parametrize("at", [1, 3, 4])
def test_a_jump_of_time_stamps_is_refused_and_not_filled(tmp_path, jump, at):
    times = [40 * n + (jump if n >= at else 0) for n in range(5)]
    path = write_video(tmp_path / "a.mkv", numbered(5), times=times)
    with pytest.raises(ClipError, match=r"a\.mkv: its time stamps jump from [\d.,]+ s to [\d.,]+ s") as caught:
        seen(path, Picking(rate=25))
    assert caught.value.reason == "jump of time stamps"
    assert [n for _, n in seen(path)] == [0, 1, 2, 3, 4]


def test_a_slow_film_is_read(tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(4), times=[0, 50_000, 70_000, 129_000])
    found = seen(path, Picking(rate=1))
    assert len(found) in (129, 130)
    assert [n for _, n in found[:129]] == [0] * 50 + [1] * 20 + [2] * 59


def test_a_video_on_its_side_is_shown_upright(tmp_path):
    frames = [np.zeros((32, 48, 3), dtype=np.uint8)]
    frames[0][:8, :8] = 255  # at the top left, which a quarter turn clockwise brings to the top right
    path = write_video(tmp_path / "a.mp4", frames * 3, codec="mpeg4")
    turn_clockwise(path)
    for picking in (ALL, Picking(width=32, height=48), Picking(crop=(0, 0, 32, 48))):
        (found, *_) = read_video(path, picking)
        assert found.pixels.shape == (48, 32, 3)
        assert found.pixels[:6, -6:].mean() > 200
        assert found.pixels[:6, :6].mean() < 50


def test_a_part_is_cut_out_and_brought_to_a_size(tmp_path):
    frame = np.zeros((40, 60, 3), dtype=np.uint8)
    frame[10:20, 30:50] = (200, 100, 50)
    path = write_video(tmp_path / "a.mkv", [frame])
    (found,) = read_video(path, Picking(crop=(30, 10, 20, 10)))
    assert found.pixels.shape == (10, 20, 3)
    assert (found.pixels == (200, 100, 50)).all()
    (small,) = read_video(path, Picking(width=10, height=4, crop=(30, 10, 20, 10), colour=False))
    assert small.pixels.shape == (4, 10)
    with pytest.raises(ClipError, match="60 x 40"):
        list(read_video(path, Picking(crop=(50, 10, 20, 10))))


def test_content_is_read_as_a_file_is(tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(4))
    assert [f.seconds for f in read_video(path.read_bytes(), ALL, "x")] == [f.seconds for f in read_video(path, ALL)]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif"])
def test_a_picture_is_a_video_of_one_frame(suffix, tmp_path):
    frame = np.zeros((8, 12, 3), dtype=np.uint8)
    codec, form = {".png": ("png", "rgb24"), ".bmp": ("bmp", "bgr24"), ".gif": ("gif", "rgb8")}[suffix]
    with av.open(str(tmp_path / f"a{suffix}"), "w") as container:
        stream = container.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = 12, 8, form
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=form)))
        container.mux(stream.encode())
    assert len(list(read_video(tmp_path / f"a{suffix}", Picking(rate=10)))) >= 1


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: None, "missing file"),
        (lambda path: path.write_bytes(b""), "empty file"),
        (lambda path: path.write_bytes(b"no video at all, but text " * 40), "unreadable video"),
        (lambda path: write_sound(path.with_suffix(".wav")).replace(path), "no video stream"),
        (lambda path: path.write_bytes(path_of_mp4(path).read_bytes()[:600]), "unreadable video"),
        (lambda path: path.write_bytes(cut_in_half(path)), "damaged video"),
    ],
)
def test_what_is_no_whole_video_says_why(write, reason, tmp_path):
    write(tmp_path / "bad.mp4")
    with pytest.raises(ClipError) as caught:
        list(read_video(tmp_path / "bad.mp4", ALL))
    assert caught.value.reason == reason
    assert "bad.mp4" in caught.value.message


@pytest.mark.parametrize("name", [*PICTURES, *VIDEOS])
def test_what_is_no_video_or_picture_is_no_clip(name, tmp_path):
    path = tmp_path / name
    (PICTURES | VIDEOS)[name](path)
    for source in [path] if path.is_dir() else [path, path.read_bytes()]:
        with pytest.raises(ClipError, match=name):
            list(read_video(source, Picking(rate=10, width=16, height=16), name))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "mpeg4"), (".mkv", "ffv1"), (".avi", "mpeg4")])
def test_a_video_that_was_cut_anywhere_is_read_or_no_clip(suffix, codec, share, tmp_path):
    path = write_video(tmp_path / f"a{suffix}", noise(), codec=codec)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    found, error = 0, None
    try:
        found = len(list(read_video(path, ALL)))
    except ClipError as caught:
        error = caught
    assert path.name in error.message if error else 0 < found <= 40


@pytest.mark.parametrize("path", ["n" * 300 + ".mp4", "a\0b.mp4", "file/a.mp4", "loop.mp4"])
def test_what_is_no_path_is_no_clip(path, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    with pytest.raises(ClipError, match="cannot be read"):
        list(read_video(tmp_path / path, ALL))


def noise():
    return list(np.random.default_rng(1).integers(0, 256, (40, 64, 64, 3), dtype=np.uint8))


def path_of_mp4(path):
    return write_video(path.with_name("whole.mp4"), noise(), codec="mpeg4")


def cut_in_half(path):
    """An mp4 whose index comes first, without its second half."""
    whole = path_of_mp4(path)
    front = path.with_name("front.mp4")
    with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    content = front.read_bytes()
    return content[: len(content) // 2]


def test_every_real_video_gives_the_frames_and_times_that_it_holds(real_data):
    files = sorted((real_data / "codecs/video").iterdir())
    assert len(files) >= 9
    for file in files:
        with av.open(str(file)) as container:
            stream = max(container.streams.video, key=lambda one: one.width * one.height)
            rate = float(stream.average_rate)
            times = [frame.time for frame in container.decode(stream)]
        found = [frame.seconds for frame in read_video(file, Picking(width=8, height=8, colour=False))]
        np.testing.assert_allclose(found, np.array(times) - times[0], atol=1e-6)
        length = times[-1] - times[0] + 1 / rate
        at_ten = [frame.seconds for frame in read_video(file, Picking(rate=10, width=8, height=8, colour=False))]
        assert abs(len(at_ten) - length * 10) <= 1
