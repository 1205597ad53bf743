"""The built-in corpus: balanced, repeatable, and beyond a bag of words."""

import hashlib
from collections import Counter

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from rnncli.tasks.sentiment.builtin import LABELS, LARGEST, generate


def test_sentences_are_distinct_and_labels_balanced():
    corpus = generate()
    assert len({text for text, _ in corpus}) == len(corpus) == 6000
    assert Counter(label for _, label in corpus) == dict.fromkeys(LABELS, 3000)
    assert all(0 < len(text.split()) < 50 and "  " not in text for text, _ in corpus)


def test_a_seed_gives_the_same_corpus_on_every_machine():
    digest = hashlib.sha256(repr(generate(seed=1, size=2000)).encode()).hexdigest()
    assert digest[:16] == "625c29e92ef6e0fd"
    assert generate(seed=2, size=100) != generate(seed=1, size=100)


def test_the_corpus_can_be_as_large_as_it_says_and_no_odder():
    assert len(generate(seed=3, size=LARGEST)) == LARGEST
    for size in (0, 7, LARGEST + 2):
        with pytest.raises(ValueError, match="even number"):
            generate(size=size)


def test_both_labels_use_the_same_words():
    counts = {label: Counter() for label in LABELS}
    for text, label in generate():
        counts[label].update(text.split())
    negative, positive = counts.values()
    for word in negative | positive:
        assert 0.6 < (negative[word] + 5) / (positive[word] + 5) < 1.7, word


@pytest.mark.parametrize(("longest", "ceiling"), [(1, 0.6), (2, 0.7), (3, 0.8)])
def test_counting_words_or_short_runs_of_them_is_not_enough(longest, ceiling):
    texts, labels = zip(*generate(), strict=True)
    vectorizer = TfidfVectorizer(ngram_range=(1, longest), token_pattern=r"\S+")
    features = vectorizer.fit_transform(texts[:4800])
    model = LogisticRegression(C=30, solver="liblinear").fit(features, labels[:4800])
    assert model.score(vectorizer.transform(texts[4800:]), labels[4800:]) < ceiling
