import dataclasses
import json

import numpy as np
import pytest

from rnncli.report.build import Estimate, Evaluation, ModelSummary, Report, ReportTable, TrainingSummary, build_report
from rnncli.report.reading import report_of
from tests.report.samples import report, scored

FIELDS = {
    "task",
    "recipe",
    "split",
    "examples",
    "dropped",
    "metrics",
    "labels",
    "confusion",
    "per_class",
    "baselines",
    "model",
    "training",
}


def bare(evaluation: Evaluation) -> Report:
    return build_report(
        task="speech",
        recipe="",
        split="dev",
        evaluation=evaluation,
        model=ModelSummary("lstm", 2, 256, False, 10),
        training=TrainingSummary(1.0, 1, 1, 10.0, "cuda"),
    )


def test_a_report_comes_back_from_its_json_as_it_was():
    written = report(notes=["the corpus is generated"])
    text = json.dumps(written.to_dict(), allow_nan=False)
    assert report_of(json.loads(text)) == written


def test_the_json_has_the_documented_fields():
    values = report().to_dict()
    assert set(values) >= FIELDS
    assert "folds" not in values
    assert set(values["metrics"]["accuracy"]) == {"value", "low", "high", "unit", "better"}
    assert set(values["per_class"][0]) == {"label", "precision", "recall", "f1", "support"}
    assert set(values["model"]) == {"cell", "layers", "hidden", "bidirectional", "parameters"}
    assert set(values["training"]) == {"seconds", "epochs", "best_epoch", "examples_per_second", "device"}
    assert set(values["mistakes"][0]) == {"text", "truth", "predicted", "confidence", "place", "aligned"}
    assert np.sum(values["confusion"]) == values["examples"] == 400


def test_members_are_told_where_there_are_several():
    several = dataclasses.replace(report(), model=ModelSummary("lstm", 2, 256, False, 10, members=3))
    assert several.to_dict()["model"]["members"] == 3
    assert report_of(several.to_dict()) == several


def test_what_is_scored_one_by_one_has_its_name():
    assert report().counting(1, "test") == "1 test example"
    assert dataclasses.replace(report(), each="block").counting(1200) == "1,200 blocks"


def test_figures_that_are_not_numbers_are_null():
    undefined = bare(scored(1, {"roc_auc": (float("nan"), float("nan"), float("inf"))}))
    found = undefined.to_dict()["metrics"]["roc_auc"]
    assert {name: found[name] for name in ("value", "low", "high")} == {"value": None, "low": None, "high": None}
    json.dumps(undefined.to_dict(), allow_nan=False)


def test_a_task_without_labels_leaves_them_out_and_adds_tables_of_its_own():
    table = ReportTable("by type", ("type", "f1"), (("PER", np.float32(0.5)), ("LOC", None)))
    speech = bare(scored(np.int64(3), {"wer": 0.2}, tables=[table], notes=["greedy search", "greedy search"]))
    values = json.loads(json.dumps(speech.to_dict()))
    assert values["confusion"] == values["per_class"] == values["labels"] == []
    assert values["tables"] == [{"title": "by type", "columns": ["type", "f1"], "rows": [["PER", 0.5], ["LOC", None]]}]
    assert values["notes"] == ["greedy search"]
    assert report_of(values) == speech
    assert speech.metrics == {"wer": Estimate(0.2, better="lower")}
    assert values["metrics"]["wer"] == {"value": 0.2, "low": None, "high": None, "unit": "share", "better": "lower"}


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda values: values.pop("metrics"), "metrics is missing"),
        (lambda values: values.pop("task"), "task"),
        (lambda values: values.update(colour="red"), "colour"),
        (lambda values: values.update(model=None), "not a report"),
    ],
)
def test_what_is_no_report_is_refused_by_name(damage, problem):
    values = report().to_dict()
    damage(values)
    with pytest.raises(ValueError, match=problem):
        report_of(values)


def test_a_report_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        report().examples = 2  # type: ignore[misc]
