"""Pages to hand on: one file, no network, one script that searches; whatever comes from data is text, never markup."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rnncli.metrics.metric import Unit
from rnncli.report.build import Report
from rnncli.report.comparison import Comparison, Score
from rnncli.report.figures import Figure, Line, Media, Piece, Sample
from rnncli.report.grids import (
    PageGrid,
    class_grid,
    folds_grid,
    group_grid,
    matrix,
    metrics_grid,
    own_grid,
    pairs_grid,
    predictions_grid,
)
from rnncli.report.inside_tables import sentences
from rnncli.report.inside_tables import tables as inside_tables
from rnncli.report.layout import visible
from rnncli.report.numbers import duration, magnitude, number, words
from rnncli.report.reach import reach_words
from rnncli.report.render import heading, shown_metrics
from rnncli.report.rivals import best_rival
from rnncli.report.side import heading as comparison_heading
from rnncli.report.side import rows, titles
from rnncli.report.svg import figure_chart, history_chart, reach_chart
from rnncli.report.together import Histories, charts

FOLDER = Path(__file__).with_name("templates")
MOST_LABELS, MOST_CHARACTERS, MOST_OF_CELL = 60, 2000, 400
"""Of a matrix, of a piece of an example, and of one that a cell of the matrix leads to."""
MOST_BYTES = 1_500_000
"""Of predictions that a page carries."""


@dataclass(frozen=True)
class Story:
    """All that a page says of a run beside its report.

    ``cell_samples`` are examples of the cells of the matrix, ``predictions`` the rows of the file at ``download``,
    ``glossary`` pairs names of metrics with what they mean. ``history`` holds the lines of ``metrics.jsonl`` by fold, a
    single one under an empty name; ``facts`` are what ``run.json`` says; ``recipe`` is the resolved recipe's text.
    """

    name: str
    report: Report
    recipe: str = ""
    history: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    samples: Sequence[Sample] = ()
    cell_samples: Sequence[Sample] = ()
    predictions: Sequence[Mapping[str, Any]] = ()
    download: str = ""
    glossary: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    typed: str = ""


def report_page(story: Story) -> str:
    """The page of a run."""
    report, classes = story.report, story.report.classes
    cells = _cells(story)
    drawn = matrix(report, cells) if classes.confusion and len(classes.labels) <= MOST_LABELS else None
    many = bool(classes.confusion) and drawn is None
    samples = [_shortened(sample, MOST_CHARACTERS) for sample in story.samples]
    shown = shown_metrics(report)
    rest = [name for name in report.metrics if name not in shown]
    return _template("report.html.j2").render(
        style=_style(),
        script=_script() if samples or story.predictions else None,
        script_hash=_script_hash(),
        title=f"{report.task}: {report.recipe}" if report.recipe else report.task,
        subtitle=f"{story.name}, {heading(report)}",
        headline=_headline(report),
        advice=report.advice,
        metrics=metrics_grid(report, shown),
        others=metrics_grid(report, rest) if rest else None,
        data=_data(story),
        model=_model(story),
        histories=[*_histories(story), *_reach(report)],
        inside=[own_grid(table) for table in inside_tables(report.inside)] if report.inside else [],
        looked_at=sentences(report.inside) if report.inside else [],
        pictures=report.inside.pictures if report.inside else [],
        matrix=drawn,
        cells=cells if drawn else {},
        pairs=pairs_grid(report) if many else None,
        per_class=class_grid(report),
        figures=_figures(story.figures),
        of_shares=all(figure.x_is_share and figure.y_is_share for figure in story.figures),
        groups=[group_grid(report, grouping, shown) for grouping in report.groups],
        tables=[own_grid(table) for table in report.tables],
        folds=folds_grid(report),
        samples=samples,
        written=bool(report.passages),
        weighed=any(piece.adds for sample in samples for piece in sample.pieces),
        shaded=any(piece.shade for sample in samples for piece in sample.pieces),
        legend=any(piece.mark for sample in samples for piece in sample.pieces),
        predictions=predictions_grid(story.predictions),
        download=_download(story),
        count=len(story.predictions),
        glossary=story.glossary,
        typed=story.typed,
        recipe=story.recipe,
        environment=_environment(story.facts),
    )


def comparison_page(comparisons: Sequence[Comparison], histories: Sequence[Histories] = ()) -> str:
    """The page of comparisons, one for each task; ``histories`` are those of the settings of each."""
    told = histories or [{}] * len(comparisons)
    sections = [
        _section(one, known, f"task{count}-", named=len(comparisons) > 1)
        for count, (one, known) in enumerate(zip(comparisons, told, strict=True))
    ]
    return page_of("comparison.html.j2", title="Comparison", sections=sections)


def page_of(template: str, **values: Any) -> str:
    """A page without a script, by one of the templates."""
    return _template(template).render(style=_style(), script=None, **values)


def side_grid(comparison: Comparison) -> PageGrid:
    """The settings of a comparison side by side."""
    cells = list(rows(comparison))
    numbers = [i for i, cell in enumerate(cells[0]) if cell.number]
    best = {(r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell.best}
    return PageGrid(titles(comparison), [[cell.text for cell in row] for row in cells], numbers, best)


def _section(comparison: Comparison, histories: Histories, key: str, *, named: bool) -> dict[str, Any]:
    """What the page says of one task."""
    runs = [[path, str(seed), one.name] for one in comparison.settings for path, seed in _pairs_of(one.runs, one.seeds)]
    return {
        "subtitle": comparison_heading(comparison, named=named),
        "table": side_grid(comparison),
        "notes": comparison.notes,
        "charts": list(charts(comparison, histories, key)),
        "metrics": every_metric(comparison),
        "runs": PageGrid(["run", "seed", "setting"], runs, [1]),
    }


def every_metric(comparison: Comparison) -> PageGrid:
    """Mean and deviation of every metric and setting, the longer of the two going down."""
    settings = comparison.settings
    names = list(settings[0].scores)
    cells = [
        [comparison.titles[name], *(_spread(comparison.units[name], one.scores[name]) for one in settings)]
        for name in names
    ]
    leads = [[False, *(comparison.leads(one, name) for one in settings)] for name in names]
    heads = ["", *(one.name for one in settings)]
    if len(settings) > len(names):
        cells, leads = _turned([heads, *cells]), _turned([[False] * len(heads), *leads])
        heads, cells, leads = cells[0], cells[1:], leads[1:]
    best = {(r, c) for r, row in enumerate(leads) for c, lead in enumerate(row) if lead}
    return PageGrid(heads, cells, range(1, len(heads)), best)


def _turned(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _pairs_of(first: Sequence[Any], second: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(first, second, strict=True)


def _spread(unit: Unit, score: Score) -> str:
    deviation = f" ± {number(score.deviation, unit)}" if score.deviation is not None else ""
    return number(score.mean, unit) + deviation


def _headline(report: Report) -> list[tuple[str, str, str, str]]:
    """The first metrics: title, figure, interval, and the best rival with its figure."""
    found = []
    for name in shown_metrics(report)[:4]:
        metric, rival = report.metrics[name], best_rival(report, name)
        beside = f"best rival {report.written(name, rival[1])}, {rival[0]}" if rival else ""
        found.append((report.title(name), metric.number, metric.interval, beside))
    return found


def title_of(report: Report, metric: str) -> str:
    """What a person reads for a metric of training, which the report may lack."""
    return report.title(metric) if metric in report.metrics else words(metric)


def _data(story: Story) -> list[tuple[str, str]]:
    report = story.report
    data = story.facts.get("data") or {}
    sizes = ", ".join(f"{part} {count:,}" for part, count in (data.get("sizes") or {}).items())
    facts = [("source", data.get("headline", "")), ("examples", sizes)]
    facts.append(("scored", f"{report.scored or f'{report.examples:,}'} of {report.split}"))
    if report.dropped:
        facts.append(("left out", ", ".join(f"{count:,} {reason}" for reason, count in report.dropped.items())))
    facts += [("note", note) for note in report.notes]
    return [(name, text) for name, text in facts if text]


def _model(story: Story) -> list[tuple[str, str]]:
    model, training = story.report.model, story.report.training
    core = f"{model.cell}, {model.layers} x {model.hidden}{', bidirectional' if model.bidirectional else ''}"
    core += f", {model.members} members" if model.members > 1 else ""
    facts = [("core", core), ("started from", model.start), ("parameters", magnitude(model.parameters))]
    facts.append(("kernel", story.facts.get("kernel", "")))
    best = f", best {training.best_epoch}" if training.best_epoch is not None else ""
    facts.append(("epochs", f"{training.epochs}{best}"))
    facts.append(("training", f"{duration(training.seconds)}, {training.examples_per_second:,.0f} examples/s"))
    facts.append(("watched", title_of(story.report, str(story.facts.get("watched") or ""))))
    facts.append(("reach", reach_words(story.report.reach) if story.report.reach else ""))
    return [(name, str(text)) for name, text in facts if text]


def _histories(story: Story) -> list[tuple[str, Markup]]:
    """Loss of train and dev, and the watched metric, by epoch; of a cross-validation one line a fold."""
    folds = {name: rows for name, rows in story.history.items() if rows}
    if not folds:
        return []
    single = len(folds) == 1
    losses = []
    for name, lines in folds.items():
        losses.append(_line("train" if single else f"fold {name}", lines, lambda row: row.get("loss")))
        if single:
            losses.append(_line("dev", lines, lambda row: (row.get("metrics") or {}).get("loss")))
    watched = str(story.facts.get("watched") or "")
    if watched in ("", "loss"):
        watched = next(iter(story.report.metrics), "")
    scores = [
        _line("" if single else f"fold {name}", lines, lambda row: (row.get("metrics") or {}).get(watched))
        for name, lines in folds.items()
    ]
    best = story.report.training.best_epoch if single else None
    found = []
    for title, lines in (("loss", losses), (f"{title_of(story.report, watched)} on dev", scores)):
        drawn = [line for line in lines if line.xs]
        if drawn:
            found.append((title, history_chart(title, title, drawn, f"history{len(found)}", best)))
    return found


def _figures(figures: Sequence[Figure]) -> list[tuple[str, Markup]]:
    drawn = [figure for figure in figures if any(line.xs for line in figure.lines)]
    return [(figure.title, figure_chart(figure, f"figure{at}")) for at, figure in enumerate(drawn)]


def _reach(report: Report) -> list[tuple[str, Markup]]:
    if report.reach is None or not report.reach.shares:
        return []
    title = "gradient that arrives from so many steps back"
    return [(title, reach_chart(title, report.reach, "reach"))]


def _line(name: str, lines: Sequence[Mapping[str, Any]], value: Any) -> Line:
    points = [(float(row["epoch"]), value(row)) for row in lines if isinstance(row.get("epoch"), int)]
    known = [(x, float(y)) for x, y in points if isinstance(y, int | float)]
    return Line(name, tuple(x for x, _ in known), tuple(y for _, y in known))


def _environment(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    versions = facts.get("versions") or {}
    found = [(str(name), str(version)) for name, version in versions.items()]
    named = ("device", "machine", "seed", "started", "ended")
    return found + [(name, str(facts[name])) for name in named if facts.get(name) not in (None, "")]


def _cells(story: Story) -> dict[tuple[int, int], list[Sample]]:
    """Examples by the row and column of the matrix that counts them."""
    number = {label: k for k, label in enumerate(story.report.classes.labels)}
    found: dict[tuple[int, int], list[Sample]] = {}
    for sample in story.cell_samples:
        if sample.cell is not None and set(sample.cell) <= number.keys():
            truth, predicted = sample.cell
            found.setdefault((number[truth], number[predicted]), []).append(_shortened(sample, MOST_OF_CELL))
    return found


def _download(story: Story) -> tuple[str, str] | None:
    """Name and address of the predictions as a file: within the page, or beside it where they are large."""
    name = Path(story.download).name
    if not story.predictions:
        return None
    lines = bytearray()
    for row in story.predictions:
        lines += json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n"
        if len(lines) > MOST_BYTES:
            return None if story.report.folds else (name, story.download)
    return name, _data_uri(Media("application/x-ndjson", bytes(lines), ""))


def _shortened(sample: Sample, most: int) -> Sample:
    """The sample without what is too long to read: of any piece, and of all of them."""
    pieces = tuple(replace(piece, text=_head(piece.text, most)) for piece in _some(sample.pieces, most // 4))
    return replace(sample, pieces=pieces)


def _some(pieces: Sequence[Piece], most: int) -> Sequence[Piece]:
    return pieces if len(pieces) <= most else (*pieces[:most], Piece("…"))


def _head(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


@cache
def _environment_of_templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_printable,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _data_uri(media: Media) -> str:
    return f"data:{media.kind};base64,{base64.b64encode(media.content).decode()}"


def _printable(value: Any) -> Any:
    """Texts with control and reversing characters shown instead of obeyed, their lines left as they are."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "\n".join(map(visible, value.split("\n")))


def _template(name: str) -> Any:
    return _environment_of_templates().get_template(name)


@cache
def _style() -> Markup:
    return Markup((FOLDER / "style.css").read_text(encoding="utf-8"))


@cache
def _script() -> Markup:
    return Markup((FOLDER / "search.js").read_text(encoding="utf-8"))


@cache
def _script_hash() -> str:
    """What the page's policy allows: this one script and no other."""
    return base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
