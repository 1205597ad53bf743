"""What is typed as in other programs is answered with the whole line to type here, in one sentence and with 2."""

from __future__ import annotations

import shlex

import pytest

from rnncli import aliases, tasks
from rnncli.cli import menu
from rnncli.cli.keys import RecipeKeys
from rnncli.recipe import library
from tests.commands import rnncli

OTHERWISE = "action, captioning, forecast, memory, music, sentiment, speech, tagging or text"
MEANT = {
    # a setting in several words, or with another sign
    "sentiment --data=r.csv --dry-run model.hidden = 16": "sentiment --data=r.csv --dry-run model.hidden=16",
    "sentiment model.hidden= 16": "sentiment model.hidden=16",
    "sentiment model.hidden =16": "sentiment model.hidden=16",
    "sentiment train.epochs 3 --dry-run": "sentiment train.epochs=3 --dry-run",
    "sentiment epochs 3": "sentiment train.epochs=3",
    "sentiment train.epochs:3": "sentiment train.epochs=3",
    "run sentiment/default model.cell = lstm seed = 2": "run sentiment/default model.cell=lstm seed=2",
    # a key of the recipe as an option
    "sentiment --data r.csv --model.hidden 16 --dry-run": "sentiment --data r.csv model.hidden=16 --dry-run",
    "sentiment --epochs 3": "sentiment train.epochs=3",
    "sentiment --epochs=3 --seed 3": "sentiment train.epochs=3 seed=3",
    "sentiment --lr -1": "sentiment train.learning_rate=-1",
    "sentiment --learning-rate 0.1": "sentiment train.learning_rate=0.1",
    "sentiment --lr 0.1 --batch-size 16": "sentiment train.learning_rate=0.1 train.batch_size=16",
    "sentiment --bidirectional": "sentiment model.bidirectional=true",
    "sentiment --bidirectional no": "sentiment model.bidirectional=false",
    "sentiment --no-bidirectional": "sentiment model.bidirectional=false",
    "sentiment --groups length": "sentiment 'evaluation.groups=[length]'",
    "sentiment --epochs": "sentiment train.epochs=VALUE",
    "sentiment --hiden 16": "sentiment model.hidden=16",
    "tagging --crf.head crf": "tagging model.head=crf",
    "speech --beam-size 8": "speech decoding.beam=8",
    "run sentiment/default --num-layers 2": "run sentiment/default model.layers=2",
    "data check sentiment/default --max-len 20": "data check sentiment/default data.max_length=20",
    "batch sentiment/default --lr 0.1,0.01": "batch sentiment/default --set train.learning_rate=0.1,0.01",
    # devices and precision
    "sentiment --gpu": "sentiment compute.device=cuda",
    "sentiment --gpu 1": "sentiment compute.device=cuda:1",
    "sentiment --device cuda": "sentiment compute.device=cuda",
    "sentiment --device gpu": "sentiment compute.device=cuda",
    "sentiment --cpu --fp16": "sentiment compute.device=cpu compute.precision=fp16",
    # options by other names
    "sentiment --output runs/x": "sentiment --out runs/x",
    "sentiment --output-dir=runs/x": "sentiment --out runs/x",
    "sentiment --config my.yaml": "sentiment --recipe my.yaml",
    "run --config my.yaml seed=2": "run my.yaml seed=2",
    "sentiment --train a.csv --val b.csv --test c.csv": "sentiment --data a.csv --dev b.csv --test c.csv",
    "sentiment --dat reviews.csv": "sentiment --data reviews.csv",
    "sentiment --verbose": "sentiment --debug",
    "evaluate --model runs/x": "evaluate runs/x",
    "predict runs/x --text 'a text'": "predict runs/x 'a text'",
    "run sentiment/own-data --data reviews.csv": "run sentiment/own-data data.train=reviews.csv",
    # keys by other names
    "sentiment train.lr=0.1": "sentiment train.learning_rate=0.1",
    "sentiment model.pretrained=glove.txt": "sentiment model.vectors=glove.txt",
    "sentiment train.lr = 0.1": "sentiment train.learning_rate=0.1",
    # data and recipes where they stand by themselves
    "sentiment reviews.csv": "sentiment --data reviews.csv",
    "sentiment reviews.csv model.cell=lstm --epochs 3": "sentiment --data reviews.csv model.cell=lstm train.epochs=3",
    "sentiment missing.tsv --dry-run": "sentiment --data missing.tsv --dry-run",
    "sentiment imdb": "sentiment --recipe imdb",
    "sentiment my.yaml": "sentiment --recipe my.yaml",
    "run seed=2 sentiment/default": "run sentiment/default seed=2",
    "run imdb": "run sentiment/imdb",
    "run sentiment --epochs 3": "sentiment train.epochs=3",
    "bench step sentiment/defualt": "bench step sentiment/default",
    # other commands
    "train sentiment reviews.csv": "sentiment --data reviews.csv",
    "train sentiment/default --epochs 3": "run sentiment/default train.epochs=3",
    "fit my.yaml": "run my.yaml",
    "sentiment train reviews.csv": "sentiment --data reviews.csv",
    "sentiment help": "sentiment --help",
    "ner --data x.conll": "tagging --data x.conll",
    "classify reviews.csv": "sentiment --data reviews.csv",
    "resume runs/x": "run --resume runs/x",
    "eval runs/x": "evaluate runs/x",
    "infer runs/x 'a text'": "predict runs/x 'a text'",
    "transcribe a.wav": "predict RUN a.wav",
    "resume": "run --resume RUN",
    "score --json": "evaluate RUN --json",
    "leaderboard": "compare runs",
    "ls": "runs list",
    "sentimnt --data reviews.csv": "sentiment --data reviews.csv",
    "sentimnt reviews.csv": "sentiment --data reviews.csv",
    "tran sentiment": "sentiment",
    "sentiment/default": "run sentiment/default",
    "deploy runs/x": "serve runs/x",
    "server": "serve RUN",
    "onnx runs/x": "export runs/x --out model",
    "kaggle runs/x test.csv": "submit runs/x test.csv",
    "tune sentiment/default": "batch sentiment/default --set train.learning_rate=1e-3,3e-3",
    "finetune runs/x": "run runs/x/recipe.yaml data.train=FILE --from runs/x",
    "runs ls": "runs list",
    "runs delete runs/x": "runs rm runs/x",
    "recipes cp sentiment/default": "recipes copy sentiment/default",
    "data sentiment/default": "data check sentiment/default",
    "--data reviews.csv sentiment": "sentiment --data reviews.csv",
    "--epochs 3 sentiment": "sentiment train.epochs=3",
    "model.cell=gru sentiment": "sentiment model.cell=gru",
    "reviews.csv sentiment": "sentiment --data reviews.csv",
    "sentiment/default run seed=2": "run sentiment/default seed=2",
    "run sentiment/default --set model.cell=lstm": "run sentiment/default model.cell=lstm",
    "batch sentiment/default seed=1,2 -j 2": "batch sentiment/default --set seed=1,2 -j 2",
    "sentiment -e 3 -b 16 -d reviews.csv": "sentiment train.epochs=3 train.batch_size=16 --data reviews.csv",
    "evaluate runs/x reviews.csv": "evaluate runs/x --data reviews.csv",
    "speech recordings/ --gpus 1": "speech --data recordings/ compute.device=cuda:1",
    "sentiment 'a great film'": "predict RUN 'a great film'",
    # nobody can know the task
    "train --data r.csv --model lstm": f"TASK --data r.csv model.cell=lstm, where TASK is {OTHERWISE}",
    "train reviews.csv": f"TASK --data reviews.csv, where TASK is {OTHERWISE}",
    "run reviews.csv": f"TASK --data reviews.csv, where TASK is {OTHERWISE}",
    "reviews.csv": f"TASK --data reviews.csv, where TASK is {OTHERWISE}",
    "data check reviews.csv": f"data check TASK/own-data data.train=reviews.csv, where TASK is {OTHERWISE}",
}


@pytest.mark.parametrize(("typed", "meant"), MEANT.items())
def test_a_line_of_another_program_is_answered_with_the_line_to_type(here, typed, meant):
    done = rnncli(*shlex.split(typed))
    assert (done.code, done.out) == (2, "")
    error, hint = done.err.splitlines()
    assert error.startswith("error ")
    assert hint == f"try   rnncli {meant}"


@pytest.mark.parametrize("typed", [typed for typed in MEANT if "TASK" not in MEANT[typed] and "help" not in typed])
def test_what_is_to_be_typed_is_understood(here, typed):
    """So that nobody is corrected twice."""
    words = shlex.split(MEANT[typed])
    assert menu._read(words) is None
    name = words[0]
    assert name in [entry.name for entry in menu.entries()]


@pytest.mark.parametrize(
    ("typed", "says", "hint"),
    [
        ("frobnicate", 'there is no command "frobnicate"', "rnncli --help lists the commands"),
        ("sentiment --frobnicate 3", "no option --frobnicate", "rnncli sentiment --help lists the options"),
        ("predict runs/x reviews.csv --output y", "no option --output", "rnncli predict runs/x reviews.csv --out y"),
        ("sentiment --data reviews.csv more.csv", "more.csv is another", "--dev more.csv or --test more.csv"),
        ("sentiment --version", "no option --version", "rnncli --version"),
        ("runs frobnicate", 'runs has no command "frobnicate"', "where COMMAND is list, show, rm"),
        ("runs rm", "missing argument", "rnncli runs rm --help"),
        ("batch sentiment/default --jobs x", "'--jobs'", "rnncli batch --help"),
        ("recipes show sentiment", 'did you mean "sentiment/default"?', "rnncli recipes list"),
        ("recipes show imdb", 'did you mean "sentiment/imdb"?', "rnncli recipes list"),
    ],
)
def test_what_nobody_can_know_is_said_with_where_to_look(here, typed, says, hint):
    done = rnncli(*shlex.split(typed))
    assert (done.code, done.out) == (2, "")
    error, advice = done.err.splitlines()
    assert says in error
    assert hint in advice


def test_several_options_that_are_keys_are_one_sentence(here):
    done = rnncli("sentiment", "--epochs", 3, "--lr", 1, "--seed", 2)
    assert done.err.splitlines()[0] == "error --epochs, --lr and --seed are no options but keys of the recipe"


def test_what_is_plain_and_harmless_is_simply_done(here):
    listed = rnncli("recipes", "list", "--json")
    for typed in (
        "--json recipes list",
        "recipes --json list",
        "--json -q recipes list",
        "--json --quiet recipes list",
    ):
        assert rnncli(*typed.split()).out == listed.out, typed
    for typed in ("-V", "version", "--version"):
        assert rnncli(typed).out.startswith("rnncli "), typed
    assert rnncli("help").out == rnncli("--help").out
    assert rnncli("help", "sentiment").out == rnncli("sentiment", "--help").out
    assert rnncli("help", "runs", "list").out == rnncli("runs", "list", "--help").out


def test_settings_that_can_be_meant_as_they_stand_are_left_alone():
    fine = [
        "sentiment data.dev= --data a.csv",
        "sentiment data.splits.train=a.csv",
        "sentiment --data a.csv -o out seed=2 -q",
        "run --resume runs/x",
        "predict runs/x -",
        "predict runs/x -5 'no = text'",
        "compare runs --metric accuracy",
        "batch a.yaml b.yaml --set model.cell=lstm,gru -j2",
        "ngram a.txt b.arpa --keep-case",
        "sentiment data.label_separator==",
    ]
    for line in fine:
        assert menu._read(shlex.split(line)) is None, line


def test_a_recipe_in_a_file_of_any_name_is_one(here):
    (here / "recipe").write_text("task: sentiment\nseed: x\n")
    done = rnncli("run", "recipe")
    assert "recipe:2: seed" in done.err


def test_a_key_of_a_recipe_by_another_name_is_named_in_its_file_as_well(here):
    (here / "my.yaml").write_text("task: sentiment\ntrain: {lr: 0.1}\nmodel: {hidden_size: 8}\n")
    done = rnncli("run", "my.yaml")
    assert done.code == 2
    assert 'my.yaml:2: train.lr: unknown key (did you mean "train.learning_rate"?)' in done.err
    assert 'my.yaml:3: model.hidden_size: unknown key (did you mean "model.hidden"?)' in done.err


def test_every_alias_leads_to_something_that_is_here():
    keys = {key for name in tasks.names() for key in RecipeKeys.of_task(name).paths}
    assert aliases.KEYS.keys() <= keys
    assert {setting.partition("=")[0] for setting in aliases.SETTINGS} <= keys
    commands = {entry.name: menu.build(entry) for entry in menu.entries()}
    options = {opt for one in commands.values() for param in one.params for opt in param.opts}
    for one in commands.values():
        options |= {
            opt for below in getattr(one, "commands", {}).values() for param in below.params for opt in param.opts
        }
    assert {option for option in aliases.OPTIONS if option.startswith("--")} <= options | {"--help"}
    for one in aliases.COMMANDS:
        first = one.typed.split()[0]
        assert first in {*commands, aliases.TRAIN, "--install-completion"}, one.typed


def test_no_alias_hides_a_command_or_a_task():
    names = {entry.name for entry in menu.entries()}
    also = [word for name in tasks.names() for word in tasks.spec(name).also]
    words = [word for one in aliases.COMMANDS for word in one.words.split()]
    assert names.isdisjoint({*also, *words})
    assert len(also) + len(words) == len({*also, *words})


def test_the_nearest_recipe_is_that_of_its_last_part_or_the_default_of_a_task():
    assert library.near("imdb") == "sentiment/imdb"
    assert library.near("tagging") == "tagging/default"
    assert library.near("sentiment/imbd") == "sentiment/imdb"
    assert library.near("qqqq") == ""
