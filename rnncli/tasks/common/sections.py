"""Sections and fields of recipes that several tasks have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnncli.recipe.schema import Count, Depth, Fraction, Positive, Size, TrainSection, Width

Epochs = Annotated[Count, Field(description="at most this many passes over the training part")]
BatchSize = Annotated[Count, Field(description="at most this many examples in a batch")]
Schedule = Annotated[
    Literal["constant", "linear", "cosine", "plateau"], Field(description="of the learning rate, after the warm-up")
]
Averaging = Annotated[Fraction, Field(description="decay of the moving average of the weights; 0 keeps none")]
Patience = Annotated[Size, Field(description="stop after this many epochs without a better one; 0 never")]
Hidden = Annotated[Width, Field(description="hidden units of each direction")]
Layers = Annotated[Depth, Field(description="recurrent layers on top of each other")]


class LongTrain(TrainSection, frozen=True):
    """Training of small batches to the end of a schedule that falls, with averaged weights."""

    epochs: Epochs = 30
    batch_size: BatchSize = 16
    batch_tokens: Count = Field(default=16_384, description="at most this many frames in a padded batch")
    learning_rate: Positive = 2e-3
    schedule: Schedule = "cosine"
    ema: Averaging = 0.99
    patience: Patience = 0
