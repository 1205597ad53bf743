"""Frames behind the words of a caption: sums, deletion by hand, and a planted frame that decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncli.errors import UsageError
from rnncli.explain.attribution import attribute, frozen, scores
from rnncli.explain.deletion import curve
from rnncli.heads.sentences import BEGIN
from rnncli.tasks.captioning import task
from rnncli.tasks.captioning.schema import RECIPE
from tests.explain.planted import learnt, planted, write_planted

WORDS = ("up", "down", "on")
CLIPS = [n for n in range(24) if n % 3 < 2]
"""Those in which a frame decides; average ones say the third word."""
SMALL = {"hidden": 12, "projection": 12, "embedding": 6, "dropout": 0.0, "input_dropout": 0.0}
HEADS = {"attention": {}, "ctc": {"head": "ctc"}, "characters": {"head": "ctc"}, "spelled": {}}


def recipe(folder, head):
    data = {"root": str(folder), "train": "train.csv", "cache": "none"}
    unit = {"unit": "character"} if head in ("characters", "spelled") else {}
    return RECIPE(data=data | unit, model=SMALL | HEADS[head])


@pytest.fixture(scope="module", params=["attention", "ctc"])
def told(request, tmp_path_factory):
    """An explainer of a captioner whose second word hangs on one frame, and the questions about that word."""
    folder = tmp_path_factory.mktemp("captions")
    write_planted(folder, WORDS)
    fitted, model = learnt(task, recipe(folder, request.param), 200)
    explainer = task.explainer(fitted, model, torch.device("cpu"))
    items = [explainer.predictor.parse(str(folder / f"{n}.npy")) for n in CLIPS]
    return explainer, items, explainer.questions(items)


def second(questions):
    return [one for one in questions if one.part == 1]


def test_a_question_is_about_each_word_of_the_caption_that_predict_writes(told):
    explainer, items, questions = told
    for number, row in enumerate(explainer.predictor.predict(items)):
        words = [one.label for one in questions if one.number == number]
        assert words == row["caption"].split() == ["it", WORDS[CLIPS[number] % 3]]
    attention = not explainer.spelling.ctc
    for one in questions:
        assert bool(one.looked) == attention
        assert not attention or sum(one.looked) == pytest.approx(1, abs=0.01)
    odds = scores(explainer, questions)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), [one.probability for one in questions], atol=1e-5)


@pytest.mark.parametrize("method", ["ig", "occlusion"])  # gradients of what is sure are next to nothing
def test_a_frame_that_decides_is_found_first(told, method):
    explainer, _, questions = told
    with frozen(explainer.model):
        found = attribute(explainer, second(questions), method)
    near = [abs(int(one.amounts_P.argmax()) - planted(n)[1]) <= 1 for n, one in zip(CLIPS, found, strict=True)]
    assert np.mean(near) >= 0.9


def test_amounts_add_up_and_deletion_beats_chance(told):
    explainer, _, questions = told
    with frozen(explainer.model):
        found = attribute(explainer, questions, "ig")
        alone = attribute(explainer, questions[5:6], "ig")
    assert all(one.adds_up for one in found)
    np.testing.assert_allclose(alone[0].amounts_P, found[5].amounts_P, atol=2e-3)
    named = [answer for question, answer in zip(questions, found, strict=True) if question.part == 1]
    held = curve(explainer, second(questions), named)
    assert held.enough
    assert held.beats_chance


def test_a_word_that_was_not_written_can_be_asked_for(told):
    explainer, items, questions = told
    (asked,) = explainer.questions(items[:1], "down")
    assert (asked.label, questions[1].label) == ("down", "up")
    assert asked.part in (0, 1)
    assert asked.probability < 0.5
    assert explainer.questions(items[:1], "up")[0].target == questions[1].target
    for wrong in ("sideways", "it up"):
        with pytest.raises(UsageError, match="no word"):
            explainer.questions(items[:1], wrong)


def test_occlusion_of_a_word_is_its_fall_behind_the_words_before_it(tmp_path):
    write_planted(tmp_path, WORDS)
    fitted, model = learnt(task, recipe(tmp_path, "attention"), 20)
    explainer = task.explainer(fitted, model, torch.device("cpu"))
    question = explainer.questions([explainer.predictor.parse(str(tmp_path / "0.npy"))], "up")[0]
    (found,) = attribute(explainer, [question], "occlusion")
    before, number = question.target.units[: question.target.begin], fitted.spelling.numbers("up")[0]
    for at in (0, 9):
        frames = np.load(tmp_path / "0.npy")
        frames[at] = model.encoder.mean.numpy()
        with torch.no_grad():
            length_1 = torch.tensor([len(frames)])
            memory_1TE = model.encode(torch.from_numpy(frames)[None], length_1)
            logits_1SV = model.head(memory_1TE, length_1, torch.tensor([[BEGIN, *before]]))
        p = float(logits_1SV[0, -1].double().softmax(-1)[number])
        assert found.amounts_P[at] == pytest.approx(found.end - np.log(p / (1 - p)), abs=1e-3)


@pytest.mark.parametrize("head", ["characters", "spelled"])
def test_words_that_are_spelled_are_asked_for_as_a_whole(tmp_path, head):
    write_planted(tmp_path, WORDS)
    fitted, model = learnt(task, recipe(tmp_path, head), 60)
    explainer = task.explainer(fitted, model, torch.device("cpu"))
    items = [explainer.predictor.parse(str(tmp_path / f"{n}.npy")) for n in range(4)]
    questions = explainer.questions(items)
    rows = explainer.predictor.predict(items)
    assert [one.label for one in questions] == [word for row in rows for word in row["caption"].split()]
    odds = scores(explainer, questions)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), [one.probability for one in questions], atol=1e-5)
    (asked,) = explainer.questions(items[:1], "down")
    assert (asked.label, asked.number) == ("down", 0)
    with pytest.raises(UsageError, match="no word"):
        explainer.questions(items[:1], "downy")
