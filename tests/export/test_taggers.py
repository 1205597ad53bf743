"""Taggers as they leave: every part of one, and the chain decoded without torch."""

import json

import numpy as np
import pytest
import torch

from rnncli.data.text.neighbours import with_neighbours
from rnncli.errors import RecipeError
from rnncli.heads.crf import CRF
from rnncli.heads.path import Chain, alone
from rnncli.tasks.exporting import Exporting
from rnncli.tasks.tagging import task
from tests.export.held import export, require_near
from tests.tasks.tagged import recipe

LINES = (
    "-DOCSTART- -X- O\n\nMs NNP B-PER\nNoma NNP E-PER\ncalls VBZ O\n\n"
    "Wenback NNP S-LOC\nis VBZ O\n1,000.5 CD O\nfar RB O\n\n"
) * 4
SMALL = {"hidden": 5, "embedding": 4, "characters": 3, "character_embedding": 3, "affixes": 2}
MODELS = [
    {"head": "crf", "cell": "lstm"},
    {"head": "softmax", "character_reader": "cnn", "pairs": 2, "members": 2, "layers": 2, "cell": "gru"},
    {"characters": 0, "affixes": 0, "bidirectional": False, "cell": "rnn", "initial_state": "learnt"},
]


def fitted(tmp_path, model, **data):
    made = recipe(tmp_path, LINES, SMALL | {"pairs": 0} | model, **data)
    return task.fit(made, task.read(made))


@pytest.mark.parametrize("context", [0, 4])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["cell"])
def test_rows_are_those_of_the_program(tmp_path, model, context):
    assert isinstance(task, Exporting)
    made = fitted(tmp_path, model, context=context, feature_columns=["2"] if model["cell"] == "gru" else [])
    network, portable = export(task, made, tmp_path)
    predictor = task.predictor(made, network, torch.device("cpu"))
    sentences = [["Noma", "is", "far"], [], ["Wenback"], ["q", "", "Xx9", "Ms"]]
    plain = {} if model["cell"] == "gru" else {"text": "Ms Noma, of Wenback"}
    lines = [json.dumps({"tokens": one, "2": ["NNP"] * len(one), "id": 7}) for one in sentences]
    lines += [json.dumps(plain), "calls Ms Noma"] if plain else []
    examples = list(predictor.listen(iter(lines), "lines", "jsonl")) if not plain else list(map(predictor.parse, lines))
    if context and plain:
        examples = list(with_neighbours(((one, None) for one in examples), context))
    wanted = [predictor.text(*pair, "jsonl") for pair in zip(examples, predictor.predict(examples), strict=True)]
    require_near(portable.predict(list(portable.listen(lines))), [json.loads(line) for line in wanted])


def test_a_plain_sentence_is_refused_by_a_model_that_reads_more(tmp_path):
    _, portable = export(task, fitted(tmp_path, {}, feature_columns=["2"]), tmp_path, sequences=7)
    with pytest.raises(Exception, match="reads column 2"):
        portable.parse("Ms Noma")


def test_there_is_no_step_by_step(tmp_path):
    made = fitted(tmp_path, {})
    with pytest.raises(RecipeError, match="from its end"):
        task.export(made, made.build(), stream=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_chain_is_decoded_as_by_the_crf(seed):
    torch.manual_seed(seed)
    tags = 1 + seed % 5
    allowed = torch.rand(tags, tags) < 0.7
    crf = CRF(tags, allowed_KK=allowed | torch.eye(tags, dtype=torch.bool))
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    scores_BTK, lengths_B = 3 * torch.randn(4, 6, tags), torch.tensor([6, 0, 1, 4])
    best_BT = crf.best(scores_BTK, lengths_B)
    alone_BT, given_BT = crf.shares(scores_BTK, best_BT, lengths_B)
    barred = crf.transition_KK.detach().masked_fill(~crf.allowed_KK, -torch.inf)
    chain = Chain(barred.numpy(), crf.start_K.detach().numpy(), crf.end_K.detach().numpy())
    for i, length in enumerate(lengths_B.tolist()):
        scores_TK = scores_BTK[i, :length].numpy()
        found_T = chain.best(scores_TK)
        assert found_T.tolist() == best_BT[i, :length].tolist()
        both = torch.stack([alone_BT, given_BT], -1)[i, :length].numpy()
        np.testing.assert_allclose(chain.shares(scores_TK, found_T), both, atol=2e-6)


def test_each_tag_by_itself_has_the_probability_of_a_softmax():
    scores_TK = np.array([[1, 2, 0], [5, 5, -1]], np.float32)
    best_T, sure_T2 = alone(scores_TK)
    assert best_T.tolist() == [1, 0]
    np.testing.assert_allclose(sure_T2[:, 0], torch.tensor(scores_TK).softmax(-1).amax(-1), rtol=1e-6)
    assert [len(part) for part in alone(scores_TK[:0])] == [0, 0]
