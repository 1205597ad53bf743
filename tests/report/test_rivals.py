"""The best figure of a row, whoever has it."""

from __future__ import annotations

import dataclasses

from rnncli.report.card import model_card
from rnncli.report.page import Story, report_page
from rnncli.report.render import render_report
from rnncli.report.rivals import MODEL, best_rival, leaders
from tests.report.samples import scored
from tests.report.test_build import bare

VALUES = {"accuracy": 0.7, "log_loss": 0.5, "f1_macro": 0.6, "roc_auc": 0.9}
RIVALS = {
    "plain": {"accuracy": 0.75, "log_loss": 0.6, "f1_macro": 0.6000001, "roc_auc": None},
    "poor": {"accuracy": 0.5, "log_loss": None},
}


def made():
    return dataclasses.replace(bare(scored(9, VALUES)), baselines=RIVALS, advice=("found: do <this>",))


def lines(width=None):
    return [line.plain for line in render_report(made(), width)]


def row(written, start):
    return next(line for line in written if line.startswith(start)).split()


def test_the_best_is_found_by_the_way_that_is_better_and_to_the_digits_shown():
    found = {name: leaders(made(), name) for name in VALUES}
    assert found == {
        "accuracy": {"plain"},
        "log_loss": {MODEL},
        "f1_macro": {MODEL, "plain"},
        "roc_auc": frozenset(),  # nobody else has one
    }
    assert best_rival(made(), "accuracy") == ("plain", 0.75)
    assert best_rival(made(), "log_loss") == ("plain", 0.6)
    assert best_rival(made(), "roc_auc") is None


def test_a_pipe_and_a_terminal_mark_it_behind_the_figure():
    written = lines()
    assert row(written, "accuracy") == ["accuracy", "70.0", "75.0*", "50.0"]
    assert row(written, "log loss")[2:] == ["0.500*", "0.600", "-"]
    assert row(written, "f1 macro")[2:] == ["60.0*", "60.0*", "-"]
    assert "* the best of its row" in written
    below = lines(30)
    assert row(below, "log loss")[2:] == ["0.500*"]
    assert row(below, "plain")[1] == "75.0*"


def test_nothing_is_marked_without_rivals():
    alone = dataclasses.replace(made(), baselines={})
    assert not any("*" in line.plain for line in render_report(alone))


def test_a_page_has_it_in_bold_and_the_best_rival_in_its_headline():
    page = report_page(Story("run", made()))
    assert 'class="n best">75.0</td>' in page
    assert 'class="n best">0.500</td>' in page
    assert "best rival 75.0, plain" in page.split("<h2>")[0]
    assert "**75.0**" in model_card(Story("run", made()))


def test_the_verdict_stands_on_page_and_terminal_folded_to_its_width():
    assert "<h2>Verdict</h2>" in report_page(Story("run", made()))
    assert "found: do &lt;this&gt;" in report_page(Story("run", made()))
    assert lines()[-1] == "verdict   - found: do <this>"
    long = dataclasses.replace(made(), advice=("word " * 40, "second"))
    written = [line.plain for line in render_report(long, 40)]
    assert max(map(len, written)) <= 40
    assert written[-1] == "          - second"
