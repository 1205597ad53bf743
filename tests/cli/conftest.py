"""A folder to type commands in, and one trained run to copy."""

from pathlib import Path

import pytest

from tests.commands import reviews, train


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder that holds ``reviews.csv``, and is where one is."""
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; copy it before changing it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "reviews.csv").write_text(reviews(), encoding="utf-8")
    return train(folder / "reviews.csv", folder / "run")
