"""Sections of recipes that several tasks have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnncli.recipe.schema import Count, Fraction, Positive, TrainSection


class LongTrain(TrainSection, frozen=True):
    """Training of small batches to the end of a schedule that falls, with averaged weights."""

    epochs: Count = Field(default=30, description="at most this many passes over the training part")
    batch_size: Count = Field(default=16, description="at most this many examples in a batch")
    batch_tokens: Count = Field(default=16_384, description="at most this many frames in a padded batch")
    learning_rate: Positive = 2e-3
    schedule: Literal["constant", "linear", "cosine", "plateau"] = Field(
        default="cosine", description="of the learning rate, after the warm-up"
    )
    ema: Fraction = Field(default=0.99, description="decay of the moving average of the weights; 0 keeps none")
    patience: Annotated[int, Field(ge=0)] = Field(
        default=0, description="stop after this many epochs without a better one; 0 never"
    )
