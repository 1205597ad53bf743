"""The sections that every recipe shares; a task adds its own ``data`` and ``model`` in its ``spec.py``.

A recipe is data: frozen, without unknown keys, and every value is checked here or where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

Fraction = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
MOST = 1_000_000_000
"""No number of a recipe is larger: what lies beyond is a mistake, and more than the libraries below can count."""
Positive = Annotated[float, Field(gt=0, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
Count = Annotated[int, Field(ge=1, le=MOST)]
Size = Annotated[int, Field(ge=0, le=MOST)]
Width = Annotated[int, Field(ge=1, le=100_000)]
"""Units, channels or figures of a layer."""
OptionalWidth = Annotated[int, Field(ge=0, le=100_000)]
Depth = Annotated[int, Field(ge=1, le=100)]
"""Layers on top of each other, or models side by side."""
Beam = Annotated[int, Field(ge=1, le=10_000)]
"""What a search follows, or gives, at once."""
PlaceName = Annotated[str, AfterValidator(os.path.expanduser)]
"""A file or folder, of which ~ is the user's home, as a shell has it where the ~ is not quoted or behind a =."""


@dataclass(frozen=True)
class FromHere:
    """Of a field: a place which, if it is relative, starts where the program does, and not one of these ``words``."""

    words: tuple[str, ...] = ()


LocalPlace = Annotated[PlaceName, FromHere()]
LocalPlaces = Annotated[tuple[PlaceName, ...], FromHere()]
ColumnName = Annotated[str, BeforeValidator(lambda name: str(name) if type(name) is int else name)]
"""A column by its name, or by its number from 1."""
AUTO: Literal["auto"] = "auto"


@dataclass(frozen=True)
class Extent:
    """How much a training is; a section's usual one is what its ``auto`` keys stand for where the data are not few.

    Few data get smaller batches and more epochs, so that there are ``least_steps`` optimizer steps in all.
    """

    epochs: int
    batch_size: int
    warmup_steps: int = 0
    patience: int = 0
    least_steps: int = 0


class Section(BaseModel, extra="forbid", frozen=True, allow_inf_nan=False):
    """A part of a recipe: frozen, and a key that it does not know is an error."""

    @property
    def local_places(self) -> dict[str, str | tuple[str, ...]]:
        """The keys and values that name files and folders from where the program was started."""
        found: dict[str, str | tuple[str, ...]] = {}
        for name, field in type(self).model_fields.items():
            here = next((one for one in field.metadata if isinstance(one, FromHere)), None)
            if here and (value := getattr(self, name)) and value not in here.words:
                found[name] = value
        return found


class DataSection(Section, frozen=True):
    """Where the examples come from; a task's ``data`` section extends it."""

    root: LocalPlace = Field(
        default=".", description="the folder that holds the files; a relative one starts where you are"
    )
    source: Literal["auto", "own", "builtin", "file", "folder", "datasets"] = Field(
        default="auto",
        description="builtin (generated), a file, a folder per class, or a datasets repository; auto finds out and is "
        "builtin where train names nothing, own finds out and is never builtin",
    )
    train: PlaceName = Field(
        default="", description="file or folder under root, or a datasets repository (owner/name or a folder)"
    )
    dev: PlaceName = Field(default="", description="file or folder of the dev part; empty carves it from train")
    test: PlaceName = Field(default="", description="file or folder of the test part; empty carves it from train")
    dev_fraction: Fraction = Field(default=0.1, description="share carved for dev where none is given")
    test_fraction: Fraction = Field(default=0.1, description="share carved for test where none is given")
    header: bool | Literal["auto"] = Field(
        default="auto",
        description="whether the first row of a csv names its columns; false: they go by number; auto refuses data",
    )
    split_column: ColumnName = Field(
        default="", description="column that names each row's split: train, dev, test or their synonyms"
    )
    folds: Size = Field(default=0, description="cross-validate with this many folds; 0 does not")
    fold: Size | None = Field(default=None, description="run this fold alone, counted from 0")
    fold_column: ColumnName = Field(
        default="", description="column that numbers each row's fold; empty draws them by seed"
    )

    @model_validator(mode="after")
    def _fold_of_folds(self) -> Self:
        if self.folds == 1:
            raise ValueError("folds must be 0 for none, or at least 2")
        if self.fold is not None and not 0 <= self.fold < self.folds:
            count = f"count from 0 to {self.folds - 1}" if self.folds else "are wanted by data.folds, which is 0"
            raise ValueError(f"there is no fold {self.fold}: folds {count}")
        return self


class FilesSection(DataSection, frozen=True):
    """Tables whose rows name files."""

    encoding: str = Field(default="auto", description="of text files: auto, or utf-8, gb18030 and the like")
    splits: dict[str, str] = Field(default={}, description="train, dev and test by the source's own names of splits")
    config: str = Field(default="", description="configuration of a datasets repository")


RECURRENT = "recurrent"
OF_RECURRENT = ("cell", "activation", "reset", "recurrent_dropout", "initial_state", "start", "start_layer")
OF_TRANSFORMER = ("heads", "feed_forward", "context")
"""Keys of ``model`` that only one kind of core has."""


class CoreSection(Section, frozen=True):
    """The core, the same for every task; a task's ``model`` section extends it."""

    also_recurrent: ClassVar[frozenset[str]] = frozenset()
    """Keys of recurrent layers that the task's model has beside its core."""

    core: Literal["recurrent", "transformer", "transformer+gru"] = Field(
        default=RECURRENT, description="what reads the sequence; transformer+gru puts a gru layer on a Transformer"
    )
    cell: Literal["rnn", "lstm", "gru"] = Field(default="gru", description="the recurrent cell")
    activation: Literal["tanh", "relu", "sigmoid"] = Field(default="tanh", description="activation of cell rnn")
    reset: Literal["before", "after"] = Field(
        default="before",
        description="where the gru resets: before the recurrent product (textbook) or after it (cuDNN)",
    )
    layers: Depth = Field(default=1, description="layers on top of each other; of a Transformer 2 if not said")
    hidden: Width = Field(default=128, description="hidden units of each direction; the width of a Transformer")
    heads: Annotated[int, Field(ge=1, le=1024)] = Field(default=4, description="of attention in a Transformer")
    feed_forward: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="how many times as wide the layers between are in a Transformer"
    )
    context: Width = Field(
        default=256, description="steps before it that a step of a Transformer attends to where it reads forward only"
    )
    bidirectional: bool = Field(default=True, description="read each sequence in both directions")
    layer_dropout: Fraction = Field(
        default=0.0, description="dropout between layers; in a Transformer of what each part of a layer adds"
    )
    variational_dropout: Fraction = Field(
        default=0.0, description="dropout of the core's inputs, one mask for all steps"
    )
    recurrent_dropout: Fraction = Field(default=0.0, description="dropout of the recurrent weights")
    initial_state: Literal["zero", "learnt"] = Field(default="zero", description="the state before the first step")
    start: LocalPlace = Field(
        default="",
        description="weights that the recurrent layers start from: .keras or .h5 of Keras, or .safetensors with the "
        "names of torch.nn; a relative one starts where you are",
    )
    start_layer: str = Field(default="", description="which layers of start, where it has several to start from")

    @field_validator(*OF_RECURRENT, *OF_TRANSFORMER)
    @classmethod
    def _of_its_core(cls, value: Any, info: ValidationInfo) -> Any:
        core, key = info.data.get("core"), str(info.field_name)
        unset = core is None or value == cls.model_fields[key].default
        if not unset and core == RECURRENT and key in OF_TRANSFORMER:
            raise ValueError(
                "is a Transformer's, and model.core is recurrent: leave it away, or model.core=transformer"
            )
        if not unset and core != RECURRENT and key in OF_RECURRENT and key not in cls.also_recurrent:
            raise ValueError(f"is the recurrent core's, and model.core is {core}: leave it away")
        return value

    @model_validator(mode="after")
    def _context_of_a_causal_one(self) -> Self:
        if self.core != RECURRENT and self.bidirectional and self.context != type(self).model_fields["context"].default:
            raise ValueError(
                "context is for a Transformer that reads forward only, and bidirectional is true: one of both"
            )
        return self

    @model_validator(mode="after")
    def _layers_of_a_transformer(self) -> Self:
        if self.core != RECURRENT and "layers" not in self.model_fields_set:
            object.__setattr__(self, "layers", max(2, self.layers))  # as a default, so before anyone sees it
        return self

    @property
    def foreign(self) -> frozenset[str]:
        """Keys that mean nothing to this core."""
        if self.core == RECURRENT:
            return frozenset(OF_TRANSFORMER)
        return frozenset(OF_RECURRENT) - self.also_recurrent

    @model_validator(mode="after")
    def _heads_of_a_width(self) -> Self:
        if self.core != RECURRENT and self.hidden % (2 * self.heads):
            raise ValueError(
                f"hidden is {self.hidden}, of which {self.heads} heads cannot have the same even share: "
                f"it must be a multiple of {2 * self.heads}"
            )
        return self


class TrainSection(Section, frozen=True):
    """How to train: batches, optimizer, schedule, when to stop and what counts as best."""

    usual: ClassVar[Extent] = Extent(epochs=10, batch_size=32, patience=2)

    epochs: Count | Literal["auto"] = Field(
        default=AUTO, description="at most this many passes over the training part; auto: more where data are few"
    )
    batch_size: Count | Literal["auto"] = Field(
        default=AUTO, description="at most this many examples in a batch; auto: fewer where data are few"
    )
    batch_tokens: Count = Field(default=4096, description="at most this many steps in a padded batch")
    longest_first: bool = Field(
        default=False, description="begin with the longest batch, so that memory runs out early if at all"
    )
    accumulate: Count = Field(default=1, description="batches whose gradients are added up before a step")
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    weight_decay: Amount = 0.01
    momentum: Fraction = Field(default=0.9, description="of sgd")
    schedule: Literal["constant", "linear", "cosine", "plateau"] = Field(
        default="constant", description="of the learning rate, after the warm-up"
    )
    warmup_steps: Size | Literal["auto"] = Field(
        default=AUTO, description="steps in which the learning rate rises; auto: no more than a share of all"
    )
    clip_norm: Amount = Field(default=5.0, description="largest norm of the gradient; 0 is no limit")
    ema: Fraction = Field(default=0.0, description="decay of the moving average of the weights; 0 keeps none")
    patience: Size | Literal["auto"] = Field(
        default=AUTO,
        description="stop after this many epochs without a better one; 0 never; auto: more where there are more epochs",
    )
    best_by: str = Field(default="", description="the dev metric that names the best epoch; empty is the task's own")
    checkpoint_seconds: Positive = Field(
        default=120.0, description="save the state at least this often within an epoch"
    )
    from_run: LocalPlace = Field(
        default="", description="a run whose best model and vocabulary training begins with; empty begins anew"
    )

    @property
    def bound_to_epochs(self) -> str:
        """The key by which each step hangs on how many epochs there will be; empty where none does."""
        return "train.schedule" if self.schedule in ("linear", "cosine") else ""

    @property
    def extent(self) -> Extent:
        """The numbers of this section, the usual ones where it says ``auto``."""
        given = {key: value for key in AUTOMATIC if (value := getattr(self, key)) != AUTO}
        return replace(self.usual, **given)

    def settled(self, extent: Extent) -> Self:
        """The section with the numbers of ``extent``."""
        return self.model_copy(update={key: getattr(extent, key) for key in AUTOMATIC})


AUTOMATIC = ("epochs", "batch_size", "warmup_steps", "patience")
"""Keys of ``train`` that may be ``auto``."""


class DistilSection(Section, frozen=True):
    """What is learnt from teachers beside the labels, in tasks that can be taught; ``rnncli distil`` names them."""

    teachers: LocalPlaces = Field(
        default=(),
        description="runs, or .jsonl files of probabilities, whose mean is learnt from; a relative one starts where "
        "you are; none teach nothing",
    )
    unlabelled: LocalPlace = Field(
        default="", description="a file of further examples to learn from, which the teachers alone label"
    )
    weight: Probability = Field(
        default=0.5, description="share of the teachers in the loss of an example that has a label as well"
    )
    temperature: Annotated[float, Field(ge=0.1, le=100)] = Field(
        default=2.0, description="by which scores of teachers and model are divided: the higher, the softer"
    )

    @model_validator(mode="after")
    def _labelled_by_teachers(self) -> Self:
        if self.unlabelled and not self.teachers:
            raise ValueError("unlabelled examples are labelled by teachers, and distil.teachers names none")
        return self


class ComputeSection(Section, frozen=True):
    """Where the work is done, and in which precision."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d{1,4})?)$")] = Field(
        default="auto", description="auto, cpu, cuda, cuda:N or mps"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    tf32: bool = Field(default=True, description="let a GPU round fp32 products to TF32")
    deterministic: bool = Field(default=False, description="only deterministic kernels, where they are slower too")
    threads: Annotated[int, Field(ge=0, le=1024)] = Field(
        default=0, description="CPU threads; 0 leaves the choice to torch"
    )


class EvaluationSection(Section, frozen=True):
    """What is reported of the test part."""

    baselines: bool = Field(default=True, description="train simple rivals beside the model")
    resamples: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=1000, description="bootstrap resamples for the intervals; 0 is none"
    )
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.95, description="coverage of the intervals")
    groups: tuple[str, ...] = Field(
        default=(), description="also score by these: length, source, or columns of the data such as speaker"
    )
    page: bool = Field(default=True, description="write report.html when the run is done")
    gates: bool = Field(
        default=False, description="also report what gates and units of the core do on dev, as rnncli inspect --units"
    )
    explain: bool = Field(
        default=True, description="show on the page what each word of the worst mistakes adds, where a task can tell"
    )
    tensorboard: bool = Field(default=False, description="also write what training measures as events of TensorBoard")


class Recipe(Section, frozen=True):
    """What every recipe has; tasks subclass it to narrow ``data``, ``model`` and ``evaluation``."""

    one_test: ClassVar[bool] = False
    """Whether folds test parts of one test, which is scored as a whole: their rivals are given as rows then."""

    task: str = Field(description="what to learn; names the folder of recipes and code")
    name: str = Field(default="", description="names the run; empty takes the recipe's own file name")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    data: DataSection = DataSection()
    train: TrainSection = TrainSection()
    compute: ComputeSection = ComputeSection()
    evaluation: EvaluationSection = EvaluationSection()

    learnt_by: ClassVar[frozenset[str]] = frozenset()
    """Keys of ``evaluation`` that also decide what is learnt."""

    shaped_by: ClassVar[tuple[str, ...]] = ("model",)
    """Sections and keys that decide what a model reads and gives: ``train.from_run`` brings those of its run along."""

    @property
    def folds(self) -> int:
        """How many trainings a run of it is, each tested on examples of its own; 0 where it is a single one."""
        return 0 if self.data.fold is not None else self.data.folds

    def of_fold(self, number: int) -> Self:
        """The recipe of one of the folds."""
        return self.having({"data.fold": number})

    def having(self, values: Mapping[str, Any]) -> Self:
        """The recipe with other values of keys such as ``train.epochs``, which are taken as they are."""
        sections: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            section, _, name = key.partition(".")
            sections.setdefault(section, {})[name] = value
        return self.model_copy(
            update={name: getattr(self, name).model_copy(update=update) for name, update in sections.items()}
        )
