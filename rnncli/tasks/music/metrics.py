"""What foretold music is worth: see :class:`rnncli.tasks.base.Scoring`."""

from __future__ import annotations

from rnncli.report.build import Details
from rnncli.tasks.write.scoring import music_scores, of_rows


def statistics(rows, about):
    return of_rows(rows, music_scores)


def details(rows, about, settings, seed):
    return Details()


def figures(rows, about):
    return []


def samples(rows, about, most):
    return []
