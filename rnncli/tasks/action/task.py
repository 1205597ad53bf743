"""Recognition of actions, clips to classes by a recurrent network and pooling: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import torch

from rnncli.report.build import Advice
from rnncli.tasks.action import data
from rnncli.tasks.action.extras import checks
from rnncli.tasks.action.extras.explained import ActionExplainer
from rnncli.tasks.action.fitted import FittedAction
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.predictor import ActionPredictor
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.exporting import Exported
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.form import FORM_KEPT, Form
from rnncli.tasks.frames.steps import FrameSteps

read, read_more = data.read_corpus, data.read_more


def fit(recipe: ActionRecipe, corpus: Corpus) -> FittedAction:
    """The classes and the form of the training part."""
    train: FramePart = corpus.parts["train"]
    return _fitted(recipe, Counter(train.truths), train, Form.learn(recipe, train.clips))


def fit_further(recipe: ActionRecipe, corpus: Corpus, known: FittedAction) -> FittedAction:
    """The classes of a run and new ones; the form of its frames."""
    train: FramePart = corpus.parts["train"]
    counts = Counter(train.truths)
    every = dict.fromkeys(known.labels.names, 0) | counts
    fitted = _fitted(recipe, every, train, known.form.kept(recipe, train.clips), known.longest)
    fitted.notes = (*fitted.notes, *known.labels.growth(counts), FORM_KEPT)
    return fitted


load = FittedAction.load
predictor = ActionPredictor
check = checks.tables


def export(fitted: FittedAction, model: ActionClassifier, *, stream: bool) -> Exported:
    """The recognizer as an ONNX graph with its tables."""
    from rnncli.tasks.action.extras import graph  # which wants the extra "export"

    return graph.export(fitted, model, stream=stream)


def findings(corpus: Corpus) -> Iterator[Advice]:
    """Clips with two classes, classes that stand for none, clips of test that train has."""
    yield from checks.findings(corpus.parts)


def step_reader(fitted: FittedAction, model: ActionClassifier, device: torch.device) -> FrameSteps:
    """What the core reads at each step; the class of a clip is a mark of each of its frames."""
    predictor = ActionPredictor(fitted, model, device)
    return FrameSteps(predictor, model, device, lambda examples, index: {"class": examples.part.truths[index]})


def explainer(fitted: FittedAction, model: ActionClassifier, device: torch.device) -> ActionExplainer:
    """What the class of a clip hangs on."""
    return ActionExplainer(fitted, model, device)


def _fitted(
    recipe: ActionRecipe, counts: Mapping[str, int], train: FramePart, form: Form, longest: int = 0
) -> FittedAction:
    longest = max(longest, *(clip.frames for clip in train.clips))
    fitted = FittedAction(recipe, counts, longest, form)
    fitted.labels.require_metric(recipe.train.best_by)
    return fitted
