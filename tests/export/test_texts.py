"""Classifiers of texts as they leave: each pooling, evidence of n-grams, several labels."""

import json

import pytest
import torch

from rnncli.errors import DataError, RecipeError
from rnncli.tasks.sentiment import task
from rnncli.tasks.sentiment.schema import RECIPE
from tests.export.held import export, require_near

TEXTS = ["not half bad", "a dull , slow plot", "lovely and warm", "bad !", "warm story", "dull", "it is fine", "slow"]
SMALL = {"hidden": 4, "embedding": 3}
MODELS = [
    ({"pooling": "mean+max", "cell": "gru"}, {"unit": "word"}),
    ({"pooling": "last", "cell": "lstm", "layers": 2, "initial_state": "learnt"}, {"unit": "character"}),
    ({"pooling": "last", "bidirectional": False, "reset": "after", "evidence": "off"}, {"unit": "whitespace"}),
    ({"pooling": "attention", "cell": "rnn"}, {"multi_label": True, "max_length": 3}),
    ({"pooling": "max+attention+last", "evidence": "off"}, {"max_length": 0, "text_column": ["head", "text"]}),
]


def fitted(folder, model, data):
    labels = ["a|b", "b", "a", "c"] if data.get("multi_label") else ["a", "b", "c"] if model["cell"] else ["a", "b"]
    rows = [f'"{text}",{labels[n % len(labels)]},"No. {n}"' for n, text in enumerate(TEXTS * 3)]
    (folder / "texts.csv").write_text("\n".join(["text,label,head", *rows]) + "\n")
    recipe = RECIPE(
        data={"root": str(folder), "train": "texts.csv", "drop_duplicates": False} | data, model=SMALL | model
    )
    return task.fit(recipe, task.read(recipe))


@pytest.mark.parametrize(("model", "data"), MODELS, ids=lambda part: "-".join(map(str, part.values())))
def test_rows_are_those_of_the_program(tmp_path, model, data):
    made = fitted(tmp_path, {"cell": ""} | model if "cell" in model else {"cell": "gru"} | model, data)
    network, portable = export(task, made, tmp_path)
    predictor = task.predictor(made, network, torch.device("cpu"))
    lines = [*TEXTS, "", "Not HALF bad, cafe\u0301 !!!", '{"text": "slow"}', '{"text": "dull", "head": ["No", "1"]}']
    examples = list(map(predictor.parse, lines))
    wanted = [predictor.text(*pair) for pair in zip(examples, predictor.predict(examples), strict=True)]
    (tmp_path / "lines.jsonl").write_text("\n".join(lines) + "\n")
    require_near(portable.predict(list(portable.read(tmp_path / "lines.jsonl"))), list(map(json.loads, wanted)))


def test_what_is_no_text_is_refused(tmp_path):
    made = fitted(tmp_path, {"cell": "gru", "evidence": "off"}, {})
    _, portable = export(task, made, tmp_path, sequences=7)
    with pytest.raises(DataError, match='without a "text"'):
        portable.parse('{"body": 1}')
    (tmp_path / "plain.txt").write_text('{"body": 1}\n\nbad\n')
    assert list(portable.read(tmp_path / "plain.txt")) == ['{"body": 1}', "", "bad"]
    with pytest.raises(DataError, match="a table by its name"):
        list(portable.read(tmp_path / "texts.csv"))
    with pytest.raises(RecipeError, match="whole text"):
        task.export(made, made.build(), stream=True)


def test_pieces_of_words_are_refused_by_the_name_of_their_key(tmp_path):
    pytest.importorskip("tokenizers")
    made = fitted(tmp_path, {"cell": "gru", "evidence": "off"}, {"unit": "subword", "subwords": 40})
    with pytest.raises(RecipeError, match=r"data\.unit=subword"):
        task.export(made, made.build(), stream=False)
