"""The recipe of a model that is to remember."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnncli.recipe.schema import (
    Amount,
    ColumnName,
    CoreSection,
    Count,
    Extent,
    FilesSection,
    Positive,
    Recipe,
    TrainSection,
)
from rnncli.tasks.common.sections import Hidden

Lag = Annotated[int, Field(ge=2, le=100_000)]


class MemoryData(FilesSection, frozen=True):
    """Sequences and the answer to each, made up as :mod:`rnncli.tasks.memory.builtin` says, or from a table."""

    problem: Literal["adding", "copy"] = Field(
        default="adding", description="adding: the sum of the two marked numbers; copy: the symbol shown first"
    )
    lags: tuple[Lag, ...] = Field(
        default=(5, 10, 20, 50, 100, 200),
        min_length=1,
        description="of made-up sequences: steps from what is to be remembered to the answer",
    )
    examples: Count = Field(default=4800, description="sequences to make up, as many of each lag")
    sequence_column: ColumnName = Field(default="", description="column of the sequences; empty guesses it by name")
    answer_column: ColumnName = Field(default="", description="column of the answers; empty guesses it by name")


class MemoryModel(CoreSection, frozen=True):
    """The core, and a linear layer on its last step."""

    hidden: Hidden = 64
    bidirectional: bool = Field(
        default=False, description="read each sequence in both directions: the lag is gone then"
    )


class MemoryTrain(TrainSection, frozen=True):
    """Training without anything that makes weights smaller."""

    usual: ClassVar[Extent] = Extent(epochs=12, batch_size=32, patience=4, least_steps=400)

    learning_rate: Positive = 3e-3
    weight_decay: Amount = Field(default=0.0, description="of the weights, not the biases")
    clip_norm: Amount = Field(default=1.0, description="largest norm of the gradient; 0 is no limit")


class MemoryRecipe(Recipe, frozen=True):
    """A recipe of task memory."""

    shaped_by: ClassVar[tuple[str, ...]] = ("model", "data.problem")

    task: Literal["memory"] = Field(default="memory", description="what to learn")
    data: MemoryData = MemoryData()
    model: MemoryModel = MemoryModel()
    train: MemoryTrain = MemoryTrain()


RECIPE = MemoryRecipe
