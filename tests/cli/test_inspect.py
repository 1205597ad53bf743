"""What ``rnncli inspect`` shows and refuses, on one small run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cli import schemas
from tests.cli.test_json import told
from tests.commands import rnncli, train

TEXT = "good film , but bad [sound]"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a small lstm whose report has what goes on inside."""
    from tests.commands import reviews

    folder = tmp_path_factory.mktemp("inside")
    (folder / "reviews.csv").write_text(reviews(160), encoding="utf-8")
    more = ("model.cell=lstm", "model.layers=2", "evaluation.gates=true", "evaluation.page=true")
    return train(folder / "reviews.csv", folder / "run", *more)


def test_json_holds_every_step_of_the_layer_asked_for(run):
    found = rnncli("inspect", run, TEXT, "--json", "--layer", 1, "--unit", 3).json
    told(found, schemas.INSPECT)
    assert (found["layer"], found["layers"], found["units"]) == (1, 2, 8)
    assert found["steps"][:3] == ["good", "film", ","]
    assert found["off"] < 1e-5
    for view in found["directions"].values():
        (unit,) = view["units"]
        assert list(unit["values"]) == ["input", "forget", "candidate", "output", "h", "c"]
        h, o, c = (np.array(unit["values"][name]) for name in ("h", "output", "c"))
        np.testing.assert_allclose(h, o * np.tanh(c), atol=1e-3)
        assert {len(values) for values in unit["values"].values()} == {len(found["steps"])}


def test_a_pipe_gets_a_plain_table_of_both_directions(run):
    done = rnncli("inspect", run, TEXT)
    lines = done.out.splitlines()
    assert lines[0].split() == ["direction", "step", "word", "moved", "input", "forget", "candidate", "output"]
    assert [line.split()[:3] for line in lines[1:3]] == [["forward", "1", "good"], ["forward", "2", "film"]]
    assert "\x1b" not in done.out
    assert "layer 2" in done.err


def test_npz_has_all_layers_and_is_not_overwritten(run, tmp_path):
    path = tmp_path / "all.npz"
    assert rnncli("inspect", run, TEXT, "--npz", path).out.strip() == str(path)
    with np.load(path) as arrays:
        assert len(arrays) == 1 + 2 * 2 * 6
        assert arrays["layer2.reverse.forget"].shape == (len(arrays["steps"]), 8)
    done = rnncli("inspect", run, TEXT, "--npz", path)
    assert done.code == 2
    assert "nothing is overwritten" in done.err


def test_units_and_matches_look_at_a_split(run):
    use = rnncli("inspect", run, "--units", "--json").json
    told(use, schemas.INSIDE)
    assert [(one["layer"], one["direction"]) for one in use["directions"]] == [
        (1, "forward"),
        (1, "reverse"),
        (2, "forward"),
        (2, "reverse"),
    ]
    assert all(unit["memory"] > 0 for one in use["directions"] for unit in one["units"])
    assert "layer  direction  gate" in rnncli("inspect", run, "--units", "--split", "train").out
    matches = rnncli("inspect", run, "--match", TEXT, "1:2", "--json", "--split", "train").json
    told(matches, schemas.MATCHES)
    strengths = [one["strength"] for one in matches["matches"]]
    assert strengths == sorted(strengths, reverse=True)
    assert {len(one["steps"]) for one in matches["matches"]} == {2}
    assert rnncli("inspect", run, "--match", "-bad film", "2").code == 0


def test_a_report_and_its_page_have_what_goes_on_inside(run):
    report = rnncli("report", run, "--json").json
    told(report["inside"], schemas.INSIDE)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h2>Inside</h2>" in page
    assert "mean forget" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([TEXT, "--layer", "3"], "there are: 1 to 2"),
        ([TEXT, "--unit", "9"], "there are: 1 to 8"),
        ([TEXT, "--gate", "reset"], "there are: input, forget, candidate, output"),
        ([TEXT, "--gate", "h"], "there are: input"),
        ([TEXT, "--direction", "back"], "there are: forward, reverse"),
        ([TEXT, "--core", "x"], "there are: core"),
        ([TEXT, "other"], "quotes"),
        ([], "rnncli inspect"),
        (["--units", "--gate", "forget"], "leave --gate away"),
        (["--match", TEXT, "two"], "--match TEXT 3:5"),
        (["--match", TEXT, "2:99"], "the text has words 1 to"),
        (["--units", "--split", "nowhere"], "there are: train, dev, test"),
        ([TEXT, "--layer", 0], "there are: 1 to 2"),
        ([TEXT, "--unit", 0], "there are: 1 to 8"),
        ([TEXT, "--gate", ""], "there are: input"),
        ([TEXT, "--gate", "c"], "name one with --unit"),
        ([TEXT, "--core", ""], "there are: core"),
        ([TEXT, "--split", "test"], "--split is for --units and --match"),
        ([TEXT, "--npz", "all.npz", "--layer", 1], "--layer has no meaning with it"),
        (["--units", TEXT], "--units looks at a split"),
        (["--match", TEXT, "1", "another"], "another text"),
        (["--match", TEXT, "3:2"], "the last step lies before the first"),
        (["--match", TEXT], "--match wants a text and its steps"),
        (["-"], "not a stream"),
        ([__file__], "a file, where a single text is looked at"),
        (["nowhere.csv"], "a file, where a single text is looked at"),
        (["--match", "-", "1"], "not a stream"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_what_there_is(run, arguments, said):
    done = rnncli("inspect", run, *arguments)
    assert done.code == 2, done.err
    assert said in " ".join(done.err.split())
    assert done.out == ""


def test_a_gate_that_is_named_is_the_only_one_shown(run):
    head = rnncli("inspect", run, TEXT, "--gate", "forget").out.splitlines()[0]
    assert head.split() == ["direction", "step", "word", "moved", "forget"]
    found = rnncli("inspect", run, TEXT, "--gate", "forget", "--unit", 2, "--json").json
    for view in found["directions"].values():
        assert list(view["means"]) == ["forget"]
        assert list(view["units"][0]["values"]) == ["forget"]
    assert rnncli("inspect", run, TEXT, "--gate", "h", "--unit", 2).out.splitlines()[0].split()[-1] == "h"


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """Two runs of tagging, a small lstm and a Transformer, each with a recurrent reader of characters."""
    here = tmp_path_factory.mktemp("tagged")
    (here / "train.conll").write_text("Anna B-PER\nsleeps O\nnow O\n\nBob B-PER\nruns O\n\n" * 30, encoding="utf-8")
    for core in ("recurrent", "transformer"):
        options = (f"model.core={core}", "model.hidden=8", "train.epochs=1", "evaluation.resamples=20")
        done = rnncli("tagging", "--data", here / "train.conll", "--out", here / core, *options)
        assert done.code == 0, done.err
    return here


def test_a_core_that_reads_each_word_apart_is_given_a_single_word(tagged):
    several = rnncli("inspect", tagged / "recurrent", "Anna sleeps", "--core", "characters.core")
    assert several.code == 2
    assert "reads each of these apart, and there are 2" in " ".join(several.err.split())
    found = rnncli("inspect", tagged / "recurrent", "sleeps", "--core", "characters.core", "--json").json
    assert (found["step"], found["steps"]) == ("character", list("sleeps"))
    empty = rnncli("inspect", tagged / "recurrent", "", "--core", "characters.core")
    assert empty.code == 3
    assert "reads nothing" in empty.err
    use = rnncli("inspect", tagged / "recurrent", "--units", "--core", "characters.core", "--json").json
    assert use["step"] == "character"
    assert use["examples"] == use["of"]


def test_characters_do_not_stand_in_for_a_transformer(tagged):
    for arguments in (["Anna sleeps"], ["--units"], ["--match", "Anna", "1"]):
        done = rnncli("inspect", tagged / "transformer", *arguments)
        assert done.code == 2
        assert "the main core is a Transformer" in " ".join(done.err.split())
        assert "characters.core" in done.err
    assert rnncli("inspect", tagged / "transformer", "Anna", "--core", "characters.core").code == 0


def test_an_empty_text_has_nothing_to_see(run):
    done = rnncli("inspect", run, "")
    assert done.code == 0
    assert "nothing to see" in done.err
