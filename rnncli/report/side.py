"""A comparison as rows of a table, for a terminal, a page or a csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from rnncli.metrics.metric import Unit
from rnncli.report.comparison import Compared, Comparison, Versus
from rnncli.report.layout import NARROWEST, grid, measure, visible, wrap
from rnncli.report.numbers import UNDEFINED, number, signed
from rnncli.report.reach import reach_figure
from rnncli.report.rivals import MARK

SEVERAL = "runs"
TESTED = ("difference", "low", "high", "p", "p_adjusted")
"""What a csv says of each difference to the base."""


@dataclass(frozen=True)
class SideCell:
    """What a cell shows; ``best`` in its column, ``number`` on the right."""

    text: str
    best: bool = False
    number: bool = True


def titles(comparison: Comparison) -> list[str]:
    """The columns: what differs, then for each metric mean, deviation and the difference to the base."""
    found = [*(comparison.keys or ("recipe",)), SEVERAL]
    for metric in comparison.metrics:
        found.append(comparison.titles[metric])
        if _varied(comparison, metric):
            found.append("deviation")
        if _tested(comparison, metric):
            found += ["difference", f"{100 * comparison.confidence:g} % interval", "p"]
    found += ["parameters", "seconds"]
    return [*found, "gradient reach"] if _reached(comparison) else found


def rows(comparison: Comparison) -> Iterator[list[SideCell]]:
    """The cells of each setting, in the order of :func:`titles`."""
    for setting in comparison.settings:
        named = [_setting(setting, key) for key in comparison.keys] or [setting.name]
        cells = [SideCell(visible(text), number=False) for text in named]
        cells.append(SideCell(str(len(setting.runs))))
        for metric in comparison.metrics:
            cells += _scores(comparison, setting, metric)
        cells += [SideCell(f"{setting.parameters:,}"), SideCell(f"{setting.seconds:,.1f}")]
        if _reached(comparison):
            cells.append(SideCell(reach_figure(setting.reach, setting.reach_beyond)))
        yield cells


def heading(comparison: Comparison, *, named: bool = False) -> str:
    """What is compared; ``named`` says of which task."""
    task = f"{visible(comparison.task)}: " if named else ""
    count = comparison.examples
    counted = f"{count:,} {comparison.each or 'example'}{'s'[: count != 1]}"
    return f"{task}{comparison.split}, {counted}; differences to {visible(comparison.base)}"


def lines(comparison: Comparison, width: int | None = None, *, named: bool = False) -> list[Text]:
    """The comparison for a terminal, the best of each metric in bold and marked.

    What is wider than ``width`` is folded: the columns go on in further tables below, and settings that leave no room
    for figures are numbered. None folds nothing.
    """
    cells = list(rows(comparison))
    marked = {i for row in cells for i, cell in enumerate(row) if cell.best}
    body = [[_shown(cell, i in marked) for i, cell in enumerate(row)] for row in cells]
    texts = len(comparison.keys) or 1
    heads = [Text(visible(title), style="dim") for title in titles(comparison)]
    shown = [Text(part, style="bold") for part in wrap(heading(comparison, named=named), width)]
    shown += _folded([heads, *body], texts, width)
    marks = [f"{MARK} the best of its column"] if marked else []
    notes = [f"note  {visible(note)}" for note in comparison.notes]
    return [*shown, *(Text(part, style="dim") for note in (*marks, *notes) for part in wrap(note, width))]


def _shown(cell: SideCell, among: bool) -> Text:
    """A cell, marked where it is the best; those of a column where one is keep their digits below each other."""
    return Text(cell.text, style="bold" if cell.best else "").append(MARK if cell.best else " " if among else "")


def _folded(table: Sequence[Sequence[Text]], texts: int, width: int | None) -> list[Text]:
    """A table whose first columns are ``texts``, the others figures, within ``width``; heads are its first row."""
    align = "l" * texts + "r" * (len(table[0]) - texts)
    whole = grid(table, align)
    if width is None or measure(whole) <= width:
        return whole
    if measure(grid([row[:texts] for row in table], "l" * texts)) > width // 2:
        return [*_named(table, texts, width), Text(), *_folded(_numbered(table, texts), 1, width)]
    found: list[Text] = []
    rest = list(range(texts, len(table[0])))
    while rest:
        taken = _fitting(table, texts, rest, width)
        chosen = [*range(texts), *rest[:taken]]
        found += [Text()] if found else []
        found += grid([[row[i] for i in chosen] for row in table], "".join(align[i] for i in chosen))
        rest = rest[taken:]
    return found


def _fitting(table: Sequence[Sequence[Text]], texts: int, rest: Sequence[int], width: int) -> int:
    """How many of the next columns fit beside the texts, one at least."""
    for taken in range(len(rest), 1, -1):
        columns = [*range(texts), *rest[:taken]]
        if measure(grid([[row[i] for i in columns] for row in table], "l" * texts + "r" * taken)) <= width:
            return taken
    return 1


def _named(table: Sequence[Sequence[Text]], texts: int, width: int) -> Iterator[Text]:
    """The settings by number, each whole and in as many lines as it needs."""
    heads = [head.plain for head in table[0][:texts]]
    for count, row in enumerate(table[1:], start=1):
        told = " ".join(f"{head}={cell.plain}" for head, cell in zip(heads, row, strict=False))
        indent = f"{count}  "
        for at, part in enumerate(wrap(told, max(width - len(indent), NARROWEST))):
            yield Text((" " * len(indent) if at else indent) + part)


def _numbered(table: Sequence[Sequence[Text]], texts: int) -> list[list[Text]]:
    return [[Text(str(count) if count else ""), *row[texts:]] for count, row in enumerate(table)]


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """Comparisons with whole figures: the settings, then every metric of the reports; several tasks are named."""
    out = io.StringIO()
    found = [row for comparison in comparisons for row in _csv_rows(comparison, named=len(comparisons) > 1)]
    writer = csv.DictWriter(out, list(dict.fromkeys(head for row in found for head in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


def _csv_rows(comparison: Comparison, *, named: bool) -> Iterator[dict[str, Any]]:
    for setting in comparison.settings:
        row: dict[str, Any] = {"task": comparison.task} if named else {}
        row |= {key: _setting(setting, key, "") for key in comparison.keys}
        row |= {"setting": setting.name, "runs": " ".join(setting.runs), "seeds": " ".join(map(str, setting.seeds))}
        row |= {"parameters": setting.parameters, "seconds": setting.seconds}
        row |= {"reach": setting.reach, "reach_beyond": int(setting.reach_beyond)}
        for metric, score in setting.scores.items():
            row |= {metric: score.mean, f"{metric}_deviation": score.deviation}
        for metric in comparison.metrics:
            versus = setting.versus.get(metric)
            row |= {f"{metric}_{name}": getattr(versus, name) if versus else None for name in TESTED}
        yield row


def written(value: Any) -> str:
    """A recipe's value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _setting(setting: Compared, key: str, none: str = "-") -> str:
    """The value of a key of a recipe, ``none`` where the recipe has no such key."""
    return written(setting.settings[key]) if key in setting.settings else none


def _scores(comparison: Comparison, setting: Compared, metric: str) -> list[SideCell]:
    score = setting.scores[metric]
    cells = [SideCell(number(score.mean, comparison.units[metric]), comparison.leads(setting, metric))]
    if _varied(comparison, metric):
        cells.append(SideCell(number(score.deviation, comparison.units[metric]) if score.deviation is not None else ""))
    if _tested(comparison, metric):
        cells += _versus(comparison.units[metric], setting.versus.get(metric), setting.name == comparison.base)
    return cells


def _versus(unit: Unit, versus: Versus | None, base: bool) -> list[SideCell]:
    if versus is None:
        return [SideCell("" if base else UNDEFINED), SideCell(""), SideCell("")]
    texts = [signed(value, unit) for value in (versus.difference, versus.low, versus.high)]
    return [SideCell(texts[0]), SideCell(f"{texts[1]} .. {texts[2]}"), SideCell(probability(versus.p_adjusted))]


def probability(p: float) -> str:
    """p to two figures, no smaller than one that anyone should believe."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _reached(comparison: Comparison) -> bool:
    return any(setting.reach is not None for setting in comparison.settings)


def _varied(comparison: Comparison, metric: str) -> bool:
    return any(setting.scores[metric].deviation is not None for setting in comparison.settings)


def _tested(comparison: Comparison, metric: str) -> bool:
    return any(metric in setting.versus for setting in comparison.settings)
