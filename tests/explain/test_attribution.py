"""Amounts against sums by hand, brute force, and the evidence's own scores; deletion against planted words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncli.data.text.neighbours import Given
from rnncli.data.text.shares import unit_shares
from rnncli.data.text.shown import shown_units
from rnncli.explain.attribution import METHODS, along, attribute, frozen, scores
from rnncli.explain.choice import choose
from rnncli.explain.deletion import curve
from rnncli.explain.summary import speakers
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.explaining import AGAINST
from rnncli.tasks.sentiment import task as sentiment
from rnncli.tasks.tagging import task as tagging
from tests.commands import TINY, reviews
from tests.tasks import tagged

TEXTS = ["not half bad , and funnier than its trailer", "dull", "", "a good film , a bad cast", "غير جيد", "不 好 看"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """An explainer of an untrained classifier with evidence, and its questions."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "reviews.csv").write_text(reviews(120), encoding="utf-8")
    recipe = load_recipe("sentiment/own-data", [*TINY, f"data.train={folder / 'reviews.csv'}", "model.evidence=on"])
    corpus = sentiment.read(recipe)
    torch.manual_seed(0)
    fitted = sentiment.fit(recipe, corpus)
    model = fitted.build().eval()
    with torch.no_grad():
        model.linear.weight.mul_(5)
    explainer = sentiment.explainer(fitted, model, torch.device("cpu"))
    known = [text for text, _ in zip(corpus.parts["train"].texts(), range(30), strict=False)]
    return explainer, explainer.questions([*TEXTS, *known])


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """An explainer of an untrained tagger with a CRF, its questions."""
    fitted = tagged.fit(tagged.recipe(tmp_path_factory.mktemp("tags")))
    torch.manual_seed(0)
    model = fitted.build().eval()
    explainer = tagging.explainer(fitted, model, torch.device("cpu"))
    return explainer, explainer.questions([Given(["Dr.", "Kavik", "met", "Ms", "Braflen"]), Given([])], "PER")


@pytest.mark.parametrize("against", AGAINST)
def test_integrated_gradients_add_up_and_match_a_plain_sum_over_many_points(texts, against):
    explainer, questions = texts
    found = attribute(explainer, questions, "ig", against)
    assert np.mean([one.adds_up for one in found]) >= 0.99
    reading = explainer.read(questions[:1], against)
    total = [torch.zeros_like(one.given) for one in reading.streams]
    for share in (np.arange(200) + 0.5) / 200:
        at = [(one.baseline + share * (one.given - one.baseline)).requires_grad_() for one in reading.streams]
        for sum_, part in zip(total, torch.autograd.grad(reading.score(at).sum(), at), strict=True):
            sum_ += part / 200
    plain = sum(one.credit(part).double() for one, part in zip(reading.streams, total, strict=True))
    np.testing.assert_allclose(found[0].amounts_P, plain[0].numpy(), rtol=0.01, atol=0.01)


def test_gradients_between_text_and_baseline_are_those_of_captum(texts):
    attr = pytest.importorskip("captum.attr")
    explainer, questions = texts
    reading = explainer.read(questions[:1])
    given, baselines = (tuple(getattr(one, name) for one in reading.streams) for name in ("given", "baseline"))
    oracle = attr.IntegratedGradients(lambda *values: reading.score(values)).attribute(
        given, baselines, n_steps=32, method="gausslegendre"
    )
    (found,) = along(explainer, questions[:1], "unknown", 32)
    for part_P, one in zip(found.parts_SP, oracle, strict=True):
        assert part_P.sum() == pytest.approx(one.sum().item(), abs=1e-5)
    np.testing.assert_allclose(found.parts_SP[0], oracle[0].sum(-1)[0].numpy(), atol=1e-5)


def test_amounts_do_not_depend_on_who_is_explained_together(texts):
    explainer, questions = texts
    for method in METHODS:
        together, alone = attribute(explainer, questions[:6], method), attribute(explainer, questions[:1], method)
        np.testing.assert_allclose(together[0].amounts_P, alone[0].amounts_P, atol=2e-3)
        assert len(together[2].amounts_P) == 0
        assert together[2].adds_up


def test_occlusion_is_the_fall_when_a_word_is_really_left_out(texts):
    explainer, questions = texts
    (found,) = attribute(explainer, questions[:1], "occlusion")
    units = TEXTS[0].split()
    for at in (0, 4, len(units) - 1):
        (short,) = explainer.questions([" ".join(units[:at] + units[at + 1 :])], questions[0].label)
        assert found.amounts_P[at] == pytest.approx(found.end - scores(explainer, [short])[0], abs=1e-5)


def test_shares_of_units_add_up_to_the_scores_of_the_evidence(texts):
    explainer, questions = texts
    evidence, units = explainer.fitted.evidence, [one.example.units for one in questions]
    told = evidence.describe(units)
    np.testing.assert_allclose(unit_shares(evidence, units).sum(1) + evidence.bias, told.scores_NC, atol=1e-5)


def test_the_log_odds_are_those_of_the_predicted_probability(texts, sentences):
    for explainer, questions in (texts, sentences):
        odds = scores(explainer, questions)
        np.testing.assert_allclose(1 / (1 + np.exp(-odds)), [one.probability for one in questions], atol=1e-6)


def test_a_span_has_the_posterior_of_the_crf(sentences):
    explainer, questions = sentences
    question = questions[0]
    assert question.number == 0
    assert {one.number for one in questions} == {0}
    batch = explainer._batch([question.example])
    with torch.no_grad():
        marginals_TK = explainer.model.head.marginals(explainer.model(batch).double(), batch.lengths_B)[0]
    if question.at[1] - question.at[0] == 1:
        expected = float(marginals_TK[question.at[0], question.target[0]])
        assert question.probability == pytest.approx(expected, abs=1e-6)
    assert all(one.adds_up for one in attribute(explainer, questions, "ig"))


def test_what_a_log_partition_is_and_its_gradient(sentences):
    explainer, _ = sentences
    head = explainer.model.head.double()
    scores_BTK = torch.randn(2, 4, len(head.start_K), dtype=torch.float64, requires_grad=True)
    lengths_B = torch.tensor([4, 0])
    found_B = head.log_partition(scores_BTK, lengths_B)
    sums_K = head._weights(scores_BTK).start_K + scores_BTK[0, 0]
    for t in range(1, 4):
        sums_K = (sums_K[:, None] + head._weights(scores_BTK).transition_KK).logsumexp(0) + scores_BTK[0, t]
    plain = (sums_K + head._weights(scores_BTK).end_K).logsumexp(0)
    assert found_B[0].item() == pytest.approx(plain.item())
    assert found_B[1].item() == pytest.approx(0.0)
    ours, theirs = (torch.autograd.grad(one, scores_BTK, retain_graph=True)[0] for one in (found_B.sum(), plain))
    torch.testing.assert_close(ours, theirs)
    explainer.model.head.float()


def test_deletion_tells_planted_words_from_amounts_at_random(texts):
    explainer, questions = texts
    asked = [one for one in questions if len(one.example.units) > 5]
    found = attribute(explainer, asked, "ig")
    good = curve(explainer, asked, found)
    assert good.enough
    assert good.beats_chance
    assert good.ratio.low > 1
    worst = [type(one)(one.method, one.streams, -one.parts_SP, 0, one.end, 1, {}) for one in found]
    assert not curve(explainer, asked, worst).beats_chance


def test_a_method_is_chosen_by_deletion_and_few_examples_leave_it_untried(texts):
    explainer, questions = texts
    choice = choose(explainer, questions, "unknown", "these")
    assert set(choice.curves) == set(METHODS)
    assert choice.method in METHODS
    assert "untried" in choose(explainer, questions[:3], "unknown", "these").why
    listed = speakers(explainer, questions, attribute(explainer, questions, "gradient"))
    assert all(one.low > 0 and one.count >= 3 for some in listed.values() for one in some)


def test_a_frozen_model_is_as_it_was_afterwards(texts):
    model = texts[0].model
    model.train()
    with frozen(model):
        assert not model.training
        assert not any(one.requires_grad for one in model.parameters())
        along(texts[0], texts[1][:2], "unknown", 4)
    assert model.training
    assert all(one.requires_grad and one.grad is None for one in model.parameters())
    model.eval()


def test_units_are_shown_as_they_are_written():
    assert shown_units("Don't  GO!", ["do", "n't", "go", "!"]) == (["Do", "n't", "GO", "!"], ["", " ", "", ""])
    assert shown_units("不好 看", list("不好 看")) == (list("不好 看"), ["", "", "", ""])
    assert shown_units("Unhappy men", ["▁un", "happy", "▁men"]) == (["Un", "happy", "men"], ["", " ", ""])
    assert shown_units("", []) == ([], [])
