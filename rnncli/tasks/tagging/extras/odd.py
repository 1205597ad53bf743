"""Tags that are slips: of no scheme of spans, or with something invisible around them; counted and named by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from rnncli.data.tables.table import Table
from rnncli.data.text.tagschemes import Scheme, is_odd

NAMED = 3
"""Slips of a kind that are named with their lines."""
_AROUND = re.compile(r"^[\s\u200b-\u200f\u2060\ufeff]+|[\s\u200b-\u200f\u2060\ufeff]+$")


def stripped(tag: str) -> str:
    """A tag without blanks of any kind and marks without a width around it."""
    return tag if tag.isascii() and tag.isprintable() and " " not in tag else _AROUND.sub("", tag)


def notes(table: Table, scheme: Scheme | None, written: Callable[[], Iterable[Sequence[str]]]) -> Iterator[str]:
    """What to say of the slips among tags as the source writes them."""
    if scheme is not None:
        count, places = odd_tags(table, written())
        if count:
            yield f"{count:,} {_are(count)} not written in {scheme.name}, read as O: {places}"
    count, places = _that(lambda tag: tag != stripped(tag), table, written())
    if count:
        yield f"{count:,} {_are(count)} read without the invisible characters around: {places}"


def odd_tags(table: Table, written: Iterable[Sequence[str]]) -> tuple[int, str]:
    """How many tags are of no scheme of spans, and the first of them with their places."""
    return _that(lambda tag: is_odd(stripped(tag)), table, written)


def _that(test: Callable[[str], bool], table: Table, sequences: Iterable[Sequence[str]]) -> tuple[int, str]:
    fine: set[str] = set()
    count, named = 0, []
    for row, tags in enumerate(sequences):
        if fine.issuperset(tags):
            continue
        slips = [(at, tag) for at, tag in enumerate(tags) if test(tag)]
        fine.update(set(tags) - {tag for _, tag in slips})
        count += len(slips)
        named += [f"{tag!a} ({table.place_of_word(row, at)})" for at, tag in slips[: NAMED - len(named)]]
    return count, ", ".join(named) + (f" and {count - len(named):,} more" if count > len(named) else "")


def _are(count: int) -> str:
    return "tag is" if count == 1 else "tags are"
