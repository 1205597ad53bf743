"""Typing ``rnncli write``, and ``predict`` and ``evaluate --score`` of runs that write: of a text, of tunes."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

import rnncli as face
from rnncli.data.music.midi import read_midi
from rnncli.data.music.midiwriting import midi_bytes
from rnncli.tasks.predictors import Prompt, TextWriter
from tests.commands import rnncli, start_rnncli
from tests.data.music.soundfonts import SYMUSIC, soundfont

SMALL = (
    "model.hidden=12",
    "train.epochs=1",
    "evaluation.baselines=false",
    "evaluation.resamples=20",
    "evaluation.sample_length=20",
    "evaluation.page=false",
    "compute.threads=1",
    "compute.device=cpu",
)
LINE = "the cat sat on the mat, and the dog sat on the log.\n"


class Echo(TextWriter):
    """A writer that has nothing to add to a prompt."""

    usual_length = 1

    def prompt(self, text):
        return Prompt(text, (), None)

    def go_on(self, prompt, sampling, number, length):
        return iter(())


@pytest.fixture(scope="module")
def prose(tmp_path_factory) -> Path:
    """A run of a text of letters, blanks and points."""
    folder = tmp_path_factory.mktemp("prose")
    (folder / "book.txt").write_text(LINE * 60, encoding="utf-8")
    done = rnncli("text", "--data", folder / "book.txt", "--out", folder / "run", *SMALL, "evaluation.help=false")
    assert done.code == 0, done.err
    assert f"try  rnncli write {folder / 'run'}" in done.err
    return folder / "run"


@pytest.fixture(scope="module")
def tunes(tmp_path_factory) -> Path:
    """A run of scales in thirds, as MIDI files of four frames a beat."""
    folder = tmp_path_factory.mktemp("tunes")
    (folder / "tunes").mkdir()
    for number in range(12):
        notes = [[at, at + 2, 60 + number % 5 + (at + third) % 12, 0] for at in range(0, 24, 2) for third in (0, 4)]
        (folder / f"tunes/{number}.mid").write_bytes(midi_bytes(np.array(notes), 4, 120.0))
    done = rnncli("music", "--data", folder / "tunes", "--out", folder / "run", *SMALL, "model.head_hidden=8")
    assert done.code == 0, done.err
    return folder / "run"


def test_a_text_goes_on_behind_its_prompt_and_is_the_same_again(prose):
    done = rnncli("write", prose, "--prompt", "the cat", "--length", "30", "--seed", "3")
    assert done.code == 0, done.err
    assert done.out.startswith("the cat")
    assert len(done.out.rstrip("\n")) <= len("the cat") + 30
    assert rnncli("write", prose, "--prompt", "the cat", "--length", "30", "--seed", "3").out == done.out
    assert rnncli("write", prose, "--prompt", "the cat", "--length", "30", "--seed", "4").out != done.out


def test_samples_are_numbered_and_each_is_its_own(prose):
    several = rnncli("write", prose, "--samples", "3", "--length", "12", "--json")
    assert [row["sample"] for row in several.lines] == [1, 2, 3]
    assert all(len(row["text"]) == 12 for row in several.lines)
    first = rnncli("write", prose, "--length", "12", "--json")
    assert first.lines == several.lines[:1]
    plain = rnncli("write", prose, "--samples", "3", "--length", "12").out
    assert plain == "\n".join(row["text"] + "\n" * (not row["text"].endswith("\n")) for row in several.lines)


def test_prompts_come_one_a_line_and_each_is_answered_as_if_alone(prose):
    done = rnncli("write", prose, "--prompt", "-", "--length", "9", "--json", stdin="the\n\nthe dog\n")
    assert [row["prompt"] for row in done.lines] == ["the", "", "the dog"]
    alone = rnncli("write", prose, "--prompt", "the dog", "--length", "9", "--json")
    assert done.lines[2:] == alone.lines


def test_what_was_never_learnt_is_named_and_skipped(prose):
    done = rnncli("write", prose, "--prompt", "thé cat☃", "--length", "5", "--json")
    assert done.lines[0]["prompt"] == "th cat"
    assert done.lines[0]["skipped"] == ["é", "☃"]
    assert 'skipped, which the model never learnt: "é", "☃"' in done.err
    none = rnncli("write", prose, "--prompt", "ÄÖ", "--length", "5")
    assert (none.code, none.out) == (3, "")
    assert 'the prompt holds nothing that the model learnt: "Ä", "Ö"' in none.err


def test_a_text_ends_before_the_stop(prose):
    whole = rnncli("write", prose, "--length", "60", "--temperature", "0", "--json").lines[0]["text"]
    stop = whole[20:23]
    ended = rnncli("write", prose, "--length", "60", "--temperature", "0", "--stop", stop, "--json").lines[0]["text"]
    assert ended == whole[: whole.index(stop)]


def test_a_text_is_written_into_a_file_of_its_own(prose, tmp_path):
    out = tmp_path / "new/tale.txt"
    done = rnncli("write", prose, "--length", "20", "--out", out)
    assert (done.code, done.out) == (0, f"{out}\n")
    assert out.read_text(encoding="utf-8") == rnncli("write", prose, "--length", "20").out
    again = rnncli("write", prose, "--length", "20", "--out", out)
    assert again.code == 2
    assert "exists already and nothing is overwritten" in again.err


def test_music_is_written_as_midi_and_as_sound(tunes, tmp_path):
    out = tmp_path / "tune.mid"
    done = rnncli("write", tunes, "--bars", "2", "--out", out, "--json")
    assert done.code == 0, done.err
    (row,) = done.lines
    assert row["files"] == [str(out), str(tmp_path / "tune.wav")]
    assert row["frames"] == 32
    assert len(read_midi(out).notes) == row["notes"]
    with wave.open(str(tmp_path / "tune.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(row["seconds"], abs=0.5)
    rnncli("write", tunes, "--bars", "2", "--out", tmp_path / "same.mid")
    assert (tmp_path / "same.mid").read_bytes() == out.read_bytes()


def onsets(path: Path) -> set[tuple[int, int]]:
    """The frame in which each note of a MIDI file begins, of four a beat, and its number."""
    score = read_midi(path)
    return {(4 * tick // score.ticks_a_beat, pitch) for tick, pitch in score.notes[:, [0, 2]].tolist()}


def test_music_goes_on_behind_a_primer_and_below_a_melody(tunes, tmp_path):
    primer = tunes.parent / "tunes/3.mid"
    row = rnncli("write", tunes, "--primer", primer, "--length", "8", "--out", tmp_path / "on.mid", "--json").lines[0]
    assert (row["primer"], row["frames"]) == (24, 32)
    begun = onsets(primer)
    assert begun
    assert {(frame, pitch) for frame, pitch in onsets(tmp_path / "on.mid") if frame < 24} >= begun

    done = rnncli("write", tunes, "--harmonise", primer, "--out", tmp_path / "four.mid", "--json")
    assert done.lines[0]["frames"] == 24
    four = onsets(tmp_path / "four.mid")
    assert {frame for frame, _ in four} >= {frame for frame, _ in begun}


def test_a_melody_that_ends_before_the_bars_asked_for_says_so(tunes, tmp_path):
    melody = tunes.parent / "tunes/3.mid"
    done = rnncli("write", tunes, "--harmonise", melody, "--bars", "3", "--out", tmp_path / "four.mid")
    assert "24 frames, not the 48 asked for: the melody ends there, " in " ".join(done.err.split())
    done = rnncli("write", tunes, "--harmonise", melody, "--length", "1", "--out", tmp_path / "one.mid")
    assert "1 frame, " in done.err
    assert "asked for" not in done.err


def test_the_instruments_of_a_soundfont_are_played(tunes, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "symusic", SYMUSIC)
    (tmp_path / "tone.sf2").write_bytes(soundfont())
    arguments = ("write", tunes, "--bars", "1", "--soundfont", tmp_path / "tone.sf2")
    done = rnncli(*arguments, "--out", tmp_path / "tune.mid")
    assert done.code == 0, done.err
    with wave.open(str(tmp_path / "tune.wav")) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 44_100)
    rnncli("write", tunes, "--bars", "1", "--out", tmp_path / "same.mid")
    assert (tmp_path / "same.mid").read_bytes() == (tmp_path / "tune.mid").read_bytes()


@pytest.mark.parametrize(
    ("which", "arguments", "code", "says"),
    [
        ("prose", ("--bars", "3", "--length", "10"), 2, "--bars is not for runs that write texts"),
        ("prose", ("--soundfont", "a.sf2"), 2, "--soundfont is not for runs that write texts"),
        ("prose", ("--prompt", "-"), 3, "stdin: no prompt came"),
        ("tunes", ("--bars", "3", "--length", "10"), 2, "--length and --bars both say how long"),
        ("tunes", ("--soundfont", "none.sf2"), 3, "none.sf2: cannot be read: No such file"),
        ("tunes", ("--soundfont", "notes.mid"), 3, "notes.mid: not a soundfont"),
        ("prose", ("--bars", "4"), 2, "--bars is not for runs that write texts"),
        ("prose", ("--primer", "a.mid"), 2, "--primer is not for runs that write texts"),
        ("prose", ("--harmonise", "a.mid"), 2, "--harmonise is not for runs that write texts"),
        ("prose", ("--temperature", "-1"), 2, "--temperature -1: 0 or more is wanted"),
        ("prose", ("--temperature", "hot"), 2, "should be a valid number"),
        ("prose", ("--top-p", "0"), 2, "--top-p 0: a share above 0"),
        ("prose", ("--top-k", "-3"), 2, "--top-k -3: a count of symbols"),
        ("prose", ("--length", "0"), 2, "--length 0: a count of at least 1"),
        ("prose", ("--samples", "0"), 2, "--samples 0: a count of at least 1"),
        ("prose", ("--seed", "-1"), 2, "--seed -1: a whole number"),
        ("prose", ("--temp", "1"), 2, "there is no option --temp, but --temperature"),
        ("prose", ("--max-new-tokens", "20"), 2, "there is no option --max-new-tokens, but --length"),
        ("tunes", ("--prompt", "so"), 2, "--prompt is not for runs that write pieces of music"),
        ("tunes", ("--stop", "."), 2, "--stop is not for runs that write pieces of music"),
        ("tunes", ("--out", "tune.mp3"), 2, "--out tune.mid"),
        ("tunes", ("--primer", "none.mid"), 3, "none.mid: no such file"),
        ("tunes", ("--primer", "notes.mid"), 3, "notes.mid"),
        ("tunes", ("--harmonise", "none.mid"), 3, "none.mid: no such file"),
        ("tunes", ("--primer", "a.mid", "--harmonise", "b.mid"), 2, "leave one of them away"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_sentence(which, arguments, code, says, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.mid").write_text("no MIDI file", encoding="utf-8")
    done = rnncli("write", request.getfixturevalue(which), *arguments)
    assert done.code == code
    assert says in " ".join(done.err.split())
    assert done.out == ""
    assert "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.mid"]


def test_a_run_that_is_not_there_or_does_not_write_is_refused(trained, tmp_path):
    none = rnncli("write", tmp_path / "none")
    assert (none.code, "there is no such run" in none.err) == (4, True)
    other = rnncli("write", trained)
    assert other.code == 2
    assert "which does not write" in other.err
    assert f"rnncli predict {trained}" in " ".join(other.err.split())


def test_what_could_steer_a_terminal_is_shown_on_it_and_kept_elsewhere(monkeypatch):
    bell = "a\x07b\x1b[2J\x7f\n\tc\rd\n👩\u200d🍳\n"
    monkeypatch.setattr("rnncli.runs.write.open_writer", lambda run: Echo())
    assert rnncli("write", "run", "--prompt", bell).out == bell
    monkeypatch.setattr("rnncli.cli.write.is_terminal", lambda stream: True)
    assert rnncli("write", "run", "--prompt", bell).out == "a␇b␛[2J␡\n\tc␍d\n👩\u200d🍳\n"
    assert rnncli("write", "run", "--prompt", bell, "--json").lines[0]["prompt"] == bell


def test_a_reader_that_leaves_ends_it_quietly(prose):
    with start_rnncli("write", prose, "--length", "2000000", cwd=prose) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(50)
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read().strip() == "loading the model ..."


def test_texts_cost_what_their_symbols_cost_together(prose):
    done = rnncli("predict", prose, LINE.strip(), "the ☃")
    row, odd = done.lines
    assert (row["tokens"], row["characters"], row["unknown"]) == (51, 51, 0)
    assert row["bits_per_character"] == pytest.approx(row["nats"] / 51 / math.log(2))
    assert row["perplexity"] == pytest.approx(math.exp(row["nats"] / 51))
    assert (odd["tokens"], odd["unknown"]) == (5, 1)
    streamed = rnncli("predict", prose, "-", stdin=f"{LINE}{json.dumps({'text': 'the ☃'})}\n").lines
    assert [one["place"] for one in streamed] == ["stdin:1", "stdin:2"]
    assert [one["nats"] for one in streamed] == pytest.approx([row["nats"], odd["nats"]])
    empty = rnncli("predict", prose, "").lines[0]
    assert (empty["tokens"], empty["bits_per_character"], empty["perplexity"]) == (0, None, None)


def test_pieces_cost_what_their_frames_cost(tunes):
    files = [tunes.parent / f"tunes/{number}.mid" for number in (0, 7)]
    done = rnncli("predict", tunes, *files)
    assert [Path(row["file"]).name for row in done.lines] == ["0.mid", "7.mid"]
    for row in done.lines:
        assert (row["frames"], row["notes"]) == (24, 24)
        assert row["nats_per_frame"] == pytest.approx(row["nats"] / 24)
    assert len(rnncli("predict", tunes, tunes.parent / "tunes").lines) == 12
    assert "no such file" in rnncli("predict", tunes, "none.mid").err


def test_each_step_of_a_part_is_scored_and_adds_up_to_the_report(prose, tunes, tmp_path):
    for run, metric in ((prose, "nats_per_token"), (tunes, "nats_per_frame")):
        done = rnncli("evaluate", run, "--score", "-")
        assert done.code == 0, done.err
        mean = sum(row["nats"] for row in done.lines) / len(done.lines)
        report = rnncli("evaluate", run, "--json").json
        assert mean == pytest.approx(report["metrics"][metric]["value"], rel=1e-5)
        out = tmp_path / f"{metric}.jsonl"
        assert rnncli("evaluate", run, "--score", out).out == f"{out}\n"
        assert out.read_text(encoding="utf-8") == done.out
        assert "exists already" in rnncli("evaluate", run, "--score", out).err


def test_other_runs_have_no_steps_to_score(trained):
    done = rnncli("evaluate", trained, "--score", "-")
    assert (done.code, done.out) == (2, "")
    assert "which scores examples as a whole" in " ".join(done.err.split())


def test_a_table_of_texts_comes_back_with_what_each_costs(prose, tmp_path):
    (tmp_path / "new.csv").write_text(f'id,text\n007,"{LINE}"\n8,\n9,the cat\n', encoding="utf-8", newline="")
    done = rnncli("predict", prose, tmp_path / "new.csv", "--to", "csv")
    assert done.code == 0, done.err
    assert "1 row without a prediction: 1 empty text" in done.err
    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert [(row["id"], row["text"]) for row in rows] == [("007", LINE), ("8", ""), ("9", "the cat")]
    lines = rnncli("predict", prose, tmp_path / "new.csv").lines
    assert [row["nats"] for row in rows] == [str(lines[0]["nats"]), "", str(lines[2]["nats"])]
    assert lines[0]["nats"] == pytest.approx(rnncli("predict", prose, LINE).lines[0]["nats"])
    assert face.load(prose).predict(tmp_path / "new.csv") == lines
