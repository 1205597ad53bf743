"""The recipe of a recogniser of actions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnncli.recipe.schema import Count, Fraction, Positive
from rnncli.tasks.frames.schema import FrameModel, FramesData, FramesRecipe
from rnncli.tasks.settings import ClassTrain, Pooled


class ActionData(FramesData, frozen=True):
    """Clips and their classes."""

    label_column: str = Field(default="", description="column of the labels; empty guesses it by name")


class ActionModel(FrameModel, frozen=True):
    """Frames to vectors, recurrent core, pooling, linear layer."""

    pooling: Pooled = Field(default="mean+max", description="last, mean, max, attention, or several joined by +")


class ActionTrain(ClassTrain, frozen=True):
    """Training of a recogniser of actions; batches are counted in frames."""

    epochs: Count = Field(default=60, description="at most this many passes over the training part")
    batch_size: Count = Field(default=16, description="at most this many clips in a batch")
    batch_tokens: Count = Field(default=16_384, description="at most this many frames in a padded batch")
    learning_rate: Positive = 2e-3
    schedule: Literal["constant", "linear", "cosine", "plateau"] = Field(
        default="cosine", description="of the learning rate, after the warm-up"
    )
    ema: Fraction = Field(default=0.98, description="decay of the moving average of the weights; 0 keeps none")
    patience: Annotated[int, Field(ge=0)] = Field(
        default=0, description="stop after this many epochs without a better one; 0 never"
    )
    best_by: str = Field(default="loss", description="the dev metric that names the best epoch; empty: accuracy")


class ActionRecipe(FramesRecipe, frozen=True):
    """A recipe of task action."""

    task: Literal["action"] = Field(default="action", description="what to learn")
    data: ActionData = ActionData()
    model: ActionModel = ActionModel()
    train: ActionTrain = ActionTrain()


RECIPE = ActionRecipe
