"""Runs of version 0.1, whose reports left unit and direction to lists in the program."""

import json

from rnncli.runs.directory import RunDirectory, write_json
from tests.commands import rnncli
from tests.runs.made import made_run


def earlier(path):
    """The run as 0.1 would have written it."""
    file = path / "report.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    for metric in values["metrics"].values():
        for name in ("unit", "better", "show", "title"):
            metric.pop(name, None)
    values.pop("about", None)
    write_json(file, values)
    return path


def test_its_report_is_read_with_what_the_task_declares(tmp_path):
    now = RunDirectory(made_run(tmp_path / "now")).read_report()
    then = RunDirectory(earlier(made_run(tmp_path / "then"))).read_report()
    assert then.about == now.about == {"positive": "positive"}
    for name, metric in now.metrics.items():
        old = then.metrics[name]
        assert (old.value, old.unit, old.better) == (metric.value, metric.unit, metric.better), name
        assert (old.show, old.title) == (metric.show, metric.title), name


def test_its_report_is_shown_as_one_of_today_is(tmp_path):
    now, then = made_run(tmp_path / "now"), earlier(made_run(tmp_path / "then"))
    shown = rnncli("report", then).out
    assert shown == rnncli("report", now).out
    assert "f1 of positive" in shown
    assert "micro" not in shown
    (then / "predictions/test.jsonl").unlink()
    assert rnncli("report", then).code == 0


def test_it_is_compared_with_a_run_of_today_and_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_run(tmp_path / "now", "model.hidden=9", skill=2.0)
    earlier(made_run(tmp_path / "then", skill=0.5))
    found = rnncli("compare", "then", "now", "--metric", "log_loss", "--json").json
    better, base = found["settings"][1], found["settings"][0]
    assert found["best"]["log_loss"] == better["name"]
    assert better["versus"]["log_loss"]["difference"] < 0 < base["scores"]["log_loss"]["mean"]
    shown = rnncli("report", "then", "--html")
    assert shown.code == 0, shown.err
    assert "ROC" in (tmp_path / "then/report.html").read_text(encoding="utf-8")
