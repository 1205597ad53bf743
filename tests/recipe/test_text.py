import json

from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.recipe.text import parse

# What YAML's punctuation can do to a reader, more often than chance would have it.
PIECES = st.sampled_from(
    [*"-:?,[]{}#&*!|>'\"%@`\\ \n\t<~=.0123456789eExoua", "---", "...", "\\U", "!!", "\r\n", "é", "\0"]
)
# JSON writes what lies beyond as two escapes, which to YAML are two broken characters.
WORDS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=6,
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_gives_values_or_a_problem_but_never_an_exception(text):
    tree = parse(text, "any")
    assert () in tree.places
    assert not any("\n" in str(problem.place) for problem in tree.problems)


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_json_is_read_as_json_reads_it(value):
    tree = parse(json.dumps(value), "json")
    assert not tree.problems
    assert tree.value == value
