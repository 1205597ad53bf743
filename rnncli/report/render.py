"""A report as lines for a terminal, a pipe or a file.

Given a width, everything fits it: labels and texts give way with an ellipsis. Without one (a pipe, a file)
nothing is cut or wrapped, so that a script can read whole cells. No text from data is ever read as markup or
obeyed by the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from rnncli.report.build import Report, ReportTable
from rnncli.report.groups import group_notes, group_table
from rnncli.report.layout import ELLIPSIS, cell, grid, measure, visible, wrap
from rnncli.report.matrix import confusion_lines
from rnncli.report.numbers import UNDEFINED, duration, magnitude, number
from rnncli.report.reach import reach_words
from rnncli.report.rivals import LEGEND, MARK, MODEL, leaders
from rnncli.report.trace import trace_lines

ROWS_SHOWN = 30
"""A terminal shows at most so many classes; a file gets them all."""

TEXT_LINES = 3
INDENT = "  "
"""Ahead of what is quoted."""

Lines = list[Text]


def print_report(console: Console, report: Report) -> None:
    """Write ``report`` to ``console``: fitted to a terminal, whole and without styles anywhere else."""
    width = console.width if console.is_terminal else None
    styled = console.color_system is not None and not console.no_color
    for line in render_report(report, width):
        console.print(line if styled else Text(line.plain), soft_wrap=True, highlight=False)


def render_report(report: Report, width: int | None = None) -> Iterator[Text]:
    """The lines of ``report``, sections parted by an empty one; ``width`` None leaves every cell whole."""
    sections: list[Callable[[Report, int | None], Lines]] = [
        _header,
        _metrics,
        _confusion,
        _per_class,
        _groups,
        _traces,
        _tables,
        _passages,
        _folds,
        _mistakes,
        _advice,
    ]
    written = False
    for section in sections:
        lines = section(report, width)
        if lines and written:
            yield Text()
        yield from lines
        written = written or bool(lines)


def _header(report: Report, width: int | None) -> Lines:
    """Recipe, model, training, what was dropped, what is to be said."""
    model, training = report.model, report.training
    core = f"{model.cell} {model.layers}x{model.hidden}{' bidirectional' if model.bidirectional else ''}"
    start = f", started from {model.start}" if model.start else ""
    best = f" (best {training.best_epoch})" if training.best_epoch is not None else ""
    rows = [
        ("recipe", f"{report.task}: {report.recipe}" if report.recipe else report.task),
        ("model", f"{core}, {magnitude(model.parameters)} parameters{start}"),
    ]
    if training.epochs:
        speed = f"{training.examples_per_second:,.0f} examples/s on {training.device}"
        epochs = "epoch" if training.epochs == 1 else "epochs"
        rows.append(("training", f"{duration(training.seconds)}, {training.epochs} {epochs}{best}, {speed}"))
    if report.reach:
        rows.append(("reach", reach_words(report.reach)))
    if report.dropped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.dropped.items())
        rows.append(("dropped", reasons))
    rows.extend(("note", note) for note in report.notes)
    return [line for name, text in rows for line in _paragraph(name, text, width)]


def _paragraph(name: str, text: str, width: int | None) -> Lines:
    indent = 10
    wrapped = wrap(visible(text), None if width is None else max(width - indent, 20))
    first = _line(Text(f"{name:<{indent}}", style="dim"), Text(wrapped[0]))
    return [first, *(_line(Text(" " * indent + line)) for line in wrapped[1:])]


def _advice(report: Report, width: int | None) -> Lines:
    """What the figures come to, and what to do about it."""
    names = ["verdict", *[""] * len(report.advice)]
    return [
        line for name, text in zip(names, report.advice, strict=False) for line in _paragraph(name, f"- {text}", width)
    ]


def _metrics(report: Report, width: int | None) -> Lines:
    """The metrics with their intervals, and the baselines beside them or, where they do not fit, below."""
    if not report.metrics:
        return []
    beside = _metric_grid(report, list(report.baselines))
    legend = [Text(LEGEND, style="dim")] if any(leaders(report, name) for name in shown_metrics(report)) else []
    if width is None or measure(beside) <= width or not report.baselines:
        return [*beside, *legend]
    return [*_metric_grid(report, []), Text(), *_baseline_grid(report, width), *legend]


def _metric_grid(report: Report, baselines: Sequence[str]) -> Lines:
    metrics = {name: report.metrics[name] for name in shown_metrics(report)}
    best = {name: leaders(report, name) for name in metrics}
    titles = [heading(report)]
    columns = [[report.title(name) for name in metrics]]
    titles.append("mean" if report.is_mean else "model" if baselines else "")
    columns.append(_marked(MODEL, [metric.number for metric in metrics.values()], best))
    if report.is_mean:
        titles.append("deviation")
        columns.append([number(metric.deviation, metric.unit) for metric in metrics.values()])
    intervals = [metric.interval for metric in metrics.values()]
    if any(intervals):
        titles.append(f"{100 * report.confidence:g} % interval")
        columns.append(intervals)
    for baseline in baselines:
        values = report.baselines[baseline]
        titles.append(baseline)
        columns.append(_marked(baseline, [report.written(name, values.get(name)) for name in metrics], best))
    return _table([titles, *zip(*columns, strict=True)], 1, bold=1)


def _marked(who: str, figures: Sequence[str], best: Mapping[str, frozenset[str]]) -> list[str]:
    """The figures of the model or a rival for each metric, the best of their rows marked; digits stay aligned."""
    some = any(best.values())
    return [
        figure + (MARK if who in leading else " " if some else "")
        for figure, leading in zip(figures, best.values(), strict=True)
    ]


def heading(report: Report) -> str:
    """What was scored."""
    folds = f", {len(report.folds)} folds" if report.folds else ""
    return f"{report.split}, {report.counted}{folds}"


def _baseline_grid(report: Report, width: int) -> Lines:
    """One row a baseline, as many metrics as fit."""
    scored = {name for values in report.baselines.values() for name in values}
    metrics = [name for name in shown_metrics(report) if name in scored]

    def drawn(names: Sequence[str]) -> Lines:
        rows = [["baselines", *(report.title(name) for name in names)]]
        best = {name: leaders(report, name) for name in names}
        for baseline, values in report.baselines.items():
            rows.append([baseline, *_marked(baseline, [report.written(n, values.get(n)) for n in names], best)])
        return _table(rows, 1, width=width)

    return drawn(_fitting(report, metrics, drawn, width))


def _confusion(report: Report, width: int | None) -> Lines:
    return confusion_lines(report, width) if report.classes.confusion and report.classes.labels else []


def _per_class(report: Report, width: int | None) -> Lines:
    """A row for each class, on a terminal only those with the lowest F1 if there are many."""
    rows, rest = list(report.classes.per_class), 0
    if not rows:
        return []
    if width is not None and len(rows) > ROWS_SHOWN:
        rest = len(rows) - ROWS_SHOWN
        rows = sorted(rows, key=lambda row: row.f1 if row.f1 is not None else 2.0)[:ROWS_SHOWN]
    cells = [["label", "precision", "recall", "f1", "support"]]
    for row in rows:
        scores = (number(row.precision), number(row.recall), number(row.f1))
        cells.append([row.label, *scores, f"{row.support:,}"])
    lines = _table(cells, 1, width=width)
    if rest:
        lines.append(Text(f"the {ROWS_SHOWN} lowest by f1; {rest:,} more in report.json", style="dim"))
    return lines


def _groups(report: Report, width: int | None) -> Lines:
    """A table for each way to group the examples, and what is to be said of it."""
    shown, lines = shown_metrics(report), []
    for grouping in report.groups:
        heads, rows = group_table(report, grouping, shown)
        lines += [Text()] if lines else []
        lines += _table([heads, *rows], 1, width=width)
        for note in group_notes(report, grouping, shown):
            lines += [_line(Text(part, style="dim")) for part in wrap(visible(note), width)]
    return lines


def _traces(report: Report, width: int | None) -> Lines:
    """Series with their forecasts."""
    lines: Lines = []
    for trace in report.traces:
        lines += [Text()] if lines else []
        lines += trace_lines(trace, width)
    return lines


def _tables(report: Report, width: int | None) -> Lines:
    lines: Lines = []
    for table in report.tables:
        if lines:
            lines.append(Text())
        lines.extend(_own_table(table, width))
    return lines


def _passages(report: Report, width: int | None) -> Lines:
    """Each under its title: all of it for a file, on a terminal its first lines, wrapped."""
    lines: Lines = []
    for passage in report.passages:
        lines += [Text()] if lines else []
        lines.append(_line(Text(visible(passage.title), style="bold")))
        room = None if width is None else max(width - len(INDENT), 20)
        shown = [part for line in passage.text.split("\n") for part in wrap(visible(line), room)]
        if width is not None and len(shown) > passage.most:
            shown = [*shown[: passage.most], ELLIPSIS]
        lines += [_line(Text(INDENT + part)) for part in shown]
    return lines


def _own_table(table: ReportTable, width: int | None) -> Lines:
    """A task's own table; columns of numbers stand on the right and give no way."""
    columns = range(len(table.columns))
    numeric = [all(isinstance(row[i], int | float | None) for row in table.rows) for i in columns]
    rows = [list(table.columns), *([free_cell(value) for value in row] for row in table.rows)]
    align = "".join("r" if number else "l" for number in numeric)
    flexible = [i for i in columns if not numeric[i]]
    cells = [[Text(visible(title), style="dim") for title in rows[0]], *rows[1:]]
    title = [Text(visible(table.title), style="bold")] if table.title else []
    return [*title, *grid(cells, align, width=width, flexible=flexible)]


def free_cell(value: object) -> str:
    """A cell of a task's own table."""
    if value is None:
        return UNDEFINED
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _folds(report: Report, width: int | None) -> Lines:
    """A row for each fold, then mean and deviation, or all together; on a terminal as many metrics as fit."""
    if not report.folds:
        return []
    metrics = shown_metrics(report)

    def drawn(names: Sequence[str]) -> Lines:
        rows = [["fold", "examples", "best epoch", *(report.title(name) for name in names)]]
        for fold in report.folds:
            best = UNDEFINED if fold.best_epoch is None else str(fold.best_epoch)
            scores = (report.written(name, fold.metrics.get(name)) for name in names)
            rows.append([str(fold.fold), f"{fold.examples:,}", best, *scores])
        whole = "mean" if report.is_mean else "together"
        rows.append([whole, "", "", *(report.metrics[name].number for name in names)])
        if report.is_mean:
            deviations = (report.written(name, report.metrics[name].deviation) for name in names)
            rows.append(["deviation", "", "", *deviations])
        return _table(rows, 1)

    return drawn(_fitting(report, metrics, drawn, width))


def _mistakes(report: Report, width: int | None) -> Lines:
    """The mistakes, the most confident first: what was said, then the text, a few lines of it on a terminal."""
    if not report.mistakes:
        return []
    ranked = report.mistakes[0].confidence is not None
    lines = [Text("most confident mistakes" if ranked else "mistakes", style="dim")]
    for mistake in report.mistakes:
        taken = "taken for" if mistake.confidence is None else f"{number(mistake.confidence)} % sure of"
        sure = f"{taken} {mistake.predicted}, truth {mistake.truth}"
        said = visible(f"{sure}  {mistake.place}" if mistake.place else sure)
        room = None if width is None else max(width - len(INDENT), 20)
        lines.extend(_line(Text(part, style="bold")) for part in wrap(said, width))
        shown = wrap(visible(mistake.text), room, lines=TEXT_LINES)
        lines.extend(_line(_edits(INDENT + part) if mistake.aligned else Text(INDENT + part)) for part in shown)
    return lines


def _edits(shown: str) -> Text:
    """A line of an aligned text, what was replaced, left out and put in each in a colour of its own."""
    text = Text(shown)
    for pattern, style in ((r"\[[^-+\]][^\]]*\]", "yellow"), (r"\[- [^\]]*\]", "red"), (r"\[\+ [^\]]*\]", "green")):
        text.highlight_regex(pattern, style)
    return text


def shown_metrics(report: Report) -> list[str]:
    """The metrics worth a row; report.json has every one.

    Shares are first, then those on scales of their own, among them shares of which neither more nor less is better.
    """
    shown = [(name, metric) for name, metric in report.metrics.items() if metric.show != "never"]
    shown.sort(key=lambda one: one[1].unit != "share" or one[1].better == "nominal")
    return [name for name, _ in shown]


def _fitting(report: Report, names: list[str], drawn: Callable[[Sequence[str]], Lines], width: int | None) -> list[str]:
    """As many of ``names`` as fit when drawn, one at least; those to show last give way first."""
    names = sorted(names, key=lambda name: report.metrics[name].show == "last")
    while width is not None and len(names) > 1 and measure(drawn(names)) > width:
        names = names[:-1]
    return names


def _table(rows: Sequence[Sequence[str]], texts: int, *, width: int | None = None, bold: int | None = None) -> Lines:
    """A faint header and rows; the first ``texts`` columns stand on the left and give way to figures."""
    head = [Text(visible(title), style="dim") for title in rows[0]]
    cells: list[list[Text]] = [head]
    for row in rows[1:]:
        cells.append([cell(text) for text in row])
        if bold is not None:
            cells[-1][bold].stylize("bold")
    align = "l" * texts + "r" * (len(rows[0]) - texts)
    return grid(cells, align, width=width, flexible=range(texts))


def _line(*parts: Text) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ignore")
