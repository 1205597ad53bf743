# ruff: noqa: E501 - a message stands whole beside the text that earns it
"""What the command line says of a recipe: keys with values, and options; what is wrong with them says so."""

import pytest

from rnncli.recipe.load import Setting
from tests.recipe.example import TASK, load_example, problems


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("", ""),
        ("  ", ""),
        ("a=b", "a=b"),
        ("#1", "#1"),
        ('"5"', "5"),
        ("'null'", "null"),
        ("a b", "a b"),
        ("NO", "NO"),
    ],
)
def test_the_value_of_an_override_is_read_as_yaml(assignment, value):
    assert load_example(TASK + "name: x\n", f"name={assignment}").name == value


def test_an_override_may_be_null_a_list_or_a_section():
    text = TASK + "data: {fold: 3}\nmodel: {head: {kind: crf, weights: {a: 1}}}\n"
    recipe = load_example(text, "data.fold=null", "data.files=[a, b]", "model.head={weights: {b: 2}}")
    assert recipe.data.fold is None
    assert recipe.data.files == ("a", "b")
    assert recipe.model.head.model_dump() == {"kind": "softmax", "weights": {"b": 2.0}}


def test_an_override_makes_the_sections_it_needs():
    assert load_example(TASK + "model:\n", "model.head.weights.spam = 3").model.head.weights == {"spam": 3.0}


def test_an_override_mends_what_is_wrong_in_the_file():
    assert load_example(TASK + "model: {cell: gruu}\n", "model.cell=gru").model.cell == "gru"


def test_an_override_may_name_the_task():
    assert load_example("task: nothing\n", "task=tagging").task == "tagging"


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("model.cel=gru", 'command line: model.cel: unknown key (did you mean "cell"?)'),
        ("modle.cell=gru", 'command line: modle: unknown key (did you mean "model"?)'),
        ("train.epochs", "command line: train.epochs: give it a value, as in key=value"),
        ("=5", "command line: a part of the key is empty: write it as in model.cell=gru"),
        ("a..b=5", "command line: a..b: a part of the key is empty: write it as in model.cell=gru"),
        ("seed.x=5", "command line: seed.x: seed is a single value and has no keys below it"),
        (
            "data.files.0=a",
            "command line: data.files.0: data.files is a list: give all of it, as in data.files=[a, b]",
        ),
        ("name=5", "command line: name: must be text, got 5 (quote it: 'name=\"...\"')"),
        (
            "name=!!python/name:os.system",
            "command line: name: the tag !!python/name:os.system is not allowed: a recipe holds plain values (the value is '!!python/name:os.system')",
        ),
        (
            "model.head={kind: crf, kind: crf}",
            "command line: model.head.kind: the key is given twice (the value is '{kind: crf, kind: crf}')",
        ),
        (
            "name=\udcff",
            "command line: name: holds a character that YAML forbids, '\\udcff' (the value is '\\udcff')",
        ),
        ("n\udcffme=5", "command line: n\\udcffme: holds bytes that are not UTF-8"),
        (".".join("a" * 3000) + "=1", "command line: a: the key has too many parts"),
    ],
)
def test_a_problem_of_the_command_line_says_so(assignment, expected):
    assert problems(TASK + "seed: 1\ndata: {files: [a]}\n", assignment) == [expected]


def test_a_problem_of_an_option_names_the_option():
    text = TASK + "seed: 1\n"
    assert problems(text, options=[Setting("data.train", "\udcff.csv", "--data")]) == [
        "--data: data.train: holds bytes that are not UTF-8"
    ]


@pytest.mark.parametrize("value", ["[1", "a: b: c", "'x", "*x", "@x", "---\na\n---\nb", "\x07"])
def test_an_override_that_is_not_yaml_shows_its_value(value):
    (line,) = problems(TASK, f"name={value}")
    assert line.startswith("command line: name: ")
    assert repr(value) in line
