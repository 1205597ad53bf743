"""The confusion matrix in characters: whole where it fits, else the pairs that are confused most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from rnncli.report.build import Report
from rnncli.report.layout import grid, measure, visible
from rnncli.report.numbers import number

MOST_CLASSES = 12
PAIRS = 10

# One hue from grey to blue at about one lightness, for dark and light backgrounds and every kind of colour
# vision; colours of the 256 that terminals share.
_SHADES = (
    (0.75, Style(color="color(231)", bgcolor="color(26)", bold=True)),
    (0.40, Style(color="color(231)", bgcolor="color(25)")),
    (0.15, Style(color="color(231)", bgcolor="color(60)")),
    (0.05, Style(color="color(231)", bgcolor="color(59)")),
)
_FAINT = Style(dim=True)

Counts = Sequence[Sequence[int]]


def confusion_lines(report: Report, width: int | None) -> list[Text]:
    """The matrix with recall and precision, or the most confused pairs if it does not fit ``width``."""
    labels = [visible(label) for label in report.classes.labels]
    if len(labels) <= MOST_CLASSES:
        for lines in _forms(labels, report.classes.confusion, width):
            if width is None or measure(lines) <= width:
                return lines
    return _pair_lines(labels, report.classes.confusion, width)


def most_confused(confusion: Counts, n: int) -> list[tuple[int, int, int]]:
    """The ``n`` most frequent mistakes as (truth, predicted, count), label numbers."""
    cells = [(t, p, count) for t, row in enumerate(confusion) for p, count in enumerate(row) if t != p and count]
    return sorted(cells, key=lambda found: -found[2])[:n]


def shade(share: float) -> Style:
    """The background of a cell that holds ``share`` of its row."""
    return next((style for least, style in _SHADES if share >= least), _FAINT)


def _forms(labels: list[str], confusion: Counts, width: int | None) -> Iterator[list[Text]]:
    """Ways to draw the matrix, the most telling first: labels above the columns, then their numbers."""
    yield _matrix_lines("truth \\ predicted", labels, labels, confusion)
    if width is None:
        return
    yield _matrix_lines("truth", labels, labels, confusion, right=0)
    numbers = [str(at) for at in range(1, len(labels) + 1)]
    numbered = [f"{at:>{len(numbers[-1])}} {label}" for at, label in enumerate(labels, 1)]
    yield _matrix_lines("truth", numbered, numbers, confusion, right=0, width=width)


def _matrix_lines(
    corner: str, rows: list[str], columns: list[str], confusion: Counts, *, right: int = 1, width: int | None = None
) -> list[Text]:
    """The matrix with a blank left of each cell and ``right`` of them on the other side."""
    size = range(len(rows))
    supports = [sum(row) for row in confusion]
    totals = [sum(row[p] for row in confusion) for p in size]
    precision = [_rate(confusion[p][p], totals[p]) for p in size]
    recall = [_rate(confusion[t][t], supports[t]) for t in size]
    widths = [
        max(cell_len(text) for text in (columns[p], precision[p], *(str(row[p]) for row in confusion))) for p in size
    ]

    def placed(texts: Sequence[str]) -> list[str]:
        pads = [room - cell_len(text) for text, room in zip(texts, widths, strict=True)]
        return [" " * (1 + pad) + text + " " * right for text, pad in zip(texts, pads, strict=True)]

    head = (f"{corner} ", *placed(columns), "  recall")
    lines: list[Sequence[str | Text]] = [[_faint(text) for text in head]]
    for t in size:
        texts = placed([str(count) for count in confusion[t]])
        shades = [shade(count / supports[t] if supports[t] else 0.0) for count in confusion[t]]
        cells = [Text(text, style=style) for text, style in zip(texts, shades, strict=True)]
        lines.append([Text(f"{rows[t]} "), *cells, recall[t]])
    lines.append([_faint("precision "), *placed(precision), ""])
    return grid(lines, "l" + "r" * (len(columns) + 1), gap=0, width=width, flexible=(0,))


def _pair_lines(labels: list[str], confusion: Counts, width: int | None) -> list[Text]:
    pairs = most_confused(confusion, PAIRS)
    if not pairs:
        return [Text("no label was taken for another")]
    head = [_faint(title) for title in ("most confused: truth", "predicted", "count ", "% of truth")]
    rows: list[Sequence[str | Text]] = [head]
    for t, p, count in pairs:
        share = count / sum(confusion[t])
        shaded = Text(f" {count} ", style=shade(share))
        rows.append([Text(labels[t]), Text(labels[p]), shaded, number(share)])
    return grid(rows, "llrr", width=width, flexible=(0, 1))


def _rate(part: int, whole: int) -> str:
    return number(part / whole if whole else None)


def _faint(text: str) -> Text:
    return Text(text, style=_FAINT)
