"""Recognition of actions: clips to classes by a recurrent network and pooling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.data.jsonfile import read_json, write_json
from rnncli.errors import RunError
from rnncli.heads.pooling import Pooling
from rnncli.metrics.classification import minority
from rnncli.report.build import Evaluation
from rnncli.tasks.action import baselines, checks
from rnncli.tasks.action.data import read_corpus, read_more
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.predictor import ActionPredictor
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Batches, Corpus, Metrics
from rnncli.tasks.classify import classified
from rnncli.tasks.common import shared
from rnncli.tasks.frames.clips import FramePart, require_alike
from rnncli.tasks.frames.examples import Clips
from rnncli.tasks.frames.form import Form

KIND, FILE = "action classes", "classes.json"
SHOWN = "file"


@dataclass(frozen=True)
class ActionBatch:
    """Padded frames (B, T, F) or (B, T, C, H, W), lengths_B, which stay on the CPU, and truth_B."""

    frames: Tensor
    lengths_B: Tensor
    truth_B: Tensor

    @property
    def size(self) -> int:
        """Clips in the batch."""
        return len(self.lengths_B)

    def to(self, device: torch.device) -> ActionBatch:
        """The same batch on another device."""
        frames, truth_B = (part.to(device, non_blocking=True) for part in (self.frames, self.truth_B))
        return ActionBatch(frames, self.lengths_B, truth_B)


@dataclass(frozen=True, eq=False)
class ActionExamples:
    """Clips of one part with their classes, (N,) int64."""

    clips: Clips
    truth: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each clip, (N,)."""
        return self.clips.lengths

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, indices: np.ndarray) -> ActionBatch:
        """Collate the clips at ``indices``."""
        return ActionBatch(*self.clips.pad(indices), torch.from_numpy(self.truth[indices]))

    def place(self, index: int) -> str:
        """Where a clip stands in the user's data."""
        return self.clips.place(index)


class FittedAction:
    """The classes of the training part, the shape of its frames, and the model they lead to."""

    best_by = "accuracy"

    def __init__(self, recipe: ActionRecipe, counts: Mapping[str, int], longest: int, form: Form) -> None:
        self.recipe, self.longest, self.form = recipe, longest, form
        self.labels = tuple(sorted(counts))
        self.counts_K = np.array([counts[label] for label in self.labels])
        self.positive = minority(self.counts_K) if len(self.labels) == 2 else None
        what = f"{form.width} channels of pixels" if form.view.pixels else f"{form.width} figures"
        self.notes: tuple[str, ...] = (f"{len(self.labels):,} classes from {what} a frame",)

    def save(self, folder: Path) -> None:
        """Write classes and the form of frames."""
        counts = {label: int(n) for label, n in zip(self.labels, self.counts_K, strict=True)}
        write_json(folder / FILE, KIND, {"counts": counts, "longest": self.longest})
        self.form.save(folder)

    @classmethod
    def load(cls, recipe: ActionRecipe, folder: Path) -> FittedAction:
        """What ``save`` wrote; raises RunError."""
        path = folder / FILE
        body = read_json(path, KIND)
        counts, longest = body.get("counts"), body.get("longest")
        if not isinstance(counts, dict) or not counts or not isinstance(longest, int):
            raise RunError(f"{path}: holds no classes", "take it from a copy of the run")
        return cls(recipe, counts, longest, Form.load(recipe, folder))

    def encode(self, part: FramePart, *, training: bool = False) -> ActionExamples:
        """Clips as the model is shown them, varied in training."""
        require_alike([part], self.form.shape)
        number = {label: k for k, label in enumerate(self.labels)}
        classified.require_known(part, part.truths, number)
        truth = np.array([number[label] for label in part.truths], dtype=np.int64)
        return ActionExamples(Clips.of(part, self.form.view, training), truth)

    def build(self) -> nn.Module:
        """A new recogniser."""
        settings = self.recipe.model
        encoder = self.form.encoder(self.recipe)
        core = shared.recurrent(settings.projection, settings)
        pooling = Pooling(core.output_size, settings.pooling, directions=2 if settings.bidirectional else 1)
        return ActionClassifier(encoder, core, pooling, len(self.labels), dropout=settings.dropout)

    def kernel(self, model: nn.Module) -> str:
        """Which recurrent path the model takes and why."""
        assert isinstance(model, ActionClassifier)
        return model.core.kernel(model.linear.weight.device)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Weights decay, biases and gains do not."""
        return shared.parameter_groups(model)

    def loss(self, model: nn.Module, batch: ActionBatch) -> Tensor:
        """Cross-entropy, smoothed and weighted as the recipe says; the mean over the clips."""
        logits_BK = model(batch.frames, batch.lengths_B).float()
        settings = self.recipe.train
        balanced = settings.class_weights == "balanced"
        weights_K = torch.from_numpy(classified.balanced_weights(self.counts_K)).to(logits_BK) if balanced else None
        return functional.cross_entropy(logits_BK, batch.truth_B, weights_K, label_smoothing=settings.label_smoothing)

    def validate(self, model: nn.Module, examples: ActionExamples, batches: Batches) -> Metrics:
        """Every metric of the classifier, and ``loss``, which is its log loss."""
        found = classified.metrics(examples.truth, self._probabilities(model, len(examples), batches), self.positive)
        return found | {"loss": found["log_loss"]}

    def evaluate(self, model: nn.Module, part: FramePart, examples: ActionExamples, batches: Batches) -> Evaluation:
        """Metrics with intervals, confusion matrix, classes, the most confident mistakes, predictions."""
        return classified.evaluate(
            examples.truth,
            self._probabilities(model, len(examples), batches),
            self.labels,
            part,
            positive=self.positive,
            settings=self.recipe.evaluation,
            seed=self.recipe.seed,
            shown=SHOWN,
        )

    def baselines(self, parts: Mapping[str, FramePart], split: str) -> tuple[dict[str, Metrics], tuple[str, ...]]:
        """The most frequent class; what is seen on average, with logistic regression; the nearest neighbour by it."""
        train, test = self.encode(parts["train"]), self.encode(parts[split])
        return baselines.rivals(train, test, self.counts_K, self.positive), ()

    def predictor(self, model: nn.Module, device: torch.device) -> ActionPredictor:
        """A predictor of clips."""
        return ActionPredictor(self, model, device)

    def probabilities(self, model: nn.Module, frames: Tensor, lengths_B: Tensor) -> np.ndarray:
        """The probability of each class, (B, K) float64."""
        return model(frames, lengths_B).double().softmax(-1).cpu().numpy()

    def _probabilities(self, model: nn.Module, count: int, batches: Batches) -> np.ndarray:
        found_NK = np.zeros((count, len(self.labels)))
        for indices, batch in batches():
            found_NK[indices] = self.probabilities(model, batch.frames, batch.lengths_B)
        return found_NK


class Action:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: ActionRecipe) -> Corpus:
        """Read and split clips."""
        return read_corpus(recipe)

    def read_more(self, recipe: ActionRecipe, path: Path) -> Corpus:
        """A further labelled file or folder."""
        return read_more(recipe, path)

    def fit(self, recipe: ActionRecipe, corpus: Corpus) -> FittedAction:
        """The classes and the form of the training part."""
        train: FramePart = corpus.parts["train"]
        longest = max(clip.frames for clip in train.clips)
        return FittedAction(recipe, Counter(train.truths), longest, Form.learn(recipe, train.clips))

    def load(self, recipe: ActionRecipe, folder: Path) -> FittedAction:
        """What a run kept."""
        return FittedAction.load(recipe, folder)

    def check(self, recipe: ActionRecipe, corpus: Corpus) -> list[shared.Table]:
        """Tables of lengths, classes, groups and leaks."""
        return checks.tables(corpus)


TASK = Action()
