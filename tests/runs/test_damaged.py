"""A run whose files hold anything else than what was written is listed as damaged, and disturbs no other."""

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from rnncli.errors import RunError
from rnncli.report.page import report_page
from rnncli.report.render import print_report
from rnncli.runs.directory import RunDirectory
from rnncli.runs.listing import facts, list_runs
from rnncli.runs.outcome import Outcome
from rnncli.runs.page import story
from rnncli.runs.recipes import read_run_recipe
from tests.commands import rnncli
from tests.runs.made import made_run

DEEP = ("[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000)
OTHER = (
    "3",
    "null",
    "true",
    '"text"',
    "[]",
    "[[]]",
    '[{"task": "x"}]',
    "NaN",
    "1e999",
    "9" * 5000,
    "",
    "{",
    "\x00",
    "\ufeff{}",
)
TYPES = (None, -1, "text", [[1]], {"a": 1}, 1.5e308, [])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def folder(made, tmp_path):
    """Two runs, of which one is to be damaged."""
    shutil.copytree(made, tmp_path / "good")
    shutil.copytree(made, tmp_path / "bad")
    return tmp_path


def states(folder: Path) -> dict[str, str]:
    return {Path(one.path).name: one.state for one in list_runs(folder)}


@pytest.mark.parametrize("text", [*DEEP, *OTHER], ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize("name", ["report.json", "run.json", "recipe.yaml"])
def test_a_file_of_another_form_makes_its_run_damaged_and_no_other(name, text, folder):
    good = facts(folder / "good")
    (folder / "bad" / name).write_text(text, encoding="utf-8")
    assert states(folder) == {"good": "finished", "bad": "damaged"}
    found = facts(folder / "good")
    assert (found.score, found.metric, found.epochs) == (good.score, good.metric, good.epochs)


@pytest.mark.parametrize("text", [*DEEP, *OTHER], ids=lambda text: repr(text[:12]))
def test_other_files_of_a_run_are_read_where_they_can_be(text, folder):
    for file in (folder / "bad").rglob("*.jsonl"):
        file.write_text(text, encoding="utf-8")
    run = RunDirectory.open(folder / "bad")
    assert all(isinstance(row, dict) for row in run.read_metrics())
    assert states(folder) == {"good": "finished", "bad": "finished"}


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:5])
def test_predictions_that_cannot_be_read_are_named(text, folder):
    run = RunDirectory.open(folder / "bad")
    report = run.read_report()
    file = run.prediction_file(report.split)
    file.write_text(text, encoding="utf-8")
    recipe = read_run_recipe(run.recipe)
    with pytest.raises(RunError, match=file.name):
        Outcome(run.path, recipe, report, "").rows()


def paths(value, path=()):
    """Where values are in a report; of lists the first alone."""
    if path and path[0] != "about":
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*path, key))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*path, 0))


def changed(whole, path, other):
    report = json.loads(json.dumps(whole))
    inner = report
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = other
    return report


def shown(run: RunDirectory) -> bool:
    """Whether the report is shown, and not refused by name."""
    try:
        report = run.read_report()
    except RunError as error:
        return "report.json" not in error.message
    print_report(Console(width=200, file=io.StringIO()), report)
    return bool(report.to_dict())


def test_a_report_with_any_field_of_another_type_is_refused_or_can_be_shown(folder):
    run = RunDirectory.open(folder / "bad")
    whole = json.loads(run.report.read_text())
    results = []
    for number, path in enumerate(paths(whole)):
        run.report.write_text(json.dumps(changed(whole, path, TYPES[number % len(TYPES)])))
        results.append(shown(run))
    assert len(results) > 60
    assert sum(results) < 0.4 * len(results)


@pytest.mark.parametrize("key", ["state", "argv", "watched", "device"])
def test_a_record_with_any_field_of_another_type_is_refused_or_can_be_shown(key, folder):
    run = RunDirectory.open(folder / "bad")
    record = json.loads((run.path / "run.json").read_text())
    for other in TYPES:
        (run.path / "run.json").write_text(json.dumps(record | {key: other}))
        known = states(folder)
        assert known["good"] == "finished"
        try:
            story(run.path)
        except RunError:
            assert known["bad"] == "damaged"
            continue
        assert rnncli("runs", "show", run.path).code == 0


@pytest.mark.parametrize("other", TYPES, ids=str)
def test_an_epoch_with_figures_of_another_type_does_not_stop_a_page(other, folder):
    run = RunDirectory.open(folder / "bad")
    row = {"epoch": 1, "loss": 0.5, "metrics": {"loss": 0.5}, "watched": 0.5, "best": True, "seconds": 1.0}
    row |= {"fill": 1.0, "learning_rate": 0.1}
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(row | {key: other}) + "\n" for key in row))
    report_page(story(run.path))
