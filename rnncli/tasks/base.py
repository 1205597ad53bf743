"""What a task is to the rest of the program: protocols and the few plain types that cross the border.

A task is a package with ``spec.py`` (``SPEC``: imported for every ``--help``, hence plain values), ``schema.py``
(``RECIPE``: its recipes' schema, without torch), ``metrics.py`` (:class:`Scoring`: what predictions are worth, without
torch) and ``task.py`` (:class:`Task`: everything else). It lies in a folder ``rnncli/tasks/<name>/``, or anywhere else
where the entry point ``<name>`` of the group ``rnncli.tasks`` names it: nothing else does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from rnncli.metrics.metric import LOSS, Metric

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn

    from rnncli.data.batching import BatchPlan
    from rnncli.metrics.statistics import Statistics
    from rnncli.recipe.schema import EvaluationSection
    from rnncli.report.build import Advice, Details, ReportTable
    from rnncli.report.figures import Figure, Sample
    from rnncli.tasks.predictors import Predictor

M = TypeVar("M", bound="nn.Module")
Metrics = dict[str, float]
Row = Mapping[str, Any]
"""A prediction as a line of ``predictions/<split>.jsonl``: ``place``, ``truth``, and what the task found."""
Rivals = Mapping[str, "Metrics | Statistics | Sequence[Row]"]
"""By name what simple rivals reach: the statistics of their predictions, in the order of the examples, so that the
model can be held against them example by example; or rows that the task's ``statistics`` makes these of, which can also
be scored together with those of other folds; or metrics alone."""
Names = Sequence[Hashable]
"""What the places along an axis of weights stand for, each once."""
Axes = Mapping[str, tuple[Names | None, ...]]
"""By patterns of the names of weights, as in a shell, the names along each axis; None where places are as they are."""
About = Mapping[str, Any]
"""What scoring has to know beside the rows, in plain values: ``positive``, say, the label of which there are scores."""


@dataclass(frozen=True)
class Option:
    """A command-line option of a task that is another way to write one key of its recipe.

    ``form`` says what its text stands for: itself, a ``number`` (itself where it is none, such as ``auto``), a ``list``
    of names with commas between them, or ``names``, which a single one of is text.

    >>> [Option("--known", "data.known", "", form).value("a,b") for form in ("text", "list", "names")]
    ['a,b', ['a', 'b'], ['a', 'b']]
    """

    flag: str
    key: str
    help: str
    form: Literal["text", "number", "list", "names"] = "text"

    def value(self, text: str) -> str | int | list[str]:
        """What the recipe's key is given."""
        if self.form == "text":
            return text
        if self.form == "number":
            return int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else text
        names = [name.strip() for name in text.strip().removeprefix("[").removesuffix("]").split(",") if name.strip()]
        return names[0] if self.form == "names" and len(names) == 1 else names


@dataclass(frozen=True)
class TaskSpec:
    """What the command line says of a task: ``default`` is the recipe it runs, ``own_data`` that for a user's data.

    ``metrics`` are all that the task ever scores by, the first of them first; ``also`` are other names of what it does,
    for those who look for it by one. ``tried_by`` is the command that shows best what a finished run can do.
    """

    name: str
    summary: str
    default: str
    own_data: str
    examples: tuple[str, ...]
    metrics: tuple[Metric, ...]
    options: tuple[Option, ...] = ()
    also: tuple[str, ...] = ()
    tried_by: str = "predict"

    def __post_init__(self) -> None:
        counts = Counter(metric.name for metric in (*self.metrics, LOSS))
        if twice := [name for name, count in counts.items() if count > 1]:
            raise ValueError(f"two metrics are called {twice[0]}")


@dataclass(frozen=True)
class Corpus:
    """The raw examples of a recipe, already split.

    ``parts`` holds the task's own type under ``train``, ``dev`` and ``test``; ``headline`` and ``notes`` are sentences
    for a person: what was read, what was guessed, what was cut; ``dropped`` counts lost rows by reason; ``chosen`` are
    the values of those keys that a recipe leaves open, such as ``data.text_column``.
    """

    parts: Mapping[str, Any]
    headline: str
    notes: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)


class Examples(Protocol):
    """Encoded examples of one part; ``lengths`` are their steps, (N,)."""

    lengths: np.ndarray

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray) -> Any:
        """Collate the examples at ``indices``: a dataclass of tensors that :func:`rnncli.core.device.placed` moves."""
        ...

    def place(self, index: int) -> str:
        """Where the example stands in the user's data, such as ``reviews.csv:17``."""
        ...


@runtime_checkable
class PlansBatches(Protocol):
    """Examples that say which of them go into a batch of training, and in which order the batches come."""

    def plan(self, *, max_examples: int, max_tokens: int, seed: int, epoch: int) -> BatchPlan:
        """The batches of an epoch, a function of the arguments alone."""
        ...


@runtime_checkable
class Columned(Protocol):
    """A part of a corpus that knows more of its examples than they are learnt from."""

    def column(self, name: str, key: str) -> Iterator[str]:
        """A text for each example, by a column that the recipe's ``key`` names; DataError where there is none."""
        ...


Batches = Callable[[], Iterable[tuple["np.ndarray", Any]]]
"""Gives the task's own batches of a part once, each with the indices of its examples, on the device of the model."""


class Fitted(Protocol[M]):
    """A task fitted to its training part: vocabulary, labels and all else that encoding and reading results needs.

    ``M`` is the class of its model.
    """

    best_by: str
    """The dev metric that names the best epoch unless the recipe says otherwise."""

    notes: tuple[str, ...]
    """What a person should hear of the choices made in fitting."""

    about: About
    """What scoring has to know beside the rows of predictions."""

    def save(self, folder: Path) -> None:
        """Write what :meth:`Task.load` needs into ``folder``."""
        ...

    def encode(self, part: Any, *, training: bool = False) -> Examples:
        """Encode one part of a corpus; ``training`` says that it is the one that was fitted to, and to train on."""
        ...

    def build(self) -> M:
        """A new model, its weights drawn from torch's global generator."""
        ...

    def loss(self, model: M, batch: Any) -> Tensor:
        """The mean loss of the batch, a scalar."""
        ...

    def validate(self, model: M, examples: Any, batches: Batches) -> Metrics:
        """Metrics of a part, ``loss`` among them; the model is in evaluation mode, gradients off."""
        ...

    def predictions(self, model: M, part: Any, examples: Any, batches: Batches) -> Iterable[Row]:
        """A row for each example of a part, from which alone it is scored."""
        ...

    def baselines(self, parts: Mapping[str, Any], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Simple rivals trained on ``train`` and scored on ``split``, and what is to be said of them."""
        ...


@runtime_checkable
class Adapts(Protocol):
    """A fitted task that gives keys of the recipe other values, after its training part."""

    recipe: Any
    """The recipe that it goes by: run again, it gives the same model."""


@runtime_checkable
class Settles(Protocol):
    """A fitted task that also chooses on dev what training does not, such as the weight of a language model."""

    def settle(self, model: nn.Module, dev: Examples, batches: Batches) -> None:
        """Choose with the best model, before anything is scored; ``save`` then keeps it."""
        ...


@runtime_checkable
class ScoresSteps(Protocol):
    """A fitted task that can tell what each step of its examples costs, such as each symbol of a text."""

    def scores(self, model: Any, part: Any, examples: Any, batches: Batches) -> Iterator[Row]:
        """A row for each step, in order: ``place``, ``token``, ``nats``, which is -ln p of it."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A fitted task whose loss changes as training goes on."""

    def pace(self, done: float) -> None:
        """Hear before each step which share of training is done, from 0 to 1."""
        ...


@runtime_checkable
class Carries(Protocol):
    """A fitted task that carries something from one step of training to the next, such as the state of a text."""

    def carried(self) -> dict[str, Tensor]:
        """What the next step needs, for a checkpoint."""
        ...

    def carry(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on with what :meth:`carried` gave; KeyError for something else."""
        ...


@runtime_checkable
class NamesRows(Protocol):
    """A fitted task whose weights have places along their axes that stand for words, labels and the like."""

    def axes(self) -> Axes:
        """What these places stand for, so that a model of more or other ones can begin with the weights."""
        ...


class Task(Protocol):
    """A task, which its module ``task`` is: reads a corpus, fits to the training part, comes back from a folder."""

    def read(self, recipe: Any) -> Corpus:
        """Read and split the data of ``recipe``; raises DataError."""
        ...

    def read_more(self, recipe: Any, path: Path) -> Corpus:
        """Read a further labelled file as one part, ``test``, by the recipe's columns; raises DataError."""
        ...

    def fit(self, recipe: Any, corpus: Corpus) -> Fitted[Any]:
        """Fit to ``corpus.parts["train"]``."""
        ...

    def load(self, recipe: Any, folder: Path) -> Fitted[Any]:
        """What :meth:`Fitted.save` wrote; raises RunError."""
        ...

    def predictor(self, fitted: Any, model: Any, device: torch.device) -> Predictor:
        """A predictor around a trained model that lies on ``device``."""
        ...

    def check(self, recipe: Any, corpus: Corpus) -> list[ReportTable]:
        """Tables that let a person judge the data."""
        ...


@runtime_checkable
class FitsFurther(Protocol):
    """A task whose models can learn on from further data."""

    def fit_further(self, recipe: Any, corpus: Corpus, known: Any) -> Fitted[Any]:
        """Fit to ``corpus.parts["train"]`` as an extension of ``known``, what another run was fitted to.

        Its notes say what is new, what is kept and what is learnt anew; DataError or RecipeError for what does not fit.
        """
        ...


@runtime_checkable
class Advising(Protocol):
    """A task that can tell what is wrong with its data."""

    def findings(self, corpus: Corpus) -> Iterable[Advice]:
        """What is odd in the data and what to do about it, such as equal texts with two labels."""
        ...


class Scoring(Protocol):
    """What rows of predictions are worth, which a task's module ``metrics`` tells.

    KeyError or ValueError for rows of no use.
    """

    def statistics(self, rows: Sequence[Row], about: About) -> Statistics:
        """All metrics, each defined once."""
        ...

    def details(self, rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
        """All else that a report says: classes, tables, mistakes."""
        ...

    def figures(self, rows: Sequence[Row], about: About) -> list[Figure]:
        """What a page draws of them."""
        ...

    def samples(self, rows: Sequence[Row], about: About, most: int) -> list[Sample]:
        """Examples worth looking at, ``most`` of them at most, such as those that went wrong most."""
        ...


@runtime_checkable
class CellScoring(Protocol):
    """Scoring of examples with one label each."""

    def cell_samples(self, rows: Sequence[Row], most: int) -> list[Sample]:
        """At most ``most`` examples of each cell of the confusion matrix, their ``cell`` set."""
        ...


@runtime_checkable
class Illustrating(Protocol):
    """Scoring of what can be seen or heard."""

    def illustrated(self, sample: Sample, recipe: Any) -> Sample:
        """The sample with media of its file; as it is where the file has gone or cannot be read."""
        ...
