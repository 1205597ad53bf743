"""Write the page of a run, its model card, the page of a comparison."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnncli import tasks
from rnncli.errors import RunError, UserError
from rnncli.report import card
from rnncli.report.build import Report
from rnncli.report.comparison import Comparison
from rnncli.report.page import Story, comparison_page, report_page
from rnncli.report.together import Histories
from rnncli.runs.directory import RunDirectory, write_text
from rnncli.runs.outcome import Outcome
from rnncli.runs.recipes import read_run_recipe
from rnncli.tasks.base import CellScoring, Illustrating

FILE = "report.html"
SAMPLES, CELL_SAMPLES = 20, 5
"""Examples that a page shows at most, and those of each cell of the matrix."""
PICTURED = 8
"""Examples that are shown with their pictures or sound."""


def write_page(path: Path) -> Path:
    """Write ``report.html`` into the finished run at ``path``; returns the file. Raises RunError."""
    page = path / FILE
    write_text(page, report_page(story(path)))
    return page


def try_page(run: RunDirectory) -> None:
    """The page of a run, which is done whatever becomes of it; its log tells what went wrong."""
    try:
        write_page(run.path)
    except Exception:
        run.log(f"no {FILE}: {traceback.format_exc()}")


def write_comparisons(comparisons: Sequence[Comparison], path: Path) -> None:
    """Write the page of comparisons, one for each task; raises RunError."""
    write_text(path, comparison_page(comparisons, [_histories(one) for one in comparisons]))


def model_card(path: Path) -> str:
    """The model card of the finished run at ``path``, in Markdown; raises RunError."""
    return card.model_card(story(path))


def story(path: Path) -> Story:
    """All that is to be told of the finished run at ``path``; raises RunError."""
    run = RunDirectory.open(path)
    report = run.read_report()
    facts = run.read_record()
    folds = {fold: RunDirectory(run.folds / fold) for fold in _folds(run)}
    inner = next((RunDirectory(run.folds / fold).read_record() for fold in folds), {})
    shown = _shown(path, run, report)
    argv = [str(word) for word in facts.get("argv") or []]
    return Story(
        name=path.resolve().name,
        report=report,
        recipe=run.recipe.read_text(encoding="utf-8", errors="replace"),
        history={fold: one.read_metrics() for fold, one in folds.items()} or {"": run.read_metrics()},
        **shown,
        glossary=_glossary(report),
        facts={**inner, **facts},
        typed=shlex.join([Path(argv[0]).name, *argv[1:]]) if argv else "",
    )


def _histories(comparison: Comparison) -> Histories:
    """How each run of each setting learnt, every fold of a cross-validation by itself."""
    found: dict[str, list[Sequence[Mapping[str, Any]]]] = {}
    for setting in comparison.settings:
        runs = [RunDirectory(Path(path)) for path in setting.runs]
        each = [[RunDirectory(run.folds / fold) for fold in _folds(run)] or [run] for run in runs]
        found[setting.name] = [one.read_metrics() for folds in each for one in folds]
    return found


def _folds(run: RunDirectory) -> Sequence[str]:
    names = [file.parent.name for file in run.folds.glob("*/recipe.yaml")]
    return sorted((name for name in names if name.isdigit()), key=int)


def _shown(path: Path, run: RunDirectory, report: Report) -> dict[str, Any]:
    """What the predictions show, as fields of a story; nothing where they were removed or damaged."""
    with suppress(RunError, KeyError, ValueError, TypeError, AttributeError):
        recipe = read_run_recipe(run.recipe)
        outcome = Outcome(path, recipe, report, "")
        rows: Sequence[Mapping[str, Any]] = outcome.rows()
        scoring = tasks.scoring(recipe.task)
        samples = scoring.samples(rows, report.about, SAMPLES)
        if isinstance(scoring, Illustrating):
            pictured = [scoring.illustrated(sample, recipe) for sample in samples[:PICTURED]]
            samples = [*pictured, *samples[PICTURED:]]
        of_cells = scoring.cell_samples(rows, CELL_SAMPLES) if isinstance(scoring, CellScoring) else ()
        return {
            "figures": scoring.figures(rows, report.about),
            "samples": samples,
            "cell_samples": of_cells,
            "predictions": rows,
            "download": f"predictions/{report.split}.jsonl",
        }
    return {}


def _glossary(report: Report) -> list[tuple[str, str]]:
    """What the metrics of the report mean, as far as their task says it."""
    with suppress(UserError):
        declared = tasks.spec(report.task).metrics
        return [(report.title(one.name), one.meaning) for one in declared if one.meaning and one.name in report.metrics]
    return []
