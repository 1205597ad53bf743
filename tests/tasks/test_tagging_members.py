"""Several taggers in one model, against each of them by itself."""

import json

import numpy as np
import pytest
import torch

from rnncli.tasks.tagging import task
from tests.tasks.tagged import recipe


@pytest.fixture(params=["crf", "softmax"])
def three(tmp_path, request):
    its = recipe(tmp_path, model={"members": 3, "head": request.param})
    read = task.read(its)
    fitted = task.fit(its, read)
    torch.manual_seed(6)
    return read, fitted, fitted.build()


def test_scores_are_the_mean_of_members_that_differ(three):
    read, fitted, model = three
    batch = fitted.encode(read.parts["dev"]).batch(np.arange(4))
    model.eval()
    scores = [member(batch) for member in model.members]
    assert not torch.allclose(scores[0], scores[1])
    torch.testing.assert_close(model(batch), sum(scores) / 3)


def test_each_member_learns_as_if_it_were_alone(three):
    read, fitted, model = three
    examples = fitted.encode(read.parts["train"], training=True)
    batch = examples.batch(np.arange(8))
    for dropout in (part for part in model.modules() if hasattr(part, "p")):
        dropout.p = 0.0
    for forgetting in (part for part in model.modules() if hasattr(part, "share_V")):
        forgetting.share_V.zero_()
    model.train()
    fitted.loss(model, batch).backward()
    together = [{name: p.grad.clone() for name, p in member.named_parameters()} for member in model.members]
    every = list(model.scorers)
    for member, gradients in zip(every, together, strict=True):
        model.scorers = torch.nn.ModuleList([member])
        model.zero_grad()
        fitted.loss(model, batch).backward()
        for name, p in member.named_parameters():
            torch.testing.assert_close(3 * gradients[name], p.grad, atol=1e-6, rtol=1e-4)


def test_words_that_are_known_before_give_the_same_tags(three):
    read, fitted, model = three
    predictor = task.predictor(fitted, model.eval(), torch.device("cpu"))
    rows = predictor.predict([predictor.parse(json.dumps({"tokens": one})) for one in read.parts["dev"].tokens()])
    examples = fitted.encode(read.parts["dev"])
    with torch.no_grad():
        tags, _ = fitted.predict(model, examples.batch(np.arange(len(examples))))
    for row, own in zip(rows, tags, strict=True):
        assert row["tags"] == fitted.written(np.array([fitted.tags.index(tag) for tag in own]))
