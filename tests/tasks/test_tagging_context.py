"""Sentences read with their neighbours, against windows that are cut and computed one by one."""

import json
import random
from itertools import accumulate, groupby

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text.neighbours import Given, laid_out, reach, with_neighbours
from rnncli.errors import DataError
from rnncli.tasks.tagging import builtin, task
from rnncli.train.loop import evaluation_batches
from tests.tasks.tagged import recipe

WORDS = 7
DOCUMENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=12)


def documents(count=60, mark="-DOCSTART- O\n\n"):
    """Generated sentences in CoNLL columns, documents of one to four of them."""
    draw, text, left = random.Random(5), "", 0
    for tokens, tags in builtin.generate()[:count]:
        if not left:
            text += mark
            left = draw.randint(1, 4)
        left -= 1
        text += "".join(f"{token} {tag}\n" for token, tag in zip(tokens, tags, strict=True)) + "\n"
    return text


def window(lengths, documents, i, words):
    """Positions in the whole text of what is read with sentence ``i``, found word by word."""
    where = [(n, k) for n, length in enumerate(lengths) for k in range(length)]
    own = [p for p, (n, _) in enumerate(where) if n == i]
    if not own:
        return own
    same = groupby(range(len(lengths)), key=documents.__getitem__)
    mates = next(found for _, group in same if i in (found := list(group)))
    return [p for p, (n, _) in enumerate(where) if n in mates and own[0] - words <= p <= own[-1] + words]


@given(DOCUMENTS, st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_what_is_read_is_at_most_so_many_words_beyond_a_sentence_in_its_document(drawn, words):
    codes, lengths = [code for code, _ in drawn], [length for _, length in drawn]
    offsets = np.array([0, *accumulate(lengths)])
    begins, ends = reach(offsets, np.array(codes, dtype=np.int64), words)
    for i, length in enumerate(lengths):
        if length:
            assert list(range(begins[i], ends[i])) == window(lengths, codes, i, words)


@given(DOCUMENTS, st.integers(1, 9), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_stream_brings_what_stands_around_each_sentence_in_any_order_of_asking(drawn, words, draw):
    codes, lengths = [code for code, _ in drawn], [length for _, length in drawn]
    stream = [(Given([f"{i}.{k}" for k in range(length)]), code) for i, (code, length) in enumerate(drawn)]
    text = [token for one, _ in stream for token in one.tokens]
    found = list(with_neighbours(iter(stream), words))
    assert [one.tokens for one in found] == [one.tokens for one, _ in stream]
    asked = draw.sample(range(len(found)), draw.randint(0, len(found)))
    laid = laid_out([found[i] for i in asked])
    tokens = [token for its, _ in laid.sentences for token in its]
    offsets = np.array([0, *accumulate(len(its) for its, _ in laid.sentences)])
    begins, ends = reach(offsets, laid.documents, words)
    for i, at in zip(asked, laid.wanted.tolist(), strict=True):
        assert laid.sentences[at][0] == found[i].tokens
        if lengths[i]:
            assert tokens[begins[at] : ends[at]] == [text[p] for p in window(lengths, codes, i, words)]


def test_a_sentence_waits_only_for_the_words_behind_it():
    taken = []

    def stream():
        for number in range(9):
            taken.append(number)
            yield Given(["a", "b", "c"]), 0

    next(with_neighbours(stream(), 4))
    assert taken == [0, 1, 2]


def test_sentences_that_follow_each_other_are_laid_out_once():
    found = list(with_neighbours(((Given([str(n)] * 5), n // 6) for n in range(12)), 5))
    assert [tokens[0] for tokens, _ in laid_out(found).sentences] == [str(n) for n in range(12)]


def read_by_hand(model, examples, lengths, codes, i, words):
    """Scores of sentence ``i``: each word's input from its sentence alone, then one window through the core."""
    inputs, (member,) = [], model.members
    caught = member.input_dropout.register_forward_hook(lambda _module, _args, x_BTI: inputs.append(x_BTI[0]))
    alone = examples.__class__(examples.words, examples.forms_UF, examples.characters, examples.places, examples.tags)
    for n, length in enumerate(lengths):
        model(alone.batch(np.array([n])))
        inputs[-1] = inputs[-1][:length]
    caught.remove()
    first = sum(lengths[:i])
    at = window(lengths, codes, i, words)
    x_TI = torch.cat(inputs)
    y_1SE, _ = member.core(x_TI[at][None])
    own = slice(at.index(first), at.index(first) + lengths[i])
    return member.linear(torch.cat([y_1SE[0, own], x_TI[first : first + lengths[i]]], -1))


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_scores_are_those_of_the_window_alone_and_tags_those_of_the_sentence(tmp_path, head):
    its = recipe(tmp_path, documents(), {"head": head}, context=WORDS)
    read = task.read(its)
    fitted = task.fit(its, read)
    torch.manual_seed(2)
    model, part = fitted.build().eval(), read.parts["dev"]
    examples = fitted.encode(part)
    lengths, codes = [len(tokens) for tokens in part.tokens()], part.documents().tolist()
    assert len(set(codes)) >= 2
    found = {}
    with torch.no_grad():
        for indices, batch in evaluation_batches(examples, its.train, torch.device("cpu"))():
            scores_BTK, best_BT = model(batch), model.decode(batch)
            for row, i in enumerate(indices.tolist()):
                found[i] = scores_BTK[row, : lengths[i]], best_BT[row, : lengths[i]]
        for i, length in enumerate(lengths):
            by_hand_TK = read_by_hand(model, examples, lengths, codes, i, WORDS)
            torch.testing.assert_close(found[i][0], by_hand_TK, atol=1e-5, rtol=1e-4)
            one = by_hand_TK[None]
            best = one.argmax(-1) if model.head is None else model.head.best(one, torch.tensor([length]))
            assert found[i][1].tolist() == best[0].tolist()


def test_tags_do_not_depend_on_batches_or_order_and_are_those_of_scoring(tmp_path):
    its = recipe(tmp_path, documents(), context=WORDS)
    read = task.read(its)
    fitted = task.fit(its, read)
    torch.manual_seed(2)
    model = fitted.build().eval()
    predictor = task.predictor(fitted, model, torch.device("cpu"))
    found = list(predictor.read(tmp_path / "train.conll"))
    together = predictor.predict(found)
    assert list(predictor.write(found, "")) == [
        predictor.text(one, row) for one, row in zip(found, together, strict=True)
    ]
    order = random.Random(1).sample(range(len(found)), len(found))
    for i, row in zip(order, predictor.predict([found[i] for i in order]), strict=True):
        assert row["tags"] == together[i]["tags"]
    for one, row in zip(found, together, strict=True):
        assert predictor.predict([one])[0]["probabilities"] == pytest.approx(row["probabilities"], abs=1e-4)
    whole = task.read_more(its, tmp_path / "train.conll").parts["test"]
    examples = fitted.encode(whole)
    for indices, batch in evaluation_batches(examples, its.train, torch.device("cpu"))():
        with torch.no_grad():
            tags, _ = fitted.predict(model, batch)
        for i, one in zip(indices.tolist(), tags, strict=True):
            assert fitted.written(np.array([fitted.tags.index(tag) for tag in one])) == together[i]["tags"]


@pytest.mark.parametrize("mark", ["-DOCSTART- O\n\n", "# newdoc id = x\n"])
def test_documents_are_told_by_their_marks_and_by_a_column(tmp_path, mark):
    text = documents(mark=mark)
    part = task.read_more(recipe(tmp_path, text, context=WORDS), tmp_path / "train.conll").parts["test"]
    codes = part.documents().tolist()
    assert len(set(codes)) == text.count(mark)
    rows = [
        {"tokens": tokens, "tags": tags, "story": f"story {code}"}
        for tokens, tags, code in zip(part.tokens(), part.tags(), codes, strict=True)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    its = recipe(tmp_path, lines, name="train.jsonl", context=WORDS, document_column="story")
    read = task.read(its)
    stories = [set(part.column("story", "data.document_column")) for part in read.parts.values()]
    assert not set.intersection(*stories)
    assert sum(map(len, stories)) == len(set(codes))
    predictor = task.predictor(task.fit(its, read), task.fit(its, read).build().eval(), torch.device("cpu"))
    asked = list(predictor.listen(lines.splitlines(keepends=True), "lines"))
    for one, code, behind in zip(asked, codes, [*codes[1:], None], strict=True):
        assert bool(one.after) == (code == behind)


def test_parts_are_not_drawn_from_a_single_document(tmp_path):
    with pytest.raises(DataError, match=r"train\.conll:1: no part can be drawn from a single document"):
        task.read(recipe(tmp_path, documents(mark=""), context=WORDS))
    read = task.read(recipe(tmp_path, documents(mark=""), context=WORDS, dev="train.conll", test="train.conll"))
    assert any("7 words on either side in its document: train 1, dev 1, test 1" in note for note in read.notes)


def test_folds_keep_documents_whole(tmp_path):
    seen = []
    for fold in range(3):
        parts = task.read(recipe(tmp_path, documents(), context=WORDS, folds=3, fold=fold)).parts
        found = {name: set(part.documents().tolist()) for name, part in parts.items()}
        assert not set.intersection(*found.values())
        seen += found["test"]
    assert len(seen) == len(set(seen)) == documents().count("-DOCSTART-")
