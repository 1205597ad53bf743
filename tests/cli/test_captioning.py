"""Captions as people type them: their clips in, words out; bad ones end in a count or a sentence."""

import csv
import io
import json

import numpy as np
import pytest

import rnncli as face
from tests.commands import rnncli
from tests.tasks.clips import TINY, dots

DATA, RECIPE = 3, 2
SMALL = (*TINY, "model.embedding=8", "data.cache=none")
SAID = {"rise": "the dots rise", "fall": "the dots fall down", "stay": "they stay"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Clips with one caption each, and with two."""
    (tmp_path / "clips").mkdir()
    one, two = ["frames,caption"], ["frames,caption"]
    for number in range(36):
        label = ("rise", "fall", "stay")[number % 3]
        np.save(tmp_path / "clips" / f"{number}.npy", dots(label, number))
        one.append(f"clips/{number}.npy,{SAID[label]}")
        two += [f"clips/{number}.npy,{SAID[label]}", f"clips/{number}.npy,{SAID[label]} slowly"]
    (tmp_path / "one.csv").write_text("\n".join(one) + "\n")
    (tmp_path / "two.csv").write_text("\n".join(two) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("head", ["attention", "ctc"])
def test_captions_are_learnt_scored_kept_and_written_again(head, here):
    keys = (*SMALL, f"model.head={head}", "model.hidden=24", "train.epochs=40", "train.learning_rate=0.01")
    keys = (*keys, "points.dimensions=2", "evaluation.baselines=true")
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *keys, "--json")
    assert done.code == 0, done.err
    report = done.json
    assert {"bleu_1", "bleu_4", "rouge_l", "cider", "exact", "wer", "distinct"} <= set(report["metrics"])
    assert list(report["metrics"])[:4] == ["wer", "cer", "cider", "bleu_4"]
    assert report["metrics"]["rouge_l"]["low"] is not None
    assert set(report["baselines"]) == {"most frequent caption", "nearest neighbour"}
    assert all(any(note.startswith(f"{name}: cider ") for note in report["notes"]) for name in report["baselines"])
    assert {"samples", "best", "worst"} <= {table["title"] for table in report["tables"]}
    assert report["metrics"]["wer"]["value"] < 0.5
    again = rnncli("evaluate", "run", "--data", "one.csv", "--json").json
    assert again["examples"] == 36
    row = json.loads((here / "run/predictions/test.jsonl").read_text().splitlines()[0])
    assert {"place", "file", "caption", "truth", "words", "truth_words"} <= set(row)
    if head == "attention":
        assert len(row["attention"]) == len(row["words"])
    rows = rnncli("predict", "run", "clips/0.npy", "clips/1.npy").lines
    assert [row["file"] for row in rows] == ["clips/0.npy", "clips/1.npy"]
    assert rows[0]["caption"] == rows[0]["captions"][0]["caption"]
    assert [one["score"] for one in rows[0]["captions"]] == sorted(
        (o["score"] for o in rows[0]["captions"]), reverse=True
    )
    alone = rnncli("predict", "run", "clips/1.npy").lines[0]
    assert alone["caption"] == rows[1]["caption"]


def test_several_captions_of_a_clip_stay_together_and_are_all_references(here):
    done = rnncli("captioning", "--data", "two.csv", "--out", "run", *SMALL, "--json")
    assert done.code == 0, done.err
    assert "wer" not in done.json["metrics"]
    lines = [json.loads(line) for line in (here / "run/predictions/test.jsonl").read_text().splitlines()]
    assert all(len(line["truth"]) == 2 for line in lines)
    assert len({line["file"] for line in lines}) == len(lines) == done.json["examples"]
    assert any("no group in two parts" in note for note in done.json["notes"])


def test_what_is_written_in_characters_is_scored_in_words_where_captions_have_spaces(here):
    keys = (*SMALL, "data.unit=character", "--json")
    assert {"wer", "cer"} <= set(rnncli("captioning", "--data", "one.csv", "--out", "run", *keys).json["metrics"])
    text = (here / "one.csv").read_text()
    for said in SAID.values():
        text = text.replace(said, said.replace(" ", ""))
    (here / "one.csv").write_text(text)
    metrics = rnncli("captioning", "--data", "one.csv", "--out", "unspaced", *keys).json["metrics"]
    assert "cer" in metrics
    assert "wer" not in metrics


def test_the_training_captions_say_what_ctc_may_write(here):
    keys = (*SMALL, "model.head=ctc", "train.epochs=20", "train.learning_rate=0.01", "--json")
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *keys, "decoding.lm=train")
    assert done.code == 0, done.err
    assert any("chosen on dev" in note for note in done.json["notes"])
    lines = [json.loads(line) for line in (here / "run/predictions/test.jsonl").read_text().splitlines()]
    assert {word for line in lines for word in line["words"]} <= {w for said in SAID.values() for w in said.split()}
    again = rnncli("evaluate", "run", "--json").json["metrics"]
    assert {name: one["value"] for name, one in again.items()} == {
        name: one["value"] for name, one in done.json["metrics"].items()
    }
    (here / "run/vocab/language.arpa").write_text("no model")
    assert rnncli("predict", "run", "clips/0.npy").code == 4


def test_a_language_model_beside_attention_is_refused(here):
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *SMALL, "decoding.lm=train")
    assert done.code == RECIPE
    assert "model.head=ctc" in done.err


def test_runs_of_captions_are_compared_shown_and_told_apart_by_group(here):
    keys = (*SMALL, "evaluation.groups=[caption]", "evaluation.page=true", "--quiet")
    for seed in (1, 2):
        assert rnncli("captioning", "--data", "one.csv", "--out", f"run{seed}", *keys, f"seed={seed}").code == 0
    report = json.loads((here / "run1/report.json").read_text())
    assert report["groups"][0]["by"] == "caption"
    assert rnncli("compare", "run1", "run2", "--metric", "cider").code == 0
    assert rnncli("report", "run1").code == 0
    assert "reference: " in (here / "run1/report.html").read_text()


def test_data_check_describes_captions(here):
    done = rnncli("data", "check", "captioning/own-data", "data.train=two.csv", "data.cache=none", "--json")
    assert done.code == 0, done.err
    titles = [table["title"] for table in done.json["tables"]]
    assert titles == [
        "clips and captions",
        "most frequent captions of train",
        "equal clips",
        "steps of training",
        "dropped rows",
    ]


@pytest.mark.parametrize(
    "keys",
    [
        "model.cell=lstm model.layers=2 train.own_words=0.5",
        "model.cell=rnn data.unit=character train.label_smoothing=0",
        "model.head=ctc variation.drop=0.5 variation.speed=0.9 model.bidirectional=false",
        "decoding.beam=1 decoding.no_repeat=0 decoding.best=1 data.min_count=2 train.best_by=cider",
    ],
)
def test_every_choice_of_a_recipe_trains(keys, here):
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *SMALL, *keys.split(), "--json")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("clips/0.npy,", "no caption"),
        ("clips/no.npy,the dots rise", "missing file"),
        (",the dots", "row without a file"),
    ],
)
def test_a_bad_row_is_dropped_and_counted(row, reason, here):
    with (here / "one.csv").open("a") as file:
        file.write(row + "\n")
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *SMALL, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {reason: 1}


@pytest.mark.parametrize(
    ("text", "keys", "says"),
    [
        ("frames,caption\nclips/0.npy,\n", (), "no clip has a caption"),
        ("frames,words\nclips/0.npy,a\n", (), "no column of captions"),
        ("frames,caption\nclips/0.npy,a\n", (), "there is 1 example, too few"),
        (None, ("data.min_count=1000",), "no word is seen 1000 times"),
    ],
)
def test_data_of_no_use_ends_in_a_sentence(text, keys, says, here):
    if text is not None:
        (here / "one.csv").write_text(text)
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *SMALL, *keys)
    assert done.code == DATA, done.err
    assert says in done.err
    assert "Traceback" not in done.err


def test_captions_longer_than_their_clips_are_left_out_by_ctc(here):
    long = "frames,caption\n" + "".join(f"clips/{n}.npy,{'word ' * (1 if n % 4 else 50)}\n" for n in range(36))
    (here / "one.csv").write_text(long)
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *SMALL, "model.head=ctc", "--json")
    assert done.code == 0, done.err
    assert any("too short for their captions" in note for note in done.json["notes"])


def test_a_list_of_clips_comes_back_with_captions(here):
    done = rnncli("captioning", "--data", "one.csv", "--out", "run", *SMALL, "train.epochs=1", "points.dimensions=2")
    assert done.code == 0, done.err
    (here / "new.csv").write_text("id,frames,caption\n007,clips/0.npy,mine\n8,,\n", encoding="utf-8")
    found = rnncli("predict", "run", "new.csv", "--to", "csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    lines = rnncli("predict", "run", "new.csv").lines
    assert [(row["id"], row["caption"]) for row in rows] == [("007", "mine"), ("8", "")]
    assert [row["predicted_caption"] for row in rows] == [lines[0]["caption"] or "", ""]
    assert lines[0] == rnncli("predict", "run", "clips/0.npy").lines[0]
    assert face.load("run").predict("new.csv") == lines
