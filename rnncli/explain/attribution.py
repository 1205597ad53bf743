"""Amounts for the pieces of an example, which add up to what is to be explained, or nearly, or do not try to.

Shape letters: B questions, P pieces, S streams, N rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.tasks.explaining import UNKNOWN, Explainer, LabelQuestion, QuestionReading

GRADIENT, INTEGRATED, OCCLUSION = "gradient", "ig", "occlusion"
METHODS = (INTEGRATED, GRADIENT, OCCLUSION)
STEPS = (8, 32, 128, 512)
"""Points at which gradients are taken, more where fewer do not add up."""
EXACT_SHARE, EXACT_LEAST = 0.01, 0.001
"""Amounts add up if they are off by no more than this share of the difference, or by no more log-odds than this."""


@dataclass(frozen=True)
class Attribution:
    """Amounts (P,) in log-odds for each of S ``streams`` (S, P); ``start`` and ``end`` are the log-odds of the baseline
    and of the example itself, and ``steps`` at how many points gradients were taken. ``beside`` is that of a reading.
    """

    method: str
    streams: tuple[str, ...]
    parts_SP: np.ndarray
    start: float
    end: float
    steps: int
    beside: dict[str, float]

    @property
    def amounts_P(self) -> np.ndarray:
        """What each piece adds, of all streams."""
        return self.parts_SP.sum(0)

    @property
    def off(self) -> float:
        """Completeness: by how much the sum differs from the difference that it is to explain, in log-odds."""
        return abs(float(self.parts_SP.sum()) - (self.end - self.start))

    @property
    def adds_up(self) -> bool:
        """Whether that is within one part in a hundred of the difference."""
        return self.off <= max(EXACT_SHARE * abs(self.end - self.start), EXACT_LEAST)


def attribute(
    explainer: Explainer, questions: Sequence[LabelQuestion], method: str, against: str = UNKNOWN
) -> list[Attribution]:
    """What each piece adds to the log-odds of each question, by one of ``METHODS``."""
    answers: list[Attribution | None] = [None] * len(questions)
    for some in chunks(explainer, questions):
        asked = [questions[i] for i in some]
        if method == OCCLUSION:
            found = occlusion(explainer, asked, against)
        elif method == GRADIENT:
            found = along(explainer, asked, against, 0)
        else:
            found = integrated(explainer, asked, against)
        for i, answer in zip(some, found, strict=True):
            answers[i] = answer
    return [answer for answer in answers if answer is not None]


def integrated(explainer: Explainer, questions: Sequence[LabelQuestion], against: str) -> list[Attribution]:
    """Integrated gradients (Sundararajan, Taly and Yan 2017): at more points where the amounts do not add up."""
    answers = along(explainer, questions, against, STEPS[0])
    for steps in STEPS[1:]:
        open_ = [i for i, answer in enumerate(answers) if not answer.adds_up]
        if not open_:
            break
        for i, answer in zip(open_, along(explainer, [questions[i] for i in open_], against, steps), strict=True):
            answers[i] = answer
    return answers


def along(explainer: Explainer, questions: Sequence[LabelQuestion], against: str, steps: int) -> list[Attribution]:
    """Gradients at ``steps`` points between baseline and example, or for 0 at the example, times what lies between."""
    reading = explainer.read(questions, against)
    given, baseline = [one.given for one in reading.streams], [one.baseline for one in reading.streams]
    gradients, end_B = _gradients(reading, given) if not steps else _mean_gradients(reading, steps)
    with torch.no_grad():
        start_B = reading.score(baseline).double().cpu()
        end_B = reading.score(given).double().cpu() if end_B is None else end_B
        parts_SBP = torch.stack(
            [one.credit(gradient).double().cpu() for one, gradient in zip(reading.streams, gradients, strict=True)]
        ).numpy()
    method = INTEGRATED if steps else GRADIENT
    return _answers(explainer, questions, reading, method, parts_SBP, start_B, end_B, max(steps, 1))


def occlusion(explainer: Explainer, questions: Sequence[LabelQuestion], against: str) -> list[Attribution]:
    """How much the log-odds fall when a piece is deleted and the rest read anew; the sum need not be anything."""
    reading = explainer.read(questions, against)
    with torch.no_grad():
        end_B = reading.score([one.given for one in reading.streams]).double().cpu()
        start_B = reading.score([one.baseline for one in reading.streams]).double().cpu()
    counts = [len(explainer.pieces(question.example).shown) for question in questions]
    gone = [explainer.without(q, np.array([p])) for q, n in zip(questions, counts, strict=True) for p in range(n)]
    after = scores(explainer, gone)
    parts_SBP = np.zeros((1, len(questions), max(1, *counts)))
    at = 0
    for b, count in enumerate(counts):
        parts_SBP[0, b, :count] = float(end_B[b]) - after[at : at + count]
        at += count
    return _answers(explainer, questions, reading, OCCLUSION, parts_SBP, start_B, end_B, 1)


@torch.no_grad()
def scores(explainer: Explainer, questions: Sequence[LabelQuestion]) -> np.ndarray:
    """The log-odds of each question, (B,) float64."""
    found = np.zeros(len(questions))
    for some in chunks(explainer, questions):
        reading = explainer.read([questions[i] for i in some])
        found[some] = reading.score([one.given for one in reading.streams]).double().cpu().numpy()
    return found


def chunks(explainer: Explainer, questions: Sequence[LabelQuestion]) -> Iterator[list[int]]:
    """The numbers of questions of like length, as many as are best answered at once."""
    lengths = [len(explainer.pieces(question.example).shown) for question in questions]
    order = np.argsort(lengths, kind="stable").tolist()
    for at in range(0, len(order), explainer.together):
        yield order[at : at + explainer.together]


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """In evaluation mode, and without gradients of weights, which nobody asks for."""
    training, wanted = model.training, [one for one in model.parameters() if one.requires_grad]
    model.eval()
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        model.train(training)
        for parameter in wanted:
            parameter.requires_grad_(True)


def _mean_gradients(reading: QuestionReading, steps: int) -> tuple[list[Tensor], None]:
    """The mean of the gradients along the straight way, by the rule of Gauss and Legendre, several points at once."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    at, weights = (points + 1) / 2, weights / 2
    batch = len(reading.streams[0].given)
    together = max(1, reading.most_rows // max(1, batch))
    means = [torch.zeros_like(one.given) for one in reading.streams]
    for begin in range(0, steps, together):
        some, weight = at[begin : begin + together], weights[begin : begin + together]
        values = [
            torch.cat([one.baseline + float(share) * (one.given - one.baseline) for share in some])
            for one in reading.streams
        ]
        gradients, _ = _gradients(reading, values)
        for mean, gradient in zip(means, gradients, strict=True):
            for number, share in enumerate(weight):
                mean += float(share) * gradient[number * batch : (number + 1) * batch]
    return means, None


def _gradients(reading: QuestionReading, values: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
    """The gradients of the score of each row, and the scores."""
    with torch.enable_grad():
        leaves = [value.detach().requires_grad_() for value in values]
        score_N = reading.score(leaves)
        found = torch.autograd.grad(score_N.sum(), leaves, allow_unused=True)
    gradients = [torch.zeros_like(leaf) if one is None else one for leaf, one in zip(leaves, found, strict=True)]
    return gradients, score_N.detach().double().cpu()


def _answers(
    explainer: Explainer,
    questions: Sequence[LabelQuestion],
    reading: QuestionReading,
    method: str,
    parts_SBP: np.ndarray,
    start_B: Tensor,
    end_B: Tensor,
    steps: int,
) -> list[Attribution]:
    names = ("deleted",) if method == OCCLUSION else tuple(one.name for one in reading.streams)
    found = []
    for b, question in enumerate(questions):
        count = len(explainer.pieces(question.example).shown)
        beside = {name: float(value[b]) for name, value in reading.beside.items()}
        parts_SP = parts_SBP[:, b, :count]
        found.append(Attribution(method, names, parts_SP, float(start_B[b]), float(end_B[b]), steps, beside))
    return found
