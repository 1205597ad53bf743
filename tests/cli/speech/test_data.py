"""Recordings and manifests of all kinds: bad ones end in a count or a sentence."""

import json

import numpy as np
import pytest
import soundfile

from tests.commands import rnncli
from tests.data.video.damaged import write_npy
from tests.tasks.recordings import TINY

DATA = 3


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
    "shape", ["(1125899906842624, 13)", "(10**30, 13)", "(-4, 13)", "('a', 13)", "(99999999, 13", "3"]
)
def test_features_whose_header_claims_what_cannot_be_are_dropped_and_counted(shape, here):
    (here / "npy").mkdir()
    for number in range(30):
        np.save(here / "npy" / f"{number}.npy", np.random.default_rng(number).normal(size=(60, 13)))
    write_npy(here / "npy/0.npy", shape)
    lines = ["features,text", *(f"npy/{number}.npy,go on" for number in range(30))]
    (here / "train.csv").write_text("\n".join(lines) + "\n")
    done = rnncli("data", "check", "speech/own-data", "data.train=train.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["tables"][-1]["rows"] == [{"reason": "unreadable features", "rows": "1"}]


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
    from rnncli.data.audio.sound import read_sound

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


def write_folder(here, *contents, word="zero"):
    """The recordings of ``here`` in a folder, a text beside each: ``contents`` for the first ones, then ``word``."""
    folder = here / "folder"
    folder.mkdir()
    for number, wav in enumerate(sorted((here / "wav").iterdir())):
        content = contents[number] if number < len(contents) else word.encode()
        (folder / f"{number:02}.wav").write_bytes(wav.read_bytes())
        (folder / f"{number:02}.txt").write_bytes(content)
    return folder


def characters(done):
    (table,) = [table for table in done.json["tables"] if table["title"].startswith("characters")]
    return {row["character"] for row in table["rows"]}


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        ("\ufeffzoé\n".encode(), "auto", "zeroé"),
        ("\ufeffzoé\r\n".encode(), "utf-8", "zeroé"),
        ("zoé\n".encode("utf-16"), "auto", "zeroé"),
        ("zoé\n".encode("utf-32"), "auto", "zeroé"),
        (b"\xff\xfe" + "zoé\r\n".encode("utf-16-le"), "auto", "zeroé"),
        (b"\xfe\xff" + "zoé\n".encode("utf-16-be"), "auto", "zeroé"),
        ("零".encode("gb18030"), "auto", "zero零"),
        ("zoé".encode("cp1252"), "cp1252", "zeroé"),
        ("zo\x92".encode("latin-1"), "cp1252", "zero’"),
        ("ноль".encode("koi8-r"), "koi8-r", "zeroноль"),
        ("ゼロ".encode("shift_jis"), "shift_jis", "zeroゼロ"),
    ],
)
def test_a_text_beside_a_recording_is_read_in_its_encoding(content, encoding, expected, here):
    folder = write_folder(here, content)
    done = rnncli("data", "check", "speech/own-data", f"data.train={folder}", f"data.encoding={encoding}", "--json")
    assert done.code == 0, done.err
    assert characters(done) == set(expected)


def test_the_byte_order_mark_is_dropped_where_the_order_is_named(here):
    contents = ["\ufeffzoé".encode("utf-16-le")] * len(list((here / "wav").iterdir()))
    folder = write_folder(here, *contents)
    done = rnncli("data", "check", "speech/own-data", f"data.train={folder}", "data.encoding=utf-16-le", "--json")
    assert done.code == 0, done.err
    assert characters(done) == set("zoé")


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        ("zoé".encode("cp1252"), "auto", "01.txt:1: not utf-8"),
        ("naïve\ncafé".encode("latin-1"), "auto", "01.txt:1: not utf-8"),
        ("one\ntwo é".encode("cp1252"), "auto", "01.txt:2: not utf-8"),
        ("zero".encode("utf-16-le"), "auto", "01.txt:1: a NUL byte"),
        (b"zero\n\0\0\0", "auto", "01.txt:2: a NUL byte"),
        ("zoé".encode()[:-1], "auto", "01.txt:1: not utf-8"),
        (b"\xef\xbb\xbfzo\xe9", "auto", "01.txt:1: not utf-8-sig"),
        ("zoé".encode("cp1252"), "ascii", "01.txt:1: not ascii"),
        (b"zero", "utf-9", 'no encoding called "utf-9"'),
    ],
)
def test_a_text_beside_a_recording_in_no_known_encoding_is_named(content, encoding, says, here):
    folder = write_folder(here, b"zero", content)
    done = rnncli("data", "check", "speech/own-data", f"data.train={folder}", f"data.encoding={encoding}")
    assert done.code == DATA
    assert says in done.err
    assert "data.encoding" in done.err or "NUL" in done.err


def test_a_text_of_nothing_but_a_mark_is_empty_and_how_texts_were_read_is_told(here):
    folder = write_folder(here, b"", b"\xef\xbb\xbf", "零".encode("gb18030"))
    done = rnncli("data", "check", "speech/own-data", f"data.train={folder}", "--json")
    assert done.code == 0, done.err
    assert done.json["tables"][-1]["rows"] == [{"reason": "empty text", "rows": "2"}]
    assert "02.txt: read as gb18030" in str(done.json)
