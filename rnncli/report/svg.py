"""Line charts as inline SVG: small, readable without a script, in the colours of the page around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from rnncli.report.build import Curve, Line

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 42
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a5a00", "#777777")
"""Told apart by every kind of colour vision (Okabe & Ito 2008), on light and dark."""
DASHES = ("", "7 3", "2 3", "8 3 2 3")
PLAIN = Markup()
DOTS_BELOW = 40
"""Lines of fewer points than these show them."""


@dataclass(frozen=True)
class Axis:
    """A linear axis with round marks."""

    low: float
    high: float
    marks: tuple[float, ...]

    @classmethod
    def around(cls, values: Sequence[float], marks: int = 5) -> Axis:
        """An axis that holds all the values, from a mark to a mark."""
        low, high = min(values), max(values)
        if low == high:
            low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
        rough = (high - low) / max(1, marks - 1)
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(first * step, last * step, tuple(number * step for number in range(first, last + 1)))

    def at(self, value: float, start: float, end: float) -> float:
        """Where a value stands between ``start`` and ``end``."""
        return start + (value - self.low) / (self.high - self.low) * (end - start)


UNIT = Axis(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))


def curve_chart(curve: Curve) -> Markup:
    """A curve whose axes both run from 0 to 1."""
    return chart(curve.title, curve.x, curve.y, curve.lines, UNIT, UNIT, diagonal=curve.diagonal)


def history_chart(title: str, y: str, lines: Sequence[Line], best: int | None = None) -> Markup:
    """Values by epoch; ``best`` is the epoch to mark."""
    xs = [x for line in lines for x in line.xs]
    ys = [value for line in lines for value in line.ys]
    first, last = min(xs), max(xs)
    step = max(1, math.ceil((last - first) / 8))
    epochs = Axis(
        first - 0.5 if first == last else first, last + (0.5 if first == last else 0), _whole(first, last, step)
    )
    return chart(title, "epoch", y, lines, epochs, Axis.around(ys), upright=best)


def chart(
    title: str,
    x: str,
    y: str,
    lines: Sequence[Line],
    across: Axis,
    up: Axis,
    *,
    diagonal: bool = False,
    upright: float | None = None,
) -> Markup:
    """Lines over two axes, with a legend of their names where there are several."""
    parts = [*_grid(across, up), *_titles(x, y)]
    if diagonal:
        parts.append(_path([(across.low, up.low), (across.high, up.high)], across, up, "diagonal"))
    if upright is not None:
        ends = [(upright, up.low), (upright, up.high)]
        parts.append(_path(ends, across, up, "best"))
    for number, line in enumerate(lines):
        parts.append(_line(line, number, across, up))
    legend = _legend(lines) if len(lines) > 1 or (lines and lines[0].name) else Markup()
    svg = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return svg.format(WIDTH, HEIGHT, title, Markup().join(parts)) + legend


def _grid(across: Axis, up: Axis) -> list[Markup]:
    parts = []
    for mark in across.marks:
        at = across.at(mark, LEFT, WIDTH - RIGHT)
        parts.append(_rule(at, TOP, at, HEIGHT - BOTTOM))
        parts.append(_text(at, HEIGHT - BOTTOM + 17, _written(mark), "middle"))
    for mark in up.marks:
        at = up.at(mark, HEIGHT - BOTTOM, TOP)
        parts.append(_rule(LEFT, at, WIDTH - RIGHT, at))
        parts.append(_text(LEFT - 7, at + 4, _written(mark), "end"))
    return parts


def _titles(x: str, y: str) -> list[Markup]:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    across = _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x, "middle")
    turned = Markup('<text transform="translate(13 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>')
    return [across, turned.format(middle, y)]


def _line(line: Line, number: int, across: Axis, up: Axis) -> Markup:
    points = list(zip(line.xs, line.ys, strict=True))
    style = Markup(' style="stroke:{};stroke-dasharray:{}"').format(*_look(number))
    drawn = _path(points, across, up, "line", style)
    if len(points) < DOTS_BELOW:
        dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3" style="fill:{}"/>')
        places = [_place(point, across, up) for point in points]
        drawn += Markup().join(dot.format(*place, _look(number)[0]) for place in places)
    return Markup("<g><title>{}</title>{}</g>").format(line.name, drawn) if line.name else drawn


def _path(points: Sequence[tuple[float, float]], across: Axis, up: Axis, kind: str, style: Markup = PLAIN) -> Markup:
    places = Markup(" ").join(Markup("{:.1f},{:.1f}").format(*_place(point, across, up)) for point in points)
    return Markup('<polyline class="{}"{} points="{}"/>').format(kind, style, places)


def _place(point: tuple[float, float], across: Axis, up: Axis) -> tuple[float, float]:
    return across.at(point[0], LEFT, WIDTH - RIGHT), up.at(point[1], HEIGHT - BOTTOM, TOP)


def _legend(lines: Sequence[Line]) -> Markup:
    mark = Markup(
        '<svg class="key" viewBox="0 0 24 8"><polyline style="stroke:{};stroke-dasharray:{}" points="0,4 24,4"/></svg>'
    )
    items = [
        Markup("<li>{}{}</li>").format(mark.format(*_look(number)), line.name) for number, line in enumerate(lines)
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup().join(items))


def _look(number: int) -> tuple[str, str]:
    return COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]


def _rule(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(x1, y1, x2, y2)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, escape(text))


def _whole(first: float, last: float, step: int) -> tuple[float, ...]:
    return tuple(float(mark) for mark in range(math.ceil(first), math.floor(last) + 1, step))


def _written(value: float) -> str:
    return f"{value:.6g}" if abs(value) > 1e-9 else "0"
