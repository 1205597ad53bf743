"""Tables that let a person judge data before training on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from rnncli.data import splits
from rnncli.report.build import ReportTable

MOST_NAMED = 8
"""Groups of two parts that are named."""


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
