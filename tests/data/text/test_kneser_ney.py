"""Kneser-Ney in arrays, held to the equations in plain form and to figures that others published or measured."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text import kneser_ney
from rnncli.data.text.kneser_ney import KneserNey
from rnncli.errors import DataError

BEGIN = "begin"
SIZE = 5
DOCUMENTS = st.lists(st.lists(st.integers(0, SIZE - 2), max_size=12), min_size=1, max_size=5).filter(any)


def joined(documents, dtype=np.uint8):
    return np.array([*chain.from_iterable(documents)], dtype), np.cumsum([0, *map(len, documents)])


def drawn(seed, count=40, length=30, kinds=SIZE - 1):
    """Documents of a chain that prefers some successors, so that n-grams are seen once, twice, three and four times."""
    generator = np.random.default_rng(seed)
    chain = generator.dirichlet(np.full(kinds, 0.4), (kinds, kinds))
    documents = []
    for _ in range(count):
        document = [0, 0]
        for _ in range(generator.integers(0, length)):
            document.append(int(generator.choice(kinds, p=chain[document[-2], document[-1]])))
        documents.append(document[2:])
    return documents


class Plain:
    """The equations, straight from lists of n-grams."""

    def __init__(self, documents, order, size, discounts):
        padded = [(BEGIN, *document) for document in documents if document]
        self.order, self.size, self.discounts = order, size, discounts
        self.grams = [
            [p[i : i + n] for p in padded for i in range(len(p) - n + 1) if p[i : i + n] != (BEGIN,)]
            for n in range(1, order + 1)
        ]
        self.counts = [{gram: self.count(gram) for gram in set(grams)} for grams in self.grams]

    def count(self, gram):
        n = len(gram)
        if n == self.order or gram[0] == BEGIN:
            return self.grams[n - 1].count(gram)
        return len({longer[0] for longer in self.grams[n] if longer[1:] == gram})

    def discount(self, n, count):
        if not count:
            return 0
        n1, n2, n3, n4 = (list(self.counts[n - 1].values()).count(times) for times in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2) if n1 else 0.5
        if self.discounts == 3 and n1 and n2 and n3 and n4:
            three = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if min(three) > 0:
                return three[min(count, 3) - 1]
        return min(0.95, max(0.1, y))

    def share(self, symbol, context):
        if context is None:
            return 1 / self.size
        below = self.share(symbol, context[1:] if context else None)
        n = len(context) + 1
        after = {gram[-1]: count for gram, count in self.counts[n - 1].items() if gram[:-1] == context}
        total = sum(after.values())
        if not total:
            return below
        gamma = sum(self.discount(n, count) for count in after.values()) / total
        count = after.get(symbol, 0)
        return (count - self.discount(n, count)) / total + gamma * below

    def nats(self, documents):
        padded = [(BEGIN, *document) for document in documents]
        return [-np.log(self.share(p[i], p[max(0, i - self.order + 1) : i])) for p in padded for i in range(1, len(p))]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("discounts", [1, 3])
def test_symbols_cost_what_the_equations_say(order, discounts):
    train, test = drawn(1), drawn(2, count=8, kinds=SIZE)
    model = KneserNey.learn(*joined(train), order, SIZE, discounts)
    assert model.nats(*joined(test)) == pytest.approx(Plain(train, order, SIZE, discounts).nats(test), abs=1e-6)


@pytest.mark.parametrize("documents", [drawn(1), [[1], [2, 1]]])
def test_models_of_several_orders_are_those_of_each_alone(documents):
    test = joined(drawn(2))
    found = KneserNey.learn_orders(*joined(documents), (5, 1, 3), SIZE)
    assert sorted(found) == [1, 3, 5]
    for order, model in found.items():
        assert model.nats(*test).tolist() == KneserNey.learn(*joined(documents), order, SIZE).nats(*test).tolist()


def test_three_discounts_are_other_than_one_where_there_are_counts_enough():
    train, test = joined(drawn(1)), joined(drawn(2))
    one, three = (KneserNey.learn(*train, 3, SIZE, discounts).nats(*test) for discounts in (1, 3))
    assert np.abs(one - three).max() > 0.01


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.integers(1, 4))
def test_documents_of_any_length_cost_what_the_equations_say(train, test, order):
    model = KneserNey.learn(*joined(train), order, SIZE)
    assert model.nats(*joined(test)) == pytest.approx(Plain(train, order, SIZE, 3).nats(test), abs=1e-6)


def after(model, before):
    """p of each symbol as the next of a document."""
    documents = joined([[*before, symbol] for symbol in range(SIZE)])
    return np.exp(-model.nats(*documents)[len(before) :: len(before) + 1])


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, st.lists(st.integers(0, SIZE - 1), max_size=6), st.integers(1, 4))
def test_probabilities_after_any_symbols_add_up_to_one(train, before, order):
    assert after(KneserNey.learn(*joined(train), order, SIZE), before).sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("chunk", [1, 2, 7, 100])
def test_scores_do_not_depend_on_where_chunks_end(chunk, monkeypatch):
    model = KneserNey.learn(*joined(drawn(1)), 4, SIZE)
    test = joined(drawn(3))
    whole = model.nats(*test)
    monkeypatch.setattr(kneser_ney, "CHUNK", chunk)
    assert model.nats(*test).tolist() == whole.tolist()


def test_a_symbol_does_not_change_the_scores_before_it_nor_those_of_other_documents():
    model = KneserNey.learn(*joined(drawn(1)), 4, SIZE)
    values, bounds = joined(drawn(3, count=4))
    changed = values.copy()
    at = int(bounds[1]) + 3
    changed[at] = (changed[at] + 1) % SIZE
    same = model.nats(values, bounds) == model.nats(changed, bounds)
    assert same[:at].all()
    assert same[bounds[2] :].all()
    assert not same[at]


def test_documents_without_symbols_change_nothing():
    train, test = drawn(1), drawn(2)
    plain = KneserNey.learn(*joined(train), 3, SIZE).nats(*joined(test))
    holed = KneserNey.learn(*joined([[], *train[:2], [], *train[2:], []]), 3, SIZE).nats(*joined([[], *test, []]))
    assert holed.tolist() == plain.tolist()


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_the_type_of_the_numbers_does_not_matter(dtype):
    small, large = (
        KneserNey.learn(*joined(drawn(1), kind), 4, SIZE).nats(*joined(drawn(2), kind)) for kind in (np.uint8, dtype)
    )
    assert small.tolist() == large.tolist()


def test_orders_that_no_document_is_long_enough_for_are_left_out():
    model = KneserNey.learn(*joined([[1], [2, 1]]), 6, SIZE)
    assert model.order == 3
    assert after(model, [2, 1, 1, 1, 1]).sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("order", [1, 4])
def test_what_is_loaded_is_what_was_saved(order, tmp_path):
    model = KneserNey.learn(*joined(drawn(1)), order, SIZE)
    model.save(tmp_path / "ngram.npz")
    loaded = KneserNey.load(tmp_path / "ngram.npz")
    assert (loaded.order, loaded.size) == (model.order, model.size) == (order, SIZE)
    test = joined(drawn(2))
    assert loaded.nats(*test).tolist() == model.nats(*test).tolist()
    for one, other in zip(loaded.orders, model.orders, strict=True):
        assert one.keys_G.dtype == other.keys_G.dtype
        assert one.keys_G.tolist() == other.keys_G.tolist()


def test_what_is_kept_is_packed(tmp_path):
    model = KneserNey.learn(*joined(drawn(1, count=200, kinds=40)), 4, 41)
    model.save(tmp_path / "ngram.npz")
    held = sum(one.nbytes for grams in model.orders for one in (grams.keys_G, grams.shares_G, grams.gammas_C))
    assert (tmp_path / "ngram.npz").stat().st_size < 0.6 * held


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100])
def test_a_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "ngram.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"ngram\.npz: not a readable n-gram model"):
        KneserNey.load(path)


def test_nothing_to_learn_from_is_said():
    with pytest.raises(DataError, match="no symbols to learn a language model from"):
        KneserNey.learn(np.zeros(0, np.uint8), np.array([0, 0]), 3, SIZE)


def words(path, numbers):
    documents = [[*line.split(), "\n"] for line in path.read_text(encoding="utf-8").splitlines()]
    return joined([[numbers.setdefault(word, len(numbers)) for word in document] for document in documents], np.uint16)


def characters(text, numbers):
    return np.array([numbers.setdefault(character, len(numbers)) for character in text], np.uint8), np.array(
        [0, len(text)]
    )


@pytest.mark.slow
def test_words_of_the_penn_treebank_come_out_at_the_published_perplexity(real_data):
    """Mikolov (2012, table 4.1): 141.2; with one discount an order 143.5, on the validation part 151.4."""
    numbers = {}
    train, valid, test = (words(real_data / f"generate/ptb/{part}.txt", numbers) for part in ("train", "valid", "test"))
    perplexities = {}
    for discounts in (1, 3):
        model = KneserNey.learn(*train, 5, 10_000, discounts)
        perplexities[discounts] = [float(np.exp(model.nats(*part).mean())) for part in (valid, test)]
    assert (len(numbers), len(test[0])) == (10_000, 82_430)
    assert perplexities[1] == pytest.approx([151.4, 143.5], abs=0.1)
    assert perplexities[3][1] == pytest.approx(141.2, abs=0.1)


@pytest.mark.slow
@pytest.mark.long
def test_characters_of_the_penn_treebank_cost_the_bits_that_were_measured(real_data):
    numbers = {}
    texts = [(real_data / f"generate/ptb/{part}.txt").read_text(encoding="utf-8") for part in ("train", "test")]
    train, test = (characters(text.replace("\n", ""), numbers) for text in texts)
    for order, bits in ((6, 1.537), (7, 1.481)):
        nats = KneserNey.learn(*train, order, len(numbers), discounts=1).nats(*test)
        assert nats.mean() / np.log(2) == pytest.approx(bits, abs=6e-4)


@pytest.mark.slow
def test_shakespeare_costs_the_nats_that_were_measured(real_data):
    numbers = {}
    text = (real_data / "generate/tiny-shakespeare/input.txt").read_text(encoding="utf-8")
    train, test = characters(text[:1_003_854], numbers), characters(text[1_003_854:], numbers)
    for order, expected in ((6, 1.558), (7, 1.565)):
        nats = KneserNey.learn(*train, order, len(numbers), discounts=1).nats(*test)
        assert nats.mean() == pytest.approx(expected, abs=6e-4)
