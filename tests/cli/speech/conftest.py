"""A folder with recordings and a run on them."""

import shutil

import pytest

from tests.commands import rnncli
from tests.tasks.recordings import TINY, write_recordings


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
