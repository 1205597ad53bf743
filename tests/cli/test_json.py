"""What programs read: every JSON document has the fields that are documented, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from tests.cli import schemas
from tests.cli.schemas import Schema
from tests.commands import TINY, reviews, rnncli

PAGE = Path(__file__).parents[2] / "docs/scripts.md"
GROUPED = "evaluation.groups=[length, source]"


def told(document: object, schema: Schema) -> None:
    jsonschema.Draft202012Validator(schema, format_checker=None).validate(document)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A batch of two runs that succeed and one that fails, and what it printed."""
    here = tmp_path_factory.mktemp("json")
    (here / "reviews.csv").write_text(reviews(160), encoding="utf-8")
    sets = [part for key in (*TINY, GROUPED, f"data.root={here}") for part in ("--set", key)]
    sets += ["--set", "data.train=reviews.csv,absent.csv", "--set", "model.cell=rnn,gru"]
    command = ("batch", "sentiment/own-data", *sets, "--jobs", 2, "--out", here / "runs")
    (here / "dry.json").write_text(rnncli(*command, "--dry-run", "--json").out, encoding="utf-8")
    done = rnncli(*command, "--json")
    assert done.code == 5, done.err
    (here / "batch.json").write_text(done.out, encoding="utf-8")
    return here


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def finished(here: Path) -> Path:
    return next((here / "runs").glob("*/report.json")).parent


def test_a_batch_tells_how_each_run_ended_and_compares_them(here):
    batch = json.loads((here / "batch.json").read_text())
    told(batch, schemas.BATCH)
    assert {run["state"] for run in batch["runs"]} == {"finished", "failed"}
    assert len(batch["comparison"]["settings"]) == 2
    for line in (here / "runs/ledger.jsonl").read_text().splitlines():
        told(json.loads(line), schemas.LEDGER_LINE)


def test_a_dry_batch_tells_what_there_is_to_do(here):
    sets = [part for key in ("data.train=reviews.csv", *TINY) for part in ("--set", key)]
    dry = rnncli("batch", "sentiment/own-data", *sets, "--out", "none", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    told(dry.json, schemas.DRY_BATCH)


def test_a_report_has_the_same_fields_wherever_it_is_printed(here):
    run = finished(here)
    shown = rnncli("report", run, "--json").json
    told(shown, schemas.REPORT)
    assert {"groups", "reach"} <= set(shown)
    assert rnncli("runs", "show", run, "--json").json["report"] == shown
    told(rnncli("evaluate", run, "--split", "dev", "--json").json, schemas.REPORT)
    told(rnncli("report", run, "--html", "--json").json, schemas.WRITTEN)
    keys = (*TINY, "data.train=reviews.csv", "data.folds=2", "--out", "folded")
    folded = rnncli("run", "sentiment/own-data", *keys, "--json")
    assert folded.code == 0, folded.err
    told(folded.json, schemas.REPORT)
    assert len(folded.json["folds"]) == 2


def test_a_comparison_has_its_fields_with_and_without_tests(here):
    told(rnncli("compare", "runs", "--json").json, schemas.COMPARISON)
    told(rnncli("compare", finished(here), "--json").json, schemas.COMPARISON)


def test_runs_are_listed_shown_and_removed_in_json(here):
    rows = rnncli("runs", "list", "runs", "--json").json
    told(rows, schemas.RUNS)
    assert rows
    for row in rows:
        told(rnncli("runs", "show", row["path"], "--json").json, schemas.RUN)
    keys = (*TINY, "data.train=reviews.csv", "--out", "gone")
    assert rnncli("run", "sentiment/own-data", *keys).code == 0
    removed = rnncli("runs", "rm", "gone", "--yes", "--json").json
    told(removed, schemas.REMOVED)
    assert removed == ["gone"]


def test_a_run_that_was_made_smaller_tells_what_it_cost_in_json(here):
    run = finished(here)
    made = rnncli("shrink", run, "--floor", "50", "--out", "small", "--json").json
    told(made, schemas.SHRUNK)
    assert made["tried"]
    shown = rnncli("runs", "show", "small", "--json").json
    told(shown, schemas.RUN)
    assert shown["record"]["shrunk"]["change"] == made["change"]


def names(schema: Schema) -> Iterator[str]:
    """The fields of a schema and of what it holds."""
    yield from schema.get("properties", ())
    parts = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for part in (*parts, *schema.get("anyOf", ())):
        if isinstance(part, dict):
            yield from names(part)


@pytest.mark.parametrize(
    "name",
    [
        "REPORT",
        "COMPARISON",
        "BATCH",
        "DRY_BATCH",
        "LEDGER_LINE",
        "LESSON",
        "RUNS",
        "RUN",
        "SHRUNK",
        "WRITTEN",
        "EXPLAIN",
        "EXPLAIN_SUMMARY",
    ],
)
def test_every_field_is_documented(name):
    text = PAGE.read_text(encoding="utf-8").split("\n## JSON")[1].split("\n## ")[0]
    documented = set(re.findall(r"[a-z_0-9]+", text))
    assert set(names(getattr(schemas, name))) <= documented
