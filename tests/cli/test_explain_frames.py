"""``rnncli explain`` of clips as it is typed."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile

from rnncli.cli.strips import strip
from rnncli.explain.answer import Explanation
from rnncli.explain.attribution import Attribution
from rnncli.tasks.explaining import LabelQuestion, Pieces, TimeLine
from tests.cli import schemas
from tests.cli.test_json import told
from tests.commands import rnncli
from tests.explain import planted
from tests.tasks import clips, recordings


@pytest.fixture(scope="module")
def action(tmp_path_factory):
    """A tiny run on clips of walking dots, and its folder."""
    folder = tmp_path_factory.mktemp("action")
    table = clips.write_clips(folder)
    done = rnncli("action", "--data", table, "--out", folder / "run", *clips.TINY)
    assert done.code == 0, done.err
    return folder


def on_a_terminal(monkeypatch, *words):
    """What a terminal of 80 columns without colours shows."""
    monkeypatch.setattr("rnncli.cli.terminal.is_terminal", lambda stream: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    done = rnncli(*words)
    assert done.code == 0, done.err
    return [line.rstrip() for line in done.out.splitlines()]


def explanation(amounts, edges, **question):
    parts = np.array([amounts], dtype=float)
    names = tuple(map(str, range(len(amounts))))
    return Explanation(
        LabelQuestion(0, None, "x", 0.5, **question),
        Attribution("ig", ("frames",), parts, 0.0, float(parts.sum()), 8, {}),
        Pieces(names, (" ",) * len(names), names, TimeLine(edges)),
        "unknown",
    )


def test_a_strip_has_what_speaks_for_above_what_speaks_against_and_seconds_where_they_are():
    answer = explanation([4.0, 0.0, -2.0, 1.0], [0, 0.5, 1.0, 1.5, 2.0], at=(2, 4), looked=(0.0, 0.0, 1.0, 0.0))
    lines = [line.plain.rstrip() for line in strip(answer, 80)]
    assert lines == [
        "for       ████        ▂▂▂▂",
        "against           ▄▄▄▄",
        "looked at         ████",
        "                  ━━━━━━━━",
        "seconds   0   0.5 1   1.5",
    ]


@pytest.mark.parametrize("count", [1, 69, 71, 1000])
def test_a_strip_keeps_within_its_columns_and_many_frames_are_drawn_together(count):
    amounts = np.zeros(count)
    amounts[count // 2] = 1
    answer = explanation(amounts, (np.arange(count + 1) * 0.03).tolist())
    lines = [line.plain for line in strip(answer, 80)]
    assert max(map(len, lines)) <= 80
    drawn = lines[0][10:]
    assert drawn.strip("█").strip() == ""
    assert "█" in drawn
    assert abs(drawn.index("█") / 70 - (0.5 if count >= 70 else drawn.index("█") / 70)) < 0.03


def test_frames_of_a_clip_are_a_strip_on_a_terminal_and_lines_in_a_pipe(action, monkeypatch):
    clip = action / "clips/0.npy"
    lines = on_a_terminal(monkeypatch, "explain", action / "run", clip, "--method", "ig")
    assert max(map(len, lines)) <= 80
    assert "".join(lines[:2]).replace("\n", "").startswith(str(clip)[:20])
    assert [line.split()[0] for line in lines if re.match(r"(for  |against  |frame  )", line)] == [
        "for",
        "against",
        "frame",
    ]
    monkeypatch.undo()
    done = rnncli("explain", action / "run", clip, "--method", "ig")
    amounts = [line.split("\t") for line in done.out.splitlines() if "\t" in line]
    assert [name for name, _ in amounts] == [str(at + 1) for at in range(len(np.load(clip)))]


def test_programs_get_every_figure_of_a_clip(action):
    found = rnncli("explain", action / "run", action / "clips/0.npy", "--method", "ig", "--json").json
    told(found, schemas.EXPLAIN)
    (answer,) = found["answers"]
    assert answer["name"] == str(action / "clips/0.npy")
    assert sum(one["adds"] for one in answer["pieces"]) == pytest.approx(answer["sum"], abs=0.01)


def test_a_summary_of_clips_has_a_deletion_check_over_clips(action):
    clip_files = [action / f"clips/{n}.npy" for n in range(20)]
    found = rnncli("explain", action / "run", *clip_files, "--summary", "--method", "ig", "--json").json
    told(found, schemas.EXPLAIN_SUMMARY)
    deletion = found["deletion"]
    assert deletion["examples"] + deletion["too_short"] == 20
    assert deletion["better_than_chance"] == (deletion["advantage"]["low"] > 0)


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """A run that hears little yet, and its folder."""
    folder = tmp_path_factory.mktemp("speech")
    table = recordings.write_recordings(folder)
    done = rnncli(
        "speech", "--data", table, "--out", folder / "run", *recordings.TINY, f"data.cache={folder / 'cache'}"
    )
    assert done.code == 0, done.err
    return folder


def test_a_word_of_a_recording_is_asked_for_by_name(speech, monkeypatch):
    file = speech / "wav/3.wav"
    found = rnncli("explain", speech / "run", file, "--of", "telan", "--method", "ig", "--json").json
    told(found, schemas.EXPLAIN)
    (answer,) = found["answers"]
    assert (answer["label"], answer["name"], answer["part"]) == ("telan", str(file), 0)
    begins = [one["start"] for one in answer["pieces"]]
    assert begins == sorted(begins)
    assert begins[0] == 0
    assert [one["end"] for one in answer["pieces"]][:-1] == begins[1:]
    lines = on_a_terminal(monkeypatch, "explain", speech / "run", file, "--of", "telan", "--method", "ig")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("seconds   0") for line in lines)
    assert any("telan at " in line for line in lines)


def test_a_recording_in_which_nothing_is_heard_is_no_failure(speech, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(4000), 8000)
    done = rnncli("explain", speech / "run", tmp_path / "quiet.wav")
    assert done.code == 0
    if not done.out:
        assert "nothing is predicted" in done.err
    found = rnncli("explain", speech / "run", tmp_path / "quiet.wav", "--summary", "--json").json
    told(found, schemas.EXPLAIN_SUMMARY)
    assert found["deletion"]["better_than_chance"] is None


def test_what_is_no_word_of_a_recognizer_is_told_in_a_sentence(speech):
    done = rnncli("explain", speech / "run", speech / "wav/3.wav", "--of", "qqq")
    assert done.code == 2
    assert "cannot be written" in done.err


def test_each_word_of_a_caption_is_explained_and_where_it_looked_told_beside(tmp_path, monkeypatch):
    table = planted.write_planted(tmp_path, ("up", "down", "on"), 40)
    done = rnncli("captioning", "--data", table, "--out", tmp_path / "run", *clips.TINY, "data.cache=none")
    assert done.code == 0, done.err
    command = ("explain", tmp_path / "run", tmp_path / "1.npy", "--method", "ig")
    found = rnncli(*command, "--of", "down", "--json").json
    told(found, schemas.EXPLAIN)
    (answer,) = found["answers"]
    assert answer["label"] == "down"
    assert sum(one["looked"] for one in answer["pieces"]) == pytest.approx(1, abs=0.01)
    lines = on_a_terminal(monkeypatch, *command, "--of", "down")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("looked at ") for line in lines)
    monkeypatch.undo()
    words = rnncli("predict", tmp_path / "run", tmp_path / "1.npy").json["caption"].split()
    answers = rnncli(*command, "--json").json["answers"]
    assert [(one["label"], one["part"]) for one in answers] == [(word, k) for k, word in enumerate(words)]
    wrong = rnncli(*command, "--of", "sideways")
    assert wrong.code == 2
    assert "no word that captions are written in" in wrong.err
