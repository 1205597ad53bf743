"""A model card in Markdown: what a run can say by itself, and places for what its author must say."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from rnncli.report.build import Report
from rnncli.report.layout import visible
from rnncli.report.numbers import duration, magnitude, number
from rnncli.report.page import Story, title_of
from rnncli.report.render import heading, shown_metrics
from rnncli.report.rivals import MODEL, leaders

SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")
ASK = "*To be written by the author: {}*"


def model_card(story: Story) -> str:
    """The card of a run; every text from data or recipe is escaped."""
    report = story.report
    parts = [
        f"# {_text(f'{report.task}: {report.recipe}')}",
        f"A {_core(report)}, {magnitude(report.model.parameters)} parameters, trained {_origin(report)} by rnncli.",
        "## Intended use",
        ASK.format("what it is for, for whom, and what it must not be used for."),
        "## Data",
        *_data(story),
        "## Figures",
        f"{_text(heading(report))}.",
        _metrics(report),
        *_classes(report),
        "## Training",
        _training(story),
        "## Limits",
        *(f"- {_text(line)}" for line in report.notes),
        ASK.format("where it fails, whom it may harm, what was not tested."),
    ]
    return "\n\n".join(parts) + "\n"


def _core(report: Report) -> str:
    model = report.model
    both = " bidirectional" if model.bidirectional else ""
    return f"{model.layers}-layer{both} {_text(model.cell)} network of {model.hidden} units"


def _origin(report: Report) -> str:
    start = report.model.start
    return f"from the recurrent weights of {_text(start)}" if start else "from scratch"


def _data(story: Story) -> list[str]:
    data = story.facts.get("data") or {}
    sizes = ", ".join(f"{_text(part)} {count:,}" for part, count in (data.get("sizes") or {}).items())
    dropped = ", ".join(f"{count:,} {_text(reason)}" for reason, count in story.report.dropped.items())
    lines = [_text(str(data.get("headline", ""))), f"Examples: {sizes}." if sizes else ""]
    lines += [f"Left out: {dropped}." if dropped else "", ASK.format("where the data come from and their licence.")]
    return [line for line in lines if line]


def _metrics(report: Report) -> str:
    heads = ["metric", "value", f"{100 * report.confidence:g} % interval", *map(_text, report.baselines)]
    rows = []
    for name in shown_metrics(report):
        metric, best = report.metrics[name], leaders(report, name)
        rivals = [_bold(report.written(name, of.get(name)), who in best) for who, of in report.baselines.items()]
        rows.append([_text(report.title(name)), _bold(metric.number, MODEL in best), metric.interval, *rivals])
    return _table(heads, rows)


def _bold(figure: str, best: bool) -> str:
    return f"**{figure}**" if best else figure


def _classes(report: Report) -> list[str]:
    if not report.classes.per_class:
        return []
    rows = []
    for row in report.classes.per_class:
        scores = (number(value) for value in (row.precision, row.recall, row.f1))
        rows.append([_text(row.label), *scores, f"{row.support:,}"])
    return [_table(["label", "precision", "recall", "f1", "support"], rows)]


def _training(story: Story) -> str:
    training = story.report.training
    watched = title_of(story.report, str(story.facts.get("watched") or ""))
    chosen = f" chosen by {_text(watched)} on dev" if watched else ""
    best = f", the best of them {training.best_epoch}{chosen}" if training.best_epoch is not None else ""
    device = _text(training.device)
    return f"{training.epochs} epochs{best}; {duration(training.seconds)} on {device}. Seed {story.facts.get('seed')}."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(text: str) -> str:
    """Text that Markdown shows as it is: neither markup nor HTML nor a line of its own."""
    shown = " ".join(visible(text).split())
    return SPECIAL.sub(r"\\\1", html.escape(shown, quote=False))
