"""Line charts as inline SVG, drawn by matplotlib: readable without a script, in the colours of the page around them."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

from rnncli.report.figures import Figure, Line, Whisker
from rnncli.report.layout import visible
from rnncli.report.reach import Reach

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 47
ROW = 38
"""Height of a value with its interval, and the name above it."""
TITLE, GAP = 16, 6
"""Where the title of the upright axis has its middle, and what is between it, the numbers and the lines."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a5a00", "#777777")
"""Told apart by every kind of colour vision (Okabe & Ito 2008), on light and dark."""
DASHES = {"solid": (), "dashed": (7, 3), "dotted": (2, 3)}
FAINT, RULE = "#5c6167", "#d9dce1"
OF_PAGE = {FAINT: "var(--faint)", RULE: "var(--rule)"}
"""Colours that the page chooses, by what stands for them while drawing."""
DOTS_BELOW = 40
"""Lines of fewer points than these show them."""
MOST_HOVERED = 40
"""Points of a line that say their values to a pointer."""
LONGEST = 44
"""Characters of an axis's title."""
ROW_CHARACTERS = 54
"""Of a name and what is said at the other end of its row."""
BAND = 0.2
"""How strong the colour of a band is beside that of its line."""
UNIT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LOOK: Any = {
    "axes.autolimit_mode": "round_numbers",
    "axes.xmargin": 0,
    "axes.ymargin": 0,
    "font.size": 12,
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "rnncli",
    "svg.id": None,
    "text.parse_math": False,
}
HREF = "{http://www.w3.org/1999/xlink}href"
UNDATED = {"Creator": None, "Date": None, "Format": None, "Type": None}


def figure_chart(figure: Figure, key: str) -> Markup:
    """A figure with its bands; ``key`` is unlike that of any other picture of the page."""
    with _axes(figure.x, figure.y) as axes:
        if figure.diagonal:
            axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, dashes=(4, 4), clip_on=False)
        _plot(axes, figure.lines)
        if figure.x_is_share:
            axes.set(xlim=(0, 1), xticks=UNIT)
        if figure.y_is_share:
            axes.set(ylim=(0, 1), yticks=UNIT)
        for level in figure.levels:
            axes.axhline(level, color=FAINT, linewidth=1, dashes=(4, 4))
        if figure.x_ticks:
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set(xlim=(min(figure.x_ticks), max(figure.x_ticks)), xticks=figure.x_ticks)
            axes.xaxis.set_major_formatter("{x:g}")
        if figure.y_powers:
            _powers(axes)
        return _inline(axes, figure.title, figure.lines, key)


def history_chart(title: str, y: str, lines: Sequence[Line], key: str, best: int | None = None) -> Markup:
    """Values by epoch; ``best`` is the epoch to mark."""
    xs = [x for line in lines for x in line.xs]
    first, last = min(xs), max(xs)
    with _axes("epoch", y) as axes:
        if best is not None:
            axes.axvline(best, color=FAINT, linewidth=1, dashes=(2, 3))
        _plot(axes, lines)
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        axes.set_xlim(*((first, last) if first < last else (first - 0.5, last + 0.5)))
        return _inline(axes, title, lines, key)


def reach_chart(title: str, found: Reach, key: str) -> Markup:
    """The share of the gradient by distance, and the share at which it counts as gone."""
    single = len(found.shares) == 1
    lines = []
    for name, shares in found.shares.items():
        drawn = [(float(k), share) for k, share in enumerate(shares) if share > 0]
        lines.append(Line("" if single else name, *(tuple(part) for part in zip(*drawn, strict=True))))
    with _axes("steps back", "share of the gradient") as axes:
        axes.axhline(found.least, color=FAINT, linewidth=1, dashes=(4, 4))
        _plot(axes, lines)
        _powers(axes)
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        axes.set_xlim(0, max(1, *(len(shares) - 1 for shares in found.shares.values())))
        return _inline(axes, title, lines, key)


def whisker_chart(title: str, whiskers: Sequence[Whisker], key: str, base: float | None = None) -> Markup:
    """Values with their intervals below each other, and a line through the ``base`` that they are held against."""
    with _axes(title, "", TOP + BOTTOM + ROW * len(whiskers)) as axes:
        axes.grid(visible=False, axis="y")
        axes.set(yticks=[], ylim=(len(whiskers), 0))
        if base is not None:
            axes.axvline(base, color=FAINT, linewidth=1, dashes=(4, 4))
        for row, one in enumerate(whiskers):
            style: Any = {"color": COLOURS[0], "clip_on": False}
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [row + 0.72] * 2, linewidth=2, **style)
            axes.plot([one.value], [row + 0.72], marker="o", markersize=8, markeredgewidth=0, **style)
            edge: Any = {"transform": axes.get_yaxis_transform(), "va": "center", "color": FAINT}
            axes.text(0, row + 0.3, _short(one.name, ROW_CHARACTERS - len(one.says)), **edge)
            axes.text(1, row + 0.3, one.says, ha="right", **edge)
        return _inline(axes, title, (), key)


def _powers(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")


@contextmanager
def _axes(x: str, y: str, height: float = HEIGHT) -> Iterator[Axes]:
    """Empty axes with titles, whatever settings of matplotlib its user has."""
    # What it has to say of fonts and its own folders is of no use to who wants a page.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(), warnings.catch_warnings(action="ignore"):
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(LOOK)
        drawing = Canvas((WIDTH / 72, height / 72), dpi=72)
        axes = drawing.add_axes(_place(LEFT if y else RIGHT, height), frame_on=False)
        axes.grid(color=RULE, linewidth=1)
        axes.tick_params(length=0, pad=GAP, labelcolor=FAINT)
        # Below the lowest of the other axis's numbers, which stands half below the corner.
        axes.tick_params(axis="x", pad=GAP + 5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:.6g}")
        axes.set_xlabel(_short(x), color=FAINT)
        axes.set_ylabel(_short(y), color=FAINT)
        axes.yaxis.set_label_coords(TITLE / WIDTH, 0.55, transform=drawing.transFigure)
        yield axes


def _place(left: float, height: float) -> tuple[float, float, float, float]:
    return left / WIDTH, BOTTOM / height, (WIDTH - left - RIGHT) / WIDTH, (height - TOP - BOTTOM) / height


def _height(axes: Axes) -> int:
    figure: Any = axes.figure
    return round(72 * figure.get_figheight())


def _make_room(axes: Axes) -> None:
    """Move the upright axis away from its title where numbers would reach that, and the other's last number inside."""
    figure: Any = axes.figure
    figure.draw_without_rendering()
    for text in axes.get_xticklabels():
        if text.get_window_extent().x1 > WIDTH:
            text.set_horizontalalignment("right")
    if not axes.get_ylabel():
        return
    widest = max((text.get_window_extent().width for text in axes.get_yticklabels()), default=0.0)
    beside = TITLE + axes.yaxis.label.get_window_extent().width / 2
    axes.set_position(_place(max(LEFT, beside + GAP / 2 + widest + GAP), _height(axes)))


def _plot(axes: Axes, lines: Sequence[Line]) -> None:
    for number, line in enumerate(lines):
        colour, dash = _look(number)
        marks: Any = {"marker": "o", "markersize": 6, "markeredgewidth": 0} if len(line.xs) < DOTS_BELOW else {}
        marks |= {"dashes": DASHES[dash]} if DASHES[dash] else {}
        if line.lows:
            axes.fill_between(line.xs, line.lows, line.highs, color=colour, alpha=BAND, linewidth=0)
        axes.plot(line.xs, line.ys, color=colour, linewidth=2, clip_on=False, gid=f"line{number}", **marks)


def _inline(axes: Axes, title: str, lines: Sequence[Line], key: str) -> Markup:
    """The picture as an element of a page, with a legend of the lines' names where there are several."""
    _make_room(axes)
    out = io.StringIO()
    figure: Any = axes.figure
    figure.savefig(out, format="svg", transparent=True, metadata=UNDATED)
    root = ElementTree.fromstring(out.getvalue())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
    _lean(root)
    for number, line in enumerate(lines):
        if line.name and (drawn := root.find(f".//g[@id='line{number}']")) is not None:
            named = Element("title")
            named.text = visible(line.name)
            drawn.insert(0, named)
    _own_ids(root, key)
    root.extend(_hovered(axes, lines))
    root.attrib = {"viewBox": f"0 0 {WIDTH} {_height(axes)}", "role": "img", "aria-label": visible(title)}
    svg = ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
    for stands_for, colour in OF_PAGE.items():
        svg = svg.replace(stands_for, colour)
    return Markup(svg) + (_legend(lines) if len(lines) > 1 or (lines and lines[0].name) else Markup())


def _hovered(axes: Axes, lines: Sequence[Line]) -> Iterator[Element]:
    """Unseen discs over some points of each line, which say their values where a pointer rests on them."""
    for line in lines:
        name = f"{visible(line.name)}: " if line.name else ""
        places = axes.transData.transform(list(zip(line.xs, line.ys, strict=True))) if line.xs else ()
        step = -(-len(line.xs) // MOST_HOVERED)
        for at in range(0, len(line.xs), step or 1):
            x, y = places[at]
            disc = Element("circle", cx=f"{x:.1f}", cy=f"{_height(axes) - y:.1f}", r="7", fill="transparent")
            said = Element("title")
            said.text = f"{name}{line.xs[at]:.4g}, {line.ys[at]:.4g}"
            disc.append(said)
            yield disc


def _lean(root: Element) -> None:
    """Without what speaks for the whole page (styles), what is not seen, fonts (the page has its own)."""
    for parent in reversed(list(root.iter())):
        for child in list(parent):
            unseen = child.tag == "path" and child.get("style") == "fill: none"
            empty = child.tag in ("g", "defs") and not len(child)
            if child.tag in ("metadata", "style", "clipPath") or unseen or empty:
                parent.remove(child)
    for element in root.iter():
        element.attrib.pop("clip-path", None)
        if not (element.text or "").strip():
            element.text = None
        if element.tag == "text":
            kept = [one for one in element.get("style", "").split("; ") if not one.startswith("font")]
            element.set("style", "; ".join(kept))
            if element.get("transform", "").startswith("rotate(-0 "):
                del element.attrib["transform"]
        if path := element.get("d"):
            element.set("d", " ".join(path.split()))


def _own_ids(root: Element, key: str) -> None:
    """Ids that are referred to made unlike those of other pictures, the others left out."""
    used = set()
    for element in root.iter("use"):
        name = element.attrib.pop(HREF).removeprefix("#")
        element.set("href", f"#{key}-{name}")
        used.add(name)
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{key}-{name}")


def _legend(lines: Sequence[Line]) -> Markup:
    item = Markup('<li><span class="key" style="border-top:2px {} {}"></span>{}</li>')
    items = []
    for number, line in enumerate(lines):
        colour, dash = _look(number)
        items.append(item.format(dash, colour, visible(line.name)))
    return Markup('<ul class="legend">{}</ul>').format(Markup().join(items))


def _look(number: int) -> tuple[str, str]:
    return COLOURS[number % len(COLOURS)], list(DASHES)[number // len(COLOURS) % len(DASHES)]


def _short(text: str, longest: int = LONGEST) -> str:
    shown = visible(text)
    return shown if len(shown) <= longest else f"{shown[:longest]}…"
