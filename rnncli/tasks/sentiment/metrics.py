"""What the predictions of a classifier of texts are worth: see :class:`rnncli.tasks.base.Scoring`."""

from rnncli.tasks.classify.scoring import LabelScoring

_SCORING = LabelScoring("text")
statistics, details, figures, samples = _SCORING.statistics, _SCORING.details, _SCORING.figures, _SCORING.samples
cell_samples = _SCORING.cell_samples
