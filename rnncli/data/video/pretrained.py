"""Frames to figures by a model of torchvision, at any of its layers.

Shape letters: T frames, H rows, W columns, C channels, F figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import nn

from rnncli.data.video.frames import ClipError
from rnncli.errors import UsageError

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, which the models of torchvision are trained on."""
HUB = "hub"


class Pretrained:
    """The output of one layer, averaged over rows and columns: (T, F) float32."""

    colour = True

    def __init__(self, model: nn.Module, layer: str) -> None:
        self.model, self.layer = model.eval(), layer
        self.turn = Lock()  # the layer tells whoever listens, so that one thread listens at a time

    @classmethod
    def make(cls, name: str, weights: str) -> Pretrained:
        """``name`` is a model and perhaps @ and a layer, else its last but one; ``weights`` a file, or ``hub``.

        Raises UsageError for a model, a layer or weights that there are not.
        """
        try:
            import torchvision
        except ImportError as error:
            hint = 'pip install "rnncli[vision]"'
            raise UsageError(f"--encoder torchvision:{name} needs the package torchvision", hint) from error
        kind, _, layer = name.partition("@")
        known = torchvision.models.list_models(module=torchvision.models)
        if kind not in known:
            near = ", ".join(get_close_matches(kind, known, 3)) or ", ".join(known[:5])
            raise UsageError(f"--encoder torchvision:{kind}: torchvision has no such model", f"it has {near}")
        if not weights:
            hint = "--weights FILE.safetensors, or --weights hub"
            raise UsageError(f"--encoder torchvision:{kind} needs weights", hint)
        model = torchvision.models.get_model(kind, weights="DEFAULT" if weights == HUB else None)
        if weights != HUB:
            _load(model, Path(weights))
        layers = dict(model.named_modules())
        layer = layer or [child for child, _ in model.named_children()][-2]
        if layer not in layers:
            near = ", ".join(get_close_matches(layer, layers, 5) or [child for child, _ in model.named_children()])
            raise UsageError(f"--encoder torchvision:{kind}@{layer}: the model has no such layer", f"it has {near}")
        return cls(model, layer)

    def __call__(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Each frame by itself."""
        return map(self._describe, frames)

    @torch.no_grad()
    def _describe(self, frames_THWC: np.ndarray) -> np.ndarray:
        found: list[Any] = []
        layer = self.model.get_submodule(self.layer)
        x_TCHW = torch.from_numpy(frames_THWC).permute(0, 3, 1, 2).float() / 255
        x_TCHW = (x_TCHW - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
        with self.turn, layer.register_forward_hook(lambda module, inputs, output: found.append(output)):
            try:
                self.model(x_TCHW)
            except RuntimeError as error:
                said = f"the model cannot take frames of {frames_THWC.shape[2]} x {frames_THWC.shape[1]}: {error}"
                raise ClipError("frame of another size than the model takes", said, "--size 224 fits most") from error
        y = found[0]
        return (y.flatten(2).mean(-1) if y.dim() > 2 else y).numpy().astype(np.float32)


def _load(model: nn.Module, file: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state: dict[str, Any] = load_file(file)
        model.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise UsageError(f"--weights {file}: {first}", "give a .safetensors file of this very model") from error
