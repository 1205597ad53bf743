"""A series and its forecast in characters: in braille on a terminal, in plain letters anywhere else.

Shape letters: R rows and C columns of dots, of which a character has several in braille.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from rnncli.report.figures import Trace
from rnncli.report.layout import visible, wrap

ROWS = 8
WIDEST, PIPED = 100, 80
"""Columns of a chart on a wide terminal, and where there is no terminal."""
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of each dot of a character."""


@dataclass(frozen=True)
class _Pen:
    """How a chart is drawn: dots of a character, and what stands for each thing."""

    rows: int
    columns: int
    history: str
    forecast: str
    truth: str
    band: str
    cutoff: str

    def line(self, dots_RC: np.ndarray, plain: str) -> str:
        """The character of some dots."""
        return plain if self.rows == 1 else chr(0x2800 + int(_BRAILLE[dots_RC].sum()))


_FINE = _Pen(4, 2, "", "\u28c0\u28c0", "\u00d7", "\u2591", "\u2502")
_PLAIN = _Pen(1, 1, ".", "o", "x", ":", "|")


def trace_lines(trace: Trace, width: int | None) -> list[Text]:
    """The chart under its title, within ``width``; without one in characters that any file or pipe can hold."""
    pen = _PLAIN if width is None else _FINE
    low, high = _range(trace)
    labels = [f"{high:.5g}", *[""] * (ROWS - 2), f"{low:.5g}"]
    margin = max(map(len, labels)) + 1
    columns = max(min(width or PIPED, WIDEST) - margin - 1, 10)
    lines = [Text(part, style="bold") for part in wrap(visible(trace.title), width)]
    for label, drawn in zip(labels, _chart(trace, pen, columns, low, high), strict=True):
        lines.append(Text(f"{label:>{margin - 1}} ", style="dim", no_wrap=True, overflow="ignore").append_text(drawn))
    return [*lines, *(Text(part, style="dim") for part in wrap(_legend(trace, pen), width))]


def _legend(trace: Trace, pen: _Pen) -> str:
    shown = [f"{len(trace.history)} steps until {pen.cutoff}", f"{pen.forecast} forecast of {len(trace.forecast)}"]
    shown += [f"{pen.truth} truth"] if trace.truth else []
    shown += [f"{pen.band} {trace.band}"] if trace.lows else []
    return "  ".join(shown)


def _range(trace: Trace) -> tuple[float, float]:
    """The least and the largest value; of equal ones a little apart."""
    every = (*trace.history, *trace.forecast, *trace.truth, *trace.lows, *trace.highs)
    known = [value for value in every if value is not None] or [0.0]
    low, high = min(known), max(known)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _chart(trace: Trace, pen: _Pen, columns: int, low: float, high: float) -> list[Text]:
    """The rows of the chart; truth lies over the forecast, that over the band."""
    shape = ROWS * pen.rows, columns * pen.columns
    back, steps = len(trace.history), len(trace.history) + trace.gap + len(trace.forecast)
    ahead = back + trace.gap

    def at(values: Sequence[float | None], first: int) -> tuple[np.ndarray, np.ndarray]:
        """Where values lie, in columns and rows of dots; NaN is not known."""
        x = (first + np.arange(len(values))) * (shape[1] - 1) / max(steps - 1, 1)
        y = (shape[0] - 1) * (high - np.array(values, np.float64)) / (high - low)
        return x, y

    history_RC = _joined(*at(trace.history, 0), shape)
    forecast_RC = _joined(*at(trace.forecast, ahead), shape)
    truth_RC, band_RC = np.zeros(shape, bool), np.zeros(shape, bool)
    x, y = at(trace.truth, ahead)
    known = np.isfinite(y)
    truth_RC[y[known].round().astype(int), x[known].round().astype(int)] = True
    if trace.lows:
        band_RC = _between(*at(trace.lows, ahead), at(trace.highs, ahead)[1], shape)
    cutoff = round((back - 0.5) * (shape[1] - 1) / max(steps - 1, 1)) // pen.columns if back else -1
    rows = []
    for r in range(ROWS):
        row = Text()
        for c in range(columns):
            cell = slice(r * pen.rows, (r + 1) * pen.rows), slice(c * pen.columns, (c + 1) * pen.columns)
            if truth_RC[cell].any():
                row.append(pen.truth, style="yellow")
            elif forecast_RC[cell].any():
                row.append(pen.line(forecast_RC[cell], pen.forecast), style="bold cyan")
            elif history_RC[cell].any():
                row.append(pen.line(history_RC[cell], pen.history))
            elif band_RC[cell].any():
                row.append(pen.band, style="cyan")
            else:
                row.append(pen.cutoff if c == cutoff else " ", style="dim")
        row.rstrip()
        rows.append(row)
    return rows


def _joined(x: np.ndarray, y: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The dots of a line through points, (R, C), broken where one is not known."""
    dots_RC = np.zeros(shape, bool)
    for i in range(len(x)):
        j = i + 1 if i + 1 < len(x) and np.isfinite(y[i + 1]) else i
        if np.isfinite(y[i]):
            many = 1 + 2 * int(max(abs(x[j] - x[i]), abs(y[j] - y[i])))
            along = [np.linspace(one[i], one[j], many).round().astype(int) for one in (y, x)]
            dots_RC[along[0], along[1]] = True
    return dots_RC


def _between(x: np.ndarray, low: np.ndarray, high: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The dots of a band, (R, C); rows are counted from above, so that ``low`` has the larger numbers."""
    dots_RC = np.zeros(shape, bool)
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        columns = np.arange(round(x[known][0]), round(x[known][-1]) + 1)
        ends = [np.interp(columns, x[known], one[known]).round() for one in (high, low)]
        rows_R1 = np.arange(shape[0])[:, None]
        dots_RC[:, columns] = (ends[0] <= rows_R1) & (rows_R1 <= ends[1])
    return dots_RC
