"""Schemes of writing spans as tags: which one a corpus has, to BIOES and back, and what to do with invalid tags.

A tag is ``O`` or a prefix, ``-`` (or ``_``) and a type, such as ``B-NP``. The schemes, by the prefixes of a span of one
and of several tokens:

- IOB2: ``B``; ``B I I``. Every span begins with B (CoNLL-2000; Tjong Kim Sang & Veenstra 1999).
- IOB1: ``I``; ``I I I``, and ``B`` in place of the first I only where the span touches one of its type before it.
- BIOES (also BILOU): ``S``; ``B I E`` (``U``; ``B I L``).
- BMES (also BMEO, BMOES): ``S``; ``B M E``.

Invalid sequences are repaired as conlleval reads them: a token that continues or ends a span where none of its type is
open begins one, and a span that is left without its end ends where it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rnncli.errors import DataError

OUTSIDE = "O"
ODD_SHARE = 0.01
"""Odd tags among all tags up to which they are slips."""
SLIP_SHARE = 0.05
"""Prefixes of another scheme among the tags of spans up to which they are slips."""
_PREFIXES = frozenset("BIESLUM")
_INTERNAL = {"L": "E", "U": "S", "M": "I"}


class OddTagsError(ValueError):
    """Tags of spans are mixed with others: ``share`` of all tags, from 0 to 1."""

    def __init__(self, share: float) -> None:
        super().__init__(f"{share:.1%} of the tags belong to no scheme of spans")
        self.share = share


@dataclass(frozen=True)
class Span:
    """Tokens ``start`` to ``end`` (exclusive) that form a span of type ``kind``."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Scheme:
    """How spans are written: the prefixes of the first, an inner and the last token, and of a span of one token."""

    name: str
    begin: str
    inner: str
    last: str
    single: str
    separator: str = "-"

    def write(self, spans: Iterable[Span], length: int) -> list[str]:
        """The tags of ``length`` tokens; the spans are in order and do not overlap."""
        tags = [OUTSIDE] * length
        before: Span | None = None
        for span in spans:
            touching = before is not None and before.end == span.start and before.kind == span.kind
            for at in range(span.start, span.end):
                tags[at] = self._prefix(span, at, touching) + (self.separator + span.kind if span.kind else "")
            before = span
        return tags

    def rename(self, tag: str) -> str:
        """How a tag of the internal scheme reads in this one, for all but IOB1, where neighbours decide."""
        prefix, _, kind = _cut(tag)
        names = {"B": self.begin, "I": self.inner, "E": self.last, "S": self.single}
        return OUTSIDE if tag == OUTSIDE else names[prefix] + (self.separator + kind if kind else "")

    def _prefix(self, span: Span, at: int, touching: bool) -> str:
        if self.name == "IOB1":
            return "B" if touching and at == span.start else "I"
        if span.end - span.start == 1:
            return self.single
        return self.begin if at == span.start else self.last if at == span.end - 1 else self.inner


SCHEMES = {
    "IOB1": Scheme("IOB1", "I", "I", "I", "I"),
    "IOB2": Scheme("IOB2", "B", "I", "I", "B"),
    "BIOES": Scheme("BIOES", "B", "I", "E", "S"),
    "BILOU": Scheme("BILOU", "B", "I", "L", "U"),
    "BMES": Scheme("BMES", "B", "M", "E", "S"),
}
INTERNAL = SCHEMES["BIOES"]


def recognise(sequences: Iterable[Sequence[str]]) -> Scheme | None:
    """The scheme of a corpus's tags, or None where they are no spans (parts of speech, say).

    Decided by the prefixes that occur; I and B alone are IOB2 unless some span begins with I and is not the
    continuation of one, and then IOB1 where B occurs between touching spans only. Where both kinds of beginnings occur,
    the more frequent rule wins. A few odd tags, such as ``0`` for ``O``, do not matter; raises OddTagsError where tags
    of spans are mixed with so many others that these are no slips.
    """
    prefixes: Counter[str] = Counter()
    separators: Counter[str] = Counter()
    starts: Counter[str] = Counter()
    odd: Counter[str] = Counter()
    for tags in sequences:
        previous = (OUTSIDE, "")
        for tag in tags:
            if is_odd(tag):
                odd[tag] += 1
                previous = (OUTSIDE, "")
                continue
            prefix, separator, kind = _cut(tag)
            prefixes[prefix] += 1
            separators[separator] += 1
            touching = previous[0] != OUTSIDE and previous[1] == kind
            if prefix in ("B", "I") and not (touching and prefix == "I"):
                starts[f"{prefix}{'+' if touching else ''}"] += 1
            previous = (prefix, kind)
    if not _are_spans(prefixes, separators, odd):
        return None
    name = _name(prefixes, starts)
    if name is None:
        return None
    separator = "_" if separators["_"] > separators["-"] else "-"
    known = SCHEMES[name]
    return Scheme(known.name, known.begin, known.inner, known.last, known.single, separator)


def is_odd(tag: str) -> bool:
    """Whether a tag is neither O nor of a span in any scheme, as ``0``, ``o`` or the ``Tag`` of a header."""
    return tag != OUTSIDE and _cut(tag)[0] not in _PREFIXES


def named(name: str) -> Scheme:
    """A scheme by its name; DataError where there is none."""
    aliases = {"BIO": "IOB2", "IOB": "IOB1", "IOBES": "BIOES", "BMEO": "BMES", "BMOES": "BMES", "BMESO": "BMES"}
    found = SCHEMES.get(aliases.get(name.upper(), name.upper()))
    if found is None:
        raise DataError(f'there is no tag scheme "{name}"', "the schemes are " + ", ".join(SCHEMES))
    return found


def read_spans(tags: Sequence[str], scheme: Scheme, *, strict: bool = False) -> tuple[list[Span], int]:
    """The spans that the tags mean, and how many tags broke the scheme's rules.

    ``strict`` leaves out spans that do not begin and end as the scheme says, which otherwise are repaired. Odd tags are
    read as O, and not counted.
    """
    spans: list[Span] = []
    repaired, begun, open_kind, whole = 0, -1, "", True
    known = {OUTSIDE, "B", scheme.begin, scheme.inner, scheme.last, scheme.single}
    for at, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, kind = _cut(OUTSIDE if is_odd(tag) else tag)
        repaired += prefix not in known
        prefix = _INTERNAL.get(prefix, prefix)
        goes_on = begun >= 0 and prefix in ("I", "E") and kind == open_kind
        if begun >= 0 and not goes_on:
            endless = scheme.last != scheme.inner  # left without the end that the scheme writes
            if not strict or (whole and not endless):
                spans.append(Span(open_kind, begun, at))
            repaired += endless
            begun = -1
        if prefix != OUTSIDE and begun < 0:
            whole = prefix not in ("I", "E") or scheme.name == "IOB1"
            repaired += not whole
            begun, open_kind = at, kind
        if begun >= 0 and prefix in ("E", "S"):
            if whole or not strict:
                spans.append(Span(open_kind, begun, at + 1))
            begun = -1
    return spans, repaired


def _cut(tag: str) -> tuple[str, str, str]:
    """Prefix, separator and type; a tag without a separator is a bare prefix."""
    if len(tag) > 1 and tag[1] in "-_":
        return tag[0], tag[1], tag[2:]
    return tag, "", ""


def _are_spans(prefixes: Counter[str], separators: Counter[str], odd: Counter[str]) -> bool:
    """Whether tags are spans in spite of odd ones; raises OddTagsError where they are neither that nor something else.

    Bare letters may be parts of speech (M is a measure word), so with odd tags beside them only a share of slips will
    do; a prefix with a type is no accident, and where most tags have one, the user has to say what the rest means.
    """
    inside = prefixes.total() - prefixes[OUTSIDE]
    if not odd or not inside:
        return inside > 0
    share = odd.total() / (prefixes.total() + odd.total())
    typed = separators["-"] + separators["_"]
    zeros = odd["0"] + odd["o"]  # which stand for O
    if 2 * odd.total() <= inside and (share <= ODD_SHARE or (odd.total() <= 2 and typed)):
        return True
    if typed > odd.total() - zeros:
        raise OddTagsError(share)
    return False


def _name(counts: Counter[str], starts: Counter[str]) -> str | None:
    """The scheme by the prefixes that occur, but for slips, a few of another scheme."""
    if not set(counts) - {OUTSIDE}:
        return None
    slips = SLIP_SHARE * _others(counts, "")
    if counts["L"] + counts["U"] > max(slips, counts["E"] + counts["S"]):
        return "BILOU" if _others(counts, "BILU") <= slips else None
    if counts["M"] > min(slips, counts["I"]):
        return "BMES" if _others(counts, "BMES") <= slips else None
    if _others(counts, "BIES") > slips:
        return None
    if 2 * (counts["E"] + counts["S"]) > max(counts["B"], 2 * slips):  # a few may be mistakes
        return "BIOES"
    plain_i, plain_b, touching_b = starts["I"], starts["B"], starts["B+"]
    return "IOB1" if plain_i > plain_b + touching_b or (plain_i and not plain_b) else "IOB2"


def _others(counts: Counter[str], prefixes: str) -> int:
    return sum(count for prefix, count in counts.items() if prefix not in (OUTSIDE, *prefixes))
