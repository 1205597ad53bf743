"""``rnncli export``: the folder that it makes, where it works, and what it refuses."""

import ast
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from rnncli import tasks
from rnncli.export import bundle, parity
from rnncli.export.closure import AT_HAND, closure
from rnncli.tasks.exporting import Exporting
from tests.commands import TINY, reviews, rnncli, train
from tests.export.held import require_near

EXPORTED = [name for name in tasks.names() if isinstance(tasks.load(name), Exporting)]
ALONE = """
import runpy, sys
site, sys.argv = sys.argv[1], sys.argv[2:]
sys.path.insert(0, site)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    code = end.code
packages = {name.split(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(sorted(packages - sys.stdlib_module_names - {"__main__"}), file=sys.stderr)
sys.exit(code)
"""
"""Runs a script with the packages of one folder and nothing else that is installed."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "reviews.csv").write_text(reviews(), encoding="utf-8")
    return train(folder / "reviews.csv", folder / "run", "model.evidence=on", "data.max_length=12", TINY[-1])


@pytest.fixture(scope="module")
def exported(run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "SEQUENCES", 40)
        done = rnncli("export", run, "--out", run.parent / "model")
    assert done.code == 0, done.err
    return run.parent / "model", done


def alone(folder, *arguments):
    """``python predict.py`` in an environment that has numpy and ONNX Runtime alone."""
    site = folder.parent / "site"
    if not site.exists():
        site.mkdir()
        for package in (np, onnxruntime):
            home = Path(package.__file__).parent
            for path in (home, home.with_name(f"{home.name}.libs")):
                if path.exists():
                    (site / path.name).symlink_to(path)
    command = [sys.executable, "-I", "-S", "-B", "-c", ALONE, str(site), "predict.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_a_bundle_answers_as_the_run_where_there_is_nothing_but_numpy_and_onnxruntime(exported, run):
    texts = ["good film", "bad , not good\u2026 caf\u00e9", "", '{"text": "a film"}']
    (run.parent / "texts.jsonl").write_text("\n".join(texts) + "\n", encoding="utf-8")
    wanted = rnncli("predict", run, *texts, "--json").lines
    for arguments in (texts, ["../texts.jsonl"]):
        done = alone(exported[0], *arguments)
        assert done.returncode == 0, done.stderr
        require_near([json.loads(line) for line in done.stdout.splitlines()], wanted)
        assert done.stderr.splitlines()[-1] == "['numpy', 'onnxruntime', 'rnncli']"
    done = alone(exported[0], '{"body": 1}')
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith('error: input \'{"body": 1}\': a JSON object without a "text"')


def test_what_was_checked_and_written_is_said(exported):
    folder, done = exported
    manifest, found = (json.loads((folder / f"{name}.json").read_text()) for name in ("manifest", "parity"))
    assert found == {
        "sequences": 40,
        "steps": 48,
        "batches": [1, 7],
        "decisions": 80,
        "difference": found["difference"],
        "allowed": 1e-5,
    }
    assert found["difference"] < 1e-6
    assert (manifest["task"], manifest["graphs"]) == ("sentiment", ["model"])
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert {*manifest["files"], "manifest.json"} == there
    for name, about in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert about == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert "40 random sequences of 0 to 48 steps" in done.err
    assert "all 80 decisions equal" in done.err
    assert "python predict.py" in done.out
    assert "MB; it needs numpy and onnxruntime" in done.out


@pytest.mark.parametrize("name", EXPORTED)
def test_what_predicts_imports_numpy_and_the_standard_library_alone(name):
    portable = f"{tasks.packages()[name]}.portable"
    found = closure([portable, bundle.USING], {"rnncli"})
    assert {portable, bundle.USING, "rnncli.errors"} <= set(found)
    assert len(found) > 8
    for module, file in found.items():
        assert importlib.util.find_spec(module).origin == str(file)
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                heads = {alias.name.split(".")[0] for alias in node.names}
                assert heads <= {*sys.stdlib_module_names, *AT_HAND}, module


def test_a_module_that_wants_more_cannot_be_taken_along():
    with pytest.raises(AssertionError, match="imports torch"):
        closure(["rnncli.core.cells"], {"rnncli"})


def test_a_graph_that_is_not_the_model_leaves_nothing_behind(run, monkeypatch):
    monkeypatch.setattr(parity, "SEQUENCES", 7)
    monkeypatch.setattr(parity, "MOST", 1e-12)
    done = rnncli("export", run, "--out", run.parent / "other")
    assert done.code == 4
    assert "the exported graph is not the model: a value is" in done.err
    assert sorted(path.name for path in run.parent.iterdir() if path.name.startswith((".", "other"))) == []


def test_json_says_where_and_how_near(run, monkeypatch):
    monkeypatch.setattr(parity, "SEQUENCES", 7)
    found = rnncli("export", run, "--out", run.parent / "third", "--json").json
    assert found["path"] == str(run.parent / "third")
    assert found["bytes"] > 10_000
    assert found["parity"]["difference"] < 1e-6


def test_what_cannot_be_exported_is_refused_in_a_sentence(run, exported, tmp_path, monkeypatch):
    def refused(code, said, *arguments):
        done = rnncli("export", *arguments)
        assert (done.code, done.out) == (code, "")
        assert said in " ".join(done.err.split())

    refused(2, "exists already and nothing is overwritten", run, "--out", exported[0])
    refused(4, "there is no such run", tmp_path / "none", "--out", tmp_path / "x")
    refused(2, "a class is that of a whole text", run, "--out", tmp_path / "x", "--stream")
    record, report = json.loads((run / "run.json").read_text()), (run / "report.json").read_bytes()
    (run / "report.json").unlink()
    for state, hint in (("interrupted", f"rnncli run --resume {run}"), ("failed", "not finished (failed)")):
        (run / "run.json").write_text(json.dumps(record | {"state": state}))
        refused(4, hint, run, "--out", tmp_path / "x")
    (run / "run.json").write_text(json.dumps(record))
    (run / "report.json").write_bytes(report)
    monkeypatch.setattr(bundle, "find_spec", lambda name: None)
    refused(2, 'pip install "rnncli[export]"', run, "--out", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_folds_are_exported_one_by_one(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    run = train(tmp_path / "reviews.csv", tmp_path / "run", "data.folds=2", TINY[-1])
    done = rnncli("export", run, "--out", tmp_path / "model")
    assert done.code == 4
    assert "a model for each of its folds" in done.err


def test_a_task_that_has_no_export_says_so(run, tmp_path, monkeypatch):
    trained = bundle._finished(run)
    monkeypatch.setattr(bundle, "_finished", lambda path: trained)
    monkeypatch.setattr(bundle.tasks, "load", lambda name: object())
    done = rnncli("export", run, "--out", tmp_path / "model")
    assert done.code == 2
    assert "a run of task sentiment, which cannot be exported yet" in done.err
