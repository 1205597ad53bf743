"""The recipe of a recognizer of actions."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from rnncli.recipe.schema import ColumnName, Extent
from rnncli.tasks.classify.sections import ClassTrain, Pooled
from rnncli.tasks.common.sections import Averaging, LongTrain
from rnncli.tasks.frames.schema import FrameModel, FramesData, FramesRecipe


class ActionData(FramesData, frozen=True):
    """Clips and their classes."""

    label_column: ColumnName = Field(default="", description="column of the labels; empty guesses it by name")


class ActionModel(FrameModel, frozen=True):
    """Frames to vectors, recurrent core, pooling, linear layer."""

    pooling: Pooled = Field(default="mean+max", description="last, mean, max, attention, or several joined by +")


class ActionTrain(LongTrain, ClassTrain, frozen=True):
    """Training of a recognizer of actions; batches are counted in frames."""

    usual: ClassVar[Extent] = Extent(epochs=60, batch_size=16, least_steps=600)

    ema: Averaging = 0.98
    best_by: str = Field(default="loss", description="the dev metric that names the best epoch; empty: accuracy")


class ActionRecipe(FramesRecipe, frozen=True):
    """A recipe of task action."""

    task: Literal["action"] = Field(default="action", description="what to learn")
    data: ActionData = ActionData()
    model: ActionModel = ActionModel()
    train: ActionTrain = ActionTrain()


RECIPE = ActionRecipe
