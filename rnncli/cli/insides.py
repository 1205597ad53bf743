"""What ``rnncli inspect`` shows: shaded texts and tables on a terminal, plain tables in a pipe, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.text import Text

from rnncli.cli.shades import bars, ground, shaded
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.inspection.views import LayerView
from rnncli.report.inside import InsideUse
from rnncli.report.inside_tables import sentences, tables
from rnncli.report.layout import shorten, visible
from rnncli.report.numbers import plain
from rnncli.runs.inside import InsideAsked, Looked, Matched
from rnncli.tasks.predictors import Coloured

MOST_STEPS, SHOWN_STEPS = 40, 20
"""Steps in a table on a terminal; of more so many are shown, the liveliest. A pipe gets all."""
AROUND = 4
"""Steps shown on either side of a match."""
PICTURE = 40
"""Columns of a small picture of a unit."""
INDENT = "  "


def show_look(terminal: Terminal, asked: InsideAsked, found: Looked, npz: Path | None) -> None:
    """One input through one layer."""
    if terminal.json:
        terminal.result(plain(found.to_dict()))
        return
    if npz:
        terminal.out.print(str(npz), soft_wrap=True)
        return
    steps = len(found.names)
    head = f"{found.core.describe()}; layer {found.layer}, {steps} {found.unit}{'s'[: steps != 1]}"
    terminal.say(head, style="dim")
    if not steps:
        terminal.say(f"no {found.unit} is read of it, so that there is nothing to see")
        return
    if not terminal.out.is_terminal:
        _print_rows(terminal, asked, found)
        return
    for view in found.views:
        terminal.out.print()
        _print_view(terminal, asked, found, view)


def show_units(terminal: Terminal, use: InsideUse) -> None:
    """What the units do over a split."""
    if terminal.json:
        terminal.result(use.to_dict())
        return
    for line in sentences(use):
        terminal.say(line, style="dim")
    for number, table in enumerate(tables(use)):
        if number:
            terminal.out.print()
        terminal.out.print(Text(table.title, style="bold"))
        print_table(terminal, table.columns, [[_cell(value) for value in row] for row in table.rows])


def show_matches(terminal: Terminal, text: str, found: Matched) -> None:
    """Where else the units of a span light up."""
    if terminal.json:
        terminal.result(plain(found.to_dict(text)))
        return
    lit = ", ".join(f"{direction} {one.unit} ({one.deviations:+.1f})" for direction, one in found.lit)
    names = found.look.steps[0].names[found.span[0] - 1 : found.span[1]]
    gap = found.look.gap
    terminal.say(f"layer {found.layer}, units most off their means at {visible(gap.join(names))}: {lit}", style="dim")
    rows = []
    for steps, match in found.found:
        cuts = (max(0, match.begin - AROUND), match.begin, match.end, match.end + AROUND)
        rows.append([f"{match.strength:.2f}", *(gap.join(steps.names[a:b]) for a, b in pairwise(cuts)), steps.place])
    if not terminal.out.is_terminal:
        print_table(terminal, ["strength", "before", "match", "behind", "place"], rows)
        return
    lines = [
        [Coloured(f"{strength}  {before}{gap}"), Coloured(here, 1), Coloured(f"{gap}{behind}  "), Coloured(place, 2)]
        for strength, before, here, behind, place in rows
    ]
    print_table(terminal, ["strength, and the steps with those around them"], [[line] for line in lines])


def _print_view(terminal: Terminal, asked: InsideAsked, found: Looked, view: LayerView) -> None:
    """One direction on a terminal: the shaded text, a table of steps, units as small pictures."""
    title, values = _shown(asked, view)
    most = max(map(abs, values))
    scale = 1.0 if title.endswith(("gate", "candidate")) else most
    low, high = min(values), max(values)
    terminal.out.print(Text.assemble((view.direction, "bold"), f": {title} by {found.unit}, {low:.2f} to {high:.2f}"))
    if terminal.out.color_system:
        terminal.out.print(_indented(terminal, shaded(found.names, values, found.gap, scale)))
    heads, rows = _table(asked, found, view)
    if len(rows) > MOST_STEPS:
        liveliest = sorted(range(len(rows)), key=lambda t: -abs(values[t]))[:SHOWN_STEPS]
        rest = f"the {SHOWN_STEPS} of {len(rows):,} {found.unit}s with the largest values; a pipe or --json has all"
        terminal.say(rest, style="dim")
        heads, rows = ["step", *heads], [[str(t + 1), *rows[t]] for t in sorted(liveliest)]
    print_table(terminal, heads, rows)
    if asked.unit is None:
        _print_liveliest(terminal, found, view)


def _print_liveliest(terminal: Terminal, found: Looked, view: LayerView) -> None:
    terminal.out.print(Text(f"units whose h moves most, by {found.unit}", style="dim"))
    width = max(8, min(PICTURE, terminal.out.width - 30))
    for one in view.units:
        h = one.values["h"]
        low, high = min(h), max(h)
        line = Text(f"{INDENT}{one.unit:>4}  {bars(h, low, high, width)}  {low:+.2f} to {high:+.2f}")
        strongest = max(range(len(h)), key=lambda t: abs(h[t]))
        room = terminal.out.width - line.cell_len - 6
        line.append(" at ", style="dim")
        line.append(shorten(visible(found.names[strongest]), max(6, room)), style=ground(h[strongest] / 2))
        terminal.out.print(line, soft_wrap=True)


def _print_rows(terminal: Terminal, asked: InsideAsked, found: Looked) -> None:
    """All directions as one table of plain numbers."""
    rows = []
    heads: list[str] = []
    for view in found.views:
        heads, own = _table(asked, found, view)
        rows += [[view.direction, str(t), *row] for t, row in enumerate(own, start=1)]
    print_table(terminal, ["direction", "step", *heads], rows)


def _shown(asked: InsideAsked, view: LayerView) -> tuple[str, Sequence[float]]:
    """What the text is shaded by, and its values."""
    if asked.unit is not None:
        name = asked.gate or "h"
        return f"{_called(name)} of unit {asked.unit}", view.units[0].values[name]
    if asked.gate is not None:
        return f"mean {_called(asked.gate)}", view.means[asked.gate]
    return "how far h moves", view.moved


def _called(name: str) -> str:
    return name if name in ("h", "c", "candidate", "hidden") else f"{name} gate"


def _table(asked: InsideAsked, found: Looked, view: LayerView) -> tuple[list[str], list[list[str]]]:
    """A row for each step: of a unit all that it has, else how far h moves and the mean gates."""
    if asked.unit is not None:
        columns: dict[str, Sequence[float]] = dict(view.units[0].values)
    else:
        # The hidden of an rnn is its h, whose mean over the units says nothing unless it is asked for.
        means = {name: one for name, one in view.means.items() if name != "hidden" or asked.gate == name}
        columns = {"moved": view.moved, **means}
    rows = [[visible(name), *(f"{value[t]:.3f}" for value in columns.values())] for t, name in enumerate(found.names)]
    return [found.unit, *columns], rows


def _indented(terminal: Terminal, text: Text) -> Text:
    lines = text.wrap(terminal.out, max(8, terminal.out.width - 2 * len(INDENT)))
    return Text("\n").join(Text(INDENT).append_text(line) for line in lines)


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
