"""Every number of every recipe has a least and a largest value, and what lies beyond is refused by name."""

from __future__ import annotations

import pytest

from rnncli import tasks
from rnncli.errors import RecipeError
from rnncli.runs.recipes import load_recipe

LARGE = ("9000000000000000000", "-1e300", "1" * 5000)


def numbers(node, root, path=()):
    """The paths of all numbers in a JSON schema, with what it says of each."""
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rpartition("/")[2]]
    for several in ("anyOf", "oneOf", "prefixItems"):
        for one in node.get(several, ()):
            yield from numbers(one, root, path)
    if node.get("type") in ("integer", "number"):
        yield path, node
    for name, one in node.get("properties", {}).items():
        yield from numbers(one, root, (*path, name))
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from numbers(node[key], root, (*path, key))


def of_task(task):
    schema = tasks.schema(task).model_json_schema()
    return list(numbers(schema, schema))


@pytest.mark.parametrize("task", tasks.names())
def test_every_number_of_a_schema_has_bounds_on_both_sides(task):
    found = of_task(task)
    assert len(found) > 20
    for path, node in found:
        chosen = {"enum", "const"} & node.keys()
        assert chosen or {"maximum", "exclusiveMaximum"} & node.keys(), ".".join(path)
        assert chosen or {"minimum", "exclusiveMinimum"} & node.keys(), ".".join(path)


@pytest.mark.parametrize("large", LARGE, ids=lambda text: text[:22])
@pytest.mark.parametrize("task", tasks.names())
def test_numbers_beyond_their_bounds_are_refused_all_at_once_and_by_name(task, large):
    keys = {".".join(path) for path, _ in of_task(task) if not {"items", "additionalProperties"} & set(path)}
    with pytest.raises(RecipeError) as caught:
        load_recipe(f"{task}/default", [f"{key}={large}" for key in sorted(keys)])
    told = [line for line in caught.value.message.splitlines() if line.startswith("command line: ")]
    assert {line.split(": ")[1] for line in told} >= keys


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("model.hidden=1000000", "1000000 is too large, the most is 100000"),
        ("model.layers=100000000", "100000000 is too large, the most is 100"),
        ("model.embedding=100001", "100001 is too large, the most is 100000"),
        ("train.batch_size=9000000000000000000", "is too large, the most is 1000000000"),
        ("data.subwords=9000000000000000000", "is too large, the most is 1000000"),
        ("compute.threads=100000", "100000 is too large, the most is 1024"),
        ("evaluation.resamples=1e9", "1000000000 is too large, the most is 1000000"),
        ("train.learning_rate=1e10", "is too large, the most is 1000000000"),
        ("train.accumulate=1e10", "is too large, the most is 1000000000"),
        ("data.fold=1e10", "10000000000 is too large, the most is 1000000000"),
        ("compute.device=cuda:99999999999999999999", "does not fit"),
    ],
)
def test_a_number_that_is_too_large_is_told_its_bound(given, said):
    with pytest.raises(RecipeError) as caught:
        load_recipe("sentiment/default", [given])
    assert said in caught.value.message


@pytest.mark.parametrize("task", ["text", "music"])
def test_a_model_of_what_comes_next_is_refused_where_it_would_read_backward(task):
    with pytest.raises(RecipeError, match="cannot read it from behind"):
        load_recipe(f"{task}/default", ["model.bidirectional=true"])
    assert not load_recipe(f"{task}/default", ["model.bidirectional=false"]).model.bidirectional
