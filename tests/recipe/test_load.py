# ruff: noqa: E501 - a message stands whole beside the text that earns it

import subprocess
import sys

import pytest

from rnncli.errors import RecipeError
from rnncli.recipe.load import MOST_BYTES, Setting, load
from tests.recipe.example import METRICS, SCHEMAS, TASK, ExampleRecipe, load_example, problems


def load_file(path):
    return load(path, tasks=SCHEMAS, schema_of=SCHEMAS.__getitem__, metrics_of=lambda task: METRICS)


def test_what_the_file_does_not_say_has_the_schemas_default():
    assert load_example(TASK) == ExampleRecipe(task="sentiment")


def test_later_givers_win_over_earlier_ones():
    text = TASK + "model:\n  hidden: 2\n  layers: 2\n  cell: rnn\n"
    options = [Setting("model.layers", 3, "--layers"), Setting("model.cell", "lstm", "--cell")]
    model = load_example(text, "model.cell=gru", "model.cell=lstm", options=options).model
    assert (model.hidden, model.layers, model.cell, model.bidirectional) == (2, 3, "lstm", True)


@pytest.mark.parametrize("words", ["NO", "no", "yes", "on", "Off", "y", "2026-01-01", "1:30", "=", "<<x", "0.1.2"])
def test_words_that_older_yaml_takes_for_something_else_are_text(words):
    assert load_example(TASK + f"name: {words}\n").name == words


@pytest.mark.parametrize(("written", "value"), [("1e-3", 0.001), ("1E+1", 10.0), ("5", 5.0), (".5", 0.5), ("0x10", 16)])
def test_numbers_are_read_as_yaml_1_2_writes_them(written, value):
    assert load_example(TASK + f"train: {{learning_rate: {written}}}\n").train.learning_rate == value
    assert load_example(TASK, f"train.learning_rate={written}").train.learning_rate == value


def test_a_whole_number_may_be_written_with_an_exponent():
    assert load_example(TASK, "train.epochs=1e2").train.epochs == 100


def test_a_section_with_all_its_keys_commented_out_keeps_its_defaults():
    assert load_example(TASK + "train:\n  # epochs: 5\nmodel:\n  head:\n") == ExampleRecipe(task="sentiment")


def test_an_alias_repeats_the_value_of_its_anchor():
    recipe = load_example(TASK + "data: {dev: &x a.csv, test: *x}\n")
    assert recipe.data.test == "a.csv"


def test_an_anchor_may_be_used_again_without_a_warning():
    assert load_example(TASK + "data: {dev: &x a.csv, test: &x b.csv, train: *x}\n").data.train == "b.csv"


def test_keys_of_a_mapping_are_text_as_written():
    text = TASK + "model: {head: {weights: {1: 2, NO: 3, true: 0.5, 01: 4}}}\n"
    assert load_example(text).model.head.weights == {"1": 2, "NO": 3, "true": 0.5, "01": 4}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model:\n  cel: gru", 'my.yaml:3: model.cel: unknown key (did you mean "cell"?)'),
        ("modle:\n  cell: gru", 'my.yaml:2: modle: unknown key (did you mean "model"?)'),
        ("seed: 2\ncell: gru", "my.yaml:3: cell: unknown key here, it belongs under model"),
        ("train:\n  seed: 5", "my.yaml:3: train.seed: unknown key here, it belongs at the top level"),
        ("train:\n  kind: crf", "my.yaml:3: train.kind: unknown key here, it belongs under model.head"),
        ("hiden: 5", 'my.yaml:2: hiden: unknown key (did you mean "model.hidden"?)'),
        ("model:\n  head:\n    xyz: 1", "my.yaml:4: model.head.xyz: unknown key, not one of kind, weights"),
        ("<<: {seed: 1}", "my.yaml:2: <<: YAML 1.2 has no merge keys: write the keys out"),
        ("train:\n\n  epochs: 0", "my.yaml:4: train.epochs: 0 is too small, the least is 1"),
        (
            "train: {learning_rate: 0}",
            "my.yaml:2: train.learning_rate: 0 is too small, it must be more than 0",
        ),
        (
            "model: {layer_dropout: 1}",
            "my.yaml:2: model.layer_dropout: 1 is too large, it must be less than 1",
        ),
        ("model: {smoothing: 1.5}", "my.yaml:2: model.smoothing: 1.5 is too large, it must be less than 1"),
        ("seed: 4294967296", "my.yaml:2: seed: 4294967296 is too large, it must be less than 4294967296"),
        (
            "model:\n  cell: gruu",
            'my.yaml:3: model.cell: must be one of rnn, lstm, gru, got "gruu" (did you mean "gru"?)',
        ),
        ("model:\n  cell: 5", "my.yaml:3: model.cell: must be one of rnn, lstm, gru, got 5"),
        ("seed: true", "my.yaml:2: seed: must be a whole number, at least 0 and below 4294967296, got true"),
        (
            'model: {hidden: "5"}',
            'my.yaml:2: model.hidden: must be a whole number, at least 1 and at most 100000, got "5"',
        ),
        (
            "model: {hidden: 2.5}",
            "my.yaml:2: model.hidden: must be a whole number, at least 1 and at most 100000, got 2.5",
        ),
        (
            "model: {bidirectional: no}",
            'my.yaml:2: model.bidirectional: must be true or false, got "no" (did you mean "false"?)',
        ),
        ("model: {bidirectional: 1}", "my.yaml:2: model.bidirectional: must be true or false, got 1"),
        ("name: 5", "my.yaml:2: name: must be text, got 5 (put it in quotes)"),
        ("name:", 'my.yaml:2: name: must be text, got nothing (write "" for empty text)'),
        ("name: [a]", "my.yaml:2: name: must be text, got a list"),
        ("name: {a: 1}", "my.yaml:2: name: must be text, got keys with values"),
        ("train: 5", "my.yaml:2: train: must be a section of keys, got 5"),
        ("train: [1]", "my.yaml:2: train: must be a section of keys, got a list"),
        ("data:\n  files: x", 'my.yaml:3: data.files: must be a list, each text, got "x"'),
        ("data:\n  files:\n  - a\n  - 7", "my.yaml:5: data.files.1: must be text, got 7 (put it in quotes)"),
        (
            "data:\n  files: [a,\n    b, null]",
            'my.yaml:4: data.files.2: must be text, got nothing (write "" for empty text)',
        ),
        ("model: {width: wide}", 'my.yaml:2: model.width: must be a whole number or auto, got "wide"'),
        (
            "model: {width: autp}",
            'my.yaml:2: model.width: must be a whole number or auto, got "autp" (did you mean "auto"?)',
        ),
        (
            "model:\n  mixed:\n  - 1\n  - [2]",
            "my.yaml:5: model.mixed.1: must be a whole number or text, got a list",
        ),
        ("model: {head: {weights: {a: b}}}", 'my.yaml:2: model.head.weights.a: must be a number, got "b"'),
        (
            "compute: {device: gpu}",
            'my.yaml:2: compute.device: "gpu" does not fit (auto, cpu, cuda, cuda:N or mps)',
        ),
        ("train: {learning_rate: .inf}", "my.yaml:2: train.learning_rate: must be a finite number, got .inf"),
        ("train: {ema: .nan}", "my.yaml:2: train.ema: must be a finite number, got .nan"),
        (
            "seed: 1\nmodel: {cell: rnn, layers: 9}",
            "my.yaml:3: model: an rnn deeper than 8 layers does not learn",
        ),
        ("seed: 1\nname: a\nseed: 2", "my.yaml:4: seed: the key is given twice, first on line 2"),
        (
            "name: !!python/object/apply:os.system [ls]",
            "my.yaml:2: name: the tag !!python/object/apply:os.system is not allowed: a recipe holds plain values",
        ),
        ("name: !x a", "my.yaml:2: name: the tag !x is not allowed: a recipe holds plain values"),
        (
            "name: !!binary aGk=",
            "my.yaml:2: name: the tag !!binary is not allowed: a recipe holds plain values",
        ),
        ("train: !!set {a}", "my.yaml:2: train: the tag !!set is not allowed: a recipe holds plain values"),
        ("seed: !!int x", 'my.yaml:2: seed: "x" is not a usable int'),
        ("seed: " + "9" * 5000, "my.yaml:2: seed: too large a number"),
        ("[a]: 1", "my.yaml:2: a key must be a word, not a list or keys and values"),
        ('name: "\\ud800"', "my.yaml:2: name: holds bytes that are not UTF-8"),
    ],
)
def test_a_problem_names_the_file_the_line_the_key_and_the_remedy(text, expected):
    assert problems(TASK + text + "\n") == [expected]


def test_a_value_of_an_alias_is_wrong_where_it_was_written():
    text = TASK + "data:\n  files: &x\n  - 5\nmodel:\n  mixed: *x\n"
    assert problems(text) == ["my.yaml:4: data.files.0: must be text, got 5 (put it in quotes)"]


def test_a_long_value_is_cut_in_the_message():
    (line,) = problems(TASK + f"seed: {'x' * 5000}\n")
    assert len(line) < 200


def test_all_problems_are_shown_at_once_in_the_order_of_their_places():
    text = "task: sentiment\nmodel:\n  cell: gruu\n  layers: 0\nseed: 1\nseed: 2\nextra: 1\n"
    options = [Setting("train.epochs", 0, "--epochs")]
    found = problems(text, "model.hiden=3", "nothing", "a..b=1", options=options)
    assert [line.split(": ")[:2] for line in found] == [
        ["my.yaml:3", "model.cell"],
        ["my.yaml:4", "model.layers"],
        ["my.yaml:6", "seed"],
        ["my.yaml:7", "extra"],
        ["--epochs", "train.epochs"],
        ["command line", "nothing"],
        ["command line", "a..b"],
        ["command line", "model.hiden"],
    ]


def test_a_missing_key_names_its_section_and_its_line():
    (line,) = problems("task: needy\n\ndata:\n  train: a.csv\n")
    assert line == "my.yaml:3: data.labels: this key is missing and has no default (column of the labels)"


def test_a_missing_section_is_missing_in_the_file():
    (line,) = problems("task: needy\n")
    assert line == "my.yaml:1: data: this key is missing and has no default (a section of keys)"


def test_a_key_missing_from_a_section_of_the_command_line_is_missing_in_the_file():
    (line,) = problems("task: needy\n", "data.train=a.csv")
    assert line.startswith("my.yaml:1: data.labels: this key is missing")


def test_a_recipe_without_a_task_lists_the_tasks():
    assert problems("seed: 1\n") == [
        "my.yaml:1: task: this key is missing and has no default: one of needy, sentiment, tagging"
    ]


def test_a_misspelt_task_is_guessed_so_that_the_rest_is_checked_too():
    assert problems("task: sentimnt\nmodel: {cel: gru}\n") == [
        'my.yaml:1: task: must be one of needy, sentiment, tagging, got "sentimnt" (did you mean "sentiment"?)',
        'my.yaml:2: model.cel: unknown key (did you mean "cell"?)',
    ]


@pytest.mark.parametrize("task", ["weather", "5", "[a]", "{a: 1}"])
def test_an_unknown_task_lists_the_tasks(task):
    (line,) = problems(f"task: {task}\n")
    assert line.startswith("my.yaml:1: task: must be one of needy, sentiment, tagging, got ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "my.yaml: the recipe is empty"),
        ("# nothing\n", "my.yaml: the recipe is empty"),
        ("null\n", "my.yaml:1: the recipe is empty"),
        ("- a\n- b\n", "my.yaml:1: the recipe is a list, not keys with values"),
        ("\n\nwords\n", "my.yaml:3: the recipe is a single value, not keys with values"),
        (
            "task: a\n---\ntask: b\n",
            "my.yaml:2: a second document starts here (---): a recipe is one document",
        ),
        ("task: a\n\tseed: 1\n", "my.yaml:2: a tab cannot indent in YAML: use spaces"),
        (
            "task: a\nname: b: c\n",
            'my.yaml:2: not valid YAML: a second ": " on a line, or a wrong indent '
            '(put text that holds ": " in quotes)',
        ),
        (
            "task: [a\nname: b",
            "my.yaml:2: not valid YAML: while parsing a flow sequence, expected ',' or ']', but got ':'",
        ),
        ("task: a\nname: *b\n", "my.yaml:2: not valid YAML: found undefined alias 'b'"),
        ("task: a\n\nname: \x07", "my.yaml:3: holds a character that YAML forbids, '\\x07'"),
        ("%YAML 1.1\n---\ntask: a\n", "my.yaml:1: recipes are YAML 1.2: take the %YAML line out"),
        ("[" * 900, "my.yaml:1: nested too deeply"),
        (
            "a: " + "[" * 60 + "]" * 60,
            "my.yaml:1: too many values, or nested too deeply, once its aliases (*name) are written out",
        ),
        (
            "a: &a [*a]\n",
            "my.yaml:1: too many values, or nested too deeply, once its aliases (*name) are written out",
        ),
        (
            "!!python/object:x {a: 1}",
            "my.yaml:1: the tag !!python/object:x is not allowed: a recipe holds plain values",
        ),
    ],
)
def test_a_text_that_is_no_recipe_is_refused(text, expected):
    assert problems(text) == [expected]


def test_an_alias_bomb_is_refused_before_it_goes_off():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (line,) = problems("\n".join(lines))
    assert "aliases" in line


def test_a_file_is_read_and_its_problems_bear_its_name(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_bytes(b"\xef\xbb\xbftask: sentiment\r\nname: \xc3\xa9\r\n")
    assert load_file(path).name == "é"
    path.write_text("task: sentiment\nsed: 1\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=rf'{path}:2: sed: unknown key \(did you mean "seed"\?\)'):
        load_file(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"task: a\nname: \xff\xfe\n", ":2: not UTF-8 text"),
        (b"\x89PNG\r\n\x00\x00", ": a binary file, not a recipe"),
        ("task: a".encode("utf-16"), ": a binary file, not a recipe"),
        (b"#" * (MOST_BYTES + 1), ": larger than 1,000,000 bytes, so hardly a recipe"),
        (b"", ": the recipe is empty"),
    ],
)
def test_a_file_that_is_no_text_of_a_recipe_is_refused(tmp_path, content, what):
    path = tmp_path / "one.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_file(path)
    assert caught.value.message == f"{path}{what}"
    assert caught.value.hint


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="there is no such file"):
        load_file(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        load_file(tmp_path)


def test_importing_the_loader_and_the_library_loads_nothing_heavy():
    code = (
        "import sys, rnncli.recipe.load, rnncli.recipe.library;"
        "print([name for name in ('torch', 'numpy', 'pydantic', 'ruamel', 'datasets', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
