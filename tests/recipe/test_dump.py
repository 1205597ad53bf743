import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.recipe.load import dump
from rnncli.recipe.schema import ComputeSection, TrainSection
from tests.recipe.example import ExampleData, ExampleModel, ExampleRecipe, Head, load_example

WORDS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "no",
        "Yes",
        "null",
        "~",
        "1e3",
        "0x1",
        "-",
        "- a",
        "a: b",
        "#",
        "a #b",
        "*a",
        "&a",
        "!a",
        "%",
        "@",
        "`",
        "{",
        "'",
        '"',
        "",
        " ",
        " a ",
        "\n",
        "\t",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x7f",
        ".",
        "..",
        "./a b",
        "=",
        "<<",
        "---",
        "2026-01-01",
    ]
)
NUMBERS = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
FRACTIONS = st.floats(0, 1, exclude_max=True)
RECIPES = st.builds(
    ExampleRecipe,
    task=st.just("sentiment"),
    name=WORDS,
    seed=st.integers(0, 2**32 - 1),
    data=st.builds(
        ExampleData,
        root=WORDS,
        train=WORDS,
        folds=st.integers(6, 9),
        fold=st.none() | st.integers(0, 5),
        files=st.lists(WORDS, max_size=3).map(tuple),
        dev_fraction=FRACTIONS,
    ),
    model=st.builds(
        ExampleModel,
        cell=st.sampled_from(["lstm", "gru"]),
        hidden=st.integers(1, 100_000),
        bidirectional=st.booleans(),
        head=st.builds(Head, weights=st.dictionaries(WORDS, NUMBERS, max_size=3)),
        width=st.just("auto") | st.integers(-9, 9),
        smoothing=st.none() | FRACTIONS,
        mixed=st.lists(WORDS | st.integers(-9, 9), max_size=3).map(tuple),
    ),
    train=st.builds(TrainSection, learning_rate=st.floats(0, 1e9, exclude_min=True), weight_decay=FRACTIONS),
    compute=st.builds(ComputeSection, device=st.sampled_from(["cpu", "cuda:1"])),
)


@settings(max_examples=60, deadline=None)
@given(RECIPES, st.booleans())
def test_a_recipe_written_out_loads_to_an_equal_one(recipe, comments):
    assert load_example(dump(recipe, comments=comments)) == recipe


def test_a_recipe_is_written_in_the_order_of_its_schema_with_sections_apart():
    lines = dump(ExampleRecipe(task="sentiment", model=ExampleModel(head=Head(weights={"a b": 2})))).splitlines()
    assert lines[:5] == ["task: sentiment", 'name: ""', "seed: 1", "", "data:"]
    assert [line.rstrip(":") for line in lines if line.endswith(":") and line[0] != " "] == list(
        ExampleRecipe.model_fields
    )[3:]
    start = lines.index("  head:")
    assert lines[start : start + 4] == ["  head:", "    kind: softmax", "    weights:", "      a b: 2.0"]


@pytest.mark.parametrize(
    "expected",
    [
        "  # the recurrent cell (one of rnn, lstm, gru)\n  cell: gru\n",
        "  # layers on top of each other; of a Transformer 2 if not said (a whole number, at\n",
        '  # column of the text\n  text_column: ""\n',
        "  # a number, at least 0 and below 1, or null\n  smoothing: null\n",
        "  # a list, each text\n  files: []\n",
        "    # keys with values, each a number\n    weights: {}\n",
    ],
)
def test_comments_say_what_a_key_means_and_takes(expected):
    assert expected in dump(ExampleRecipe(task="sentiment"), comments=True)


def test_comments_stay_within_a_terminal_of_90_columns():
    assert max(map(len, dump(ExampleRecipe(task="sentiment"), comments=True).splitlines())) <= 90
