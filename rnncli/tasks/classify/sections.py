"""Sections of the recipes of classifiers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnncli.recipe.schema import Fraction, TrainSection

Pooled = Annotated[str, Field(pattern=r"^(last|mean|max|attention)(\+(last|mean|max|attention))*$")]


class ClassTrain(TrainSection, frozen=True):
    """Training of a classifier."""

    label_smoothing: Fraction = Field(default=0.0, description="probability mass taken from the true label")
    class_weights: Literal["none", "balanced"] = Field(default="none", description="weigh classes by how rare they are")
