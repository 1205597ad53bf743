"""Language models: probabilities that add up, the equations in plain form, ARPA files."""

import math
import random

import pytest

from rnncli.data.text.ngram import BEGIN, END, UNKNOWN, NGram, learn, read_arpa
from rnncli.errors import DataError

TEXTS = [text.split() for text in ("a b a b", "a b c", "c a b", "b", "a a b c a", "d d")]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_after_any_context_add_up_to_one(order):
    model = learn(TEXTS, order)
    tokens = ["a", "b", "c", "d", END, UNKNOWN]
    random.seed(1)
    contexts = [(), (BEGIN,), (BEGIN, "a"), ("a", "b"), ("d", "c"), ("zzz", "a"), ("a", "zzz")]
    contexts += [tuple(random.choices(["a", "b", "c", "d"], k=3)) for _ in range(20)]
    for context in contexts:
        assert sum(math.exp(model.log(token, context)) for token in tokens) == pytest.approx(1), context


def kneser_ney(token, context, texts, order):
    """The equations, straight from the counts."""
    padded = [(BEGIN, *text, END) for text in texts]
    grams = [
        [p[i : i + n] for p in padded for i in range(len(p) - n + 1) if p[i : i + n] != (BEGIN,)]
        for n in range(1, order + 1)
    ]

    def count(gram):
        n = len(gram)
        if n == order or gram[0] == BEGIN:
            return grams[n - 1].count(gram)
        return len({longer[0] for longer in grams[n] if longer[1:] == gram})

    def discount(n):
        counts = [count(gram) for gram in set(grams[n - 1])]
        once, twice = counts.count(1), counts.count(2)
        return min(0.95, max(0.1, once / (once + 2 * twice) if once else 0.5))

    def share(token, context):
        if context is None:
            return 1 / (len(set(grams[0])) + 1)
        successors = {gram[-1] for gram in grams[len(context)] if gram[:-1] == context}
        total = sum(count((*context, successor)) for successor in successors)
        below = share(token, context[1:] if context else None)
        if not total:
            return below
        d = discount(len(context) + 1)
        return max(count((*context, token)) - d, 0) / total + d * len(successors) / total * below

    return share(token, context[-(order - 1) :] if order > 1 else ())


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_learnt_model_obeys_the_equations(order):
    model = learn(TEXTS, order)
    for context in [(), (BEGIN,), ("a",), ("a", "b"), (BEGIN, "a"), ("c", "a")]:
        for token in ("a", "b", "c", "d", END):
            expected = kneser_ney(token, context, TEXTS, order)
            assert math.exp(model.log(token, context)) == pytest.approx(expected), (token, context)


def test_an_arpa_file_holds_the_model(tmp_path):
    model = learn(TEXTS, 3)
    model.write(tmp_path / "lm.arpa")
    again = read_arpa(tmp_path / "lm.arpa")
    assert again.order == 3
    for text in (*TEXTS, ["zzz", "a"], []):
        assert again.sentence(text) == pytest.approx(model.sentence(text), rel=1e-5)


def test_a_model_prefers_its_own_texts():
    model = learn(TEXTS, 3)
    assert model.perplexity(TEXTS) < model.perplexity([["d", "a", "c"], ["c", "c", "b"]])
    assert "a" in model
    assert "zzz" not in model


def test_backing_off_multiplies_weights():
    model = NGram(2, {("a",): -1.0, ("b",): -2.0, ("a", "a"): -0.5}, {("a",): -0.25})
    assert model.log("a", ("a",)) == -0.5
    assert model.log("b", ("a",)) == -2.25
    assert model.log("b", ("b",)) == -2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lm.arpa"),
        ("hello\n", "not a whole ARPA file"),
        ("\\data\\\nngram 1=1\n\n\\1-grams:\n-1 a b c d\n\\end\\\n", "lm.arpa:5"),
        ("\\data\\\nngram 1=1\n\n\\1-grams:\nx a\n\\end\\\n", "lm.arpa:5"),
        ("\\data\\\nngram 1=1\n\n\\1-grams:\n-1 a\n", "not a whole ARPA file"),
        ("\\data\\\nngram 1=1\n\n\\1-grams:\n-1 a\n\\end\\\n", "</s>"),
    ],
)
def test_a_bad_arpa_file_is_refused_with_its_line(tmp_path, text, says):
    (tmp_path / "lm.arpa").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_arpa(tmp_path / "lm.arpa")
    assert says in caught.value.message


def test_nothing_to_learn_from_is_said():
    with pytest.raises(DataError, match="no words"):
        learn([], 2)
