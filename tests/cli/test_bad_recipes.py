"""Command lines and recipes that cannot be carried out."""

import pytest
import torch

from rnncli.data.text import units
from tests.cli.bad import WHOLE, Bad, assert_told, snapshot, try_it
from tests.commands import TINY, rnncli

USAGE = 2


def recipe(text: str | bytes) -> dict[str, str | bytes]:
    return {"my.yaml": text}


CASES = (
    Bad("malformed YAML", "run my.yaml", USAGE, ("my.yaml:3", "YAML"), recipe("task: sentiment\ndata: [1, 2\n")),
    Bad("a tab as indent", "run my.yaml", USAGE, ("my.yaml:3", "tab"), recipe("task: sentiment\ndata:\n\tseed: 1\n")),
    Bad("an empty recipe", "run my.yaml", USAGE, ("my.yaml", "empty"), recipe("")),
    Bad("a list for a recipe", "run my.yaml", USAGE, ("my.yaml", "a list"), recipe("- task: sentiment\n")),
    Bad("a binary recipe", "run my.yaml", USAGE, ("my.yaml", "binary"), recipe(b"\x00\x01\x02")),
    Bad("a recipe in latin-1", "run my.yaml", USAGE, ("my.yaml:2", "UTF-8"), recipe(b"task: x\nname: \xe9\n")),
    Bad("an unknown key", "run my.yaml", USAGE, ("my.yaml:2: colour",), recipe("task: sentiment\ncolour: red\n")),
    Bad(
        "a misspelt key",
        "run my.yaml",
        USAGE,
        ("my.yaml:3: model.hiden", 'did you mean "hidden"?'),
        recipe("task: sentiment\nmodel:\n  hiden: 3\n"),
    ),
    Bad(
        "a key in the wrong section",
        "run my.yaml",
        USAGE,
        ("my.yaml:2: epochs", "belongs under train"),
        recipe("task: sentiment\nepochs: 3\n"),
    ),
    Bad(
        "a value of the wrong type",
        "run my.yaml",
        USAGE,
        ("my.yaml:3: train.epochs", '"many"'),
        recipe("task: sentiment\ntrain:\n  epochs: many\n"),
    ),
    Bad(
        "several mistakes at once",
        "run my.yaml seed=-1",
        USAGE,
        ("my.yaml:2: colour", "my.yaml:4: train.epochs", "command line: seed"),
        recipe("task: sentiment\ncolour: red\ntrain:\n  epochs: 0\n"),
    ),
    Bad("NaN for a number", "run sentiment/default train.learning_rate=.nan", USAGE, ("train.learning_rate", ".nan")),
    Bad("a misspelt choice", "run sentiment/default model.cell=gruu", USAGE, ("model.cell", 'did you mean "gru"?')),
    Bad(
        "a key given twice", "run my.yaml", USAGE, ("my.yaml:2", "twice"), recipe("task: sentiment\ntask: sentiment\n")
    ),
    Bad("an unknown task", "run my.yaml", USAGE, ("my.yaml:1: task", '"sentiment"'), recipe("task: sentimnt\n")),
    Bad("no task", "run my.yaml", USAGE, ("my.yaml", "task", "missing"), recipe("seed: 1\n")),
    Bad("a tag that asks for an object", "run my.yaml", USAGE, ("my.yaml:1", "tag"), recipe("!!python/object:x {}\n")),
    Bad(
        "a recipe of another task",
        "sentiment --recipe my.yaml",
        USAGE,
        ("my.yaml", "task tagging, not sentiment"),
        recipe("task: tagging\n"),
    ),
    Bad("an override without =", "run sentiment/default model.cell", USAGE, ("model.cell", "key=value")),
    Bad("an override of an unknown key", "run sentiment/default model.cel=gru", USAGE, ("model.cel", '"cell"')),
    Bad(
        "an unknown recipe", "run sentiment/defualt", USAGE, ("sentiment/defualt", 'did you mean "sentiment/default"?')
    ),
    Bad("a folder for a recipe", "run .", USAGE, ("a folder",)),
    Bad("no recipe at all", "run", USAGE, ("name a recipe",)),
    Bad("an unknown option", "run sentiment/default --ou x", USAGE, ("--ou",)),
    Bad("an unknown command", "sentimnt", USAGE, ("sentimnt",)),
    Bad("an unknown metric", "run sentiment/default train.best_by=acuracy", USAGE, ("train.best_by", "accuracy")),
    Bad("an unknown fold", "run sentiment/default data.folds=3 data.fold=7", USAGE, ("data", "fold 7", "0 to 2")),
    Bad("a fold without folds", "run sentiment/default data.fold=1", USAGE, ("data", "fold 1", "data.folds")),
    Bad("one fold", "run sentiment/default data.folds=1", USAGE, ("data", "folds must be", "at least 2")),
    Bad("a copy over a file", "recipes copy sentiment/default my.yaml", USAGE, ("my.yaml",), recipe("x")),
    Bad("a recipe to show that is not there", "recipes show sentiment/x", USAGE, ("sentiment/x",)),
    Bad("a recipe to validate that is wrong", "recipes validate my.yaml", USAGE, ("my.yaml",), recipe("task: 1\n")),
    Bad(
        "--resume with another recipe",
        "run sentiment/default --resume run",
        USAGE,
        ("--resume", "data.source"),
        damage=WHOLE,
    ),
    Bad("--resume with --out", "run --resume run --out x", USAGE, ("--resume",), damage=WHOLE),
    Bad("--resume with --dry-run", "run --resume run --dry-run", USAGE, ("--resume",), damage=WHOLE),
    Bad(
        "--resume with another key",
        "sentiment model.cell=rnn --resume run",
        USAGE,
        ("--resume", "model.cell"),
        damage=WHOLE,
    ),
    Bad(
        "--resume with other data",
        "sentiment --data reviews.csv --resume run",
        USAGE,
        ("--resume", "model.hidden"),
        damage=WHOLE,
    ),
    Bad("an --out that exists", "sentiment --data reviews.csv --out run", USAGE, ("run exists",), damage=WHOLE),
    Bad("an --out that is a file", "sentiment --data reviews.csv --out reviews.csv", USAGE, ("reviews.csv exists",)),
)


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_a_bad_recipe_or_command_ends_in_one_sentence_and_leaves_everything_as_it_was(bad, here, trained):
    try_it(bad, here, trained)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_named(here):
    before = snapshot(here)
    done = rnncli("sentiment", "--data", "reviews.csv", *TINY, "compute.device=cuda")
    assert_told(done, USAGE, "cuda")
    assert snapshot(here) == before


def test_subwords_without_their_package_say_what_to_install(here, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    units._tokenizer.cache_clear()
    before = snapshot(here)
    done = rnncli("sentiment", "--data", "reviews.csv", *TINY, "data.unit=subword")
    assert_told(done, USAGE, "tokenizers", 'pip install "rnncli[subword]"')
    assert snapshot(here) == before


@pytest.mark.parametrize(
    ("metric", "changes", "words"),
    [
        ("balanced_accuracy", ["data.multi_label=true"], "several labels"),
        ("f1", ["data.train=three.csv"], "f1_macro"),
    ],
)
def test_a_metric_that_these_labels_do_not_have_is_refused_before_training(metric, changes, words, here):
    (here / "three.csv").write_text("text,label\n" + "so so,a\nla la,b\ndo do,c\n" * 9 + "x,a\ny,b\nz,c\n" * 4)
    before = snapshot(here)
    done = rnncli(
        "sentiment", "--data", "reviews.csv", *TINY, "data.drop_duplicates=false", f"train.best_by={metric}", *changes
    )
    assert_told(done, USAGE, "train.best_by", metric, words)
    assert "epoch" not in done.err
    assert snapshot(here) == before
