"""What rows of recognized speech are worth, against jiwer."""

import jiwer
import numpy as np
import pytest

from rnncli.metrics.bootstrap import interval, resampled_sums
from rnncli.recipe.schema import EvaluationSection
from rnncli.tasks.speech.metrics import details, figures, samples, statistics

PAIRS = [("set blue at two", "set blue a two"), ("lay red", "lay red now"), ("bin white", ""), ("go", "go")]


def rows_of(pairs, **more):
    return [{"place": str(i), "truth": t, "text": f, "words": []} | more for i, (t, f) in enumerate(pairs)]


def test_error_rates_agree_with_jiwer_and_their_intervals_with_plain_resampling():
    found = statistics(rows_of(PAIRS), {})
    truths, texts = map(list, zip(*PAIRS, strict=True))
    values = found.values()
    assert values["wer"] == pytest.approx(jiwer.wer(truths, texts))
    assert values["cer"] == pytest.approx(jiwer.cer(truths, texts))
    assert values["sentence_accuracy"] == 0.25
    assert list(values) == ["wer", "cer", "sentence_accuracy"]
    errors = [(1, 4), (1, 2), (2, 2), (0, 1)]
    sums_R2 = resampled_sums(errors, 200, 3)
    expected = interval(sums_R2[:, 0] / sums_R2[:, 1], 0.9)
    assert found.intervals(resamples=200, confidence=0.9, seed=3)["wer"] == pytest.approx(expected, abs=1e-12)
    assert found.parts()["wer"].value() == values["wer"]


def test_single_words_have_an_accuracy_and_a_matrix():
    rows = rows_of([("go", "go"), ("stop", "go"), ("go", "up")])
    assert statistics(rows, {}).values()["accuracy"] == pytest.approx(1 / 3)
    classes = details(rows, {}, EvaluationSection(), 1).classes
    assert classes.labels == ("go", "stop", "(other)")
    assert classes.confusion == ((1, 0, 1), (1, 0, 0), (0, 0, 0))


def test_rates_of_the_most_probable_paths_are_told_where_they_differ():
    rows = rows_of(PAIRS)
    for row, greedy in zip(rows, ("set blue at two", "lay red", "bin white", "go"), strict=True):
        row["greedy"] = greedy
    values = statistics(rows, {}).values()
    assert (values["wer_greedy"], values["cer_greedy"]) == (0, 0)
    alike = [row | {"greedy": row["text"]} for row in rows]
    assert "wer_greedy" not in statistics(alike, {}).values()


def test_tables_count_errors_by_kind_length_and_speaker():
    rows = rows_of(PAIRS)
    for row, speaker in zip(rows, ("b", "a", "b", "a"), strict=True):
        row["speaker"] = speaker
    found = details(rows, {}, EvaluationSection(resamples=100), 1)
    tables = {table.title: table.rows for table in found.tables}
    assert tables["errors"][0] == ("words", 1, 2, 1, 9)
    assert tables["by length in words"] == (("1", 1, 0.0), ("2-4", 3, 0.5))
    assert tables["by speaker"] == (("b", 2, 0.5), ("a", 2, pytest.approx(1 / 3)))
    sums_R2 = resampled_sums([(3, 6), (1, 3)], 100, 1)
    expected = interval(sums_R2[:, 0] / sums_R2[:, 1])
    assert tables["wer, interval over speakers"] == (pytest.approx(expected, abs=1e-12),)
    assert tables["most frequent word errors"][0] == ("at", "a", 1)
    assert [one.place for one in found.mistakes] == ["2", "0", "1"]
    assert found.mistakes[1].text == "set blue [at > a] two"
    assert found.mistakes[0].predicted == "(nothing)"


def test_the_worst_recordings_are_aligned():
    row = {"place": "a.wav", "truth": "set blue two at", "text": "set green two", "words": []}
    right = {**row, "text": row["truth"]}
    longer = {**row, "truth": "go", "text": "go now"}
    worst = samples([right, longer, row], {}, 5)
    assert [[(p.text, p.mark) for p in one.pieces] for one in worst] == [
        [("set", ""), ("green", "wrong"), ("two", ""), ("at", "missed")],
        [("go", ""), ("now", "added")],
    ]
    assert [one.caption for one in worst] == ["2 errors, 4 words", "1 error"]


def test_the_confidence_of_words_is_held_against_what_was_said():
    words = [{"word": w, "confidence": c} for w, c in (("a", 0.95), ("x", 0.35))]
    rows = [{"place": "1", "truth": "a b", "text": "a x", "words": words}]
    (figure,) = figures(rows, {})
    assert figure.lines[0].xs == (0.35, 0.95)
    assert figure.lines[0].ys == (0.0, 1.0)


def test_no_rows_are_worth_nothing():
    assert all(np.isnan(value) for value in statistics([], {}).values().values())
