"""Long recordings of a user, cut for training where it is asked and known how."""

import json

import numpy as np
import pytest
import soundfile

from rnncli.data.audio.frontend import Frontend
from tests.commands import rnncli
from tests.tasks.recordings import TINY

RATE = 8000
CUT = ("data.longest=4", "data.cut=true")


@pytest.fixture
def long(here):
    """Eight recordings behind each other with a second of silence between; their texts and times."""
    parts, said, at = [], [], 0.0
    for number, (_, text, _) in enumerate(rows(here)[:8]):
        samples, _ = soundfile.read(here / f"wav/{number}.wav")
        said.append({"text": text, "start": at + 1.0, "end": at + 1.0 + len(samples) / RATE})
        parts += [np.zeros(RATE), samples]
        at = said[-1]["end"]
    soundfile.write(here / "long.wav", np.concatenate(parts), RATE)
    return said


def rows(here):
    return [line.split(",") for line in (here / "train.csv").read_text().splitlines()[1:]]


def train(here, long, *keys, paths="wav/{}.wav"):
    """Train on the short recordings and the long one, dev and test from the short ones."""
    short = [{"audio": paths.format(number), "text": text} for number, (_, text, _) in enumerate(rows(here))]
    for name, part in (("all", [long, *short]), ("dev", short[:8])):
        (here / f"{name}.jsonl").write_text("\n".join(map(json.dumps, part)) + "\n", encoding="utf-8")
    parts = ("data.dev=dev.jsonl", "data.test=dev.jsonl")
    return rnncli("speech", "--data", "all.jsonl", "--out", "run", *TINY, *parts, *keys)


def said_of_cuts(done):
    assert done.code == 0, done.err
    return [note for note in done.json["notes"] if "cut at silences" in note or "left out" in note]


def test_a_long_recording_is_cut_where_segments_are_known(here, long):
    row = {"audio": "long.wav", "text": " ".join(one["text"] for one in long), "segments": long}
    (said,) = said_of_cuts(train(here, row, *CUT, "--json"))
    assert said.startswith("recordings of train over 4 s cut at silences: ")
    assert said.endswith(" pieces of 1")
    assert long[-1]["end"] / 4 < int(said.split(": ")[1].split()[0]) <= 8


def test_a_long_recording_is_cut_where_its_lines_lie_between_silences(here, long):
    row = {"audio": "long.wav", "text": "\n".join(one["text"] for one in long)}
    (said,) = said_of_cuts(train(here, row, *CUT, "--json"))
    assert said.endswith(" pieces of 1")


def test_a_long_recording_that_cannot_be_cut_is_left_out_and_counted(here, long):
    row = {"audio": "long.wav", "text": " ".join(one["text"] for one in long)}
    made, lost = said_of_cuts(train(here, row, *CUT, "--json"))
    assert made.endswith(": 0 pieces of 1")
    assert lost.startswith("left out of these 1: no times of words or segments")


def test_features_are_cut_by_the_words_that_are_known(here, long):
    frontend = Frontend("log-mel", RATE, 20)
    for wav in (here / "long.wav", *(here / "wav").iterdir()):
        np.save(here / f"{wav.stem}.npy", frontend(soundfile.read(wav, dtype="float32")[0]))
    words = [{"word": one.pop("text"), **one} for one in long]
    row = {"audio": "long.npy", "text": "whatever", "words": words}
    (said,) = said_of_cuts(train(here, row, *CUT, "--json", paths="{}.npy"))
    assert said.endswith(" pieces of 1")


@pytest.mark.parametrize("wrong", [[{"text": "go", "start": 2, "end": 1}], "soon", [{"text": "go"}], [3]])
def test_times_that_are_of_no_use_end_in_a_sentence(wrong, here, long):
    done = train(here, {"audio": "long.wav", "text": "go on", "segments": wrong}, *CUT)
    assert done.code == 3
    assert "all.jsonl:1: segments do not say what is said when" in done.err


def test_a_cut_wants_to_know_from_which_length(here, long):
    done = train(here, {"audio": "long.wav", "text": "go on"}, "data.cut=true")
    assert done.code == 2
    assert "cut wants longest" in done.err


def test_data_check_tells_what_would_be_cut_and_left_out(here, long):
    text = " ".join(one["text"] for one in long)
    lines = [json.dumps({"audio": "long.wav", "text": text} | more) for more in ({"segments": long}, {})]
    short = [json.dumps({"audio": f"wav/{number}.wav", "text": row[1]}) for number, row in enumerate(rows(here))]
    (here / "all.jsonl").write_text("\n".join([*lines, *short]) + "\n", encoding="utf-8")
    (here / "dev.jsonl").write_text("\n".join(short[:8]) + "\n", encoding="utf-8")
    parts = ("data.train=all.jsonl", "data.dev=dev.jsonl", "data.test=dev.jsonl", "data.rate=8000", "data.cache=none")
    done = rnncli("data", "check", "speech/own-data", *parts, *CUT, "--json")
    assert done.code == 0, done.err
    (table,) = [table for table in done.json["tables"] if table["title"] == "training"]
    made, lost = [row["what it would hear"] for row in table["rows"]]
    assert made.endswith(" pieces of 2")
    assert lost.startswith("left out of these 1: ")
