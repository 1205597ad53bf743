"""The model beside its rivals: whose figure is the best of a row, and which rival is the one to beat."""

from __future__ import annotations

from rnncli.report.build import Report

MODEL = ""
"""Stands for the model among the names of its rivals."""
MARK = "*"
"""Behind the best figure of a row, where there is no bold type."""
LEGEND = f"{MARK} the best of its row"


TEACHERS = "teachers"
"""Stands for those that the model was taught by, which are beside it, and no simpler method to take in its place."""


def leaders(report: Report, metric: str) -> frozenset[str]:
    """Whose figure is the best, or as good as the best to the digits shown; empty where nobody but the model has one.

    The model is :data:`MODEL`, rivals are their names.
    """
    values = {MODEL: report.metrics[metric].value}
    values |= {name: found.get(metric) for name, found in report.baselines.items()}
    known = {name: value for name, value in values.items() if value is not None}
    if MODEL not in known or len(known) < 2:
        return frozenset()
    best = min(known.values(), key=report.metrics[metric].direction.badness)
    shown = report.written(metric, best)
    return frozenset(name for name, value in known.items() if report.written(metric, value) == shown)


def best_rival(report: Report, metric: str) -> tuple[str, float] | None:
    """The rival with the best figure and that figure; None where no rival has one."""
    found = {name: values.get(metric) for name, values in report.baselines.items()}
    known = {name: value for name, value in found.items() if value is not None and name != TEACHERS}
    if not known:
        return None
    name = min(known, key=lambda name: report.metrics[metric].direction.badness(known[name]))
    return name, known[name]


def main_metric(report: Report, watched: str = "") -> str:
    """The metric that the model was chosen by, or else the first that is shown; empty where there is none."""
    shown = [name for name, metric in report.metrics.items() if metric.show != "never"]
    return watched if watched in report.metrics else next(iter(shown or report.metrics), "")
