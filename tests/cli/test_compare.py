"""``rnncli compare``: one table of runs, gathered by seed, differences tested."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from statistics import fmean, stdev

import numpy as np
import pytest
from rich.cells import cell_len
from scipy import stats

from rnncli.comparison.compare import compare
from rnncli.metrics.paired import Parts, randomisation, share
from rnncli.report.reach import reach
from rnncli.report.side import lines, rows, titles
from rnncli.runs.directory import RunDirectory
from rnncli.runs.outcome import remember_base
from tests.commands import rnncli
from tests.runs.made import made_run

FIELDS = {"task", "split", "examples", "confidence", "metrics", "keys", "base", "best", "titles", "units", "better"}
FIELDS |= {"settings", "apart", "notes", "nominal"}
SETTING = {"name", "settings", "runs", "seeds", "scores", "versus", "parameters", "seconds", "reach", "reach_beyond"}
VERSUS = {"difference", "low", "high", "p", "p_adjusted", "seeds", "test"}
SKILLS = {"rnn": 0.5, "lstm": 1.5, "gru": 1.6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three cells with three seeds each, and one run that did not end."""
    here = tmp_path_factory.mktemp("compare")
    for cell, skill in SKILLS.items():
        for seed in (1, 2, 3):
            made_run(here / f"{cell}-{seed}", f"model.cell={cell}", f"seed={seed}", skill=skill)
    begun = made_run(here / "begun", "model.cell=lstm", "seed=9")
    (begun / "report.json").unlink()
    return here


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def accuracies(folder, cell):
    reports = [json.loads((folder / f"{cell}-{seed}/report.json").read_text()) for seed in (1, 2, 3)]
    return [report["metrics"]["accuracy"]["value"] for report in reports]


def test_runs_that_differ_by_seed_alone_are_one_row_with_mean_and_deviation(here):
    found = rnncli("compare", ".", "--json").json
    assert [setting["settings"] for setting in found["settings"]] == [{"model.cell": cell} for cell in sorted(SKILLS)]
    assert found["keys"] == ["model.cell"]
    for setting in found["settings"]:
        values = accuracies(here, setting["settings"]["model.cell"])
        assert setting["seeds"] == [1, 2, 3]
        assert setting["scores"]["accuracy"]["mean"] == pytest.approx(fmean(values))
        assert setting["scores"]["accuracy"]["deviation"] == pytest.approx(stdev(values))
        assert (setting["parameters"], setting["seconds"]) == (12_345, 3.25)
    assert found["best"]["log_loss"] == "model.cell=gru"
    assert any("begun" in note for note in found["notes"])


def test_the_table_shows_what_differs_and_nothing_else(here):
    done = rnncli("compare", "*-[123]", "--base", "model.cell=rnn")
    lines = done.out.splitlines()
    assert lines[0] == "test, 400 examples; differences to model.cell=rnn"
    columns = ("model.cell", "runs", "accuracy", "deviation", "difference", "95 % interval", "p", "parameters")
    assert all(column in lines[1] for column in columns)
    assert "train." not in done.out
    assert [line.split()[0] for line in lines[2:5]] == ["gru", "lstm", "rnn"]
    assert re.search(r" \+\d+\.\d +\+\d+\.\d \.\. \+\d+\.\d +(< 0\.001|0\.0\d\d) ", lines[2])
    assert len(lines[4].split()) == 6


def test_a_transformer_is_shown_without_the_cell_that_it_has_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_run(tmp_path / "gru")
    made_run(tmp_path / "transformer", "model.core=transformer")
    found = compare(["gru", "transformer"])
    assert found.keys == ("model.core", "model.layers")
    made_run(tmp_path / "lstm", "model.cell=lstm", skill=1.5)
    done = rnncli("compare", "gru", "lstm", "transformer")
    table = [line.split()[:3] for line in done.out.splitlines()[1:5]]
    assert table == [
        ["model.core", "model.cell", "model.layers"],
        ["recurrent", "gru", "1"],
        ["recurrent", "lstm", "1"],
        ["transformer", "-", "2"],
    ]
    names = [one["name"] for one in rnncli("compare", "gru", "lstm", "transformer", "--json").json["settings"]]
    assert names[2] == "model.core=transformer model.layers=2"
    (row,) = [one for one in csv.DictReader(io.StringIO(rnncli("compare", ".", "--csv").out)) if "tr" in one["setting"]]
    assert row["model.cell"] == ""


def test_json_has_exactly_the_fields_that_programs_read(here):
    found = rnncli("compare", "*-[123]", "--json", "--metric", "f1_macro", "--metric", "roc_auc").json
    assert set(found) == FIELDS
    assert all(set(setting) == SETTING for setting in found["settings"])
    other = next(setting for setting in found["settings"] if setting["name"] != found["base"])
    assert set(other["scores"]["accuracy"]) == {"mean", "deviation", "values", "low", "high"}
    assert set(other["versus"]) == {"f1_macro"}  # an area is no sum over examples
    assert set(other["versus"]["f1_macro"]) == VERSUS
    assert any("roc_auc is no sum over examples" in note for note in found["notes"])


def test_single_runs_are_tested_by_randomisation_over_examples(here):
    found = rnncli("compare", "gru-1", "rnn-1", "--json").json
    versus = found["settings"][1]["versus"]["accuracy"]
    parts = []
    for run in ("gru-1", "rnn-1"):
        rows = map(json.loads, (here / run / "predictions/test.jsonl").read_text().splitlines())
        parts.append(Parts(np.array([(r["label"] == r["truth"], 1.0) for r in rows]), share))
    assert versus["p"] == randomisation(*parts)
    assert versus["difference"] == pytest.approx(parts[1].value() - parts[0].value())
    assert versus["low"] < versus["difference"] < versus["high"] < 0
    assert not versus["seeds"]
    assert any("other seeds may differ more" in note for note in found["notes"])


def test_how_far_gradients_reach_stands_beside_what_it_costs(here, tmp_path):
    reaches = {"rnn": ((0.5, 0.2, 0.05), (0.4, 0.09, 0.2)), "lstm": ((0.9, 0.8, 0.7), (0.3, 0.2, 0.01))}
    for cell, shares in reaches.items():
        for seed, arrives in enumerate(shares, start=1):
            measured = reach({"forward": [1.0, *arrives]}, 0.1, 32)
            made_run(tmp_path / f"{cell}-{seed}", f"model.cell={cell}", f"seed={seed}", reach=measured)
    found = rnncli("compare", tmp_path, "--json").json["settings"]
    assert {one["name"]: (one["reach"], one["reach_beyond"]) for one in found} == {
        "model.cell=rnn": (2.5, False),
        "model.cell=lstm": (3.5, True),
    }
    lines = rnncli("compare", tmp_path).out.splitlines()
    assert lines[1].endswith("gradient reach")
    assert {lines[2].split()[-2:][0], lines[2].split()[-1], lines[3].split()[-1]} == {">", "3.5", "2.5"}
    assert "reach" not in rnncli("compare", "*-[123]").out  # none of these was measured
    rows = list(csv.DictReader(io.StringIO(rnncli("compare", tmp_path, "--csv").out)))
    assert {(row["reach"], row["reach_beyond"]) for row in rows} == {("2.5", "0"), ("3.5", "1")}


def test_csv_holds_every_metric_whole(here):
    rows = list(csv.DictReader(io.StringIO(rnncli("compare", "*-[123]", "--csv").out)))
    assert [row["model.cell"] for row in rows] == ["gru", "lstm", "rnn"]
    assert float(rows[2]["accuracy"]) == pytest.approx(fmean(accuracies(here, "rnn")), abs=1e-12)
    assert {"f1_macro", "log_loss_deviation", "accuracy_p", "accuracy_p_adjusted"} <= set(rows[0])
    assert rows[0]["accuracy_p"] == ""  # the base


def test_a_repeated_run_is_left_out_for_seeds_would_look_alike(here, tmp_path):
    shutil.copytree("gru-1", tmp_path / "copy")
    found = rnncli("compare", "gru-1", "gru-2", tmp_path / "copy", "--json").json
    assert found["settings"][0]["seeds"] == [1, 2]
    assert any("repeats gru-1" in note for note in found["notes"])


def test_runs_on_other_examples_are_shown_and_not_tested(here, tmp_path):
    made_run(tmp_path / "other", "model.cell=lstm", "data.dev_fraction=0.2", examples=300)
    found = rnncli("compare", "gru-1", tmp_path / "other", "--json").json
    assert found["settings"][1]["versus"] == {}
    assert found["apart"] == [found["settings"][1]["name"]]
    assert any("other test examples" in note for note in found["notes"])
    assert "*" not in rnncli("compare", "gru-1", tmp_path / "other").out


def test_equal_figures_are_marked_alike_and_those_of_other_examples_never(tmp_path):
    for cell in ("gru", "lstm"):
        made_run(tmp_path / cell, f"model.cell={cell}", skill=1.5)
    for hidden in (3, 4):
        made_run(tmp_path / f"other-{hidden}", "data.dev_fraction=0.2", f"model.hidden={hidden}", examples=300, skill=9)
    done = rnncli("compare", tmp_path)
    assert [line.count("*") for line in done.out.splitlines()[2:6]] == [1, 1, 0, 0]
    assert sum("other test examples" in line for line in done.out.splitlines()) == 1


def test_runs_whose_seed_draws_the_test_part_as_well_are_compared_seed_by_seed(tmp_path):
    for cell, skill in SKILLS.items():
        for seed in (1, 2, 3):
            run = made_run(tmp_path / f"{cell}-{seed}", f"model.cell={cell}", f"seed={seed}", skill=skill)
            rows = (run / "predictions/test.jsonl").read_text()
            (run / "predictions/test.jsonl").write_text(rows.replace("reviews.csv:", f"reviews.csv:{seed}0000"))
    found = rnncli("compare", tmp_path, "--base", "model.cell=rnn", "--json").json
    gru = found["settings"][0]["versus"]["accuracy"]
    test = stats.ttest_rel(accuracies(tmp_path, "gru"), accuracies(tmp_path, "rnn"))
    assert (gru["p"], gru["seeds"]) == (pytest.approx(test.pvalue), True)


def test_runs_without_readable_predictions_are_shown_and_not_tested(here, tmp_path):
    shutil.copytree("rnn-1", tmp_path / "torn")
    (tmp_path / "torn/predictions/test.jsonl").write_text('{"place": ')
    done = rnncli("compare", "gru-1", tmp_path / "torn", "--json")
    assert done.code == 0
    assert any("not tested" in note for note in done.json["notes"])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nothing-here"], 4, "no run is there"),
        (["begun"], 4, "not finished"),
        (["gru-1", "rnn-1", "--base", "lstm"], 2, "none of the runs"),
        (["gru-1", "--metric", "wer"], 2, "has no wer"),
        (["gru-1", "--csv", "--json"], 2, "two forms"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_a_sentence(here, arguments, code, says):
    done = rnncli("compare", *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert "Traceback" not in done.err


ACTION = {"source": "action/own-data", "shown": "file"}


def several(folder):
    for cell, skill in SKILLS.items():
        made_run(folder / f"text-{cell}", f"model.cell={cell}", skill=skill)
        made_run(folder / f"clip-{cell}", f"model.cell={cell}", skill=skill, **ACTION)
    return folder


def test_a_folder_of_several_tasks_is_compared_by_task(tmp_path):
    found = rnncli("compare", several(tmp_path), "--json").json
    assert [one["task"] for one in found] == ["action", "sentiment"]
    for one in found:
        assert set(one) == FIELDS
        assert {setting["name"] for setting in one["settings"]} == {f"model.cell={cell}" for cell in SKILLS}
    shown = rnncli("compare", tmp_path, "--html", tmp_path / "page.html").out.splitlines()
    heads = [line for line in shown if "400 examples" in line]
    assert [line.split(":")[0] for line in heads] == ["action", "sentiment"]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"{line}</p>" in page for line in heads)
    rows = list(csv.DictReader(io.StringIO(rnncli("compare", tmp_path, "--csv").out)))
    assert [row["task"] for row in rows] == ["action"] * 3 + ["sentiment"] * 3


def test_a_base_of_one_of_several_tasks_is_that_of_its_own(tmp_path):
    found = rnncli("compare", several(tmp_path), "--base", tmp_path / "text-rnn", "--json").json
    assert [one["base"] for one in found] == ["model.cell=gru", "model.cell=rnn"]
    wrong = rnncli("compare", tmp_path, "--base", "model.cell=tcn")
    assert (wrong.code, "none of the runs" in wrong.err) == (2, True)
    lacking = rnncli("compare", tmp_path, "--metric", "wer")
    assert (lacking.code, "has no wer" in lacking.err) == (2, True)


def test_runs_of_two_tasks_named_by_hand_are_refused(tmp_path):
    several(tmp_path)
    done = rnncli("compare", tmp_path / "text-rnn", tmp_path / "clip-rnn")
    assert (done.code, done.out) == (2, "")
    assert "different tasks" in done.err
    assert "Traceback" not in done.err
    # With runs to be compared with they are a table each.
    assert rnncli("compare", tmp_path / "text-rnn", tmp_path / "text-gru", tmp_path / "clip-rnn").code == 0


def test_what_a_narrow_terminal_cannot_hold_is_folded_and_nothing_is_cut(here, tmp_path):
    for cell, skill in SKILLS.items():
        keys = (f"model.cell={cell}", f"train.learning_rate={skill / 1000}", f"data.text_column=column_of_{cell}s")
        made_run(tmp_path / cell, *keys, skill=skill)
    for named in (["gru-1", "rnn-1", "gru-2", "rnn-2"], [tmp_path]):
        found = compare(map(str, named))
        whole = [cell.text for row in rows(found) for cell in row if cell.text]
        for width in (60, 80, 40):
            shown = [line.plain for line in lines(found, width)]
            assert max(map(cell_len, shown)) <= width
            assert "…" not in "".join(shown)
            text = " ".join(" ".join(shown).replace("*", " ").split())
            assert all(cell in text for cell in whole)
            assert all(title in text for title in titles(found))


def test_the_best_of_a_column_is_marked(here):
    written = rnncli("compare", "gru-1", "rnn-1").out.splitlines()
    assert [line.count("*") for line in written[1:5]] == [0, 1, 0, 1]
    assert written[2].index("*") - 1 == written[3].index(".") + 1


def test_the_interval_of_a_setting_holds_test_examples_and_seeds(here):
    found = rnncli("compare", ".", "--json").json["settings"][0]["scores"]["accuracy"]
    reports = [json.loads((here / f"gru-{seed}/report.json").read_text())["metrics"]["accuracy"] for seed in (1, 2, 3)]
    of_examples = fmean((one["high"] - one["low"]) / 2 for one in reports)
    values = [one["value"] for one in reports]
    of_seeds = stats.t.ppf(0.975, 2) * stdev(values) / 3**0.5
    assert found["high"] - found["mean"] == pytest.approx((of_examples**2 + of_seeds**2) ** 0.5)
    single = rnncli("compare", "gru-1", "--json").json["settings"][0]["scores"]["accuracy"]
    assert (single["low"], single["high"]) == (reports[0]["low"], reports[0]["high"])


def test_the_base_that_a_batch_was_given_is_that_of_a_later_comparison(here, tmp_path):
    for cell, skill in SKILLS.items():
        made_run(tmp_path / cell, f"model.cell={cell}", skill=skill)
    remember_base(tmp_path, "rnn")
    assert rnncli("compare", tmp_path, "--json").json["base"] == "model.cell=rnn"
    assert rnncli("compare", *(tmp_path / cell for cell in SKILLS), "--json").json["base"] == "model.cell=rnn"
    assert rnncli("compare", tmp_path, "--base", "model.cell=gru", "--json").json["base"] == "model.cell=gru"
    (tmp_path / "base.json").write_text("{")
    assert rnncli("compare", tmp_path, "--json").json["base"] == "model.cell=gru"


def test_a_page_draws_intervals_and_how_each_setting_learnt(here, tmp_path):
    for cell, skill in SKILLS.items():
        for seed, epochs in ((1, 3), (2, 4)):
            run = made_run(tmp_path / f"{cell}-{seed}", f"model.cell={cell}", f"seed={seed}", skill=skill)
            for epoch in range(1, epochs + 1):
                dev = {"loss": 1 / epoch, "accuracy": skill * epoch / 10}
                RunDirectory(run).append_metrics({"epoch": epoch, "loss": 1.0, "watched": 0.5, "metrics": dev})
    assert rnncli("compare", tmp_path, "--html", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for title in ("accuracy on test", "accuracy on dev", "loss on dev"):
        assert f"<figcaption>{title}</figcaption>" in page
    curve = page.split("<figcaption>accuracy on dev</figcaption>")[1].split("</figure>")[0]
    assert [f"<title>model.cell={cell}</title>" in curve for cell in SKILLS] == [True] * 3
    assert curve.count("<use ") == 3 * 3  # as far as both runs of each setting went
    assert not re.search(r"https?://|<script", page)


def test_one_run_is_a_table_of_one_row(here):
    done = rnncli("compare", "gru-1")
    assert done.code == 0
    assert "own-data" in done.out.splitlines()[2]


def test_a_hostile_value_steers_no_terminal(here, tmp_path):
    made_run(tmp_path / "hostile", r'name="\x1b[31mred"')
    done = rnncli("compare", "gru-1", tmp_path / "hostile")
    assert "\x1b" not in done.out
