"""Recordings as tensors: features, varied in training, and the numbers of what is said.

Shape letters: B batch, T frames, F feature bins, S target length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.data.audio.features import SoundClip
from rnncli.data.text.labelunits import LabelUnits
from rnncli.heads.ctc import frames_needed
from rnncli.tasks.speech.data import SpeechPart
from rnncli.tasks.speech.extras.augmentation import Varying
from rnncli.tasks.speech.extras.form import Scale
from rnncli.tasks.speech.model import frames_after


@dataclass(frozen=True)
class SpeechBatch:
    """Padded features x_BTF with lengths_B, and labels_BS with label_lengths_B; lengths stay on the CPU."""

    x_BTF: Tensor
    lengths_B: Tensor
    labels_BS: Tensor
    label_lengths_B: Tensor


@dataclass(frozen=True, eq=False)
class SpeechExamples:
    """Encoded recordings of one part, ``least`` the fewest frames that each needs.

    For training ``vary`` is there, and ``others``: each recording at other speeds.
    """

    part: SpeechPart
    labels: Sequence[np.ndarray]
    lengths: np.ndarray
    least: np.ndarray
    scale: Scale
    vary: Varying | None = None
    others: Sequence[Sequence[SoundClip]] = ()

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, indices: np.ndarray) -> SpeechBatch:
        """Collate the recordings at ``indices``; draws from torch's generator in training."""
        found = [self._features(int(i)) for i in indices]
        return collate(found, [self.labels[int(i)] for i in indices])

    def place(self, index: int) -> str:
        """Where a recording stands in the user's data."""
        return self.part.places[index]

    def _features(self, index: int) -> np.ndarray:
        clip, least = self.part.clips[index], int(self.least[index])
        if self.vary is None:
            return self.scale(clip.load())
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        if self.others:
            speeds = [clip, *(other for other in self.others[index] if other.frames >= least)]
            clip = speeds[int(random.integers(len(speeds)))]
        return self.vary(clip, random, least)


def too_short(part: SpeechPart, units: LabelUnits, subsampling: int) -> np.ndarray:
    """Whether each recording has fewer frames of the core than its text needs, which no path can then write."""
    need = [frames_needed(units.encode(text)) for text in part.texts]
    return np.array([frames_after(clip.frames, subsampling) for clip in part.clips]) < np.array(need)


def collate(features: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> SpeechBatch:
    """Features (T, F) of several recordings, padded with zeros at their ends."""
    x_BTF = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(one) for one in features], batch_first=True)
    padded = [torch.from_numpy(one.astype(np.int64)) for one in labels]
    labels_BS = torch.nn.utils.rnn.pad_sequence(padded, batch_first=True)
    lengths_B, label_lengths_B = (torch.tensor([len(one) for one in many]) for many in (features, labels))
    return SpeechBatch(x_BTF, lengths_B, labels_BS, label_lengths_B)
