"""Key points over time: missing ones filled in, the body brought to one place, size and direction.

Shape letters: T frames, J points, D coordinates of a point (2 or 3, the second one vertical), F figures a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TINY = 1e-6


@dataclass(frozen=True)
class Points:
    """How key points are read; numbers of points count from 0.

    ``centre`` are the points whose mean is the middle of the body, none for all; ``scale`` are two points whose usual
    distance becomes 1, none for the spread of all; ``facing`` are two points whose line, seen from above, is turned to
    the first axis (of three coordinates); ``parts`` are groups of points, such as hands, that are also given about
    their own middle in their own size. A point whose coordinates are all zero is missing where ``zero_is_missing``,
    and one with NaN always.
    """

    dimensions: int
    centre: tuple[int, ...] = ()
    scale: tuple[int, ...] = ()
    facing: tuple[int, ...] = ()
    parts: tuple[tuple[int, ...], ...] = ()
    zero_is_missing: bool = True


def seen(points_TJD: np.ndarray, zero_is_missing: bool) -> np.ndarray:
    """Which points were seen in which frames, (T, J)."""
    given_TJD = np.isfinite(points_TJD)
    found_TJ = np.asarray(given_TJD.all(-1))
    return np.asarray(found_TJ & (points_TJD != 0).any(-1)) if zero_is_missing else found_TJ


def filled(points_TJD: np.ndarray, seen_TJ: np.ndarray) -> np.ndarray:
    """Missing points on the line between the frames where they were seen, at the ends as they were nearest.

    A point that is never seen stands in the middle of those that are.
    """
    points_TJD = np.where(seen_TJ[..., None], points_TJD, 0.0).astype(np.float32)
    times_T = np.arange(len(points_TJD))
    for j in np.flatnonzero(~seen_TJ.all(0)):
        at = np.flatnonzero(seen_TJ[:, j])
        for d in range(points_TJD.shape[2]) if len(at) else ():
            points_TJD[:, j, d] = np.interp(times_T, at, points_TJD[at, j, d])
    known_J = seen_TJ.any(0)
    if known_J.any() and not known_J.all():
        points_TJD[:, ~known_J] = points_TJD[:, known_J].mean(1, keepdims=True)
    return points_TJD


def normalised(points_TJD: np.ndarray, how: Points) -> tuple[np.ndarray, np.ndarray]:
    """Points (T, J, D) about the middle of the whole clip, of usual size and direction; and which were seen (T, J).

    The body still moves about the origin, so that going somewhere is not lost.
    """
    seen_TJ = seen(points_TJD, how.zero_is_missing)
    points_TJD = filled(points_TJD, seen_TJ)
    points_TJD = points_TJD - middle(points_TJD, how).mean(0)
    points_TJD = points_TJD / max(TINY, _size(points_TJD, seen_TJ, how.scale))
    if how.facing and how.dimensions == 3:
        one, other = how.facing
        line_D = (points_TJD[:, other] - points_TJD[:, one]).mean(0)
        points_TJD = turned(points_TJD, float(np.arctan2(line_D[2], line_D[0])))
    return points_TJD.astype(np.float32), seen_TJ


def turned(points_TJD: np.ndarray, angle: float) -> np.ndarray:
    """Turned by ``angle`` about the vertical axis; two coordinates are turned within their plane."""
    first, second = (0, 2) if points_TJD.shape[2] == 3 else (0, 1)
    cosine, sine = np.cos(angle), np.sin(angle)
    found_TJD = points_TJD.copy()
    found_TJD[..., first] = cosine * points_TJD[..., first] + sine * points_TJD[..., second]
    found_TJD[..., second] = cosine * points_TJD[..., second] - sine * points_TJD[..., first]
    return found_TJD.astype(np.float32)


def described(points_TJD: np.ndarray, seen_TJ: np.ndarray, how: Points) -> np.ndarray:
    """What a model reads of normalised points, (T, F).

    Side by side: the points about the body's middle in each frame, that middle, the speed of all points, each part
    about its own middle in its own size, and, where the clip lacks some points, how many of each part are seen.
    """
    middle_T1D = middle(points_TJD, how)
    speed_TJD = np.diff(points_TJD, axis=0, prepend=points_TJD[:1])
    pieces = [points_TJD - middle_T1D, middle_T1D, speed_TJD]
    groups = how.parts or (tuple(range(points_TJD.shape[1])),)
    for part in how.parts:
        own_TPD = points_TJD[:, part]
        own_TPD = own_TPD - own_TPD.mean(1, keepdims=True)
        size_T11 = np.sqrt((own_TPD**2).sum(-1).mean(-1))[:, None, None]
        pieces.append(own_TPD / np.maximum(size_T11, 1e-2))
    flat = [piece.reshape(len(piece), -1) for piece in pieces]
    flat += [seen_TJ[:, part].mean(1, keepdims=True) for part in groups]
    return np.concatenate(flat, 1).astype(np.float32)


def middle(points_TJD: np.ndarray, how: Points) -> np.ndarray:
    """The middle of the body in each frame, (T, 1, D)."""
    chosen = list(how.centre) or slice(None)
    return points_TJD[:, chosen].mean(1, keepdims=True)


def _size(points_TJD: np.ndarray, seen_TJ: np.ndarray, between: Sequence[int]) -> float:
    """The median distance of two points over frames, or the spread of all that were seen."""
    if between:
        one, other = between
        return float(np.median(np.linalg.norm(points_TJD[:, one] - points_TJD[:, other], axis=-1)))
    shown = points_TJD[seen_TJ]
    return float(np.sqrt((shown**2).sum(-1).mean())) if len(shown) else 1.0
