"""What is odd in data: equal examples with two truths, texts that stand for no text, test examples seen in training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from rnncli.report.build import Advice

NO_LABELS = frozenset(
    ("n/a", "#n/a", "n.a.", "na", "nan", "null", "nil", "(null)", "<null>", "\\n", "-", "--", "—", "?")
)
"""Labels that tables write where there is none; compared in lower case."""
NO_TEXTS = NO_LABELS | {"none", "–", ".", "missing", "undefined", "[deleted]", "[removed]"}
"""Texts that they write where there is no text."""
NAMED = 3
"""Spellings that a sentence names."""
LEAKING, FEW_LEAKS = 0.01, 3
"""The share of test examples from which on it matters that training has them, and how many must be there to matter."""


def two_truths(
    parts: Mapping[str, Any],
    inputs: Mapping[str, Iterable[Any]],
    truths: Mapping[str, Iterable[Any]],
    what: str,
    truth: str,
) -> Iterator[Advice]:
    """Equal ``what`` that have another ``truth`` somewhere; both are given by part, or hashes in their place."""
    first: dict[int, tuple[Any, str, int]] = {}
    odd: dict[int, tuple[str, str]] = {}
    for name, part in parts.items():
        for row, (one, true) in enumerate(zip(inputs[name], truths[name], strict=True)):
            known = first.setdefault(hash(one), (true, name, row))
            if known[0] != true and hash(one) not in odd:
                odd[hash(one)] = parts[known[1]].place(known[2]), part.place(row)
    if odd:
        one, other = next(iter(odd.values()))
        stand = "stands" if len(odd) == 1 else "stand"
        says = f"{len(odd):,} of the {what} {stand} there again with other {truth} ({one} and {other}, say)"
        yield Advice(says, f"decide on one {truth.removesuffix('s')} for each, for nobody can get both right", rank=28)


def no_texts(parts: Mapping[str, Any], texts: Mapping[str, Iterable[str]], what: str = "texts") -> Iterator[Advice]:
    """Texts such as N/A, null or a dash, which are learnt from as if they were texts."""
    spelt: dict[str, int] = {}
    place = ""
    for name, part in parts.items():
        for row, text in enumerate(texts[name]):
            if len(text) < 16 and (bare := text.strip()).lower() in NO_TEXTS:
                spelt[bare] = spelt.get(bare, 0) + 1
                place = place or part.place(row)
    if spelt:
        count = sum(spelt.values())
        says = f"{count:,} of the {what} {'are' if count > 1 else 'is'} {_named(spelt)} ({place} first)"
        yield Advice(says, "if that means that there is none, leave these cells empty: such rows are left out", rank=32)


def no_labels(labels: Iterable[str], what: str = "label") -> Iterator[Advice]:
    """Labels such as nan or null, which are learnt as a class of their own."""
    odd = [label for label in labels if label.lower() in NO_LABELS]
    if odd:
        says = f"{_named(dict.fromkeys(odd, 1))} is learnt as a {what}"
        yield Advice(says, "if that means that there is none, leave these cells empty: such rows are left out", rank=31)


def leaks(parts: Mapping[str, Sized], inputs: Mapping[str, Iterable[Any]], what: str) -> Iterator[Advice]:
    """Examples of test that training has as well."""
    if "test" not in parts:
        return
    seen = {hash(one) for one in inputs["train"]}
    count = sum(hash(one) in seen for one in inputs["test"])
    share = count / max(1, len(parts["test"]))
    if share >= LEAKING and count >= FEW_LEAKS:
        says = f"{count:,} of the {len(parts['test']):,} {what} of test ({100 * share:.0f} %) are also in train"
        yield Advice(says, "take them out of one of the two, for figures of what was seen are too good", rank=22)


def _named(spelt: Mapping[str, int]) -> str:
    most = sorted(spelt, key=lambda one: -spelt[one])
    return ", ".join(f'"{one}"' for one in most[:NAMED]) + (" and the like" if most[NAMED:] else "")
