"""Speech as people type it: their recordings in, texts out."""

import csv
import io
import json
import sys

import numpy as np
import pytest
import soundfile

import rnncli as face
from tests.commands import rnncli
from tests.tasks.recordings import TINY

DATA = 3


def test_the_report_has_error_rates_with_their_parts(trained_folder):
    report = json.loads((trained_folder / "report.json").read_text(encoding="utf-8"))
    assert report["reach"]["shares"]["forward"][0] == 1
    assert {"wer", "cer", "sentence_accuracy"} <= set(report["metrics"])
    titles = [table["title"] for table in report["tables"]]
    assert {"errors", "by length in words"} <= set(titles)
    row = json.loads((trained_folder / "run/predictions/test.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert {"place", "truth", "text", "words"} <= set(row)


def test_a_second_run_takes_the_features_from_the_cache(trained_folder, here, monkeypatch):
    def compute(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr("rnncli.data.audio.features.features_of", compute)
    cache = f"data.cache={trained_folder / 'cache'}"
    done = rnncli("speech", "--data", "train.csv", "--out", "again", *TINY, cache, "--json")
    assert done.code == 0, done.err


def test_recordings_are_recognised_a_line_each_in_order(trained_folder, here):
    done = rnncli("predict", trained_folder / "run", "wav/1.wav", "wav/0.wav")
    assert [line.split("\t")[0] for line in done.out.splitlines()] == ["wav/1.wav", "wav/0.wav"]
    rows = rnncli("predict", trained_folder / "run", "wav/1.wav", "wav/0.wav", "--json").lines
    assert [f"{row['file']}\t{row['text']}" for row in rows] == done.out.splitlines()
    assert "real-time factor" in done.err
    whole = rnncli("predict", trained_folder / "run", "wav")
    assert len(whole.out.splitlines()) == 40
    assert set(done.out.splitlines()) < set(whole.out.splitlines())
    for row in rows:
        assert " ".join(word["word"] for word in row["words"]) == row["text"]


@pytest.mark.parametrize("unit", ["subword", "character"])
def test_pieces_of_words_characters_and_hypotheses_are_written(unit, here):
    keys = (
        f"data.unit={unit}",
        "data.subwords=30",
        "decoding.best=3",
        "decoding.lm=train",
        "decoding.lm_unit=character",
    )
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, *keys, "train.epochs=2", "--json")
    assert done.code == 0, done.err
    rows = rnncli("predict", "run", "wav/0.wav", "wav/1.wav", "--json").lines
    known = {word for line in (here / "train.csv").read_text().splitlines()[1:] for word in line.split(",")[1].split()}
    for row in rows:
        assert set(row["text"].split()) <= known
        for segment in row["hypotheses"]:
            scores = [one["score"] for one in segment]
            assert scores == sorted(scores, reverse=True)
    again = rnncli("evaluate", "run", "--json").json
    assert again["metrics"] == done.json["metrics"]


def test_a_lexicon_of_ones_own_bounds_what_is_written(here):
    (here / "words.txt").write_text("selu\ntiko mano\n", encoding="utf-8")
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, "decoding.lexicon=words.txt", "--json")
    assert done.code == 0, done.err
    for row in rnncli("predict", "run", "wav/0.wav", "--json").lines:
        assert set(row["text"].split()) <= {"selu", "tiko", "mano"}
    (here / "none.txt").write_text("\n", encoding="utf-8")
    for lexicon, says in (("no.txt", "no.txt"), ("none.txt", "no words")):
        done = rnncli("speech", "--data", "train.csv", "--out", "other", *TINY, f"decoding.lexicon={lexicon}")
        assert done.code == DATA
        assert says in done.err


def test_data_check_describes_recordings(here):
    keys = ("data.train=train.csv", "data.cache=none", "data.rate=8000", "data.bins=20")
    done = rnncli("data", "check", "speech/own-data", *keys, "--json")
    assert done.code == 0, done.err
    titles = " ".join(table["title"] for table in done.json["tables"])
    assert "lengths in seconds" in titles
    assert "characters" in titles
    assert "speakers" in titles


def test_data_check_tells_silence_clipping_rates_and_texts_that_do_not_fit(here):
    lines = (here / "train.csv").read_text().splitlines()
    samples, rate = soundfile.read(here / "wav/0.wav")
    soundfile.write(here / "wav/0.wav", samples * 0, rate)
    soundfile.write(here / "wav/1.wav", np.stack([np.sign(samples)] * 2, 1), 11025)
    lines[3] = f"wav/2.wav,{'ö' * 500},x"
    (here / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    keys = ("data.train=train.csv", "data.dev=train.csv", "data.test_fraction=0", "data.cache=none", "data.rate=8000")
    done = rnncli("data", "check", "speech/own-data", *keys, "--json")
    assert done.code == 0, done.err
    tables = {table["title"]: table["rows"] for table in done.json["tables"]}
    (sound, _) = tables["sound"]
    assert sound["rates in Hz"] == "8,000: 39, 11,025: 1"
    assert sound["channels"] == "1: 39, 2: 1"
    assert [sound[name] for name in sound if name.startswith(("silent", "clipped"))] == ["1", "1"]
    (fit, _) = tables["recordings and texts at a decision every 20 ms"]
    assert fit["too short for their texts"] == "1"
    assert fit["such as"] == "train.csv:4"
    assert {row["where"]: row["recordings"] for row in tables["equal recordings"]}["dev also in train"] == "40"


def test_another_csv_is_scored(trained_folder, here):
    done = rnncli("evaluate", trained_folder / "run", "--data", "train.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["examples"] == 40
    speakers = next(table for table in done.json["tables"] if table["title"] == "by speaker")
    assert len(speakers["rows"]) == 12


def test_a_folder_with_texts_beside_and_other_formats_trains(here):
    for number, line in enumerate((here / "train.csv").read_text().splitlines()[1:]):
        (here / "wav" / f"{number}.txt").write_text(line.split(",")[1])
    samples, rate = soundfile.read(here / "wav/0.wav")
    (here / "wav/0.wav").unlink()
    soundfile.write(here / "wav/0.flac", np.stack([samples] * 8, 1), rate)
    (here / "wav/1.txt").unlink()
    done = rnncli("speech", "--data", "wav", "--out", "run", *TINY, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {"recording without a text beside it": 1}


def test_features_and_recordings_train_without_torchaudio(here, monkeypatch):
    (here / "npy").mkdir()
    lines = ["features,text"]
    for number, line in enumerate((here / "train.csv").read_text().splitlines()[1:]):
        np.save(here / "npy" / f"{number}.npy", np.random.default_rng(number).normal(size=(200, 13)))
        lines.append(f"npy/{number}.npy,{line.split(',')[1]}")
    (here / "features.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    for given in ("other", "cepstrum", "spectrum"):
        done = rnncli("speech", "--data", "features.csv", "--out", given, *TINY, f"data.given={given}", "--json")
        assert done.code == 0, done.err
    done = rnncli("speech", "--data", "train.csv", "--out", "audio", *TINY, "data.cache=none")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("inputs", "says"),
    [(["no.wav"], "no.wav: no such file"), (["empty"], "no recording"), (["train.txt"], "cannot be read as audio")],
)
def test_what_is_no_recording_is_refused_by_name(inputs, says, trained_folder, here):
    (here / "empty").mkdir()
    (here / "train.csv").rename(here / "train.txt")
    done = rnncli("predict", trained_folder / "run", *inputs)
    assert done.code == DATA
    assert says in done.err


@pytest.mark.parametrize("unit", ["character", "word"])
def test_a_language_model_of_the_training_texts_is_used_kept_and_loaded_again(unit, here):
    keys = ("decoding.lm=train", f"data.unit={unit}", "train.epochs=3")
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, *keys, "--json")
    assert done.code == 0, done.err
    assert any("chosen on dev" in note for note in done.json["notes"])
    again = rnncli("evaluate", "run", "--json").json
    assert again["metrics"]["wer"] == done.json["metrics"]["wer"]
    words = {line.split(",")[1] for line in (here / "train.csv").read_text().splitlines()[1:]}
    known = {word for text in words for word in text.split()}
    for row in rnncli("predict", "run", "wav/0.wav", "wav/1.wav", "--json").lines:
        assert set(row["text"].split()) <= known
    missing = rnncli("speech", "--data", "train.csv", "--out", "other", *TINY, "decoding.lm=no.arpa")
    assert missing.code == DATA
    assert "no.arpa" in missing.err


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    "keys",
    [
        "model.hidden=64 model.layers=1 train.epochs=4 train.learning_rate=3e-3 train.ema=0.99 compute.threads=1",
        "train.epochs=3 compute.threads=2",
    ],
    ids=["a narrow layer", "as shipped"],
)
def test_spoken_digits_are_recognised(keys, real_data, here):
    data = (f"data.root={real_data / 'speech/fsdd'}", "data.cache=cache")
    done = rnncli("run", "speech/fsdd", *data, *keys.split(), "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["accuracy"]["value"] > 0.93


@pytest.mark.slow
@pytest.mark.long
def test_given_cepstra_are_learnt_from(real_data, here):
    keys = (
        f"data.root={real_data / 'speech/an4'}",
        "train.epochs=3",
        "model.members=1",
        "decoding.lm=train",
        "compute.threads=2",
    )
    done = rnncli("run", "speech/an4", *keys, "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["wer"]["value"] < 0.95


def test_a_manifest_comes_back_with_what_is_said(trained_folder, here, tmp_path):
    text = "id,audio,offset,duration\n007,wav/0.wav,,\n8,none.wav,,\n9,,,\n010,wav/1.wav,0.1,0.5\n"
    (here / "new.csv").write_text(text, encoding="utf-8")
    done = rnncli("predict", trained_folder / "run", here / "new.csv", "--to", "csv")
    assert done.code == 0, done.err
    assert "2 rows without a prediction" in done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["id"] for row in rows] == ["007", "8", "9", "010"]
    lines = rnncli("predict", trained_folder / "run", "new.csv", "--json").lines
    assert [row["text"] for row in rows] == [row["text"] for row in lines]
    assert lines[0] == rnncli("predict", trained_folder / "run", "wav/0.wav", "--json").lines[0]
    assert [json.loads(row["words"]) if row["words"] else [] for row in rows] == [row["words"] for row in lines]
    assert face.load(trained_folder / "run").predict("new.csv") == lines
