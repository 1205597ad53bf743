"""Tables that let a person judge data before training on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from rnncli.data import splits
from rnncli.report.build import ReportTable

MOST_NAMED = 8
"""Groups of two parts that are named."""
QUANTILES = ("least", "median", "95 %", "most")
P = TypeVar("P")


def by_split(
    title: str, columns: Sequence[str], parts: Mapping[str, P], cells: Callable[[P], Sequence[str]]
) -> ReportTable:
    """A row a part, ``cells`` of it behind its name."""
    return ReportTable(title, ("split", *columns), tuple((name, *cells(part)) for name, part in parts.items()))


def quantiles(values: np.ndarray, form: str = ",.0f") -> list[str]:
    """What stands under :data:`QUANTILES`."""
    return [f"{q:{form}}" for q in np.quantile(values, [0, 0.5, 0.95, 1])]


def counted(
    title: str, what: str, counts: Mapping[str, Counter[str]], *, shares: bool = False, lacking: bool = False
) -> ReportTable:
    """How often each ``what`` occurs in each part, perhaps with its share of the part.

    Sorted by name or, if it is also said which are ``lacking`` in train, the most frequent first.
    """
    every = sum(counts.values(), Counter[str]())
    rows = []
    for name in [name for name, _ in every.most_common()] if lacking else sorted(every):
        cells = [_share(found[name], found.total()) if shares else f"{found[name]:,}" for found in counts.values()]
        rows.append((name, *cells, *(["" if counts["train"][name] else "not in train"] if lacking else [])))
    return ReportTable(title, (what, *counts, *([""] if lacking else [])), tuple(rows))


def overlaps(what: str, prints: Mapping[str, np.ndarray]) -> ReportTable:
    """How many ``what`` are equal within a part and across parts, by their fingerprints (rnncli.data.splits)."""
    rows = [(f"within {name}", f"{len(splits.duplicates(found)):,}") for name, found in prints.items()]
    for one, other in combinations(prints, 2):
        rows.append((f"{other} also in {one}", f"{len(splits.overlap(prints[one], prints[other])):,}"))
    return ReportTable(f"equal {what}", ("where", what), tuple(rows))


def shared_groups(what: str, of_parts: Mapping[str, Sequence[str]]) -> ReportTable:
    """How many groups each part has, empty names left out, and which of them train has too; ``what`` they are."""
    own = {name: set(groups) - {""} for name, groups in of_parts.items()}
    rows = []
    for name, groups in own.items():
        common = ", ".join(sorted(groups & own["train"])[:MOST_NAMED]) if name != "train" else ""
        rows.append((name, f"{len(groups):,}", common or "-"))
    return ReportTable(what, ("split", what, "also in train"), tuple(rows))


def _share(count: int, total: int) -> str:
    return f"{count:,}  {100 * count / max(1, total):.1f} %"
