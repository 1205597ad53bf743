"""Copies of the training part in which spans are exchanged, against the spans that the part has."""

from collections import Counter

import numpy as np
import pytest

from rnncli.data.text.tagschemes import INTERNAL, read_spans
from rnncli.errors import DataError
from rnncli.tasks.tagging import task
from rnncli.tasks.tagging.extras.mixing import MixedPart
from tests.tasks.tagged import conll, recipe


def pieces(tokens, features, tags):
    """A sentence as words outside spans and whole spans, each span with its type, words and columns."""
    spans, repaired = read_spans(tags, INTERNAL)
    assert not repaired
    found, done = [], 0
    for span in [*spans, None]:
        end = len(tokens) if span is None else span.start
        found += [(token, *(values[at] for values in features)) for at, token in enumerate(tokens[:end]) if at >= done]
        if span is not None:
            inside = slice(span.start, span.end)
            found.append({"kind": span.kind, "what": (tuple(tokens[inside]), *(tuple(f[inside]) for f in features))})
            done = span.end
    return found


@pytest.fixture
def part(tmp_path):
    its = recipe(tmp_path, conll(columns=3), feature_columns=["2"], mixed_copies=2)
    return task.read(its).parts["train"]


def listed(mixed):
    return [(*sentence, tags) for sentence, tags in zip(mixed.sentences(), mixed.tags(), strict=True)]


def test_only_spans_are_exchanged_for_others_of_their_type_with_their_columns(part):
    found = listed(MixedPart(part, 2, 0.5, seed=3))
    assert len(found) == 3 * len(part)
    own = [pieces(*sentence) for sentence in found[: len(part)]]
    assert own == [pieces(*sentence, tags) for sentence, tags in zip(part.sentences(), part.tags(), strict=True)]
    known = {(piece["kind"], piece["what"]) for sentence in own for piece in sentence if isinstance(piece, dict)}
    changed = Counter()
    for at, sentence in enumerate(found[len(part) :]):
        for mine, its in zip(pieces(*sentence), own[at % len(part)], strict=True):
            if isinstance(its, dict):
                assert mine["kind"] == its["kind"]
                assert (mine["kind"], mine["what"]) in known
                changed[mine["what"] != its["what"]] += 1
            else:
                assert mine == its
    assert 0.3 < changed[True] / changed.total() < 0.55  # a span may be exchanged for one that reads alike


def test_copies_are_the_same_each_time_and_differ_from_each_other_and_between_seeds(part):
    found = listed(MixedPart(part, 2, 1.0, seed=3))
    size = len(part)
    assert found == listed(MixedPart(part, 2, 1.0, seed=3))
    assert found[size : 2 * size] != found[2 * size :]
    assert found != listed(MixedPart(part, 2, 1.0, seed=4))


def test_sentences_of_a_copy_have_documents_of_their_own_and_the_place_of_their_model(part):
    mixed = MixedPart(part, 2, 0.5, seed=3)
    codes = mixed.documents().reshape(3, len(part))
    assert len(np.unique(codes)) == 3 * len(np.unique(codes[0]))
    assert mixed.place(len(part) + 4) == part.place(4)


def test_copies_are_learnt_from_in_training_alone(tmp_path):
    its = recipe(tmp_path, mixed_copies=2)
    read = task.read(its)
    fitted = task.fit(its, read)
    train = read.parts["train"]
    assert len(fitted.encode(train)) == len(train)
    examples = fitted.encode(train, training=True)
    assert len(examples) == 3 * len(train)
    assert examples.place(2 * len(train)) == train.place(0)
    assert list(examples.tags[5]) == [fitted.tags.index(tag) for tag in list(train.tags())[5]]


def test_tags_that_are_no_spans_cannot_be_mixed(tmp_path):
    its = recipe(tmp_path, mixed_copies=1, tag_scheme="none")
    read = task.read(its)
    with pytest.raises(DataError, match=r"train\.conll:\d+: data\.mixed_copies exchanges spans"):
        task.fit(its, read)
