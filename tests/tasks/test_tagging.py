"""The parts of the tagging task against plain computations."""

import json
import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.text.distinct import Distinct
from rnncli.data.text.tagschemes import INTERNAL, SCHEMES, read_spans
from rnncli.errors import RunError
from rnncli.tasks.tagging import builtin, task
from rnncli.tasks.tagging.examples import UNSEEN, encode
from rnncli.tasks.tagging.extras import baselines, known
from rnncli.tasks.tagging.extras.baselines import MostFrequentTag, linear_crf
from rnncli.tasks.tagging.extras.lexicon import EDGE, Lexicon, shape
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import ConvolutionReader, Forgetting, allowed
from rnncli.tasks.tagging.schema import RECIPE
from tests.tasks.tagged import SMALL, fit, recipe


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A tagger of random weights for the generated sentences."""
    its = recipe(tmp_path_factory.mktemp("data"))
    read = task.read(its)
    torch.manual_seed(1)
    return read, task.fit(its, read)


def test_the_generated_corpus_is_the_same_each_time_distinct_and_valid():
    sentences = builtin.generate()
    assert sentences == builtin.generate()
    assert len({tuple(tokens) for tokens, _ in sentences}) == len(sentences) == builtin.SENTENCES
    for tokens, tags in sentences:
        spans, repaired = read_spans(tags, INTERNAL)
        assert len(tokens) == len(tags)
        assert spans is not None
        assert repaired >= 0


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("abc", "ABC"),
        ("ABC", "Abc"),
        ("Abc", "aBc"),
        ("12", "1.2"),
        ("1.2", "a1"),
        ("a1", "a-b"),
        ("a-b", "--"),
        ("A", "AB"),
    ],
)
def test_words_of_different_looks_have_different_shapes(word, other):
    assert shape(word) != shape(other)


def test_a_word_never_seen_is_unknown_while_its_ends_are_known():
    lexicon = Lexicon.learn(RECIPE(), [(["walking", "talking", "Balking", "."], ())])
    table = lexicon.forms(["stalking", "Walking"])
    assert table[0, 0] == 1
    assert table[1, 0] > 1
    assert (table[0, 2:] > 1).sum() >= 2


def test_a_lexicon_comes_back_from_its_folder(tmp_path):
    its = RECIPE(data={"feature_columns": ["2"]}, model={"pairs": 4})
    sentences = [(["The", "end", "."], (["D", "N", "P"],))] * 3
    lexicon = Lexicon.learn(its, sentences)
    lexicon.save(tmp_path)
    again = Lexicon.load(tmp_path)
    assert again.vocabularies == lexicon.vocabularies
    assert {name: counts.tolist() for name, counts in again.counts.items()} == {
        name: counts.tolist() for name, counts in lexicon.counts.items()
    }
    assert lexicon.counts["pair 0"].tolist() == [0, 0, 3, 3, 3, 3]
    assert again.positions == ("column 0", "pair 0", "pair 0", "pair 1", "pair 1")
    for one, other in zip(encode(again, sentences).places, encode(lexicon, sentences).places, strict=True):
        np.testing.assert_array_equal(one, other)
    (tmp_path / "lexicon.json").write_text('{"kind": "lexicon"}', encoding="utf-8")
    with pytest.raises(RunError, match="no lexicon"):
        Lexicon.load(tmp_path)


def test_pairs_are_those_of_each_word_with_its_neighbours():
    its = RECIPE(model={"pairs": 4, "pair_min_count": 1, "characters": 0, "affixes": 0})
    lexicon = Lexicon.learn(its, [(["a", "b", "a"], ())])
    left, right = encode(lexicon, [(["a", "b", "a"], ())]).places
    assert left[1] == right[0]  # a b
    assert left[2] == right[1]  # b a
    assert len({*left, *right}) == 4


@given(st.lists(st.lists(st.sampled_from("aAbc\t"), max_size=4), min_size=1, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_pairs_are_found_as_in_a_dictionary_of_them(sentences, lower):
    its = RECIPE(data={"lower": lower}, model={"pairs": 4, "pair_min_count": 1, "characters": 0, "affixes": 0})
    lexicon = Lexicon.learn(its, [(list("abAc"), ()), (["a"], ())])
    numbers = {pair: number for number, pair in enumerate(lexicon.vocabularies["pair 0"].tokens, start=2)}
    left, right = encode(lexicon, [(tokens, ()) for tokens in sentences]).places
    wanted = []
    for tokens in sentences:
        words = [EDGE, *(token.lower() if lower else token for token in tokens), EDGE]
        pairs = [numbers.get(f"{one}\t{other}", 1) for one, other in pairwise(words)]
        wanted += pairwise(pairs)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == wanted


def test_what_follows_from_a_string_is_computed_once():
    asked = []

    def length(strings):
        asked.extend(strings)
        return np.array([len(string) for string in strings])

    distinct = Distinct()
    assert distinct.number(["a", "bb", "a"]) == [0, 1, 0]
    assert distinct.follows("length", length).tolist() == [1, 2]
    distinct.number(["bb", "ccc"])
    assert distinct.follows("length", length).tolist() == [1, 2, 3]
    assert asked == ["a", "bb", "ccc"]


def test_batches_hold_each_different_word_once():
    lexicon = Lexicon.learn(RECIPE(), [(["a", "b", "c"], ())])
    examples = encode(lexicon, [(["a", "b", "a"], ()), ([], ()), (["b"], ())], [[0, 1, 0], [], [1]])
    batch = examples.batch(np.array([0, 1, 2]))
    assert len(batch.forms_UF) == 2
    words = batch.forms_UF[batch.word_BT][..., 0]
    assert words[0].tolist() == lexicon.vocabularies["word"].encode("aba").tolist()
    assert batch.lengths_B.tolist() == [3, 0, 1]
    assert batch.tags_BT[2].tolist() == [1, 0, 0]


@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize(("cell", "reader"), [("lstm", "core"), ("gru", "core"), ("rnn", "core"), ("lstm", "cnn")])
def test_a_sentence_is_tagged_alike_in_any_company(tmp_path, head, cell, reader):
    its = recipe(tmp_path, model={"head": head, "cell": cell, "character_reader": reader})
    read = task.read(its)
    fitted = task.fit(its, read)
    torch.manual_seed(3)
    model = fitted.build().eval()
    sentences = [*list(read.parts["dev"].tokens()), [], ["new"], ["x"] * 50]
    predictor = task.predictor(fitted, model, torch.device("cpu"))
    given = [predictor.parse(json.dumps({"tokens": tokens})) for tokens in sentences]
    together = predictor.predict(given)
    order = random.Random(1).sample(range(len(given)), len(given))
    for i, row in zip(order, predictor.predict([given[i] for i in order]), strict=True):
        assert row["tags"] == together[i]["tags"]
    for one, row in zip(given, together, strict=True):
        (alone,) = predictor.predict([one])
        assert alone["tags"] == row["tags"]
        assert alone["probabilities"] == pytest.approx(row["probabilities"], abs=1e-4)


def test_plain_words_are_cut_at_punctuation_unless_they_are_known(fitted):
    predictor = task.predictor(fitted[1], fitted[1].build().eval(), torch.device("cpu"))
    assert fitted[1].lexicon.knows(["Dr.", "Kavik."]) == [True, False]
    found = predictor.parse(' Dr. "Kavik-Ra, isn\'t it?" ').tokens
    assert found == ["Dr.", '"', "Kavik-Ra", ",", "isn't", "it", "?", '"']


def test_a_sentence_of_1238_words_and_an_empty_one_are_tagged(fitted):
    predictor = task.predictor(fitted[1], fitted[1].build().eval(), torch.device("cpu"))
    long, empty = predictor.predict([predictor.parse("word " * 1238), predictor.parse("")])
    assert len(long["tags"]) == len(long["probabilities"]) == 1238
    assert (empty["tokens"], empty["tags"]) == ([], [])


def test_predicted_tags_are_always_valid_and_their_probabilities_are_shares(fitted):
    read, its = fitted
    predictor = task.predictor(its, its.build().eval(), torch.device("cpu"))
    given = [predictor.parse(" ".join(tokens)) for tokens in read.parts["train"].tokens()]
    for row in predictor.predict(given):
        assert read_spans(row["tags"], read.parts["train"].scheme)[1] == 0
        assert all(0 <= p <= 1 + 1e-6 for p in row["probabilities"])


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES", "BMES"])
@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("form", ["", "conll", "text", "jsonl"])
def test_what_is_written_at_once_is_what_the_rows_say(tmp_path, scheme, head, form):
    text = "".join(
        "".join(f"{word} {tag}\n" for word, tag in zip(tokens, SCHEMES[scheme].write(spans, len(tokens)), strict=True))
        + "\n"
        for tokens, tags in builtin.generate()[:60]
        if (spans := read_spans(tags, SCHEMES["IOB2"])[0]) is not None
    )
    fitted = fit(recipe(tmp_path, text, {"head": head}))
    torch.manual_seed(4)
    predictor = task.predictor(fitted, fitted.build().eval(), torch.device("cpu"))
    examples = [*predictor.listen(text.splitlines(keepends=True), "text"), predictor.parse("Rara met Noma .")]
    for some in (examples, examples[:-1]):
        rows = predictor.predict(some)
        wanted = [predictor.text(given, row, form) for given, row in zip(some, rows, strict=True)]
        assert list(predictor.write(some, form)) == wanted


def test_words_are_forgotten_when_they_are_too_many(fitted, monkeypatch):
    read, its = fitted
    predictor = task.predictor(its, its.build().eval(), torch.device("cpu"))
    given = [predictor.parse(" ".join(tokens)) for tokens in read.parts["train"].tokens()]
    wanted = [row["tags"] for row in predictor.predict(given)]
    monkeypatch.setattr(known, "MOST_KNOWN", 3)
    assert [predictor.predict([one])[0]["tags"] for one in given] == wanted


def test_convolutions_give_the_largest_answer_of_each_filter():
    torch.manual_seed(6)
    reader = ConvolutionReader(RECIPE(model=SMALL).model)
    x_UCI, lengths = torch.randn(4, 7, 3), [7, 0, 1, 4]
    found_UE = reader(x_UCI, torch.tensor(lengths))
    weight_EIW, bias_E = reader.filters.weight, reader.filters.bias
    for word, length in enumerate(lengths):
        padded = torch.cat([torch.zeros(1, 3), x_UCI[word, :length], torch.zeros(1, 3)])
        answers = [(weight_EIW * padded[at : at + 3].T).sum((1, 2)) + bias_E for at in range(length)]
        wanted_E = torch.stack([torch.zeros(len(bias_E)), *answers]).amax(0)
        torch.testing.assert_close(found_UE[word], wanted_E)


def test_what_is_rare_is_taken_for_unknown_more_often_in_training_alone():
    torch.manual_seed(7)
    forgetting = Forgetting(0.5, np.array([0, 0, 1, 4]))
    numbers = torch.arange(4).repeat(20_000)
    found = forgetting(numbers).view(-1, 4)
    shares = (found != torch.arange(4)).float().mean(0).tolist()
    assert shares == pytest.approx([0, 0, 0.5 / 1.5, 0.5 / 4.5], abs=0.02)
    assert set(found[found != torch.arange(4)].tolist()) == {1}
    assert torch.equal(forgetting.eval()(numbers), numbers)


def test_training_lowers_the_loss_and_reads_all_that_is_known(fitted):
    read, its = fitted
    torch.manual_seed(5)
    model = its.build()
    examples = its.encode(read.parts["train"], training=True)
    batch = examples.batch(np.arange(16))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = its.loss(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_a_fitted_task_comes_back_from_its_folder(fitted, tmp_path):
    _, its = fitted
    its.save(tmp_path)
    again = FittedTagging.load(its.recipe, tmp_path)
    assert (again.tags, again.scheme, again.layout) == (its.tags, its.scheme, its.layout)
    again.build().load_state_dict(its.build().state_dict())
    (tmp_path / "tags.json").write_text('{"kind": "tags", "tags": 3}', encoding="utf-8")
    with pytest.raises(RunError, match="holds no tags"):
        FittedTagging.load(its.recipe, tmp_path)


def test_only_whole_spans_are_allowed():
    tags = ["O", "B-A", "I-A", "E-A", "S-A", "B-B", "E-B"]
    rules = allowed(tags)
    follow = {(a, b) for i, a in enumerate(tags) for j, b in enumerate(tags) if rules["allowed_KK"][i, j]}
    assert ("B-A", "E-A") in follow
    assert ("E-A", "B-A") in follow
    assert not follow & {("B-A", "O"), ("B-A", "E-B"), ("O", "I-A"), ("I-A", "S-A"), ("B-A", "B-A"), ("E-A", "I-A")}
    assert rules["allowed_start_K"].tolist() == [True, True, False, False, True, True, False]
    assert rules["allowed_end_K"].tolist() == [True, False, False, True, True, False, True]


def test_the_baseline_gives_each_word_its_most_frequent_tag():
    rival = MostFrequentTag([["a", "b"], ["a"], ["a", "c"]], [["X", "Y"], ["X"], ["Y", "Y"]])
    assert list(rival.tag([["a", "b", "new"]])) == [["X", "Y", "Y"]]


def test_single_characters_are_read_with_their_neighbours(tmp_path):
    text = "王 B-NAME\n明 E-NAME\n是 O\n人 O\n\n" * 20
    its = recipe(tmp_path, text, {"pairs": 0})
    fitted = task.fit(its, task.read(its))
    assert "character" not in fitted.lexicon.vocabularies
    assert "pair 0" in fitted.lexicon.vocabularies
    assert fitted.scheme is not None
    assert fitted.scheme.name in ("BIOES", "BMES")


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_the_loss_is_over_sentences_whose_tags_are_known(tmp_path, head):
    its = recipe(tmp_path, model={"head": head})
    read = task.read(its)
    fitted = task.fit(its, read)
    model = fitted.build().eval()
    examples = fitted.encode(read.parts["train"])
    batch = examples.batch(np.arange(4))
    wanted = model.loss(examples.batch(np.array([0, 1, 3])))
    batch.tags_BT[2, 0] = UNSEEN
    torch.testing.assert_close(model.loss(batch), wanted)


def test_the_linear_crf_learns_from_words_and_columns_around():
    sentences = [(["a", "x"], (["L", "L"],)), (["b", "x"], (["L", "R"],))] * 10
    tags = [["O", "X"], ["O", "Y"]] * 10
    found, note = linear_crf(zip(sentences, tags, strict=True), [*sentences[:2], (["b"], (["L"],)), ([], ([],))])
    assert found == [["O", "X"], ["O", "Y"], ["O"], []]
    assert note == ""


def test_the_linear_crf_reads_looks_ends_and_neighbours():
    first, second = baselines.features(["The", "cats"], (["DT", "NN"],))
    assert {"ends e", "ends he", "begins th", "w=the", "w+1=cats", "w0,1=the|cats", "1=DT", "1+1=NN"} <= set(first)
    assert {"w-1=the", "w-1,0=the|cats", "1-1=DT", "1-1,0,1=DT|NN|\x02"} <= set(second)


def test_the_linear_crf_stops_reading_when_it_has_read_much(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_WORDS", 5)
    sentences = [((["a", "b"], ()), ["X", "Y"])] * 9
    found, note = linear_crf(iter(sentences), [(["a", "b"], ())])
    assert found == [["X", "Y"]]
    assert "first 6 words" in note
