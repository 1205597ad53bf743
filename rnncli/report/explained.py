"""A page of explanations: one file, no network."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from rnncli.report.figures import Media
from rnncli.report.page import page_of

MOST_COLUMNS, MOST_TICKS, MOST_PICTURES = 120, 12, 24
"""Columns of a strip, of more pieces several together; times and pictures above them."""
MOST_PICTURED = 40
"""Examples of a page that have pictures."""


@dataclass(frozen=True)
class ToldAnswer:
    """An answer as JSON has it, and what stands behind each of its pieces.

    ``strip`` is what example it is that has times, the same for answers that belong together; ``pictures`` are those of
    the pieces that :func:`pictured` names.
    """

    row: Mapping[str, Any]
    gaps: Sequence[str]
    strip: Hashable = None
    pictures: Sequence[Media] = ()


def pictured(pieces: int) -> list[int]:
    """Of which pieces pictures are shown: the middles of equal stretches."""
    columns = _cuts(pieces, MOST_COLUMNS)
    cuts = _cuts(len(columns) - 1, MOST_PICTURES)
    return [(columns[low] + columns[high]) // 2 for low, high in pairwise(cuts)]


def explained_page(answers: Sequence[ToldAnswer], method: str, run: str) -> str:
    """The answers, each piece as strong a colour as it adds much: of one kind what speaks for the label, or against.

    Frames are columns of a table, the answers about one clip its rows.
    """
    shown = []
    for strip, group in groupby(answers, lambda one: one.strip):
        some = list(group)
        shown += [_shown(one) for one in some] if strip is None else [_strip(some)]
    looked = any(row["beside"] for one in shown for row in one.get("rows", ()))
    title = f"What predictions of {run} hang on"
    return page_of("explained.html.j2", title=title, method=method, answers=shown, looked=looked)


def _strip(answers: Sequence[ToldAnswer]) -> dict[str, Any]:
    """A table: pictures and times above, a row an answer, and below it where it looked."""
    first = answers[0]
    pieces = first.row["pieces"]
    columns = _cuts(len(pieces), MOST_COLUMNS)
    pictures = zip(pairwise(_cuts(len(columns) - 1, MOST_PICTURES)), first.pictures, strict=False)
    return {
        "title": first.row.get("name", ""),
        "pictures": [(high - low, media, pieces[columns[low]]["piece"]) for (low, high), media in pictures],
        "ticks": [
            (high - low, pieces[columns[low]]["piece"]) for low, high in pairwise(_cuts(len(columns) - 1, MOST_TICKS))
        ],
        "rows": [row for one in answers for row in _strip_rows(one.row, columns)],
        "facts": [(_head(one.row), f"sum {_facts(one.row)[-1][1]}") for one in answers],
    }


def _strip_rows(answer: Mapping[str, Any], columns: Sequence[int]) -> Iterator[dict[str, Any]]:
    pieces = answer["pieces"]
    amounts = [sum(one["adds"] for one in pieces[low:high]) for low, high in pairwise(columns)]
    most = max(map(abs, amounts), default=0.0) or 1.0
    begin, end = answer.get("at") or (0, 0)
    cells = [
        {
            "kind": f"speaks {'for' if amount > 0 else 'against'}{' within' if begin <= low < end else ''}",
            "shade": round(100 * abs(amount) / most),
            "says": f"{pieces[low]['piece']}: {amount:+.3f}",
        }
        for amount, low in zip(amounts, columns, strict=False)
    ]
    yield {"name": answer["label"], "says": _head(answer), "cells": cells, "beside": False}
    if "looked" in pieces[0]:
        looked = [sum(one["looked"] for one in pieces[low:high]) for low, high in pairwise(columns)]
        most = max(looked) or 1.0
        cells = [
            {
                "kind": "shaded",
                "shade": round(60 * share / most),
                "says": f"{pieces[low]['piece']}: {100 * share:.0f} %",
            }
            for share, low in zip(looked, columns, strict=False)
        ]
        yield {"name": "looked at", "says": "where it looked, which is not why", "cells": cells, "beside": True}


def _cuts(count: int, most: int) -> list[int]:
    """The ends of at most so many stretches of ``count``, as equal as whole ones are."""
    parts = min(count, most)
    return [round(at * count / max(1, parts)) for at in range(parts + 1)]


def _shown(told: ToldAnswer) -> dict[str, Any]:
    answer = told.row
    most = max((abs(one["adds"]) for one in answer["pieces"]), default=0.0) or 1.0
    pieces = [
        {
            "text": one["piece"],
            "gap": gap,
            "says": f"{one['adds']:+.3f}",
            "kind": ("for" if one["adds"] > 0 else "against") if one["adds"] else "",
            "shade": round(100 * abs(one["adds"]) / most),
        }
        for one, gap in zip(answer["pieces"], told.gaps, strict=True)
    ]
    return {"head": _head(answer), "pieces": pieces, "facts": _facts(answer)}


def _facts(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the amounts are made of; last the sum beside what it should be."""
    off = "" if answer["adds_up"] else ", and so it is off by more than 1 %"
    facts = [(name, f"{amount:+.3f}") for name, amount in answer["inputs"].items()]
    facts += [(f"{name} would give", f"{odds:+.3f}") for name, odds in answer["beside"].items()]
    return [*facts, ("sum", f"{answer['sum']:+.3f} of {answer['difference']:+.3f}{off}")]


def _head(answer: Mapping[str, Any]) -> str:
    at = answer.get("at")
    where = ""
    if "seconds" in answer:
        where = " at {:.2f} - {:.2f} s".format(*answer["seconds"])
    elif at:
        where = " at " + " ".join(one["piece"] for one in answer["pieces"][slice(*at)])
    return f"{answer['label']}{where}, {100 * answer['probability']:.1f} %, log-odds {answer['log_odds']:+.2f}"
