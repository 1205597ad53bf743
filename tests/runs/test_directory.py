"""Directories of runs come to be whole and under names of their own, whoever else makes some."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from rnncli.errors import RunError, UsageError
from rnncli.runs import lock
from rnncli.runs.directory import RunDirectory

POSIX = pytest.mark.skipif(os.name == "nt", reason="processes are forked, and killed")


def make(out: Path | None = None, name: str = "mine") -> RunDirectory:
    return RunDirectory.create(out, name, "task: none\n", {"state": "running"})


def make_many(count: int) -> None:
    for _ in range(count):
        make()


@POSIX
def test_where_no_run_is_yet_what_to_type_fits_every_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError) as raised:
        RunDirectory.open(Path("runs/none"))
    assert raised.value.hint == "train first; rnncli recipes shows what there is to train"


def test_processes_that_take_names_at_once_all_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=make_many, args=(40,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert {path.name for path in Path("runs").iterdir()} == {f"mine-{number}" for number in range(1, 161)}
    assert all(RunDirectory.open(path).read_record() for path in Path("runs").iterdir())


@POSIX
def test_they_do_also_where_folders_have_no_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    test_processes_that_take_names_at_once_all_get_one(tmp_path, monkeypatch)


def test_a_name_that_is_taken_between_the_look_and_the_renaming_is_passed_by(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make()
    (tmp_path / "runs" / "mine-2").write_text("a file")
    (tmp_path / "runs" / "mine-3").mkdir()
    (tmp_path / "runs" / "mine-3" / "kept").touch()
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert make().path.name == "mine-4"


@POSIX
def test_what_a_killed_process_left_is_cleared_by_the_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def killed(self, *_):
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        worker = multiprocessing.get_context("fork").Process(target=make)
        worker.start()
        worker.join(30)
    assert worker.exitcode == -signal.SIGKILL
    assert [path.name[:5] for path in Path("runs").iterdir()] == [".new-"]
    assert make().path == Path("runs/mine-1")
    assert [path.name for path in Path("runs").iterdir()] == ["mine-1"]


@POSIX
def test_what_another_process_is_making_is_left_alone(tmp_path, monkeypatch):
    """Even where it has stopped in the middle: then the name is given without clearing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    (tmp_path / "runs" / ".new-other").mkdir(parents=True)

    def stopped():
        with lock.naming(Path("runs")):
            Path("holds").touch()
            time.sleep(60)

    worker = multiprocessing.get_context("fork").Process(target=stopped)
    worker.start()
    try:
        while not Path("holds").exists():
            time.sleep(0.01)
        assert make().path == Path("runs/mine-1")
        assert (tmp_path / "runs" / ".new-other").is_dir()
    finally:
        worker.kill()
        worker.join(30)
    assert make().path == Path("runs/mine-2")
    assert not (tmp_path / "runs" / ".new-other").exists()


@pytest.mark.parametrize("ending", [KeyboardInterrupt, RunError("no room"), OSError(28, "No space left on device")])
def test_what_ends_before_it_has_a_name_leaves_nothing(tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)

    def fails(*_):
        raise ending

    monkeypatch.setattr("rnncli.runs.directory.write_json", fails)
    with pytest.raises((KeyboardInterrupt, RunError)):
        make()
    assert list(Path("runs").iterdir()) == []


def test_a_directory_that_is_in_use_is_not_taken(tmp_path):
    made = make(tmp_path / "run")
    with pytest.raises(UsageError, match="exists already"):
        make(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert made.read_record() == {"state": "running"}


@POSIX
@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o755), (0o077, 0o700), (0o002, 0o775)])
def test_a_directory_has_the_rights_that_the_umask_leaves(tmp_path, umask, rights):
    before = os.umask(umask)
    try:
        run = make(tmp_path / "run")
        run.keep_vocabulary(lambda folder: os.close(os.open(folder / "x", os.O_CREAT | os.O_WRONLY, 0o600)))
    finally:
        os.umask(before)
    assert run.path.stat().st_mode & 0o777 == rights
    files = [file for file in run.path.rglob("*") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in files} == {rights & 0o666}
    assert (run.path / "vocab" / "x") in files
