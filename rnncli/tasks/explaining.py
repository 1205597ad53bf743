"""What a task gives so that its predictions can be explained: what a model reads, in tensors that have gradients.

A task that can has a function ``explainer`` in its module ``task``. What is explained is a *question*: why does the
model give this label so much, in log-odds? An answer gives each *piece* of the example (a word, a character, a frame)
an amount of them. Methods, and the checks of them, are in :mod:`rnncli.explain`, for all tasks.

Shape letters: B questions, P pieces, N rows of B questions once or several times over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from rnncli.report.figures import Media
    from rnncli.tasks.base import Row

UNKNOWN, ZERO = "unknown", "zero"
AGAINST = (UNKNOWN, ZERO)
"""What a piece may be held against: what the model reads of something it never saw, or nothing at all."""


@dataclass(frozen=True)
class InputStream:
    """One of the inputs of a model, such as embeddings, or what n-grams say of each word.

    ``given`` is what the model reads of each question, (B, ...), and ``baseline`` of the same shape what that is held
    against. ``credit`` shares out a gradient of that shape, that of the score somewhere between the two: the change of
    the score that it tells of each piece, (B, P). For an input by pieces that is
    ``(gradient_BPI * (given - baseline)).sum(-1)``.
    """

    name: str
    given: Tensor
    baseline: Tensor
    credit: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class QuestionReading:
    """Some questions as a model reads them.

    ``score`` gives the log-odds of each, (N,), for values of the streams, in their order, of N rows: all the questions,
    or all of them several times over. It must have gradients in evaluation mode. ``beside`` are log-odds by other
    means, (B,) each, such as those that evidence alone gives. No more than ``most_rows`` are to be scored at once.
    """

    streams: Sequence[InputStream]
    score: Callable[[Sequence[Tensor]], Tensor]
    beside: dict[str, Tensor] = field(default_factory=dict)
    most_rows: int = 512


@dataclass(frozen=True)
class LabelQuestion:
    """Why ``label``? ``number`` is that of the example among those that were asked of; ``target`` is the task's own.

    ``at`` is where the label stands: the first piece and that behind the last, None for the whole example. ``part`` is
    which part of an answer it is, such as the number of a word of a caption from 0, None where it is all of it.
    ``looked`` is the attention that each piece got, (P,), where the model has any: where it looked, which is not why.
    """

    number: int
    example: Any
    label: str
    probability: float
    target: Any = None
    at: tuple[int, int] | None = None
    part: int | None = None
    looked: Sequence[float] = ()


@dataclass(frozen=True)
class TimeLine:
    """Where pieces lie that follow each other in time: the ends of all, (P + 1,), in seconds, or else in pieces."""

    edges: Sequence[float]
    in_seconds: bool = True


@dataclass(frozen=True)
class Pieces:
    """How the pieces of an example are shown: the text of each and what stands behind it, such as a space.

    ``names`` are what they are to the model, by which those of several examples are counted together. ``line`` is there
    for frames, and ``title`` is what an example is called that is no text.
    """

    shown: Sequence[str]
    gaps: Sequence[str]
    names: Sequence[str]
    line: TimeLine | None = None
    title: str = ""


class Explainer(Protocol):
    """What a trained model's answers hang on; examples are those of the task's predictor."""

    piece: str
    """What a piece is called: ``word``, ``character``, ``frame``."""
    labels: Sequence[str]
    """What can be asked for by name, as far as they can be listed."""
    of_parts: bool
    """Whether questions are about parts, of the example or of the answer; else there is one about all of it."""
    together: int
    """Questions that are best answered at once."""

    def questions(self, examples: Sequence[Any], of: str = "") -> list[LabelQuestion]:
        """Why it predicted what it did of each example or, with ``of``, what speaks for and against that label.

        An example can have none or several, such as one for each span.
        """
        ...

    def pieces(self, example: Any) -> Pieces:
        """The pieces of an example, which may have none."""
        ...

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """What the model reads of them, on its device; P is the largest number of pieces, at least 1."""
        ...

    def without(self, question: LabelQuestion, pieces: np.ndarray) -> LabelQuestion:
        """The same question of the example without the pieces of these numbers, read anew as if it never had them."""
        ...

    def example(self, row: Row) -> Any | None:
        """The example of a row of predictions as a run keeps them, None where it is not to be had."""
        ...


@runtime_checkable
class PicturingExplainer(Protocol):
    """An explainer of examples whose pieces can be seen."""

    def pictures(self, example: Any, pieces: Sequence[int]) -> Sequence[Media]:
        """A small picture of each of these pieces, or of none where they cannot be read."""
        ...


@runtime_checkable
class ExplainingTask(Protocol):
    """A task whose predictions can be explained."""

    def explainer(self, fitted: Any, model: Any, device: torch.device) -> Explainer:
        """An explainer of a trained model that lies on ``device``."""
        ...
