"""Speech as people type it: their recordings in, texts out; bad ones end in a count or a sentence."""

import json
import shutil
import sys

import numpy as np
import pytest
import soundfile

from tests.commands import rnncli
from tests.tasks.recordings import TINY, write_recordings

DATA = 3


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory):
    """A folder with recordings and a run on them."""
    here = tmp_path_factory.mktemp("speech")
    csv = write_recordings(here)
    cache = f"data.cache={here / 'cache'}"
    done = rnncli("speech", "--data", csv, "--out", here / "run", *TINY, cache, "--json")
    assert done.code == 0, done.err
    (here / "report.json").write_text(done.out, encoding="utf-8")
    return here


@pytest.fixture
def here(tmp_path, trained_folder, monkeypatch):
    """A copy of the recordings, and where one is."""
    shutil.copytree(trained_folder / "wav", tmp_path / "wav")
    shutil.copy(trained_folder / "train.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_has_error_rates_with_their_parts(trained_folder):
    report = json.loads((trained_folder / "report.json").read_text(encoding="utf-8"))
    assert {"wer", "cer", "sentence_accuracy"} <= set(report["metrics"])
    titles = [table["title"] for table in report["tables"]]
    assert {"errors", "by length in words"} <= set(titles)
    row = json.loads((trained_folder / "run/predictions/test.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert {"place", "truth", "text", "words"} <= set(row)


def test_a_second_run_takes_the_features_from_the_cache(trained_folder, here, monkeypatch):
    def compute(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr("rnncli.data.clips.features_of", compute)
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


@pytest.fixture(scope="module")
def causal_run(trained_folder):
    """A run that reads forward only."""
    keys = (*TINY, "model.bidirectional=false", "model.lookahead=2", "data.normalise=global")
    csv, cache = trained_folder / "train.csv", f"data.cache={trained_folder / 'cache'}"
    done = rnncli("speech", "--data", csv, "--out", trained_folder / "causal", *keys, cache)
    assert done.code == 0, done.err
    return trained_folder / "causal"


def raw(*names):
    """The samples of some recordings behind each other, with 3 seconds of silence after each."""
    silence = np.zeros(3 * 8000, dtype="<i2")
    parts = [part for name in names for part in (soundfile.read(name, dtype="int16")[0].astype("<i2"), silence)]
    return np.concatenate(parts).tobytes()


def test_raw_samples_are_answered_as_they_come(causal_run, here):
    sound = raw("wav/1.wav", "wav/0.wav")
    done = rnncli("predict", causal_run, "-", stdin=sound)
    assert done.code == 0, done.err
    assert "real-time factor" in done.err
    lines = done.out.splitlines()
    assert any(not line.startswith("...") for line in lines)
    open_text = ""
    for line in lines:
        assert line.removeprefix("... ").startswith(open_text)
        open_text = line.removeprefix("... ") if line.startswith("...") else ""
    rows = rnncli("predict", causal_run, "-", "--json", stdin=sound).lines
    assert [("" if row["final"] else "... ") + row["text"] for row in rows] == lines
    srt = rnncli("predict", causal_run, "-", "--format", "srt", stdin=sound).out
    assert srt.startswith("1\n00:00:0")


def test_a_recording_in_blocks_gives_what_its_samples_give(causal_run, here, monkeypatch):
    (here / "long.raw").write_bytes(raw("wav/1.wav", "wav/0.wav", "wav/2.wav"))
    soundfile.write(here / "long.wav", np.frombuffer((here / "long.raw").read_bytes(), "<i2"), 8000)
    (row,) = rnncli("predict", causal_run, "long.wav", "--json").lines
    rows = rnncli("predict", causal_run, "-", "--json", stdin=(here / "long.raw").read_bytes()).lines
    finals = [row for row in rows if row["final"]]
    assert row["text"] == " ".join(one["text"] for one in finals)
    assert row["words"] == [word for one in finals for word in one["words"]]


def test_a_model_that_reads_both_ways_answers_raw_samples_at_their_end(trained_folder, here):
    (row,) = rnncli("predict", trained_folder / "run", "-", "--json", stdin=raw("wav/1.wav")).lines
    assert row["final"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"RIFF1234WAVE", "a file of audio"), (b"\0\0\0", "within a sample"), (b"", "less than 25 ms")],
)
def test_what_is_no_raw_sound_ends_in_a_sentence(content, says, trained_folder, causal_run):
    for run in (trained_folder / "run", causal_run):
        done = rnncli("predict", run, "-", stdin=content)
        assert says in done.err
        assert done.code == DATA


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


def test_features_train_without_torchaudio(here, monkeypatch):
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
    done = rnncli("speech", "--data", "train.csv", "--out", "audio", *TINY)
    assert done.code == 1
    assert "torchaudio" in done.err
    assert "pip install" in done.err
    assert "Traceback" not in done.err


def damaged(here, name):
    """Recording 0 replaced by a bad one; the reason for which it is to be dropped."""
    wav = here / "wav/0.wav"
    samples, rate = soundfile.read(wav)
    match name:
        case "empty file":
            wav.write_bytes(b"")
        case "missing file":
            wav.unlink()
        case "unreadable recording":
            wav.write_bytes(b"no audio at all, but text " * 20)
        case "recording without samples":
            soundfile.write(wav, samples[:0], rate)
        case "recording shorter than a frame":
            soundfile.write(wav, samples[:40], rate)
        case "samples that are no numbers":
            soundfile.write(wav, np.full(4000, np.nan), rate, subtype="FLOAT")
        case "odd sample rate":
            soundfile.write(wav, samples, 100)
        case "empty text":
            text = (here / "train.csv").read_text().splitlines()
            (here / "train.csv").write_text("\n".join([text[0], "wav/0.wav,,x", *text[2:]]) + "\n")


@pytest.mark.parametrize(
    "reason",
    [
        "empty file",
        "missing file",
        "unreadable recording",
        "recording without samples",
        "recording shorter than a frame",
        "samples that are no numbers",
        "odd sample rate",
        "empty text",
    ],
)
def test_a_bad_recording_is_dropped_and_counted(reason, here):
    damaged(here, reason)
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {reason: 1}


@pytest.mark.parametrize("kind", ["silent", "constant", "8 channels", "other rate", "truncated", "wrong extension"])
def test_an_odd_recording_is_learnt_from(kind, here):
    wav = here / "wav/0.wav"
    samples, rate = soundfile.read(wav)
    if kind == "truncated":
        wav.write_bytes(wav.read_bytes()[: wav.stat().st_size // 2])
    elif kind == "wrong extension":
        soundfile.write(here / "wav/x.flac", samples, rate)
        (here / "wav/x.flac").replace(wav)
    else:
        odd = {"silent": samples * 0, "constant": samples * 0 + 0.5, "8 channels": np.stack([samples] * 8, 1)}
        soundfile.write(wav, odd.get(kind, samples), 11025 if kind == "other rate" else rate)
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {}


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        (np.full((50, 13), np.nan), "features that are no numbers"),
        (np.zeros((0, 13)), "features without frames"),
        (np.zeros(13), "features of another shape"),
        (np.array([["a"]]), "features of another shape"),
        (np.array([{}], dtype=object), "unreadable features"),
    ],
)
def test_bad_features_are_dropped_and_counted(features, reason, here):
    (here / "npy").mkdir()
    lines = ["features,text"]
    for number in range(30):
        good = np.random.default_rng(number).normal(size=(60, 13))
        np.save(here / "npy" / f"{number}.npy", good if number else features, allow_pickle=True)
        lines.append(f"npy/{number}.npy,go on")
    (here / "train.csv").write_text("\n".join(lines) + "\n")
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {reason: 1}


@pytest.mark.parametrize(
    ("csv", "says"),
    [
        ("audio,text\nno/1.wav,a\nno/2.wav,b\n", "no/1.wav: no such file"),
        ("audio,text\nwav/0.wav,\nwav/1.wav, \n", "no recording has a text"),
        ("sound,text\nwav/0.wav,a\n", "no column of recordings"),
        ("audio,words\nwav/0.wav,a\n", "no column of texts"),
        ("audio,text\n,a\n", "train.csv:2"),
    ],
)
def test_a_manifest_of_no_use_ends_in_a_sentence(csv, says, here):
    (here / "train.csv").write_text(csv)
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY)
    assert done.code == DATA
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (here / "run").exists()


def test_recordings_longer_than_asked_are_not_trained_on_and_counted(here):
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, "data.longest=1", "--json")
    assert done.code == 0, done.err
    assert any("left out: over 1 s" in note for note in done.json["notes"])
    done = rnncli("speech", "--data", "train.csv", "--out", "none", *TINY, "data.longest=0.01")
    assert done.code == DATA
    assert "data.longest" in done.err


def test_features_of_several_widths_end_in_a_sentence(here):
    for number in range(12):
        np.save(here / f"{number}.npy", np.ones((60, 13 if number else 12)))
    (here / "train.csv").write_text("features,text\n" + "".join(f"{n}.npy,go on\n" for n in range(12)))
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY)
    assert done.code == DATA
    assert "bins, where the first recording has" in done.err


def test_texts_with_characters_that_training_lacks_are_told(here):
    lines = (here / "train.csv").read_text().splitlines()
    lines[1:] = [line.replace(",", ",ß", 1) if "voice3" in line else line for line in lines[1:]]
    (here / "test.csv").write_text("\n".join([lines[0], *(line for line in lines if "ß" in line)]), encoding="utf-8")
    (here / "train.csv").write_text("\n".join(line for line in lines if "ß" not in line), encoding="utf-8")
    done = rnncli("speech", "--data", "train.csv", "--test", "test.csv", "--out", "run", *TINY, "--json")
    assert done.code == 0, done.err
    assert any("of the texts of test have characters that train lacks" in note for note in done.json["notes"])


def test_recordings_too_short_for_their_texts_are_left_out_of_training_and_counted(here):
    text = (here / "train.csv").read_text().splitlines()
    (here / "train.csv").write_text("\n".join([text[0], f"wav/0.wav,{'long ' * 200},x", *text[2:]]) + "\n")
    keys = ("data.by_speaker=false", "seed=2")
    done = rnncli("speech", "--data", "train.csv", "--out", "run", *TINY, *keys, "--json")
    assert done.code == 0, done.err
    assert any("1 of the recordings of train left out" in note for note in done.json["notes"])


def manifest(path, *rows):
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def test_a_manifest_with_durations_says_which_are_wrong(here):
    texts = [line.split(",")[1] for line in (here / "train.csv").read_text().splitlines()[1:]]
    rows = [
        {"audio_filepath": f"wav/{n}.wav", "duration": soundfile.info(here / f"wav/{n}.wav").duration, "text": text}
        for n, text in enumerate(texts)
    ]
    rows[4]["duration"] = 60.0
    manifest(here / "train.jsonl", *rows)
    done = rnncli("data", "check", "speech/own-data", "data.train=train.jsonl", "data.cache=none", "--json")
    assert done.code == 0, done.err
    assert any("1 recordings have another length" in note and "train.jsonl:5" in note for note in done.json["notes"])


def test_stretches_of_a_long_recording_are_cut_by_offset_and_duration(here):
    from rnncli.data.audio import read_sound

    whole = read_sound(here / "wav/0.wav")
    soundfile.write(here / "long.wav", np.concatenate([np.zeros(8000), whole.samples, np.ones(8000)]), 8000)
    rows = [{"audio_filepath": "long.wav", "offset": 1.0, "duration": whole.seconds, "text": "mano"}] * 12
    manifest(here / "train.jsonl", *rows, {"audio_filepath": "long.wav", "offset": 99, "duration": 1, "text": "mano"})
    keys = ("data.train=train.jsonl", "data.cache=none", "data.rate=8000", "--json")
    done = rnncli("data", "check", "speech/own-data", *keys)
    assert done.code == 0, done.err
    assert done.json["dropped"] == {"recording without samples": 1}
    tables = {table["title"]: table["rows"] for table in done.json["tables"]}
    assert float(tables["recordings, and their lengths in seconds"][0]["most"]) < whole.seconds
    assert tables["sound"][0]["clipped (from 0.1 % of samples)"] == "0"
    manifest(here / "bad.jsonl", {"audio_filepath": "long.wav", "offset": "x", "duration": 1, "text": "mano"})
    done = rnncli("data", "check", "speech/own-data", "data.train=bad.jsonl")
    assert done.code == DATA
    assert "bad.jsonl:1: offset is 'x'" in done.err


@pytest.mark.parametrize(
    ("inputs", "says"),
    [(["no.wav"], "no.wav: no such file"), (["empty"], "no recording"), (["train.csv"], "cannot be read as audio")],
)
def test_what_is_no_recording_is_refused_by_name(inputs, says, trained_folder, here):
    (here / "empty").mkdir()
    done = rnncli("predict", trained_folder / "run", *inputs)
    assert done.code == DATA
    assert says in done.err


def test_a_datasets_folder_with_audio_bytes_is_read(here):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [line.split(",") for line in (here / "train.csv").read_text().splitlines()[1:]]
    audio = [{"bytes": (here / path).read_bytes(), "path": path} for path, _, _ in rows]
    (here / "repository").mkdir()
    table = pa.table({"audio": audio, "text": [text for _, text, _ in rows]})
    pq.write_table(table, here / "repository/train.parquet")
    done = rnncli("speech", "--data", "repository", "--out", "run", *TINY, "--json")
    assert done.code == 0, done.err


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
def test_spoken_digits_are_recognised(real_data, here):
    keys = (f"data.root={real_data / 'speech/fsdd'}", "data.cache=cache", "train.epochs=5", "compute.threads=1")
    done = rnncli("run", "speech/fsdd", *keys, "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["accuracy"]["value"] > 0.93


@pytest.mark.slow
def test_given_cepstra_are_learnt_from(real_data, here):
    keys = (f"data.root={real_data / 'speech/an4'}", "train.epochs=3", "decoding.lm=train", "compute.threads=1")
    done = rnncli("run", "speech/an4", *keys, "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["wer"]["value"] < 0.95
