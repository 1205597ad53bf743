"""Where runs and data are: ~ and links, names that are too long, data that have moved."""

import shutil

import pytest

from tests.commands import NO_PAGE, TINY, reviews, rnncli, train


@pytest.fixture
def home(here, monkeypatch):
    """A home that is not where one is."""
    folder = here / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_a_tilde_is_the_home_in_every_path(home, here):
    shutil.move(here / "reviews.csv", home / "mine.csv")
    done = rnncli("sentiment", "--data", "~/mine.csv", "--out", "~/runs/one", *TINY, "-q")
    assert done.code == 0, done.err
    assert (home / "runs" / "one" / "report.json").is_file()
    assert not list(here.glob("~*"))
    for command in (
        ("runs", "list", "~/runs"),
        ("runs", "show", "~/runs/one"),
        ("report", "~/runs/one"),
        ("predict", "~/runs/one", "good"),
        ("evaluate", "~/runs/one", "--data", "~/mine.csv"),
        ("compare", "~/runs", "~/runs/one"),
        ("data", "check", "sentiment/own-data", "data.train=~/mine.csv"),
        ("data", "check", "sentiment/own-data", "data.root=~/runs/..", "data.train=mine.csv"),
        ("run", "--resume", "~/runs/one"),
        ("runs", "rm", "~/runs/one", "--yes"),
    ):
        done = rnncli(*command)
        assert done.code == 0, (command, done.err)
    assert not (home / "runs" / "one").exists()


def test_a_link_to_an_empty_folder_takes_the_run(here):
    (here / "real").mkdir()
    (here / "out").symlink_to("real")
    train(here / "reviews.csv", here / "out", NO_PAGE)
    assert (here / "out").is_symlink()
    assert (here / "real" / "report.json").is_file()
    (here / "hanging").symlink_to("nowhere")
    train(here / "reviews.csv", here / "hanging", NO_PAGE)
    assert (here / "nowhere" / "report.json").is_file()
    assert rnncli("sentiment", "--data", "reviews.csv", "--out", "out").code == 2


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 2500, "a\0b"])
def test_a_name_that_is_none_ends_in_a_sentence(here, trained, name):
    for command in (
        ("sentiment", "--data", "reviews.csv", "--out", name),
        ("sentiment", "--data", name),
        ("run", "--resume", name),
        ("predict", name, "good"),
        ("evaluate", trained, "--data", name),
        ("data", "check", "sentiment/own-data", f"data.train={name}"),
        ("runs", "list", name),
        ("compare", name),
    ):
        done = rnncli(*command)
        assert done.code in (2, 3, 4), (command[0], done.err)
        assert "defect" not in done.err
        assert len(done.err) < 20_000


def test_data_that_have_moved_can_be_named_again(here):
    (here / "old").mkdir()
    (here / "old" / "reviews.csv").write_text(reviews(), encoding="utf-8")
    run = here / "run"
    done = rnncli("run", "sentiment/own-data", "data.root=old", "data.train=reviews.csv", "--out", run, *TINY, "--json")
    assert done.code == 0, done.err
    shutil.move(here / "old", here / "new")
    lost = rnncli("evaluate", run, "--split", "dev")
    assert lost.code == 3
    assert "data.root=FOLDER (with reviews.csv in it), or --data FILE" in " ".join(lost.err.split())
    found = rnncli("evaluate", run, "--split", "dev", "data.root=new", "--json")
    assert found.code == 0, found.err
    named = rnncli("evaluate", run, "--split", "dev", f"data.train={here}/new/reviews.csv", "--json")
    assert named.json["metrics"] == found.json["metrics"]
    (run / "report.json").unlink()
    lost = rnncli("run", "--resume", run)
    assert lost.code == 3
    assert f"rnncli run --resume {run} data.root=FOLDER" in " ".join(lost.err.split())
    again = rnncli("sentiment", "--resume", run, "data.root=new", "--json")
    assert again.code == 0, again.err
    assert again.json["metrics"] == done.json["metrics"]
    assert rnncli("evaluate", run, "--split", "dev", "--json").json["metrics"] == found.json["metrics"]


@pytest.mark.parametrize("key", ["model.hidden=3", "data.root=", "data.folds=2", "root=x"])
def test_nothing_but_the_place_of_the_data_is_given_again(trained, key):
    for command in (("evaluate", trained, key), ("run", "--resume", trained, key)):
        done = rnncli(*command)
        assert done.code == 2
        assert "only the place of its data can be given again" in done.err
