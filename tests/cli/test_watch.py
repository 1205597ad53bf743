"""What one sees of a run before it trains."""

from __future__ import annotations

import io

from rich.console import Console

from rnncli.cli import watch
from rnncli.cli.terminal import Terminal
from rnncli.cli.watch import Watch
from rnncli.data import progress
from rnncli.runs.events import Stage, Working
from rnncli.runs.recipes import load_recipe
from rnncli.runs.start import dry_run
from tests.commands import TINY, reviews


def test_long_work_says_now_and_then_how_far_it_is_where_no_bar_is_drawn(capsys, monkeypatch):
    with Watch(Terminal()) as seen:
        seen(Stage("reading the data"))
        seen(Working("clips", 3, 12))
        monkeypatch.setattr(watch, "SILENT_SECONDS", 0)
        seen(Working("clips", 6_000, 12_000))
    assert capsys.readouterr().err.splitlines() == [
        "loading torch ...",
        "reading the data ...",
        "clips: 6,000 of 12,000",
    ]


def test_long_work_has_a_bar_on_a_terminal():
    terminal = Terminal()
    terminal.err = Console(file=io.StringIO(), force_terminal=True)
    with Watch(terminal) as seen:
        seen(Working("clips", 6, 12))
        assert seen.status is not None
        assert str(seen.status.status) == f"clips  {'━' * 15}{'─' * 15} 6/12"
        seen(Working("clips", 12, 12))
        assert "─" not in str(seen.status.status)


def test_whoever_watches_a_run_hears_of_the_work_on_its_data(tmp_path):
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    keys = [*TINY, f"data.root={tmp_path}", "data.train=reviews.csv", "model.evidence=auto"]
    heard = []
    dry_run(load_recipe("sentiment/own-data", keys), observe=heard.append)
    (what,) = {one.what for one in heard if isinstance(one, Working)}
    assert what == "what n-grams say of the labels"
    progress.tell("nobody", 0, 1)
    assert not any(isinstance(one, Working) and one.what == "nobody" for one in heard)
