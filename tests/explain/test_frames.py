"""Frames behind the class of a clip: amounts add up, and deletion is that of the frame itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncli.explain.attribution import attribute, frozen, scores
from rnncli.tasks.action import task
from tests.export.test_clips import KINDS, fitted


@pytest.mark.parametrize("kind", ["figures", "pixels"])
def test_amounts_of_frames_add_up_and_a_deleted_frame_is_an_average_one(tmp_path, kind):
    made = fitted(tmp_path, *KINDS[kind])
    torch.manual_seed(0)
    model = made.build().eval()
    explainer = task.explainer(made, model, torch.device("cpu"))
    items = [explainer.predictor.parse(str(tmp_path / f"{name}.npy")) for name in ("0", "3", "long")]
    questions = explainer.questions(items)
    assert {one.number for one in questions} == {0, 1, 2}
    assert len(questions) > 3  # the long one in windows
    odds = scores(explainer, questions)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), [one.probability for one in questions], atol=1e-5)
    with frozen(model):
        found = attribute(explainer, questions, "ig")
        (fallen,) = attribute(explainer, questions[:1], "occlusion")
    assert all(one.adds_up for one in found)
    assert [len(one.amounts_P) for one in found] == [len(one.example.frames) for one in questions]
    gone = explainer.without(questions[0], np.arange(len(fallen.amounts_P)))
    assert scores(explainer, [gone])[0] == pytest.approx(found[0].start, abs=0.05)
    assert len(fallen.amounts_P) == len(explainer.pieces(questions[0].example).names)
    assert explainer.example({"file": str(tmp_path / "0.npy")}) is not None
    assert explainer.example({"file": "gone.npy"}) is None
