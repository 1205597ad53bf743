"""Sections of recipes that several tasks have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from rnncli.errors import RecipeError
from rnncli.metrics.direction import CLASSIFICATION, higher_is_better
from rnncli.recipe.schema import Count, Fraction, Positive, Section, TrainSection

LOSS = "loss"
"""What training calls the log loss of the dev part."""

Pooled = Annotated[str, Field(pattern=r"^(last|mean|max|attention)(\+(last|mean|max|attention))*$")]


class ClassTrain(TrainSection, frozen=True):
    """Training of a classifier."""

    label_smoothing: Fraction = Field(default=0.0, description="probability mass taken from the true label")
    class_weights: Literal["none", "balanced"] = Field(default="none", description="weigh classes by how rare they are")

    @field_validator("best_by")
    @classmethod
    def _is_a_metric(cls, name: str) -> str:
        try:
            higher_is_better(name or LOSS, available=(*CLASSIFICATION, LOSS))
        except RecipeError as error:
            raise ValueError(f"{error.message} ({error.hint})") from error
        return name


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


class LanguageSection(Section, frozen=True):
    """What is known of the texts to be written, for a search through the labels of CTC."""

    lm: str = Field(default="", description="language model: train learns it from the training texts, or an ARPA file")
    lm_unit: Literal["word", "character"] = Field(
        default="word", description="what the language model is of; in an ARPA file of characters a space is ▁"
    )
    order: Annotated[int, Field(ge=1, le=12)] = Field(default=3, description="words or characters of an n-gram learnt")
    lexicon: str = Field(
        default="auto",
        description="the only words written: train, those of the training texts; a FILE of words; none, any; "
        "auto: train where there is an lm, else none",
    )
