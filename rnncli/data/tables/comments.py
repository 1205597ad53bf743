"""Comments and headers in CoNLL files, told from tokens by what the columns of the file hold elsewhere.

The word ``#`` may begin a sentence, and a comment may have as many fields as a token::

    # newdoc        a comment: no other line has "newdoc" among its tags
    # O             a token: O is a tag
    Word Tag        a header, where no other line has the tag "Tag"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

DISTINCT = 1000
"""Values of a column that are remembered; a column of more holds no tags."""
_WELL_KNOWN = re.compile(
    r"#\s*(newdoc|newpar|sent_id)\b|#\s+(id|sent|sentence|doc|document|text|source)\b|#\s*[\w.:-]+\s*="
)
_SPAN_TAG = re.compile(r"O|[BIESLUM][-_].+")
_TOKEN_NAMES = {"token", "tokens", "word", "words", "form", "text"}
_TAG_NAMES = {"tag", "tags", "label", "labels", "ne", "ner", "pos", "upos", "xpos", "chunk", "entity", "iob", "bio"}
"""Words that the names of columns of tags are made of, as in ner_tags and NE-COARSE-LIT."""
_BETWEEN = re.compile(r"[\s_.:-]+")


class Values:
    """What each column behind the first holds in the lines that are tokens for certain."""

    def __init__(self) -> None:
        self.rows = 0
        self._seen: list[set[str]] = []
        self._span_tags: list[int] = []

    def add(self, fields: Sequence[str]) -> None:
        """Take note of the fields of a token, which are as many each time."""
        if not self.rows:
            self._seen = [set() for _ in fields[1:]]
            self._span_tags = [0] * len(self._seen)
        self.rows += 1
        for at, value in enumerate(fields[1:]):
            if len(self._seen[at]) <= DISTINCT:
                self._seen[at].add(value)
            self._span_tags[at] += _SPAN_TAG.fullmatch(value) is not None

    def fits(self, fields: Sequence[str]) -> bool | None:
        """Whether the fields are such as tokens have; None where no column is known well enough to tell.

        Columns of span tags decide where there are any, else those of few values, such as parts of speech, of which
        half must know theirs: a tag may occur a single time. The word # may have the tag #, as in the Penn treebank, or
        one of its own in capital letters, as SYM, where all tags are.
        """
        if not self.rows or len(fields) != len(self._seen) + 1:
            return None
        spans = self.columns_of_spans
        if spans:
            return all(_SPAN_TAG.fullmatch(fields[at + 1]) or fields[at + 1] in self._seen[at] for at in spans)
        closed = [at for at, seen in enumerate(self._seen) if self._is_closed(seen)]
        if not closed:
            return None
        known = sum(fields[at + 1] in self._seen[at] or self._may_be_of(fields, at) for at in closed)
        return 2 * known >= len(closed)

    @property
    def columns_of_spans(self) -> list[int]:
        """The columns nearly all of whose values are span tags, but for a header and some slips; 0 is the second."""
        return [at for at, count in enumerate(self._span_tags) if 10 * count >= 9 * self.rows]

    def _may_be_of(self, fields: Sequence[str], at: int) -> bool:
        """Whether a field that no certain token has may be the tag of the word #."""
        tag = fields[at + 1]
        capitals = tag.isupper() and all(value == value.upper() for value in self._seen[at])
        return fields[0] == "#" and (tag == "#" or capitals)

    def _is_closed(self, seen: set[str]) -> bool:
        few = len(seen) <= DISTINCT and 2 * len(seen) <= self.rows
        return (few or len(seen) == 1) and not all(value.isdecimal() for value in seen)


def is_well_known(text: str) -> bool:
    """Whether a line that begins with # is a comment as corpora have them: ``# newdoc``, ``# key = value``."""
    return _WELL_KNOWN.match(text) is not None


def has_names(fields: Sequence[str]) -> bool:
    """Whether the fields of a line read like the names of columns: one for words before one for tags."""
    names = [field.casefold() for field in fields]
    at = next((at for at, name in enumerate(names) if name in _TOKEN_NAMES), len(names))
    return any(not _TAG_NAMES.isdisjoint(_BETWEEN.split(name)) for name in names[at + 1 :])
