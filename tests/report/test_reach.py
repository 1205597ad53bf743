"""How far gradients reach, in words, in JSON, as a picture."""

from __future__ import annotations

import dataclasses
import json

import pytest

from rnncli.report.folds import cross_validated
from rnncli.report.page import Story, report_page
from rnncli.report.reach import mean_reach, reach, reach_words
from rnncli.report.reading import report_of
from rnncli.report.render import render_report
from tests.report.samples import report

BOTH = reach({"forward": [1.0, 0.5, 0.099, 0.3], "reverse": [1.0, 0.4, 0.2, 0.0]}, 0.1, 32)
FAR = reach({"forward": [1.0, 0.9, 0.8]}, 0.1, 8)


def test_the_reach_is_the_first_distance_at_which_less_arrives_the_mean_of_directions():
    assert (BOTH.steps, BOTH.beyond) == (2.5, False)
    assert (FAR.steps, FAR.beyond) == (3.0, True)
    assert reach_words(BOTH) == "10 % of the gradient arrives 2.5 steps back (forward 2, reverse 3)"
    assert reach_words(FAR) == "10 % of the gradient arrives > 3.0 steps back"
    with pytest.raises(ValueError, match="no direction"):
        reach({}, 0.1, 1)


def test_the_mean_of_several_is_beyond_where_one_is_and_none_where_one_is_not_known():
    mean = mean_reach([BOTH, FAR])
    assert mean is not None
    assert (mean.steps, mean.beyond, mean.sequences, mean.shares) == (2.75, True, 40, {})
    assert mean_reach([BOTH, None]) is None
    assert mean_reach([]) is None


def test_a_report_keeps_it_and_one_without_says_nothing():
    measured = dataclasses.replace(report(), reach=BOTH)
    assert report_of(json.loads(json.dumps(measured.to_dict()))) == measured
    assert "reach" not in report().to_dict()
    assert any(line.plain.startswith("reach     10 % of") for line in render_report(measured))
    folds = cross_validated([measured, measured])
    assert folds.reach == mean_reach([BOTH, BOTH])


def test_a_page_shows_its_curve_on_a_scale_of_powers():
    page = report_page(Story("run", dataclasses.replace(report(), reach=BOTH)))
    assert "arrives from so many steps back" in page
    assert ">0.1</text>" in page
    assert "reverse</title>" in page
    assert page.count("<use ") == 7  # a share of nothing has no place on it
    assert 'role="img"' not in report_page(Story("run", dataclasses.replace(report(), reach=mean_reach([BOTH]))))
