"""What a model is told of the frames that were, beside the last of them: how long it has been as it is.

A recurrent state could count this, but would have to learn to. Shape letters: B batch, T frames, S slots, K keys, X
whatever is followed: keys that sound or do not, or voices.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rnncli.tasks.music.past import FADING, FOREVER, LONGEST


class Followed(NamedTuple):
    """Values (B, T, X) that are followed, how many frames each has been so, and what it was before."""

    now: Tensor
    held: Tensor
    prior: Tensor


def begin(batch: int, keys: int, voices: int, like: Tensor) -> tuple[Tensor, ...]:
    """The state (1, B, X) where no frame has been: nothing sounds, and has not for long."""
    found = []
    for many in (keys, voices) if voices else (keys,):
        start = like.new_zeros(1, batch, many)
        found += [start, torch.full_like(start, FOREVER), start]
    return tuple(found)


def features(
    frames_BTS: Tensor, keys: int, voices: int, lengths_B: Tensor | None, state: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Figures (B, T, F) of frames and those before them, and the state behind the last frame of each."""
    seen = functional.one_hot(frames_BTS + 2, keys + 3)[..., 2:].to(state[0].dtype)
    sounds = seen.amax(2)[..., :keys]
    key, ends = follow(sounds, state[:3], lengths_B)
    figures = [sounds, sounds * key.held.log1p() / 3, (1 - sounds) * FADING / (FADING + key.held)]
    if voices:
        # 0 is no frame at all, 1 to K keys, K + 1 a silent voice.
        voice, more = follow((frames_BTS.clamp(min=-1) + 1).to(sounds.dtype), state[3:], lengths_B)
        length = functional.one_hot(voice.held.long().clamp(max=LONGEST), LONGEST + 1)
        before = functional.one_hot(voice.prior.long(), keys + 2)
        figures += [part.flatten(2).to(sounds.dtype) for part in (seen, length, before)]
        ends += more
    return torch.cat(figures, -1), ends


def width(keys: int, voices: int) -> int:
    """How many figures there are of a frame."""
    return 3 * keys + voices * ((keys + 1) + (LONGEST + 1) + (keys + 2))


def follow(now_BTX: Tensor, state: tuple[Tensor, ...], lengths_B: Tensor | None) -> tuple[Followed, tuple[Tensor, ...]]:
    """How long each value has been so, counted from 1, and what it was before; and the state (1, B, X) behind all.

    >>> now = torch.tensor([[[5.0], [5.0], [7.0]]])
    >>> found, _ = follow(now, (torch.tensor([[[5.0]]]), torch.tensor([[[2.0]]]), torch.tensor([[[1.0]]])), None)
    >>> found.held.flatten().tolist(), found.prior.flatten().tolist()
    ([3.0, 4.0, 1.0], [1.0, 1.0, 5.0])
    """
    last_B1X, held_B1X, prior_B1X = (part.transpose(0, 1) for part in state)
    steps = now_BTX.shape[1]
    previous_BTX = torch.cat([last_B1X, now_BTX[:, :-1]], 1)
    at_T1 = torch.arange(steps, device=now_BTX.device)[:, None]
    changed_BTX = torch.where(now_BTX != previous_BTX, at_T1, -1).cummax(1).values
    inside = changed_BTX >= 0
    held = torch.where(inside, at_T1 - changed_BTX + 1, held_B1X + at_T1 + 1).to(now_BTX.dtype)
    prior = torch.where(inside, previous_BTX.gather(1, changed_BTX.clamp(min=0)), prior_B1X)
    found = Followed(now_BTX, held.clamp(max=FOREVER), prior)
    if lengths_B is None:
        return found, tuple(part[:, -1:].transpose(0, 1) for part in found)
    end_B = (lengths_B - 1).clamp(min=0).to(now_BTX.device)
    rows = torch.arange(len(end_B), device=end_B.device)
    return found, tuple(part[rows, end_B][None] for part in found)
