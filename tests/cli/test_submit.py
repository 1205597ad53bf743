"""``rnncli submit`` on runs and on their folds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from rnncli.errors import UsageError
from rnncli.runs.recipes import load_recipe
from rnncli.runs.submit import check
from tests.commands import TINY, reviews, rnncli
from tests.tasks.clips import TINY as CLIPS
from tests.tasks.clips import write_clips


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """A cross-validation of three folds on rows with ids."""
    folder = tmp_path_factory.mktemp("folds")
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, line in enumerate(csv.reader(reviews().splitlines())):
            writer.writerow(["id" if not number else f"{number:04}", *line])
        writer.writerow(["0061", "", "positive"])
    keys = (*TINY, "data.folds=3", "train.epochs=2")
    done = rnncli("sentiment", "--data", folder / "train.csv", "--out", folder / "run", *keys)
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def there(here):
    """A folder with rows to predict and a sample."""
    texts = ["good film", "bad film", 'a "quoted", text\nof two lines', "{not json", ""]
    with (here / "test.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *((f"{n:03}", text) for n, text in enumerate(texts))])
    (here / "sample.csv").write_text("id,label\n" + "".join(f"{n:03},negative\n" for n in (4, 3, 2, 1, 0)))
    return here


def test_a_submission_has_what_predict_says(trained, there):
    done = rnncli("submit", trained, "test.csv", "--like", "sample.csv")
    assert done.code == 0, done.err
    assert (done.out.strip(), "empty texts, which are predicted like any other: 1" in done.err) == (
        "submission.csv",
        True,
    )
    found = rows_of(there / "submission.csv")
    assert [row["id"] for row in found] == ["004", "003", "002", "001", "000"]
    for row, text in zip(reversed(found), rows_of(there / "test.csv"), strict=True):
        (predicted,) = rnncli("predict", trained, "--json", json.dumps({"text": text["text"]})).lines
        assert row["label"] == predicted["label"]


def test_nothing_is_overwritten_and_json_says_what_was_written(trained, there):
    done = rnncli("submit", trained, "test.csv", "--out", "mine.csv", "--json")
    assert done.code == 0, done.err
    told = done.json
    assert (told["path"], told["rows"], told["columns"], told["models"]) == ("mine.csv", 5, ["id", "label"], 1)
    again = rnncli("submit", trained, "test.csv", "--out", "mine.csv")
    assert (again.code, "mine.csv exists already" in again.err) == (2, True)


def test_probabilities_of_folds_are_averaged(folds, there):
    (there / "sample.csv").write_text("id,negative,positive\n" + "".join(f"{n:03},0.5,0.5\n" for n in range(5)))
    done = rnncli("submit", folds / "run", "test.csv", "--like", "sample.csv")
    assert done.code == 0, done.err
    assert "mean of 3 models" in done.err
    each = [rnncli("predict", folds / "run" / "folds" / str(n), "--json", "good film").lines[0] for n in range(3)]
    for label in ("negative", "positive"):
        mean = sum(row["probabilities"][label] for row in each) / 3
        assert float(rows_of(there / "submission.csv")[0][label]) == pytest.approx(mean, abs=2e-6)


def test_an_out_of_fold_file_has_what_the_fold_said_that_had_not_seen_the_row(folds, here):
    done = rnncli("submit", folds / "run", "--folds", "--out", "oof.csv")
    assert done.code == 0, done.err
    assert "not predicted: 1 of the rows, which training dropped" in done.err
    found = {row["id"]: row for row in rows_of(here / "oof.csv")}
    assert list(found) == [f"{n:04}" for n in range(1, 61)]
    kept = 0
    for fold in range(3):
        for line in (folds / "run" / "folds" / str(fold) / "predictions" / "test.jsonl").read_text().splitlines():
            row = json.loads(line)
            mine = found[f"{int(row['place'].rpartition(':')[2]) - 1:04}"]
            assert mine["prediction"] == row["label"]
            assert float(mine["probability_positive"]) == pytest.approx(row["probabilities"]["positive"], abs=1e-6)
            kept += 1
    assert kept == 60
    (here / "sample.csv").write_text("id,label\n000,0.5\n")
    done = rnncli(
        "submit", folds / "run", "--folds", "--like", "sample.csv", "--out", "like.csv", "--as", "probabilities"
    )
    assert done.code == 0, done.err
    assert rows_of(here / "like.csv")[0].keys() == {"id", "label"}


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (("none.csv",), 3, "none.csv: no such file"),
        ((), 2, "name the file whose rows are to be predicted"),
        (("test.csv", "--like", "none.csv"), 3, "none.csv: no such file"),
        (("test.csv", "--as", "label"), 2, "--as label: there is no such kind"),
        (("test.csv", "--text-column", "txt"), 3, 'no column "txt"'),
        (("--folds",), 4, "has no folds"),
        (("test.csv", "--like", "text.csv"), 3, "text.csv"),
    ],
)
def test_misuse_is_one_sentence_and_leaves_nothing_behind(trained, there, typed, code, said):
    (there / "text.csv").write_bytes(b"\0\1\2")
    done = rnncli("submit", trained, *typed)
    assert done.code == code, done.err
    assert said in done.err
    assert not (there / "submission.csv").exists()


def test_a_run_that_gives_no_labels_is_refused(there):
    recipe = load_recipe("forecast/own-data", ["data.train=sales.csv"])
    with pytest.raises(UsageError, match="where submissions are made of runs that give labels"):
        check(recipe, there / "test.csv", None)


def test_a_column_of_another_name_is_found_as_predict_finds_it(trained, there):
    (there / "other.csv").write_text("id,Review\n1,good film\n", encoding="utf-8")
    done = rnncli("submit", trained, "other.csv")
    assert (done.code, rows_of(there / "submission.csv")[0]["id"]) == (0, "1"), done.err


def test_clips_are_submitted_with_paths_from_the_folder_of_their_table(tmp_path, monkeypatch):
    table = write_clips(tmp_path / "data", count=18)
    done = rnncli("action", "--data", table, "--out", tmp_path / "run", *CLIPS, "data.cache=none", "train.epochs=1")
    assert done.code == 0, done.err
    lines = ["id,frames", *(f"{n:03},clips/{n}.npy" for n in (3, 1, 2))]
    (tmp_path / "data" / "test.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    done = rnncli("submit", "run", "data/test.csv")
    assert done.code == 0, done.err
    found = rows_of(tmp_path / "submission.csv")
    predicted = rnncli("predict", "run", "data/test.csv", "--json").lines
    assert [row["id"] for row in found] == ["003", "001", "002"]
    assert [row["label"] for row in found] == [row["label"] for row in predicted]
    (tmp_path / "data" / "test.csv").write_text("id,frames\n1,\n")
    done = rnncli("submit", "run", "data/test.csv", "--out", "none.csv")
    assert (done.code, "test.csv:2: " in done.err) == (3, True), done.err


def test_a_task_predicts_when_it_has_learnt_and_says_before_what_is_wrong(there):
    typed = ("sentiment", "--data", "reviews.csv", "--out", "run", *TINY, "--like", "sample.csv")
    (there / "sample.csv").write_text("id,label\n008,negative\n")
    done = rnncli(*typed, "--predict", "test.csv")
    assert (done.code, 'sample.csv asks for id "008"' in done.err) == (3, True)
    assert not (there / "run").exists()
    assert rnncli(*typed).code == 2
    (there / "sample.csv").write_text("id,label\n" + "".join(f"{n:03},negative\n" for n in (4, 3, 2, 1, 0)))
    done = rnncli(*typed, "--predict", "test.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["task"] == "sentiment"
    assert [row["id"] for row in rows_of(there / "run" / "submission.csv")] == ["004", "003", "002", "001", "000"]
