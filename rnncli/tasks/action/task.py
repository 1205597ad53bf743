"""Recognition of actions, clips to classes by a recurrent network and pooling: a :class:`rnncli.tasks.base.Task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rnncli.report.build import Advice
from rnncli.tasks.action import data
from rnncli.tasks.action.extras import checks
from rnncli.tasks.action.fitted import FittedAction
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.predictor import ActionPredictor
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.exporting import Exported
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.form import Form

read, read_more = data.read_corpus, data.read_more


def fit(recipe: ActionRecipe, corpus: Corpus) -> FittedAction:
    """The classes and the form of the training part."""
    train: FramePart = corpus.parts["train"]
    longest = max(clip.frames for clip in train.clips)
    fitted = FittedAction(recipe, Counter(train.truths), longest, Form.learn(recipe, train.clips))
    fitted.labels.require_metric(recipe.train.best_by)
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
