"""The program for Python: the same as the command, typed, quiet, and loaded when it is asked for."""

from __future__ import annotations

import ast
import doctest
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import rnncli
import rnncli.api
from rnncli.errors import DataError, RecipeError, RunError, UsageError
from rnncli.runs import events, predicting
from rnncli.tasks.predictors import Predictor
from tests.commands import TINY, own_environment, reviews
from tests.commands import rnncli as typed

MODEL = {"hidden": 8, "embedding": 8, "evidence": "off"}
SMALL = {
    "model": MODEL,
    "train": {"epochs": 1},
    "evaluation": {"baselines": False, "resamples": 20, "page": False},
    "compute": {"threads": 1, "device": "cpu"},
}
"""``TINY`` of the command line, as sections."""
TIMED = ("seconds", "examples_per_second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with data, and a run that knows good from bad."""
    here = tmp_path_factory.mktemp("face")
    (here / "reviews.csv").write_text(reviews(), encoding="utf-8")
    learnt = SMALL | {"train": {"epochs": 12, "patience": 0, "learning_rate": 0.02}}
    rnncli.run("sentiment", data=here / "reviews.csv", out=here / "runs" / "first", **learnt)
    return here


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def model(here):
    return rnncli.load("runs/first")


def figures(report):
    """A report without what a clock says."""
    told = report if isinstance(report, dict) else report.to_dict()
    return told | {"training": {name: one for name, one in told["training"].items() if name not in TIMED}}


def loaded_by(code):
    program = f"import sys; before = set(sys.modules); {code}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=own_environment(), check=True
    )
    return set(done.stdout.split())


def test_to_import_it_loads_nothing_but_itself():
    loaded = loaded_by("import rnncli")
    assert {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names} == {
        "rnncli",
        "rnncli.version",
    }


def test_runs_are_compared_without_torch_and_nothing_loads_the_command_line():
    loaded = loaded_by("import rnncli; rnncli.compare; rnncli.run; rnncli.load")
    assert "rnncli.api" in loaded
    assert not loaded & {"torch", "numpy", "typer", "rnncli.cli"}
    assert "torch" in loaded_by("import rnncli; rnncli.Recurrent")


def test_what_is_public_is_there_listed_and_known_to_type_checkers():
    assert set(rnncli.__all__) <= set(dir(rnncli))
    for name in rnncli.__all__:
        assert getattr(rnncli, name).__doc__
    tree = ast.parse(Path(rnncli.__file__).read_text(encoding="utf-8"))
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "rnncli" in (node.module or "")]
    told = {alias.name: node.module for node in guarded for alias in node.names}
    assert told == rnncli._PLACES | {"__version__": "rnncli.version"}
    assert set(told) == set(rnncli.__all__)
    assert (Path(rnncli.__file__).parent / "py.typed").is_file()
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        rnncli.runn  # noqa: B018


def test_the_recurrent_layers_are_those_of_the_core():
    layers = rnncli.Recurrent(3, 4, cell="lstm", bidirectional=True)
    output, _ = layers(torch.zeros(2, 5, 3), torch.tensor([5, 2]))
    assert output.shape == (2, 5, 8)


def test_a_run_has_the_figures_and_the_recipe_of_the_command(here, tmp_path, capsys):
    command = typed("sentiment", "--data", "reviews.csv", *TINY, "seed=3", "--out", tmp_path / "command", "--json")
    assert command.code == 0, command.err
    capsys.readouterr()
    done = rnncli.run("sentiment", data="reviews.csv", seed=3, out=tmp_path / "called", **SMALL)
    assert capsys.readouterr() == ("", "")
    assert figures(done.report) == figures(command.json)
    assert done.path == tmp_path / "called"
    kept, ours = ((tmp_path / name / "recipe.yaml").read_text() for name in ("command", "called"))
    assert ours == kept
    rows = ((tmp_path / name / "predictions/test.jsonl").read_text() for name in ("command", "called"))
    assert len(set(rows)) == 1
    assert json.loads((done.path / "run.json").read_text())["argv"] == []


def recipe_of(name, data=None, **overrides):
    return rnncli.api._recipe(name, data, overrides)


def test_the_name_of_a_task_stands_for_its_default_recipe_unless_there_is_own_data():
    default, own, named = recipe_of("tagging"), recipe_of("tagging", "x.conll"), recipe_of("sentiment/imdb")
    assert (default.task, default.name) == ("tagging", "default")
    assert (own.name, own.data.train, own.data.source) == ("own-data", "x.conll", "auto")
    assert named.name == "imdb"


def test_sections_and_dotted_keys_say_the_same(here):
    (here / "mine.yaml").write_text("task: sentiment\nmodel:\n  cell: gru\n  layers: 2\n", encoding="utf-8")
    sections = recipe_of(here / "mine.yaml", model={"cell": "lstm"}, train={"epochs": 3}, seed=2)
    assert sections == recipe_of("mine.yaml", **{"model.cell": "lstm", "train.epochs": 3, "seed": 2})
    assert (sections.model.cell, sections.model.layers, sections.train.epochs) == ("lstm", 2, 3)
    assert recipe_of("mine.yaml", model={"cell": "rnn"}, **{"model.cell": "lstm"}).model.cell == "lstm"
    assert recipe_of("mine.yaml", {"folds": 4}).data.folds == 4
    both = recipe_of("mine.yaml", "reviews.csv", **{"data.folds": 4})
    assert (both.data.train, both.data.folds) == ("reviews.csv", 4)


def test_overrides_may_be_what_python_programs_hold(here):
    recipe = recipe_of(
        "sentiment/default",
        {"root": here},
        seed=np.int64(5),
        **{"train.learning_rate": np.float32(0.5), "train.epochs": torch.tensor(4)},
        evaluation={"groups": ("length",)},
    )
    assert (recipe.seed, recipe.train.learning_rate, recipe.train.epochs) == (5, 0.5, 4)
    assert recipe.data.root == str(here)
    assert list(recipe.evaluation.groups) == ["length"]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"recipe": "sentiment/defualt"}, RecipeError, 'did you mean "sentiment/default"'),
        ({"recipe": "sentiment", "model": {"cel": "gru"}}, RecipeError, 'rnncli.run: model.cel: .*"cell"'),
        ({"recipe": "sentiment", "epochs": 3}, RecipeError, "epochs: .*belongs under train"),
        ({"recipe": "sentiment", "train": {"epochs": "many"}}, RecipeError, "train.epochs.*many"),
        ({"recipe": "sentiment", "train": {"epochs": {3}}}, RecipeError, "train.epochs: a value of type set"),
        ({"recipe": "sentiment", "train": {"learning_rate": float("nan")}}, RecipeError, "train.learning_rate"),
        ({"recipe": "sentiment", "data": "absent.csv"}, DataError, "absent.csv"),
        ({"recipe": "sentiment", "data": ""}, UsageError, "names no file"),
        ({"recipe": "sentiment", "data": ["reviews.csv"]}, TypeError, "data: .* not a value of type list"),
        ({"recipe": "sentiment", "data": b"reviews.csv"}, TypeError, "not a value of type bytes"),
        ({}, UsageError, "name a recipe"),
        ({"resume": "runs/first", "seed": 4}, UsageError, "seed=4"),
        ({"resume": "runs/first", "out": "x"}, UsageError, "own directory"),
        ({"resume": "runs/first", "recipe": "sentiment"}, UsageError, "differs in .*model.hidden"),
        ({"resume": "runs/none"}, RunError, "no such run"),
    ],
)
def test_a_mistake_is_one_of_ours_with_a_hint_and_leaves_nothing(arguments, kind, words, here, capsys):
    before = sorted(here.rglob("*"))
    with pytest.raises(kind, match=words) as raised:
        rnncli.run(**arguments)
    assert kind is TypeError or raised.value.hint
    assert sorted(here.rglob("*")) == before
    assert capsys.readouterr() == ("", "")


def test_what_was_named_from_elsewhere_is_found_after_a_change_of_folder(here, model, tmp_path, monkeypatch):
    done = rnncli.run(resume="runs/first")
    before = model.evaluate(split="dev")
    monkeypatch.chdir(tmp_path)
    assert model.report.to_dict() == done.report.to_dict() == done.model().report.to_dict()
    assert model.evaluate(split="dev").training == before.training


def test_all_mistakes_of_a_recipe_come_at_once(here):
    with pytest.raises(RecipeError) as raised:
        rnncli.run("sentiment", model={"hiden": 3}, train={"epochs": -1}, colour="red")
    assert len(raised.value.message.splitlines()) == 3


def test_an_observer_hears_of_the_run_and_a_finished_one_is_not_run_again(here, tmp_path):
    heard = []
    done = rnncli.run("sentiment", data="reviews.csv", out=tmp_path / "run", observe=heard.append, **SMALL)
    kinds = [type(one) for one in heard]
    assert kinds[0] is events.RunOpened
    assert kinds.count(events.EpochDone) == 1
    again = []
    resumed = rnncli.run(resume=done.path, observe=again.append)
    assert [type(one) for one in again] == [events.RunOpened]
    assert (resumed.path, figures(resumed.report)) == (done.path, figures(done.report))
    assert done.model().report.to_dict() == done.report.to_dict()


def test_predictions_are_those_of_the_command(here, model, capsys):
    texts = ["a good film", "a bad film"]
    rows = typed("predict", "runs/first", *texts).lines
    capsys.readouterr()
    assert model.predict(texts) == rows
    assert model.predict(texts[0]) == rows[:1]
    assert model.predict([]) == []
    assert model.predict('{"text": "a good film"}') == rows[:1]
    assert model.predict("-")[0]["text"] == "-"
    assert capsys.readouterr() == ("", "")
    json.dumps(model.predict(texts))


def test_a_path_is_a_file_of_examples(here, model):
    (here / "two.txt").write_text("a good film\na bad film\n", encoding="utf-8")
    rows = model.predict(Path("two.txt"))
    assert [row["label"] for row in rows] == ["positive", "negative"]
    assert model.predict("two.txt") == rows
    assert model.predict([Path("two.txt"), "good", Path("two.txt")]) == [*rows, *model.predict("good"), *rows]
    assert len(model.predict(Path("reviews.csv"))) == 60
    for wrong, words in ((Path("no"), "no such file"), ("no.csv", "no such file"), (Path("runs"), "a folder")):
        with pytest.raises(DataError, match=words) as raised:
            model.predict(wrong)
        assert raised.value.hint


@pytest.mark.parametrize("wrong", [b"good", {"text": "good"}, [b"good"], [None], [["good", "bad"]], 3])
def test_what_is_neither_text_nor_path_is_not_guessed_at(wrong, model):
    with pytest.raises(TypeError):
        model.predict(wrong)


class OfFiles:
    """A predictor whose inputs are files, by name alone."""

    example, formats, together = "a.wav", (), 2

    def __init__(self):
        self.batches = []

    def expand(self, text):
        return sorted(map(str, Path(text).iterdir())) if Path(text).is_dir() else [text]

    def closing(self):
        return ""

    def parse(self, text):
        return Path(text)

    def read(self, path, form=""):
        yield path

    def predict(self, examples):
        self.batches.append(len(examples))
        return [{"file": one.name} for one in examples]


def test_for_a_task_of_files_strings_name_files_and_folders(tmp_path):
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    for file in files:
        file.touch()
    predictor: Predictor = OfFiles()  # type: ignore[assignment]
    rows = [{"file": file.name} for file in files]
    for inputs in ([str(tmp_path)], [tmp_path], list(map(str, files)), files, [str(files[0]), *files[1:]]):
        assert predicting.predict(predictor, inputs) == rows
    assert predicting.predict(predictor, [str(files[1])]) == rows[1:2]
    assert set(predictor.batches) == {1, 2}


def test_an_evaluation_is_that_of_the_command(here, model):
    assert figures(model.evaluate(split="dev")) == figures(
        typed("evaluate", "runs/first", "--split", "dev", "--json").json
    )
    assert figures(model.evaluate("reviews.csv")) == figures(
        typed("evaluate", "runs/first", "--data", "reviews.csv", "--json").json
    )
    assert model.evaluate().metrics == model.report.metrics
    with pytest.raises(UsageError, match="validation") as raised:
        model.evaluate(split="validation")
    assert "test" in raised.value.hint
    with pytest.raises(UsageError, match="names no file"):
        model.evaluate("")


def test_a_comparison_is_that_of_the_command(here, tmp_path):
    other = rnncli.run("sentiment", data="reviews.csv", out=tmp_path / "other", **SMALL)
    told = typed("compare", "runs/first", other.path, "--base", other.path, "--metric", "accuracy", "--json").json
    found = rnncli.compare(["runs/first", other], base=other, metrics=["accuracy"])
    assert found.to_dict() == told
    assert rnncli.compare(other).settings[0].runs == (str(other.path),)
    assert rnncli.compare(tmp_path).settings == rnncli.compare(other).settings
    with pytest.raises(UsageError, match="colour") as raised:
        rnncli.compare("runs/first", metrics=["colour"])
    assert raised.value.hint
    with pytest.raises(RunError, match="no run is there"):
        rnncli.compare("nothing/*")
    with pytest.raises(UsageError, match="name runs"):
        rnncli.compare([])
    assert rnncli.compare("runs/first", metrics="accuracy").metrics == ("accuracy",)


def test_what_is_no_run_is_not_loaded(here):
    for path, words in (("runs/none", "no such run"), (".", "not a run directory")):
        with pytest.raises(RunError, match=words) as raised:
            rnncli.load(path)
        assert raised.value.hint


@pytest.mark.parametrize("thing", [rnncli, *(getattr(rnncli, name) for name in ("Run", "TrainedModel"))])
def test_the_examples_of_the_public_classes_run(thing, here):
    run_examples(thing)


@pytest.mark.parametrize("name", ["run", "load", "compare"])
def test_the_examples_of_the_public_functions_run(name, here):
    run_examples(getattr(rnncli, name))


def run_examples(thing):
    found = [one for one in doctest.DocTestFinder(recurse=False).find(thing, globs={}) if one.examples]
    assert found
    runner = doctest.DocTestRunner(verbose=False)
    for one in found:
        runner.run(one)
    assert runner.failures == 0, "see stdout"
