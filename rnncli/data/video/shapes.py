"""A built-in corpus: shapes that move over a dim ground, rendered and encoded as real video files.

Mean frames tell little: each way is gone from many places and back and forth are different classes. Captions say what
goes where, one movement after another.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data.video.decoding import import_av

SIZE, RATE = 64, 20
SHAPES = ("circle", "square", "triangle", "cross")
SIZES = {"small": 5.0, "large": 9.0}
WAYS = {
    "left": (-1.0, 0.0),
    "right": (1.0, 0.0),
    "up": (0.0, -1.0),
    "down": (0.0, 1.0),
}
ROUNDS = ("clockwise", "counterclockwise")
CLASSES = (*WAYS, *ROUNDS)
INDEX, KIND = "scenes.json", "built-in videos 1"
"""What a folder of them holds, and of which kind: another number where videos come out otherwise."""


@dataclass(frozen=True)
class Scene:
    """A video: what it shows, how it moves, and the file."""

    movement: str
    caption: str
    content: bytes


def actions(count: int, seed: int = 0) -> Iterator[Scene]:
    """Videos of one movement each, always the same ones for a seed."""
    random = np.random.default_rng(seed)
    for number in range(count):
        movement = CLASSES[number % len(CLASSES)]
        frames = int(random.integers(18, 36))
        path_T2 = _path(movement, frames, random)
        yield _scene(movement, path_T2, random)


def stories(count: int, seed: int = 0) -> Iterator[Scene]:
    """Videos of one or two movements one after the other."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        movements = [str(one) for one in random.choice(list(WAYS), random.integers(1, 3), replace=False)]
        pieces = [_path(one, int(random.integers(12, 22)), random, far=16.0) for one in movements]
        path_T2 = pieces[0]
        for piece_T2 in pieces[1:]:
            path_T2 = np.concatenate([path_T2, piece_T2 - piece_T2[0] + path_T2[-1]])
        middle_2 = (path_T2.min(0) + path_T2.max(0)) / 2
        yield _scene(" then ".join(movements), path_T2 - middle_2 + SIZE / 2 + random.uniform(-5, 5, 2), random)


def kept(render: Callable[[], Iterator[Scene]], folder: Path) -> list[tuple[Scene, Path]]:
    """The scenes and their files in a folder; rendered only where they do not lie there as they were written."""
    if found := _read(folder):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    found = [(scene, folder / f"{number:04}.mp4") for number, scene in enumerate(render())]
    for scene, path in found:
        if not path.exists() or path.read_bytes() != scene.content:
            _put(path, scene.content)
    told = [[path.name, scene.movement, scene.caption, _digest(scene.content)] for scene, path in found]
    _put(folder / INDEX, json.dumps({"kind": KIND, "scenes": told}).encode())
    return found


def _read(folder: Path) -> list[tuple[Scene, Path]]:
    """What an earlier command left in a folder; empty where any of it is missing or changed."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        if index["kind"] != KIND:
            return []
        found = [
            (Scene(movement, caption, (folder / name).read_bytes()), folder / name, digest)
            for name, movement, caption, digest in index["scenes"]
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    whole = all(_digest(scene.content) == digest for scene, _, digest in found)
    return [(scene, path) for scene, path, _ in found] if whole else []


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _put(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


def _path(movement: str, frames: int, random: np.random.Generator, far: float = 30.0) -> np.ndarray:
    """Where the middle of the shape is in each frame, (T, 2) right and down."""
    along_T1 = np.linspace(0, 1, frames)[:, None]
    if movement in WAYS:
        way_2 = np.array(WAYS[movement]) * far * random.uniform(0.8, 1.1)
        return SIZE / 2 + random.uniform(-8, 8, 2) + (along_T1 - 0.5) * way_2
    turn = 2 * np.pi * random.uniform(0.7, 1.2) * (1 if movement == "clockwise" else -1)
    angle_T1 = random.uniform(0, 2 * np.pi) + along_T1 * turn
    radius = random.uniform(10, 15)
    return SIZE / 2 + random.uniform(-5, 5, 2) + radius * np.concatenate([np.cos(angle_T1), np.sin(angle_T1)], 1)


def _scene(movement: str, path_T2: np.ndarray, random: np.random.Generator) -> Scene:
    shape, size = str(random.choice(SHAPES)), str(random.choice(list(SIZES)))
    radius = SIZES[size] * random.uniform(0.9, 1.1)
    ground = random.uniform(20, 60) + random.normal(0, 6, (SIZE, SIZE, 1))
    colour_C = random.uniform(150, 250, 3)
    frames = []
    for right, down in path_T2 + random.normal(0, 0.3, path_T2.shape):
        cover_HW1 = _cover(shape, right, down, radius)[..., None]
        pixels_HWC = colour_C * cover_HW1
        pixels_HWC += ground * (1 - cover_HW1)
        pixels_HWC += random.normal(0, 3, (SIZE, SIZE, 1))
        frames.append(pixels_HWC.clip(0, 255, out=pixels_HWC).astype(np.uint8))
    return Scene(movement, f"a {size} {shape} moves {movement}", _mp4(frames))


def _cover(shape: str, right: float, down: float, radius: float) -> np.ndarray:
    """How much of each pixel the shape covers, (H, W) from 0 to 1, soft at its edge."""
    x_W, y_H1 = np.abs(np.arange(SIZE) - right), np.arange(SIZE)[:, None] - down
    match shape:
        case "circle":
            beyond_HW = np.hypot(x_W, y_H1) - radius
        case "square":
            beyond_HW = np.maximum(x_W, np.abs(y_H1)) - 0.9 * radius
        case "triangle":
            beyond_HW = np.maximum(0.87 * x_W - 0.5 * y_H1, y_H1) - 0.6 * radius
        case _:
            arms_HW = np.minimum(np.maximum(3 * x_W, np.abs(y_H1)), np.maximum(x_W, 3 * np.abs(y_H1)))
            beyond_HW = arms_HW - 1.1 * radius
    return (0.5 - beyond_HW).clip(0, 1)


def _mp4(frames: list[np.ndarray]) -> bytes:
    av = import_av()
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 300_000
        stream.thread_count = 1
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
