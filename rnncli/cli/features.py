"""``rnncli features``: videos to arrays of frames, once, before training on them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.runs.advance import advancing


def features(
    terminal: Terminal,
    source: Annotated[
        Path, typer.Argument(metavar="DIR|CSV", help="Videos or pictures: a folder, or a table of them.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write; one that is there is gone on with.")],
    encoder: Annotated[
        str, typer.Option("--encoder", help="pixels, motion, hog, patches, or torchvision:MODEL[@LAYER].")
    ] = "pixels",
    fps: Annotated[float, typer.Option("--fps", help="Frames taken a second; 0 takes all.")] = 10.0,
    size: Annotated[str, typer.Option("--size", metavar="N|WxH", help="Pixels that a frame is brought to.")] = "112",
    crop: Annotated[str, typer.Option("--crop", metavar="X,Y,W,H", help="The part of the upright frame to take.")] = "",
    column: Annotated[str, typer.Option("--column", help="Column of the videos; guessed if not given.")] = "",
    weights: Annotated[str, typer.Option("--weights", help="Of a torchvision model: .safetensors, or hub.")] = "",
) -> None:
    """Compute the frames of videos once, in parallel; run it again to go on after an interrupt."""
    from rnncli.tools.features import Recording, extract

    width, height = numbers(size.replace("x", ",") if "x" in size else f"{size},{size}", 2, f"--size {size}", 1)
    left = numbers(crop, 4, f"--crop {crop}", 0) if crop else None
    if fps < 0:
        raise UsageError(f"--fps {fps:g}: must be 0 for all frames, or more", "--fps 10")
    box = None if left is None else (left[0], left[1], left[2], left[3])
    recording = Recording(encoder, fps, width, height, box, weights)
    begun = time.perf_counter()
    with ProgressLine(terminal) as progress, advancing(progress):
        progress.now("computing frames", aside=True)
        found = extract(source, out, recording, column=column)
    spent = time.perf_counter() - begun
    for reason, count in Counter(reason for _, reason, _ in found.refused).items():
        first = next(message for _, kind, message in found.refused if kind == reason)
        terminal.say(f"refused, {reason}: {count:,}, the first: {first}")
    if terminal.json:
        values = asdict(found) | {"manifest": str(found.manifest), "refused": [list(one) for one in found.refused]}
        terminal.result(values)
        return
    speed = f", {found.seconds / spent:,.0f} times real time" if found.seconds and found.computed == found.clips else ""
    terminal.out.print(
        f"{found.manifest}: {found.clips:,} clips, {found.frames:,} frames, {found.computed:,} computed now in "
        f"{spent:.1f} s{speed}, {len(found.refused):,} refused",
        soft_wrap=True,
    )
    terminal.say(f"try  rnncli TASK --data {found.manifest}")


def numbers(text: str, count: int, what: str, least: int) -> list[int]:
    """``count`` whole numbers of at least ``least`` between commas; raises UsageError."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or min(found) < least:
        raise UsageError(
            f"{what}: wants {count} whole numbers of at least {least}", "--size 70x23 --crop 145,180,70,23"
        )
    return found
