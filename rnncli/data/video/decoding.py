"""Videos and pictures as frames, by PyAV: whatever FFmpeg decodes, upright, at the times that the file gives.

Shape letters: H rows, W columns of a frame.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.video.frames import MISSING, ClipError, require_file, unreadable
from rnncli.errors import UserError

VIDEOS = (
    ".mp4",
    ".mpg",
    ".mpeg",
    ".avi",
    ".mov",
    ".mkv",
    ".webm",
    ".m4v",
    ".wmv",
    ".flv",
    ".ts",
    ".3gp",
    ".ogv",
    ".gif",
)
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
WHOLE = 0.9
"""A file that gives less than this share of the frames that it announces is damaged."""
AGAIN = "copy or record it again, or take it out of the data"

MAX_SHOWN = 60.0
"""Seconds that a frame may be on the screen; where time stamps jump by hours it would be repeated as long."""
ROUNDED = 1e-4
"""Seconds by which times in files are off."""


@dataclass(frozen=True)
class Frame:
    """One frame: its time in seconds from the first one, and pixels (H, W, 3) RGB or (H, W) grey, uint8."""

    seconds: float
    pixels: np.ndarray


@dataclass(frozen=True)
class Picking:
    """Which frames are taken of a video and how large: at ``rate`` a second, 0 for all of them.

    At a rate, the frame that is on the screen at each so-manyth of a second is taken, whatever the file's own rate is
    and however it varies. ``crop`` is left, top, width and height in pixels of the upright frame. What is left is
    brought to ``width`` and ``height``, squeezed where it is of another form; 0 leaves the size.
    """

    rate: float = 0.0
    width: int = 0
    height: int = 0
    crop: tuple[int, int, int, int] | None = None
    colour: bool = True


def read_video(source: Path | bytes, picking: Picking, name: str = "") -> Iterator[Frame]:
    """The frames of the largest video stream, one at a time.

    Raises ClipError for what is missing, no video, damaged or without frames, at the frame where it is found out.
    """
    name = name or str(source)
    av = import_av()
    try:
        with _open(av, source, name) as container:
            stream = _stream(container, name)
            yield from _picked(_decoded(av, container, stream, name), picking, name)
    except (av.FFmpegError, ValueError, ArithmeticError, MemoryError) as error:  # headers that claim what cannot be
        raise ClipError("unreadable video", f"{name}: cannot be read as video: {_reason(error)}", AGAIN) from error


def import_av() -> Any:
    """The module av; raises UserError with the remedy where it does not work."""
    try:
        import av
    except (ImportError, OSError) as error:
        raise UserError(
            f"videos cannot be read: the package av does not work here: {_reason(error)}",
            "pip install --force-reinstall av; .npy features do without it",
        ) from error
    return av


def _open(av: Any, source: Path | bytes, name: str) -> Any:
    if isinstance(source, bytes):
        return av.open(io.BytesIO(source), metadata_errors="replace")
    require_file(source, name)
    try:
        if not source.stat().st_size:
            raise ClipError("empty file", f"{name}: an empty file", AGAIN)
    except FileNotFoundError as error:
        raise ClipError("missing file", f"{name}: no such file", MISSING) from error
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    return av.open(str(source), metadata_errors="replace")


def _stream(container: Any, name: str) -> Any:
    cover = import_av().stream.Disposition.attached_pic
    streams = [one for one in container.streams.video if not one.disposition & cover]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams}) or ["nothing"]
        raise ClipError("no video stream", f"{name}: holds {', '.join(kinds)}, no video", AGAIN)
    # Without a decoder a stream has no size either.
    known = [one for one in streams if one.codec_context and one.width and one.height]
    if not known:
        raise ClipError("no decoder", f"{name}: no decoder for its video", "convert it to mp4 (h264)")
    stream = max(known, key=lambda one: one.width * one.height)
    # One thread a video: many are decoded side by side.
    stream.thread_count = 1
    return stream


def _decoded(av: Any, container: Any, stream: Any, name: str) -> Iterator[tuple[float, Any]]:
    """Frames with the seconds from the first one; raises ClipError where the file ends early or breaks."""
    rate = float(stream.average_rate or stream.base_rate or 25)
    first = last = 0.0
    count, broken = 0, ""
    try:
        for frame in container.decode(stream):
            seconds = float(last + 1 / rate if frame.time is None else frame.time)
            if not count:
                first = last = seconds
            last = max(seconds, last)
            count += 1
            yield last - first, frame
    except av.FFmpegError as error:
        broken = _reason(error)
    if broken and count:
        raise ClipError("damaged video", f"{name}: breaks off after {count} frames: {broken}", AGAIN)
    if not count:
        raise ClipError("video without frames", f"{name}: holds no frame{f': {broken}' if broken else ''}", AGAIN)
    if count < WHOLE * stream.frames:
        said = f"{name}: holds {count} of the {stream.frames} frames that it announces"
        raise ClipError("damaged video", said, AGAIN)


def _picked(frames: Iterator[tuple[float, Any]], picking: Picking, name: str) -> Iterator[Frame]:
    """The frames that are wanted; raises ClipError where one would be shown for longer than ``MAX_SHOWN``."""
    if not picking.rate:
        for seconds, frame in frames:
            yield Frame(seconds, _pixels(frame, picking))
        return
    shown: Any = None
    wanted, before, end = 0, 0.0, 0.0
    for seconds, frame in frames:
        if seconds - before > MAX_SHOWN:
            said = f"{name}: its time stamps jump from {before:,.1f} s to {seconds:,.1f} s"
            raise ClipError("jump of time stamps", said, AGAIN)
        # A frame is on the screen until the next one; times are rounded in files.
        while shown is not None and wanted / picking.rate < seconds - ROUNDED:
            yield Frame(wanted / picking.rate, _pixels(shown, picking))
            wanted += 1
        shown, before, end = frame, seconds, seconds + min(_length(frame), MAX_SHOWN)
    while shown is not None and (not wanted or wanted / picking.rate < end - ROUNDED):
        yield Frame(wanted / picking.rate, _pixels(shown, picking))
        wanted += 1


def _length(frame: Any) -> float:
    """How long a frame is shown, in seconds; 0 where the file does not say."""
    return float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0


def _pixels(frame: Any, picking: Picking) -> np.ndarray:
    """Upright, cropped, scaled."""
    form = "rgb24" if picking.colour else "gray"
    quarter_turns = round(frame.rotation / 90) % 4
    width, height = picking.width, picking.height
    if picking.crop is None and width and height:
        size = (height, width) if quarter_turns % 2 else (width, height)
        return _turned(_scaled(frame, *size, form), quarter_turns)
    upright = _turned(_scaled(frame, frame.width, frame.height, form), quarter_turns)
    if picking.crop is not None:
        upright = _cropped(upright, picking.crop)
    if width and height and upright.shape[:2] != (height, width):
        upright = _scaled(import_av().VideoFrame.from_ndarray(upright, format=form), width, height, form)
    return upright


def _scaled(frame: Any, width: int, height: int, form: str) -> np.ndarray:
    return frame.reformat(width=width, height=height, format=form, interpolation="AREA").to_ndarray()


def _turned(pixels: np.ndarray, quarter_turns: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns)) if quarter_turns else pixels


def _cropped(pixels: np.ndarray, crop: tuple[int, int, int, int]) -> np.ndarray:
    left, top, width, height = crop
    rows, columns = pixels.shape[:2]
    if left + width > columns or top + height > rows:
        raise ClipError(
            "frame smaller than the crop",
            f"a frame of {columns} x {rows} pixels has no part {width} x {height} at {left}, {top}",
            "crop is left, top, width, height in pixels",
        )
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    said = (lines[0] if lines else type(error).__name__).rstrip(".")
    return said.partition("] ")[2].partition(":")[0] or said
