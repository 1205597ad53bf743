"""What the predictions of a recognizer of actions are worth: see :class:`rnncli.tasks.base.Scoring`."""

from rnncli.tasks.action.windows import SHOWN
from rnncli.tasks.classify.scoring import LabelScoring
from rnncli.tasks.frames.pictures import illustrated

__all__ = ["cell_samples", "details", "figures", "illustrated", "samples", "statistics"]

_SCORING = LabelScoring(SHOWN)
statistics, details, figures, samples = _SCORING.statistics, _SCORING.details, _SCORING.figures, _SCORING.samples
cell_samples = _SCORING.cell_samples
