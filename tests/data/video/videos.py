"""Videos that tests write: lossless ones of known pixels, at known times."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_video(
    path: Path, frames: Sequence[np.ndarray], *, rate: int = 25, times: Sequence[int] | None = None, codec: str = "ffv1"
) -> Path:
    """Frames (H, W, 3) uint8; ``times`` are in milliseconds, if not at ``rate``."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000) if times else Fraction(1, rate)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts = times[number] if times else number
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def numbered(count: int, height: int = 16, width: int = 24) -> list[np.ndarray]:
    """Frames that are as bright as their number."""
    return [np.full((height, width, 3), number, dtype=np.uint8) for number in range(count)]


def turn_clockwise(path: Path) -> None:
    """Let an mp4 say that it is shown a quarter turn clockwise: (x, y) goes to (height - y, x)."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 4 + 5 * 4 + 2 * 4 + 4 * 2  # version 0: times, track, duration, layer, volume
    one = 1 << 16
    matrix = [0, one, 0, -one, 0, 0, 0, 0, 1 << 30]
    content[at : at + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in matrix)
    path.write_bytes(content)


def write_sound(path: Path) -> Path:
    """A file without a video stream."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
