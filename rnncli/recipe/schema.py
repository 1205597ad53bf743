"""The sections that every recipe shares; a task adds its own ``data`` and ``model`` in ``tasks/<task>/spec.py``.

A recipe is data: frozen, without unknown keys, and every value is checked here or where it is used.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of a recipe: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CoreSection(Section):
    """The recurrent core, the same for every task; a task's ``model`` section extends it."""

    cell: Literal["rnn", "lstm", "gru"] = Field("gru", description="the recurrent cell")
    activation: Literal["tanh", "relu", "sigmoid"] = Field("tanh", description="activation of cell rnn")
    reset: Literal["before", "after"] = Field(
        "before", description="where the gru's reset gate acts: before the recurrent product (textbook) or after (cuDNN)"
    )
    layers: Count = Field(1, description="recurrent layers on top of each other")
    hidden: Count = Field(128, description="hidden units of each direction")
    bidirectional: bool = Field(True, description="read each sequence in both directions")
    layer_dropout: Fraction = Field(0.0, description="dropout between layers")
    variational_dropout: Fraction = Field(0.0, description="dropout of the core's inputs, one mask for all steps")
    initial_state: Literal["zero", "learnt"] = Field("zero", description="the state before the first step")


class TrainSection(Section):
    """How to train: batches, optimizer, schedule, when to stop and what counts as best."""

    epochs: Count = Field(10, description="at most this many passes over the training part")
    batch_size: Count = Field(32, description="at most this many examples in a batch")
    batch_tokens: Count = Field(4096, description="at most this many steps in a padded batch")
    accumulate: Count = Field(1, description="batches whose gradients are added up before a step")
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    momentum: Fraction = Field(0.9, description="of sgd")
    schedule: Literal["constant", "linear", "cosine", "plateau"] = Field(
        "constant", description="of the learning rate, after the warm-up"
    )
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    clip_norm: Annotated[float, Field(ge=0)] = Field(5.0, description="largest norm of the gradient; 0 is no limit")
    ema: Fraction = Field(0.0, description="decay of the moving average of the weights; 0 keeps none")
    patience: Annotated[int, Field(ge=0)] = Field(2, description="stop after this many epochs without a better one; 0 never")
    best_by: str = Field("", description="the dev metric that names the best epoch; empty is the task's own")
    checkpoint_seconds: Positive = Field(120.0, description="save the state at least this often within an epoch")


class DeviceSection(Section):
    """Where the work is done, and in which precision."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        "auto", description="auto, cpu, cuda, cuda:N or mps"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    tf32: bool = Field(True, description="let a GPU round fp32 products to TF32")
    deterministic: bool = Field(False, description="only deterministic kernels, where they are slower too")
    threads: Annotated[int, Field(ge=0)] = Field(0, description="CPU threads; 0 leaves the choice to torch")


class EvaluationSection(Section):
    """What is reported of the test part."""

    baselines: bool = Field(True, description="train simple rivals beside the model")
    resamples: Annotated[int, Field(ge=0)] = Field(1000, description="bootstrap resamples for the intervals; 0 is none")
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(0.95, description="coverage of the intervals")


class Recipe(Section):
    """What every recipe has; tasks subclass it to narrow ``data``, ``model`` and ``evaluation``."""

    task: str
    name: str = Field("", description="names the run; empty takes the recipe's own file name")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    train: TrainSection = TrainSection()
    compute: DeviceSection = DeviceSection()
    evaluation: EvaluationSection = EvaluationSection()
