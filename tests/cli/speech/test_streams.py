"""Raw sound in, texts out as they come."""

import numpy as np
import pytest
import soundfile

from tests.commands import rnncli
from tests.tasks.recordings import TINY

DATA = 3


@pytest.fixture(scope="module")
def causal_run(trained_folder):
    """A run of two members that read forward only."""
    keys = (*TINY, "model.bidirectional=false", "model.lookahead=2", "model.members=2", "data.normalise=global")
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
