"""A task small enough to train in milliseconds, with dropout so that random states matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.metrics.metric import Metric, by_name
from rnncli.recipe.schema import TrainSection
from rnncli.train.loop import Trainer


@dataclass
class ToyBatch:
    x_BF: Tensor
    y_B: Tensor


class ToyExamples:
    def __init__(self, count: int = 40, seed: int = 0, poison: int | None = None):
        generator = np.random.default_rng(seed)
        self.x = generator.normal(size=(count, 3)).astype(np.float32)
        self.y = (self.x.sum(1) > 0).astype(np.int64)
        self.lengths = generator.integers(0, 9, size=count)
        if poison is not None:
            self.x[poison] = np.nan

    def __len__(self):
        return len(self.y)

    def batch(self, indices):
        return ToyBatch(torch.from_numpy(self.x[indices]), torch.from_numpy(self.y[indices]))

    def place(self, index):
        return f"toy.csv:{index + 2}"


class Toy:
    best_by = "accuracy"
    notes = ()
    about: ClassVar[dict] = {}

    def __init__(self, dev_values=None):
        self.dev_values = list(dev_values) if dev_values is not None else None

    def build(self):
        return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Tanh(), nn.Linear(8, 2))

    def loss(self, model, batch):
        return nn.functional.cross_entropy(model(batch.x_BF), batch.y_B)

    def validate(self, model, examples, batches):
        assert not model.training
        right = total = 0
        for _, batch in batches():
            right += int((model(batch.x_BF).argmax(-1) == batch.y_B).sum())
            total += len(batch.y_B)
        assert total == len(examples)
        return {"accuracy": self.dev_values.pop(0) if self.dev_values else right / total, "loss": 0.0}


def toy_trainer(fitted=None, train=None, model=None, metrics=("accuracy",), **settings) -> Trainer:
    fitted = fitted or Toy()
    torch.manual_seed(5)
    return Trainer(
        fitted,
        model or fitted.build(),
        train or ToyExamples(),
        ToyExamples(seed=1),
        TrainSection(**{"epochs": 3, "batch_size": 8, "learning_rate": 0.05, "patience": 0, **settings}),
        by_name(map(Metric, metrics)),
        seed=3,
        device=torch.device("cpu"),
    )
