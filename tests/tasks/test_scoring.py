"""What is told from saved predictions, against scikit-learn and jiwer."""

import jiwer
import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from rnncli import tasks
from rnncli.metrics.captions import caption_statistics
from rnncli.metrics.curves import thinned
from rnncli.metrics.ranking import Ranking

LABELS = ["bad", "fair", "good"]


def classified(rows: int = 300, labels=LABELS, seed: int = 0):
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(labels), rows)
    scores = random.normal(size=(rows, len(labels))).round(1)
    scores[np.arange(rows), truth] += 1
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return [
        {
            "place": f"a.csv:{i}",
            "truth": labels[truth[i]],
            "text": f"text {i}",
            "label": labels[int(shares[i].argmax())],
            "probabilities": dict(zip(labels, shares[i].tolist(), strict=True)),
        }
        for i in range(rows)
    ]


def columns(rows, *names):
    return ([row[name] for row in rows] for name in names)


def test_parts_of_a_classifier_agree_with_scikit_learn():
    rows = classified()
    parts = tasks.scoring("sentiment").statistics(rows, {"positive": "fair"}).parts()
    truth, found, shares = columns(rows, "truth", "label", "probabilities")
    figures = {
        "accuracy": sk.accuracy_score(truth, found),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, found),
    }
    for kind in ("macro", "micro", "weighted"):
        names = (f"precision_{kind}", f"recall_{kind}", f"f1_{kind}")
        figures |= dict(zip(names, sk.precision_recall_fscore_support(truth, found, average=kind), strict=False))
    own = sk.precision_recall_fscore_support(truth, found, labels=["fair"], average="micro")
    figures |= dict(zip(("precision", "recall", "f1"), own, strict=False))
    figures["log_loss"] = sk.log_loss(truth, [[share[label] for label in LABELS] for share in shares])
    assert {name: parts[name].value() for name in figures} == pytest.approx(figures, abs=1e-12)
    assert set(parts) == {*figures, "brier", "calibration_error"}


def test_parts_of_several_labels_agree_with_scikit_learn():
    random = np.random.default_rng(1)
    truth, found = (random.random((200, 3)) < 0.4 for _ in range(2))
    rows = [
        {
            "place": str(i),
            "truth": [LABELS[k] for k in np.flatnonzero(truth[i])],
            "labels": [LABELS[k] for k in np.flatnonzero(found[i])],
            "text": "",
            "probabilities": dict.fromkeys(LABELS, 0.5),
        }
        for i in range(200)
    ]
    parts = tasks.scoring("sentiment").statistics(rows, {}).parts()
    assert parts["accuracy"].value() == pytest.approx(sk.accuracy_score(truth, found))
    for kind in ("macro", "micro", "weighted"):
        assert parts[f"f1_{kind}"].value() == pytest.approx(sk.f1_score(truth, found, average=kind))


def test_parts_of_a_recogniser_agree_with_jiwer():
    pairs = [("set blue at two", "set blue a two"), ("lay red", "lay red now"), ("bin white", ""), ("go", "go")]
    rows = [{"place": str(i), "truth": t, "text": f, "words": []} for i, (t, f) in enumerate(pairs)]
    parts = tasks.scoring("speech").statistics(rows, {}).parts()
    truths, founds = map(list, zip(*pairs, strict=True))
    assert parts["wer"].value() == pytest.approx(jiwer.wer(truths, founds))
    assert parts["cer"].value() == pytest.approx(jiwer.cer(truths, founds))
    assert parts["sentence_accuracy"].value() == 0.25


def captions():
    texts = [
        ("a dog runs", ["a dog runs fast", "a brown dog"]),
        ("a man sits", ["a man sits", "he sits down"]),
        ("the sea", ["a boat at sea", "water"]),
    ]
    return [
        {
            "place": f"a.csv:{i}",
            "truth": truths,
            "caption": found,
            "words": found.split(),
            "truth_words": [truth.split() for truth in truths],
            "attention": [[0.75, 0.25]] * len(found.split()),
        }
        for i, (found, truths) in enumerate(texts)
    ]


def test_parts_of_captions_are_the_scores_of_all():
    rows = captions()
    parts = tasks.scoring("captioning").statistics(rows, {}).parts()
    values = caption_statistics([row["words"] for row in rows], [row["truth_words"] for row in rows]).values()
    assert {name: part.value() for name, part in parts.items()} == pytest.approx(
        {name: value for name, value in values.items() if not name.startswith("distinct")}
    )
    single = [{**row, "truth": row["truth"][:1], "truth_words": row["truth_words"][:1]} for row in rows]
    parts = tasks.scoring("captioning").statistics(single, {}).parts()
    truths, founds = [row["truth"][0] for row in single], [row["caption"] for row in single]
    assert parts["wer"].value() == pytest.approx(jiwer.wer(truths, founds))
    assert parts["cer"].value() == pytest.approx(jiwer.cer(truths, founds))


def test_the_worst_captions_show_words_of_no_reference_and_what_they_looked_at():
    worst = tasks.scoring("captioning").samples(captions(), {}, 5)
    assert [one.place for one in worst] == ["a.csv:2", "a.csv:0"]  # one caption is as a reference has it
    assert worst[0].caption.endswith("reference: a boat at sea")
    assert [(p.text, p.mark) for p in worst[0].pieces] == [("the", "added"), ("sea", "")]
    assert worst[0].pieces[0].says == "looked at 1 (75 %), 2 (25 %)"


def test_saved_actions_are_told_as_labels_are():
    rows = [{**row, "file": row["text"]} for row in classified(60)]
    parts = tasks.scoring("action").statistics(rows, {}).parts()
    assert parts["accuracy"].value() == tasks.scoring("sentiment").statistics(rows, {}).parts()["accuracy"].value()
    assert tasks.scoring("action").samples(rows, {}, 1)[0].pieces[0].text.startswith("text ")


def test_curves_are_those_of_scikit_learn():
    random = np.random.default_rng(4)
    truth, score = random.random(500) < 0.3, random.random(500).round(2)
    ranking = Ranking(truth, score)
    fpr, tpr, _ = sk.roc_curve(truth, score, drop_intermediate=False)
    assert np.abs(np.array(ranking.roc_points()) - np.array([fpr, tpr])).max() <= 1e-9
    precision, recall, _ = sk.precision_recall_curve(truth, score)
    ours = np.array(ranking.precision_recall_points())[:, ::-1]
    assert np.abs(ours - np.array([recall[:-1], precision[:-1]])).max() <= 1e-9


def test_curves_of_a_classifier_are_those_of_scikit_learn_for_each_label():
    rows = classified(200)
    roc, pr, calibration = tasks.scoring("sentiment").figures(rows, {})
    truth, found, shares = columns(rows, "truth", "label", "probabilities")
    for line in roc.lines:
        fpr, tpr, _ = sk.roc_curve(
            [t == line.name for t in truth], [s[line.name] for s in shares], drop_intermediate=False
        )
        assert (line.xs, line.ys) == (pytest.approx(fpr, abs=1e-9), pytest.approx(tpr, abs=1e-9))
    assert [line.name for line in pr.lines] == LABELS
    happened = [t == f for t, f in zip(truth, found, strict=True)]
    shares_N, means_N = calibration_curve(happened, [max(s.values()) for s in shares], n_bins=15)
    (line,) = calibration.lines
    assert (line.xs, line.ys) == (pytest.approx(means_N, abs=1e-9), pytest.approx(shares_N, abs=1e-9))


def test_the_curves_of_two_classes_are_those_of_the_positive_one():
    rows = classified(50, labels=["no", "yes"])
    assert [line.name for line in tasks.scoring("sentiment").figures(rows, {"positive": "no"})[0].lines] == ["no"]
    assert [line.name for line in tasks.scoring("sentiment").figures(rows, {})[0].lines] == ["yes"]


def test_a_long_curve_is_thinned_to_points_of_its_own_with_both_ends():
    xs, ys = np.linspace(0, 1, 5000), np.linspace(0, 1, 5000) ** 2
    thin = thinned(xs, ys, 100)
    assert len(thin[0]) == 100
    assert set(zip(*thin, strict=True)) <= set(zip(xs, ys, strict=True))
    assert (thin[0][0], thin[0][-1]) == (0, 1)


def test_the_worst_texts_are_the_most_confident_mistakes():
    rows = classified(80)
    worst = tasks.scoring("sentiment").samples(rows, {}, 4)
    wrong = [row for row in rows if row["label"] != row["truth"]]
    wrong.sort(key=lambda row: -row["probabilities"][row["label"]])
    assert [one.place for one in worst] == [row["place"] for row in wrong[:4]]
    assert worst[0].caption.endswith(f"sure of {wrong[0]['label']}, truth {wrong[0]['truth']}")
