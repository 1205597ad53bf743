"""Explanations on a terminal, in colours, or as plain lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from rnncli.cli.strips import AGAINST, FOR, strip
from rnncli.cli.terminal import Terminal
from rnncli.report.layout import grid, visible

if TYPE_CHECKING:
    from rnncli.explain.answer import Explanation
    from rnncli.explain.choice import ChosenMethod
    from rnncli.explain.deletion import Interval
    from rnncli.runs.explaining import Summary

LEVELS = ((0.6, "reverse bold"), (0.3, "bold"), (0.1, ""))
"""From which share of the largest amount on a piece is shown how; of less it has no colour."""
STRONGEST = 5
MOST_LABELS = 20
"""Of more labels those that nothing speaks for are but counted."""
MOST_FRAMES = 5
"""Of frames that speak for a label, whose neighbours do so too."""
MOST_WHOLE, AROUND = 300, 6
"""Of more pieces than these only what stands around the strongest is shown, so many on either side."""


def show_answers(terminal: Terminal, answers: Sequence[Explanation], choice: ChosenMethod, piece: str) -> None:
    """Each answer: the label, the text in colours or a strip of time, what is strongest.

    Of a pipe, and of texts where there are no colours, a piece and its amount a line.
    """
    title = ""
    for number, answer in enumerate(answers):
        if number:
            terminal.out.print()
        if answer.pieces.title != title:
            title = answer.pieces.title
            _print(terminal, Text(visible(title), style="underline"))
        _print(terminal, _heading(answer))
        if terminal.out.is_terminal and (answer.pieces.line or terminal.out.color_system is not None):
            for line in _drawn(answer, terminal):
                terminal.out.print(line, soft_wrap=True)
            _print(terminal, _strongest(answer))
        else:
            for shown, amount in zip(answer.pieces.shown, answer.attribution.amounts_P.tolist(), strict=True):
                sys.stdout.write(f"{visible(shown)}\t{amount:+.3f}\n")
        for line in _checks(answer, piece):
            _print(terminal, Text(line, style="dim"))
    terminal.say(f"method {choice.why}", style="dim")


def show_summary(terminal: Terminal, found: Summary, choice: ChosenMethod, piece: str) -> None:
    """Words that speak for each label, with counts and intervals; and what deleting the first ones does."""
    from rnncli.explain.deletion import COUNTS, TOLD_BY

    several = len(found.speakers) > MOST_LABELS
    told = {label: listed for label, listed in found.speakers.items() if listed or not several}
    for label, listed in told.items():
        _print(terminal, Text(f"speaks for {visible(label)}", style="bold"))
        rows = [
            [one.name, f"{one.count:,}", f"{one.adds:+.2f}", f"{one.low:+.2f} .. {one.high:+.2f}"]
            for one in listed[: MOST_FRAMES if piece == "frame" else None]
        ]
        heads = [[piece, "seen in", "adds", "95 % interval"]] if rows else [["nothing, beyond doubt"]]
        lines = grid(heads + rows, "lrrr" if rows else "l", width=_width(terminal), flexible=[0])
        for line in lines:
            terminal.out.print(Text("  ").append_text(line), soft_wrap=True)
    if several:
        _print(terminal, Text(f"{len(found.speakers) - len(told):,} other labels: nothing, beyond doubt"))
    curve = found.curve
    if not curve.enough:
        _print(terminal, Text(f"deletion: {curve.examples} examples are too few to tell anything"))
    else:
        both = zip(COUNTS, curve.means("named"), curve.means("random"), strict=True)
        heads = [[f"{piece}s deleted", "probability falls by", "random ones"]]
        lines = grid(heads + [[str(n), _points(one), _points(other)] for n, one, other in both], "rrr")
        for line in lines:
            terminal.out.print(line, soft_wrap=True)
        ratio, more = curve.ratio, curve.advantage
        times = f"{ratio.value:.1f} times as far as with random ones ({ratio.low:.1f} .. {ratio.high:.1f})"
        said = f"{TOLD_BY} deleted: {times}"
        if not curve.beats_chance:
            said = (
                "these explanations are no better than chance: with random ones the probability falls as far "
                f"({100 * more.value:+.1f} points, {100 * more.low:+.1f} .. {100 * more.high:+.1f})"
            )
        _print(terminal, Text(said, style="bold"))
    _print(terminal, Text(_added(found), style="dim"))
    terminal.say(f"method {choice.why}", style="dim")


def _added(found: Summary) -> str:
    short = f"; {found.curve.short:,} were too short to delete from" if found.curve.short else ""
    return f"{found.questions:,} explained, {found.added_up:,} of them add up to within 1 %{short}"


def _heading(answer: Explanation) -> Text:
    question, found = answer.question, answer.attribution
    head = Text(visible(question.label), style="bold")
    if answer.seconds is not None:
        head.append(" at {:.2f} - {:.2f} s".format(*answer.seconds), style="default not bold")
    elif question.at is not None:
        head.append(f" at {visible(' '.join(answer.pieces.shown[slice(*question.at)]))}", style="default not bold")
    told = f"  {100 * question.probability:.1f} %, log-odds {found.end:+.2f}"
    return head.append(told, style="default not bold")


def _drawn(answer: Explanation, terminal: Terminal) -> Iterator[Text]:
    """The lines of a strip, or of the text in colours."""
    if answer.pieces.line is not None:
        yield from strip(answer, terminal.out.width)
        return
    for line in _marked(answer).wrap(terminal.out, terminal.out.width) if answer.pieces.shown else []:
        line.rstrip()
        yield line


def _marked(answer: Explanation) -> Text:
    """The pieces in colours; of a long example what stands around the strongest."""
    amounts = answer.attribution.amounts_P
    most = max(map(abs, amounts.tolist()), default=0.0) or 1.0
    kept = _kept(answer)
    text, left_out = Text(), 0
    for at, (shown, gap, amount) in enumerate(
        zip(answer.pieces.shown, answer.pieces.gaps, amounts.tolist(), strict=True)
    ):
        if at not in kept:
            left_out += 1
            continue
        if left_out:
            text.append(f"[{left_out:,} more] ", style="dim")
            left_out = 0
        text.append(visible(shown), style=_style(amount / most)).append(gap)
    return text.append(f"[{left_out:,} more]", style="dim") if left_out else text


def _kept(answer: Explanation) -> set[int]:
    count = len(answer.pieces.shown)
    if count <= MOST_WHOLE:
        return set(range(count))
    strongest = abs(answer.attribution.amounts_P).argsort()[-12:].tolist()
    return {at for one in strongest for at in range(one - AROUND, one + AROUND + 1)}


def _style(share: float) -> str:
    for least, style in LEVELS:
        if abs(share) >= least:
            return f"{style} {FOR if share > 0 else AGAINST}".strip()
    return ""


def _strongest(answer: Explanation) -> Text:
    amounts = answer.attribution.amounts_P.tolist()
    order = sorted(range(len(amounts)), key=lambda at: -amounts[at])
    parts = (("for", order[:STRONGEST], FOR), ("against", order[::-1][:STRONGEST], AGAINST))
    text = Text()
    for name, some, style in parts:
        named = [at for at in some if (amounts[at] > 0) == (name == "for") and round(amounts[at], 2)]
        if named:
            text.append("; " if text else "").append(f"{name} ", style=style)
            text.append(", ".join(f"{visible(answer.pieces.shown[at])} {amounts[at]:+.2f}" for at in named))
    return text


def _checks(answer: Explanation, piece: str) -> Iterator[str]:
    """What the amounts are made of, whether they add up, and what else there is to know."""
    found = answer.attribution
    if len(found.streams) > 1:
        parts = zip(found.streams, found.parts_SP.sum(1).tolist(), strict=True)
        yield "of it " + ", ".join(f"{name} {amount:+.2f}" for name, amount in parts)
    for name, odds in found.beside.items():
        yield f"{name} would give log-odds {odds:+.2f}"
    sum_, difference = float(found.parts_SP.sum()), found.end - found.start
    held = f"{answer.against} {piece}s" if answer.against == "unknown" else "zeros"
    if found.adds_up:
        yield f"sum {sum_:+.2f} of {difference:+.2f} more than {held} have"
    else:
        off = f"{100 * found.off / abs(difference):.0f} %" if difference else f"{found.off:.2f}"
        yield f"the sum {sum_:+.2f} is off by {off}: {difference:+.2f} more than {held} have is to be explained"


def _bounds(low: float, high: float) -> str:
    return f"{low:+.2f} .. {high:+.2f}"


def _points(one: Interval) -> str:
    return f"{100 * one.value:.1f}  ({100 * one.low:.1f} .. {100 * one.high:.1f})"


def _width(terminal: Terminal) -> int | None:
    return terminal.out.width - 2 if terminal.out.is_terminal else None


def _print(terminal: Terminal, text: Text) -> None:
    terminal.out.print(text, soft_wrap=not terminal.out.is_terminal)
