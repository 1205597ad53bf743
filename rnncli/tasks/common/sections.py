"""Sections and fields of recipes that several tasks have."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnncli.recipe.schema import Count, Depth, Extent, Fraction, Positive, TrainSection, Width

Schedule = Annotated[
    Literal["constant", "linear", "cosine", "plateau"], Field(description="of the learning rate, after the warm-up")
]
Averaging = Annotated[Fraction, Field(description="decay of the moving average of the weights; 0 keeps none")]
Hidden = Annotated[Width, Field(description="hidden units of each direction")]
Layers = Annotated[Depth, Field(description="layers on top of each other")]


class LongTrain(TrainSection, frozen=True):
    """Training of small batches to the end of a schedule that falls, with averaged weights."""

    usual: ClassVar[Extent] = Extent(epochs=30, batch_size=16, least_steps=1000)

    batch_tokens: Count = Field(default=16_384, description="at most this many frames in a padded batch")
    learning_rate: Positive = 2e-3
    schedule: Schedule = "cosine"
    ema: Averaging = 0.99
