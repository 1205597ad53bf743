"""A recognizer of actions fitted to its training part: classes, the form of frames, and the model they lead to.

Shape letters: N clips, B batch, K labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from rnncli.errors import RunError
from rnncli.heads.pooling import Pooling
from rnncli.tasks.action.examples import ActionBatch, ActionExamples
from rnncli.tasks.action.extras import baselines
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.action.windows import SHOWN
from rnncli.tasks.base import About, Axes, Batches, Metrics, Names, Rivals
from rnncli.tasks.classify.labels import Labels, require_known
from rnncli.tasks.classify.scoring import rows
from rnncli.tasks.common.core import build_core
from rnncli.tasks.common.pooled import pooled_axes
from rnncli.tasks.frames.clips import FramePart, require_alike
from rnncli.tasks.frames.form import Form

KIND, FILE = "action classes", "classes.json"


class FittedAction:
    """See :class:`rnncli.tasks.base.Fitted`; ``longest`` are the most frames of a training clip."""

    best_by = "accuracy"

    def __init__(self, recipe: ActionRecipe, counts: Mapping[str, int], longest: int, form: Form) -> None:
        self.recipe, self.longest, self.form = recipe, longest, form
        self.labels = Labels({label: counts[label] for label in sorted(counts)})
        what = f"{form.width} channels of pixels" if form.view.pixels else f"{form.width} figures"
        self.notes: tuple[str, ...] = (f"{len(counts):,} classes from {what} a frame",)

    @property
    def about(self) -> About:
        """The label of which there are own scores."""
        return self.labels.about

    core_names = ("core",)

    def output_axes(self, model: ActionClassifier, outputs: Mapping[str, Names]) -> Axes:
        """What the pooling and the linear layer read."""
        return pooled_axes(self.recipe.model.pooling, outputs["core"])

    def save(self, folder: Path) -> None:
        """Write classes and the form of frames."""
        self.labels.save(folder / FILE, KIND, longest=self.longest)
        self.form.save(folder)

    @classmethod
    def load(cls, recipe: ActionRecipe, folder: Path) -> FittedAction:
        """What ``save`` wrote; raises RunError."""
        labels, more = Labels.load(folder / FILE, KIND)
        if not isinstance(more.get("longest"), int):
            raise RunError(f"{folder / FILE}: holds no classes", "take it from a copy of the run")
        return cls(recipe, labels.counts, more["longest"], Form.load(recipe, folder))

    def encode(self, part: FramePart, *, training: bool = False) -> ActionExamples:
        """Clips as the model is shown them, varied in training."""
        require_alike([part], self.form.shape)
        require_known(part, part.labels(), self.labels.names)
        return ActionExamples.of(part, self.form.view, training, truth=self.labels.truth(part.labels()))

    def build(self) -> ActionClassifier:
        """A new recognizer."""
        settings = self.recipe.model
        encoder = self.form.encoder(self.recipe)
        core = build_core(settings.projection, settings)
        pooling = Pooling(core.output_size, settings.pooling, directions=core.directions)
        return ActionClassifier(encoder, core, pooling, len(self.labels.names), dropout=settings.dropout)

    def axes(self) -> Axes:
        """The classes of the last layer."""
        return {"linear.*": (self.labels.names,)}

    def loss(self, model: ActionClassifier, batch: ActionBatch) -> Tensor:
        """Cross-entropy, smoothed and weighted as the recipe says; the mean over the clips."""
        logits_BK = model(batch.frames, batch.lengths_B).float()
        return self.labels.loss(logits_BK, batch.truth_B, self.recipe.train)

    def validate(self, model: ActionClassifier, examples: ActionExamples, batches: Batches) -> Metrics:
        """Every metric of the classifier, and ``loss``, which is its log loss."""
        return self.labels.validated(examples.truth, self._probabilities(model, len(examples), batches))

    def predictions(
        self, model: ActionClassifier, part: FramePart, examples: ActionExamples, batches: Batches
    ) -> Iterable[dict[str, Any]]:
        """Probabilities of each clip."""
        probabilities_NK = self._probabilities(model, len(examples), batches)
        places = map(part.place, range(len(part)))
        return rows(places, part.texts(), examples.truth, probabilities_NK, self.labels.names, SHOWN)

    def baselines(self, parts: Mapping[str, FramePart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """The most frequent class; what is seen on average, with logistic regression; the nearest neighbour by it."""
        train, test = self.encode(parts["train"]), self.encode(parts[split])
        return baselines.rivals(train, test, self.labels), ()

    def probabilities(self, model: ActionClassifier, frames: Tensor, lengths_B: Tensor) -> np.ndarray:
        """The probability of each class, (B, K) float64."""
        return self.labels.probabilities(model(frames, lengths_B))

    def _probabilities(self, model: ActionClassifier, count: int, batches: Batches) -> np.ndarray:
        return self.labels.of_batches(batches, count, lambda batch: model(batch.frames, batch.lengths_B))
