"""Explain what the best model of a run predicts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from rnncli import tasks
from rnncli.errors import DataError, UsageError
from rnncli.explain.answer import Explanation, answers
from rnncli.explain.attribution import Attribution, attribute, frozen
from rnncli.explain.choice import SAMPLE, ChosenMethod, choose, sample
from rnncli.explain.deletion import Curve, curve
from rnncli.explain.summary import Speaker, speakers
from rnncli.report.explained import MOST_PICTURED, ToldAnswer, pictured
from rnncli.report.figures import Media
from rnncli.runs.answers import Predicting
from rnncli.runs.outcome import read_rows
from rnncli.runs.predicting import USUAL, InputForm, given
from rnncli.runs.use import Trained, asking, load, predictor_of, require_run
from rnncli.tasks.explaining import UNKNOWN, Explainer, ExplainingTask, LabelQuestion, PicturingExplainer
from rnncli.tasks.predictors import Missing, Predictor

AUTO = "auto"


@dataclass(frozen=True)
class Summary:
    """What many answers have in common: which pieces speak for each label, and whether the answers hold."""

    questions: int
    curve: Curve
    added_up: int
    speakers: dict[str, list[Speaker]]


@dataclass(frozen=True)
class Explaining:
    """A run whose answers are explained, held ``against`` what its model never saw, or against nothing."""

    trained: Trained
    explainer: Explainer
    predictor: Predictor
    against: str = UNKNOWN

    def questions(self, inputs: Sequence[str], stdin: BinaryIO | None, of: str) -> list[LabelQuestion]:
        """What there is to be explained of inputs as ``predict`` takes them; rows without an example are left out."""
        reading = InputForm(asked=asking(self.trained)) if len(inputs) == 1 else USUAL
        found = given(self.predictor, inputs, stdin, reading)
        return self.explainer.questions(list(_examples(found)), of)

    def choose(self, method: str, questions: Sequence[LabelQuestion]) -> ChosenMethod:
        """The method that is named or, of ``auto``, that which wins on answers of the run or on these ``questions``."""
        if method != AUTO:
            return ChosenMethod(method, f"{method}, as was asked", {})
        if known := self._known:
            return choose(self.explainer, known, self.against, "the run's predictions")
        return choose(self.explainer, questions, self.against, "these examples")

    def answer(self, questions: Sequence[LabelQuestion], method: str) -> list[Explanation]:
        """What each question's label hangs on."""
        return answers(self.explainer, questions, self.attribute(questions, method), self.against)

    def attribute(self, questions: Sequence[LabelQuestion], method: str) -> list[Attribution]:
        """The same as amounts alone."""
        with frozen(self.trained.model):
            return attribute(self.explainer, questions, method, self.against)

    def summary(self, questions: Sequence[LabelQuestion], method: str) -> Summary:
        """What the answers to all questions have in common."""
        found = self.attribute(questions, method)
        held = curve(self.explainer, questions, found)
        added_up = sum(one.adds_up for one in found)
        return Summary(len(questions), held, added_up, speakers(self.explainer, questions, found))

    def told(self, found: Sequence[Explanation]) -> list[ToldAnswer]:
        """Answers as a page shows them, those of clips with pictures of their frames."""
        told: list[ToldAnswer] = []
        strips: set[Hashable] = set()
        for one in found:
            line, example = one.pieces.line, one.question.example
            if line is None:
                told.append(ToldAnswer(one.row(), one.pieces.gaps))
                continue
            strip = (one.question.number, line.edges[0])
            pictures: Sequence[Media] = ()
            if strip not in strips and len(strips) < MOST_PICTURED and isinstance(self.explainer, PicturingExplainer):
                pictures = self.explainer.pictures(example, pictured(len(one.pieces.shown)))
            strips.add(strip)
            told.append(ToldAnswer(one.row(), one.pieces.gaps, strip, pictures))
        return told

    @cached_property
    def _known(self) -> list[LabelQuestion]:
        """Some of what the run predicted when it was done; none where it kept nothing."""
        for split in ("dev", "test"):
            path = self.trained.run.prediction_file(split)
            if path.is_file():
                examples = (self.explainer.example(row) for row in read_rows(path))
                some = _spread([one for one in examples if one is not None], 2 * SAMPLE)
                return sample(self.explainer.questions(some), SAMPLE)
        return []


def open_explaining(path: Path, against: str = UNKNOWN) -> Explaining:
    """The run at ``path``; UsageError for one of a task that cannot tell."""
    require_run(path, "explain")
    trained = load(path, exact=True)
    task = tasks.load(trained.recipe.task)
    if not isinstance(task, ExplainingTask):
        able = [name for name in tasks.names() if isinstance(tasks.load(name), ExplainingTask)]
        raise UsageError(
            f"{path}: a run of task {trained.recipe.task}, whose predictions cannot be explained",
            f"those of {', '.join(able)} can",
        )
    explainer = task.explainer(trained.fitted, trained.model, trained.placement.device)
    return Explaining(trained, explainer, predictor_of(trained), against)


def _examples(found: Predicting) -> Iterator[Any]:
    """The examples of inputs; DataError where there are none."""
    count = 0
    for chunk in found.chunks:
        for one in chunk:
            if not isinstance(one, Missing):
                count += 1
                yield one
    if not count:
        raise DataError("nothing to explain: no example is there", "give a text, or a file with some")


def _spread(examples: Sequence[Any], most: int) -> list[Any]:
    """At most so many, evenly spread."""
    step = max(1, len(examples) // most)
    return list(examples[::step][:most])
