"""What the cores of all tasks read at each step: as many names as steps, and gates that lead to what the core wrote."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnncli import tasks
from rnncli.runs.looking import Looker
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.inspecting import Inspecting
from tests.commands import reviews
from tests.tasks.clips import write_clips
from tests.tasks.recordings import TINY as TINY_SPEECH
from tests.tasks.recordings import write_recordings
from tests.tasks.tagged import conll

SMALL = ("model.hidden=6", "compute.device=cpu")


def looker(name: str, *keys: str, core: str | None = None) -> tuple[Looker, Any, Any]:
    """A model of a recipe with weights as they are drawn, and its dev part with the examples."""
    recipe = load_recipe(name, [*SMALL, *keys])
    task = tasks.load(recipe.task)
    corpus = task.read(recipe)
    recipe = recipe.having(corpus.chosen)
    fitted = task.fit(recipe, corpus)
    torch.manual_seed(1)
    model = fitted.build().eval()
    part = corpus.parts["dev"]
    return Looker(recipe, fitted, model, torch.device("cpu"), core), part, fitted.encode(part)


def looked(its: tuple[Looker, Any, Any]) -> list:
    """All batches of dev; the core agrees with what was rebuilt."""
    looking, part, examples = its
    found = list(looking.of_part(part, examples, 2000))
    assert found
    assert max(look.off for look in found) < 1e-5
    assert sum(len(one.names) for look in found for one in look.steps) > 20
    return found


def test_every_task_can_be_looked_into():
    assert all(isinstance(tasks.load(name), Inspecting) for name in tasks.names() if name != "memory")


def test_texts_are_read_word_by_word_with_their_labels(tmp_path):
    (tmp_path / "reviews.csv").write_text(reviews(120), encoding="utf-8")
    its = looker("sentiment/own-data", f"data.root={tmp_path}", "data.train=reviews.csv", "model.cell=lstm")
    first = looked(its)[0].steps[0]
    assert set(first.marks) == {"label"}
    assert set(first.marks["label"]) in ({"positive"}, {"negative"})
    assert its[0].typed("not bad").steps[0].names == ["not", "bad"]


@pytest.mark.parametrize("core", [None, "scorers.1.core", "characters.core"])
def test_sentences_are_read_with_what_stands_around_them_and_words_by_character(tmp_path, core):
    for name, count in (("train", 40), ("dev", 12)):
        (tmp_path / f"{name}.conll").write_text("-DOCSTART- O\n\n" + conll(count), "utf-8")
    files = [f"data.{name}={file}.conll" for name, file in (("train", "train"), ("dev", "dev"), ("test", "dev"))]
    keys = (f"data.root={tmp_path}", *files, "model.members=2", "model.character_reader=core")
    looking, part, _ = its = looker("tagging/own-data", *keys, "data.context=3", core=core)
    look = looked(its)[0]
    whole = {None: "scorers.0.core", "characters.core": "scorers.0.words.characters.core"}
    assert look.core.name == whole.get(core, core)
    names = ["".join(one.names) for one in look.steps]
    if core == "characters.core":
        assert names == sorted(set(names), key=names.index)  # each word once
        return
    own = [" ".join(tokens) for tokens in part.tokens()]
    assert all(any(text in " ".join(one.names) for text in own) for one in look.steps)
    assert sum(len(one.names) for one in look.steps) > sum(len(text.split()) for text in own)
    assert set(look.steps[0].marks) == {"tag", "span"}
    assert looking.typed("Ms Braflen met Dr. Kavik .").steps[0].names[:2] == ["Ms", "Braflen"]


def test_a_model_of_texts_reads_the_symbol_before(tmp_path):
    (tmp_path / "book.txt").write_text("the cat (so it is) sat on a mat\n" * 60, encoding="utf-8")
    keys = (f"data.root={tmp_path}", "data.train=book.txt", "data.unit=character", "train.window=32")
    its = looker("text/own-data", *keys)
    first = looked(its)[0].steps[0]
    assert list(first.names[1:]) == list(first.marks["next"][:-1])
    typed = its[0].typed("the mat").steps[0]
    assert typed.names == ["<begin>", *"the ma"]


def test_frames_of_clips_have_times_and_classes(tmp_path):
    write_clips(tmp_path)
    keys = (f"data.root={tmp_path}", "data.train=clips.csv", "model.projection=6")
    its = looker("action/own-data", *keys)
    look = looked(its)[0]
    assert look.steps[0].names[:2] == ["1", "2"]
    assert set(look.steps[0].marks["class"]) <= {"rise", "fall", "stay"}
    assert its[0].typed(str(tmp_path / "clips/0.npy")).steps[0].names[0] == "1"


def test_clips_with_captions_show_what_reads_the_frames(tmp_path):
    csv = write_clips(tmp_path)
    csv.write_text(csv.read_text().replace("label", "caption"), encoding="utf-8")
    its = looker("captioning/own-data", f"data.root={tmp_path}", "data.train=clips.csv", "model.projection=6")
    assert looked(its)[0].core.name == "core"
    assert its[0].typed(str(tmp_path / "clips/0.npy")).steps[0].names[0] == "1"


def test_recordings_have_seconds_and_what_is_heard(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_recordings(tmp_path, 20)
    keys = [key for key in TINY_SPEECH if not key.startswith("model.layers")]
    its = looker("speech/own-data", *keys, f"data.root={tmp_path}", "data.train=train.csv", "model.layers=2")
    look = looked(its)[0]
    assert (look.core.layers, look.core.name) == (2, "stacks.0.cores")
    assert look.steps[0].names[0] == "0.00 s"
    assert len(look.steps[0].marks["heard"]) == len(look.steps[0].names)
    assert its[0].typed(str(tmp_path / "wav/0.wav")).off < 1e-5


def test_segments_of_series_bear_their_stamps(tmp_path):
    days = [f"2025-{month:02}-{day:02},{day % 7 + month}" for month in range(1, 8) for day in range(1, 29)]
    (tmp_path / "sales.csv").write_text("date,value\n" + "\n".join(days) + "\n", encoding="utf-8")
    keys = (f"data.root={tmp_path}", "data.train=sales.csv", "data.horizon=7")
    its = looker("forecast/own-data", *keys)
    first = looked(its)[0].steps[0]
    assert len(first.numbers["value"]) == len(first.names)
    assert its[0].typed(str(tmp_path / "sales.csv")).steps[0].names[-1] == "2025-07-28"


def test_pieces_are_read_by_the_notes_of_a_frame():
    its = looker("music/default", "model.embedding=6", "train.window=32")
    steps = [one for look in looked(its) for one in look.steps]
    first = next(one for one in steps if one.names[0] == "<begin>")
    assert any(name[0] in "ABCDEFG" and name[-1].isdigit() for name in first.names)
    assert first.numbers["notes"][1] == len(first.names[1].split())
