"""Models of texts that leave: what texts cost and how they go on, as by the program."""

from typing import Any

import pytest
import torch

from rnncli.data.text.codec import Codec
from rnncli.data.text.documents import Document
from rnncli.runs.predicting import predict
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.text.fitted import FittedText
from rnncli.tasks.text.predictor import DocumentPredictor
from rnncli.tasks.write.sampling import Drawing
from tests.export.bundles import alone, lively, made, require_alike

TEXTS = ["the cat sat", "läuft ÿ", "", "a bright cold day in April"]


def trained(*overrides):
    """A model that was never trained, and what belongs to it."""
    recipe: Any = load_recipe("text/own-data", ["data.train=c.txt", "model.hidden=5", "train.window=6", *overrides])
    documents = [Document.of("the cat sat on a mat\nder Hund läuft now\n" * 3)]
    fitted = FittedText(recipe, Codec.learn(recipe.data, documents)[0])
    torch.manual_seed(1)
    return recipe, fitted, lively(fitted.build())


@pytest.mark.parametrize(
    "overrides",
    [
        ("model.cell=gru", "model.reset=after", "model.layers=2", "data.unit=byte"),
        ("model.cell=rnn", "model.embedding=3", "model.tied=false", "data.unit=whitespace"),
    ],
)
def test_a_bundle_says_what_texts_cost_as_the_program_does(monkeypatch, tmp_path, overrides):
    made(monkeypatch, tmp_path, *trained(*overrides), stream=True)  # which compares them, and the graph of one step


def test_predict_py_scores_and_writes_on_where_numpy_and_onnxruntime_are_all_there_is(monkeypatch, tmp_path):
    recipe, fitted, model = trained("model.cell=lstm", "model.members=2", "model.layers=2", "data.unit=subword")
    folder = made(monkeypatch, tmp_path, recipe, fitted, model)
    predictor: Any = DocumentPredictor(fitted, model, torch.device("cpu"))
    require_alike(alone(folder, *TEXTS), predict(predictor, TEXTS))
    drawn = "".join(predictor.go_on(predictor.prompt("the"), Drawing(0.8, top_k=5, seed=4), 1, 30))
    how = ("--temperature", "0.8", "--top-k", "5", "--seed", "4", "--length", "30")
    assert "\n".join(alone(folder, "--write", "the", *how)) == f"the{drawn}".rstrip("\n")
