"""What rows of predicted tags are worth, against seqeval, scikit-learn, and counts by hand."""

import numpy as np
import pytest
import torch
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn.metrics import f1_score as macro_f1

from rnncli.data.text.tagschemes import INTERNAL, SCHEMES, named, read_spans
from rnncli.metrics.bootstrap import interval, resampled_sums
from rnncli.tasks.tagging import answers, metrics, task
from rnncli.tasks.tagging.schema import RECIPE
from rnncli.train.loop import evaluation_batches
from tests.tasks.tagged import conll, recipe

OPTIONS = {"resamples": 200, "confidence": 0.9, "seed": 3}


def spans_of(tags):
    return [answers.place_of(span) for span in read_spans(tags, INTERNAL)[0]]


def drawn(rows=120, seed=2, scheme="IOB2"):
    """Predictions of random tags, valid ones of the scheme."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(rows):
        tags = [random.choice(["B-X", "I-X", "B-Y", "O", "O"], 7).tolist() for _ in range(2)]
        truth, predicted = (named(scheme).write(read_spans(one, INTERNAL)[0], 7) for one in tags)
        row = {"place": f"a:{i}", "truth": truth, "tags": predicted, "tokens": list("abcdefg")}
        found.append(row | {"spans": spans_of(predicted), "unknown": [0, 3] if i % 2 else []})
    return found


def values(rows):
    return metrics.statistics(rows, {}).values()


def in_bioes(rows):
    """True and predicted tags of all words in the internal scheme."""
    return [
        np.array([tag for row in rows for tag in INTERNAL.write(read_spans(row[key], INTERNAL)[0], 7)])
        for key in ("truth", "tags")
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_agree_with_seqeval_and_do_not_depend_on_the_scheme(scheme):
    rows, plain = drawn(scheme=scheme), drawn()
    truth, predicted = ([row[key] for row in plain] for key in ("truth", "tags"))
    found = values(rows)
    assert found["f1"] == pytest.approx(f1_score(truth, predicted))
    assert found["precision"] == pytest.approx(precision_score(truth, predicted))
    assert found["recall"] == pytest.approx(recall_score(truth, predicted))
    assert found == pytest.approx(values(plain))
    one, other = in_bioes(rows)
    assert found["accuracy"] == pytest.approx((one == other).mean())
    assert metrics.statistics(rows, {}).parts()["f1"].counts_NC.shape == (120, 3)


def test_words_never_seen_are_scored_where_rows_tell_them():
    rows = drawn()
    one, other = (tags.reshape(120, 7) for tags in in_bioes(rows))
    hits = (one == other)[1::2, [0, 3]]
    assert values(rows)["unknown_accuracy"] == pytest.approx(hits.mean())
    assert np.isnan(values([{**row, "unknown": []} for row in rows])["unknown_accuracy"])
    old = [{key: row[key] for key in row if key != "unknown"} for row in rows]
    assert values(old) == pytest.approx({k: v for k, v in values(rows).items() if k != "unknown_accuracy"})


def test_intervals_are_those_of_resampled_sentences():
    rows = drawn()
    one, other = (tags.reshape(120, 7) for tags in in_bioes(rows))
    right_N = (one == other).sum(1)
    sums_R2 = resampled_sums(np.stack([right_N, np.full(120, 7)], 1), OPTIONS["resamples"], OPTIONS["seed"])
    found = metrics.statistics(rows, {}).intervals(**OPTIONS)
    assert found["accuracy"] == pytest.approx(interval(sums_R2[:, 0] / sums_R2[:, 1], OPTIONS["confidence"]))
    assert set(found) == set(values(rows))


def test_tags_that_are_no_spans_have_the_mean_f1_of_scikit_learn():
    rows = [{key: row[key] for key in row if key != "spans"} for row in drawn()]
    truth, predicted = ([tag for row in rows for tag in row[key]] for key in ("truth", "tags"))
    found = metrics.statistics(rows, {})
    assert found.values()["f1_macro"] == pytest.approx(macro_f1(truth, predicted, average="macro"))
    assert found.parts()["f1_macro"].value() == pytest.approx(found.values()["f1_macro"])
    low, high = found.intervals(**OPTIONS)["f1_macro"]
    assert low < found.values()["f1_macro"] < high


def test_figures_of_a_small_case_are_those_counted_by_hand():
    truth = [["B-A", "E-A", "O", "S-B"], ["O", "O"]]
    predicted = [["B-A", "E-A", "S-B", "S-B"], ["O", "O"]]
    spans = tuple([read_spans(tags, INTERNAL)[0] for tags in part] for part in (truth, predicted))
    found = metrics.Scored(truth, predicted, [[2], [1]], spans).statistics()
    assert found.values() == pytest.approx(
        {
            "precision": 2 / 3,
            "recall": 1.0,
            "f1": 0.8,
            "accuracy": 5 / 6,
            "unknown_accuracy": 0.5,
            "sentence_accuracy": 0.5,
        }
    )


def test_a_span_is_as_probable_as_all_its_tags_together():
    sure_T2 = np.array([[0.9, 0.8], [0.7, 0.6], [0.5, 0.4], [0.3, 0.2]])
    found = answers.row(["a", "b", "c", "d"], ["O", "B-X", "I-X", "E-X"], sure_T2, SCHEMES["IOB2"])
    assert found["tags"] == ["O", "B-X", "I-X", "I-X"]
    assert found["probabilities"] == [0.9, 0.7, 0.5, 0.3]
    (span,) = found["spans"]
    assert span == {"type": "X", "start": 1, "end": 4, "text": "b c d", "probability": round(0.7 * 0.4 * 0.2, 6)}


def predicted_rows(its, part, fitted, model):
    examples = fitted.encode(part)
    with torch.no_grad():
        return list(
            fitted.predictions(model, part, examples, evaluation_batches(examples, its.train, torch.device("cpu")))
        )


@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("scorer", ["conlleval", "strict"])
def test_rows_alone_give_the_figures_of_what_was_decoded(tmp_path, head, scorer):
    text = (conll() + "Rara I-PER\nsaid O\n\n") * 2
    its = recipe(tmp_path, text, {"head": head}, min_count=2)
    its = its.model_copy(update={"evaluation": RECIPE(evaluation={"scorer": scorer}).evaluation})
    read = task.read(its)
    fitted = task.fit(its, read)
    torch.manual_seed(4)
    model, part = fitted.build().eval(), read.parts["train"]
    examples = fitted.encode(part)
    with torch.no_grad():
        found = fitted.validate(model, examples, evaluation_batches(examples, its.train, torch.device("cpu")))
    rows = predicted_rows(its, part, fitted, model)
    assert any(row["unknown"] for row in rows)
    assert values(rows) == pytest.approx({name: found[name] for name in found if name != "loss"}, nan_ok=True)


def test_the_strict_scorer_leaves_out_spans_that_break_the_rules(tmp_path):
    text = (conll() + "Rara I-PER\nsaid O\n\n") * 2
    figures = {}
    for scorer in ("conlleval", "strict"):
        its = recipe(tmp_path, text).model_copy(update={"evaluation": RECIPE(evaluation={"scorer": scorer}).evaluation})
        read = task.read(its)
        fitted = task.fit(its, read)
        rows = predicted_rows(its, read.parts["train"], fitted, fitted.build().eval())
        found = metrics.details(rows, fitted.about, its.evaluation, 1)
        assert any(scorer in note for note in read.notes)
        figures[scorer] = sum(row.support for row in found.classes.per_class)
    assert figures["strict"] == figures["conlleval"] - 2


def test_tags_that_training_has_not_are_said_with_their_first_place():
    rows = [
        {"place": f"a:{i}", "tokens": ["x", "y"], "truth": ["B-A", tag], "tags": ["O", "O"], "spans": []}
        for i, tag in enumerate(["I-A", "B-B", "B-C"])
    ]
    settings = RECIPE().evaluation
    (note,) = metrics.details(rows, {"tags": ["O", "B-A", "E-A", "S-A"]}, settings, 1).notes
    assert note == "a:1: from here on 2 words have tags that training has not (S-B, S-C): all wrong"
    assert metrics.details(rows, {}, settings, 1).notes == ()  # as of version 0.1, which did not keep the tags


def test_frequent_confusions_are_shown_where_they_first_happened():
    row = {"truth": ["B-A", "O", "O"], "tags": ["O", "O", "O"], "spans": [], "tokens": ["Ann", "is", "in"]}
    rows = [{"place": f"a:{i}", **row} for i in range(3)]
    found = metrics.details(rows, {}, RECIPE().evaluation, 1)
    (mistake,) = found.mistakes
    assert (mistake.text, mistake.truth, mistake.predicted) == ("3 times: [Ann] is in", "A", "O")
    assert mistake.place == "a:0"
    assert found.classes.labels == ("A", "O")
    assert found.classes.confusion == ((0, 3), (0, 6))


def test_probabilities_are_held_against_the_words_that_are_right():
    row = {"place": "a:1", "tokens": ["to", "run"], "truth": ["PART", "VERB"], "tags": ["PART", "NOUN"]}
    (figure,) = metrics.figures([{**row, "probabilities": [0.95, 0.35]}], {})
    assert (figure.lines[0].xs, figure.lines[0].ys) == ((0.35, 0.95), (0.0, 1.0))


def test_the_worst_sentences_show_spans_right_wrong_added_and_missed():
    row = {
        "place": "a.conll:1",
        "tokens": ["Ann", "Lee", "saw", "Rome", "and", "Bonn", "in", "May"],
        "truth": ["B-PER", "I-PER", "O", "B-LOC", "O", "B-LOC", "O", "O"],
        "tags": ["B-PER", "O", "O", "B-LOC", "O", "O", "O", "B-LOC"],
    }
    rows = [{**row, "tags": tags, "spans": spans_of(tags)} for tags in (row["tags"], row["truth"])]
    (worst,) = metrics.samples(rows, {}, 5)
    assert [(piece.text, piece.mark) for piece in worst.pieces] == [
        ("Ann", "wrong"),
        ("Lee", ""),
        ("saw", ""),
        ("Rome", "right"),
        ("and", ""),
        ("Bonn", "missed"),
        ("in", ""),
        ("May", "added"),
    ]
    assert worst.pieces[0].says == "PER, truth PER Ann Lee"


def test_the_worst_words_of_a_tagger_without_spans_say_both_tags():
    row = {"place": "a:1", "tokens": ["to", "run"], "truth": ["PART", "VERB"], "tags": ["PART", "NOUN"]}
    (worst,) = metrics.samples([row], {}, 5)
    assert worst.caption == "1 of 2 words wrong"
    assert [(p.text, p.mark, p.says) for p in worst.pieces] == [("to", "", ""), ("run", "wrong", "NOUN, truth VERB")]
