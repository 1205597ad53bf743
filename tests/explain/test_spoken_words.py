"""Frames behind the words of a transcript: sums, deletion by hand, and a planted frame that decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncli.errors import UsageError
from rnncli.explain.attribution import attribute, frozen, scores
from rnncli.explain.deletion import curve
from rnncli.tasks.speech import task
from rnncli.tasks.speech.schema import RECIPE
from tests.explain.planted import learnt, spoken, write_spoken

WORDS = ("yes", "no")
CLIPS = range(12)
SMALL = {"hidden": 8, "channels": 8, "layers": 1, "dropout": 0.0}


def recipe(folder, unit="word", **settings):
    data = {"root": str(folder), "train": "train.csv", "unit": unit, "normalise": "global"}
    return RECIPE(data=data, model=SMALL | settings)


@pytest.fixture(scope="module", params=[1, 2])
def heard(request, tmp_path_factory):
    """An explainer of a recognizer that hears each word by a frame, its questions, and the pieces of those frames."""
    folder = tmp_path_factory.mktemp("spoken")
    write_spoken(folder, WORDS)
    fitted, model = learnt(task, recipe(folder, subsampling=request.param), 200)
    explainer = task.explainer(fitted, model, torch.device("cpu"))
    files = [explainer.predictor.parse(str(folder / f"{n}.npy")) for n in CLIPS]
    return explainer, explainer.questions(files), [at // request.param for n in CLIPS for at, _ in spoken(n)[1]]


def test_a_question_is_about_each_word_that_predict_writes(heard):
    explainer, questions, _ = heard
    files = list(dict.fromkeys(explainer.predictor.parse(one.example.title) for one in questions))
    words = [word for row in explainer.predictor.predict(files) for word in row["words"]]
    assert [one.label for one in questions] == [WORDS[which] for n in CLIPS for _, which in spoken(n)[1]]
    for question, word in zip(questions, words, strict=True):
        assert question.label == word["word"]
        edges = explainer.pieces(question.example).line.edges
        assert [edges[at] for at in question.at] == pytest.approx([word["start"], word["end"]], abs=1e-3)


@pytest.mark.parametrize("method", ["ig", "occlusion"])  # gradients of what is sure are next to nothing
def test_a_frame_that_decides_is_found_first(heard, method):
    explainer, questions, places = heard
    with frozen(explainer.model):
        found = attribute(explainer, questions, method)
    near = [abs(int(one.amounts_P.argmax()) - at) <= 1 for one, at in zip(found, places, strict=True)]
    assert np.mean(near) >= 0.9


def test_amounts_add_up_and_a_deleted_frame_is_an_average_one(heard):
    explainer, questions, places = heard
    with frozen(explainer.model):
        found = attribute(explainer, questions, "ig")
        (fallen,) = attribute(explainer, questions[:1], "occlusion")
        alone = attribute(explainer, questions[3:4], "ig")
    assert all(one.adds_up for one in found)
    np.testing.assert_allclose(alone[0].amounts_P, found[3].amounts_P, atol=2e-3)
    question, each = questions[0], explainer.each
    for at in (0, places[0], len(fallen.amounts_P) - 1):
        x_TF = torch.from_numpy(question.example.x_TF.copy())
        x_TF[at * each : (at + 1) * each] = 0
        with torch.no_grad():
            logits_1RV, _ = explainer.model(x_TF[None], torch.tensor([len(x_TF)]))
        p = forward(logits_1RV[0].double().log_softmax(-1).numpy(), question.target)
        assert fallen.amounts_P[at] == pytest.approx(fallen.end - np.log(p / (1 - p)), abs=1e-3)
    odds = scores(explainer, questions)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), [one.probability for one in questions], atol=1e-5)
    every = explainer.without(question, np.arange(len(fallen.amounts_P)))
    assert scores(explainer, [every])[0] == pytest.approx(found[0].start, abs=1e-3)


def forward(log_probs_RV, stretch):
    """The probability of the one label of a stretch by the recursion: not yet, in it, behind it."""
    (label,) = stretch.sequences[0]
    before, inside, behind = 1.0, 0.0, 0.0
    for frame_V in np.exp(log_probs_RV[stretch.begin : stretch.end]):
        blank, said = frame_V[0], frame_V[label]
        before, inside, behind = before * blank, (before + inside) * said, (inside + behind) * blank
    return inside + behind


def test_deletion_of_what_is_named_beats_chance_and_of_the_contrary_does_not(heard):
    explainer, questions, _ = heard
    with frozen(explainer.model):
        found = attribute(explainer, questions, "ig")
    assert curve(explainer, questions, found).beats_chance
    worst = [type(one)(one.method, one.streams, -one.parts_SP, 0, one.end, 1, {}) for one in found]
    assert not curve(explainer, questions, worst).beats_chance


def test_a_word_that_was_not_heard_can_be_asked_for(heard):
    explainer, questions, _ = heard
    only = questions[0]
    file = explainer.predictor.parse(only.example.title)
    (asked,) = explainer.questions([file], WORDS[only.label == "yes"].upper())
    assert asked.label != only.label
    assert asked.probability < 0.5 < only.probability
    assert len(explainer.questions([file], only.label)) == 1
    with pytest.raises(UsageError, match="cannot be written"):
        explainer.questions([file], "maybe")
    with pytest.raises(UsageError, match="not a word"):
        explainer.questions([file], "yes no")


@pytest.mark.parametrize("unit", ["character", "subword", "word"])
def test_words_of_an_untrained_recognizer_have_labels_that_write_them(tmp_path, unit):
    write_spoken(tmp_path, WORDS)
    made = task.fit(recipe(tmp_path, unit), task.read(recipe(tmp_path, unit)))
    torch.manual_seed(1)
    explainer = task.explainer(made, made.build().eval(), torch.device("cpu"))
    files = [explainer.predictor.parse(str(tmp_path / f"{n}.npy")) for n in range(8)]
    questions, rows = explainer.questions(files), explainer.predictor.predict(files)
    assert [one.label for one in questions] == [word["word"] for row in rows for word in row["words"]]
    assert questions
    for question in questions:
        assert made.decoder.written(question.target.sequences[0]) == question.label
        assert question.target.begin <= question.at[0] < question.at[1] <= question.target.end
    assert explainer.example({"file": str(tmp_path / "0.npy")}) is not None
    assert explainer.example({"file": "gone.wav"}) is None
