"""Sections of recipes that models of text and of music have."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from rnncli.recipe.schema import Amount, CoreSection, Count, Depth, EvaluationSection, Extent, Fraction, Positive, Size
from rnncli.tasks.common.sections import Averaging, Hidden, LongTrain, Schedule


class NextModel(CoreSection, frozen=True):
    """A recurrent core that reads forward, and foretells what comes next."""

    cell: Literal["rnn", "lstm", "gru"] = Field(default="lstm", description="the recurrent cell")
    hidden: Hidden = 256
    bidirectional: bool = Field(default=False, description="always false: what comes is not to be read")
    dropout: Fraction = Field(default=0.2, description="dropout before the head, one mask for all steps")
    members: Depth = Field(default=1, description="models side by side whose probabilities are averaged")

    @field_validator("bidirectional")
    @classmethod
    def _reads_forward(cls, bidirectional: bool) -> bool:
        if bidirectional:
            raise ValueError("a model that foretells what comes next cannot read it from behind: leave it false")
        return bidirectional


class NextTrain(LongTrain, frozen=True):
    """Training by windows, the state carried from one to the next."""

    usual: ClassVar[Extent] = Extent(epochs=20, batch_size=32, patience=4, least_steps=1000)

    window: Count = Field(default=100, description="steps through which gradients go back, at most")
    batch_tokens: Count = Field(default=1_000_000, description="at most this many steps in a batch")
    learning_rate: Positive = 2e-3
    weight_decay: Amount = Field(default=0.01, description="of the weights, not the biases")
    clip_norm: Amount = Field(default=1.0, description="largest norm of the gradient; 0 is no limit")
    schedule: Schedule = "cosine"
    ema: Averaging = 0.99


class NextEvaluation(EvaluationSection, frozen=True):
    """What is reported beside how well a part is foretold."""

    samples: Size = Field(default=3, description="samples in the report, each at a temperature of its own; 0 for none")
    sample_length: Count = Field(default=400, description="steps of a sample")
