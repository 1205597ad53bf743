"""What may be true of a step: which word it is, its tag, where it stands, inside which brackets and quotes.

Shape letters: N steps of all examples, F features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from rnncli.tasks.inspecting import ReadSteps

MOST_WORDS, MOST_NEIGHBOURS, MOST_MARKS = 300, 60, 60
"""Names of steps, the most frequent ones, that are features of their own; those of the step before; marks of a kind."""
MIN_EXAMPLES = 5
"""Of each half, in which a feature must be there to be looked at."""
OPEN, SHUT = "([{", ")]}"
QUOTES = {'"': 0, "``": 1, "''": -1, "“": 1, "”": -1, "«": 1, "»": -1, "„": 1}
"""Whether a quotation mark opens (1), shuts (-1), or does either in turn (0)."""


class Feature(NamedTuple):
    """A value at each step, (N,); ``name`` says which step it is in quotes where it stands for one."""

    name: str
    value_N: np.ndarray
    word: str = ""


@dataclass(frozen=True)
class StepsRead:
    """The steps of several examples one behind the other: example e has those from ``bounds[e]`` to ``bounds[e + 1]``.

    ``lexical`` says that the names of steps are words, characters and the like, which come again elsewhere.
    """

    steps: Sequence[ReadSteps]
    lexical: bool = True

    @property
    def bounds(self) -> np.ndarray:
        """Where each example begins, and the end, (E + 1,)."""
        return np.cumsum([0, *(len(one.names) for one in self.steps)])

    @property
    def names(self) -> list[str]:
        """Those of all steps, (N,)."""
        return list(chain.from_iterable(one.names for one in self.steps))

    def each(self, value: Callable[[ReadSteps], Iterable[float]]) -> np.ndarray:
        """A number for each step, (N,) float32."""
        return np.fromiter(chain.from_iterable(map(value, self.steps)), np.float32, self.bounds[-1])


def features(read: StepsRead, direction: str) -> list[Feature]:
    """All features that are not the same at all steps; a direction that reads back has the step behind as its past."""
    found = [*_places(read), *_numbers(read), *_marked(read)]
    if read.lexical:
        found += [*_words(read, direction), *_written(read)]
    return [one for one in found if len(one.value_N) and one.value_N.min() < one.value_N.max()]


def depths(names: Sequence[str]) -> list[int]:
    """How many brackets are open behind each step; one that shuts none counts for nothing.

    >>> depths(["a", "(", "b", "[", "]", ")", ")"])
    [0, 1, 1, 2, 1, 0, 0]
    """
    depth, found = 0, []
    for name in names:
        for character in name.strip():
            depth += (character in OPEN) - (character in SHUT and depth > 0)
        found.append(depth)
    return found


def quoted(names: Sequence[str]) -> list[int]:
    """Whether quotes are open behind each step, 0 or 1.

    >>> quoted(["he", '"', "no", '"', "``", "so", "''"])
    [0, 1, 1, 0, 1, 1, 0]
    """
    inside, found = 0, []
    for name in names:
        turn = QUOTES.get(name.strip())
        if turn is not None:
            inside = 1 - inside if turn == 0 else int(turn > 0)
        found.append(inside)
    return found


def _places(read: StepsRead) -> Iterator[Feature]:
    yield Feature("position from the begin", read.each(lambda one: range(len(one.names))))
    yield Feature("position from the end", read.each(lambda one: range(len(one.names) - 1, -1, -1)))


def _numbers(read: StepsRead) -> Iterator[Feature]:
    for name in dict.fromkeys(chain.from_iterable(one.numbers for one in read.steps)):
        yield Feature(name, read.each(lambda one, name=name: one.numbers.get(name, [0.0] * len(one.names))))


def _marked(read: StepsRead) -> Iterator[Feature]:
    """Each mark as 0 or 1; of two that exclude each other the one that is rarer."""
    for name in dict.fromkeys(chain.from_iterable(one.marks for one in read.steps)):
        values = list(chain.from_iterable(one.marks.get(name, [""] * len(one.names)) for one in read.steps))
        common = [value for value, _ in Counter(filter(None, values)).most_common(MOST_MARKS)]
        for value in common[1:] if len(common) == 2 and all(values) else common:
            yield Feature(f"{name} {value}", np.array([one == value for one in values], np.float32))


def _words(read: StepsRead, direction: str) -> Iterator[Feature]:
    names = np.array(read.names, dtype=object)
    common = [name for name, _ in Counter(read.names).most_common(MOST_WORDS)]
    is_word = {name: names == name for name in common}
    for name, is_N in is_word.items():
        yield Feature(quoted_name(name), is_N.astype(np.float32), name)
    back = direction == "reverse"
    for name in common[:MOST_NEIGHBOURS]:
        past_N = np.zeros(len(names), np.float32)
        for begin, end in pairwise(read.bounds.tolist()):
            own = is_word[name][begin:end]
            past_N[begin : end - 1 if back else end][0 if back else 1 :] = own[1:] if back else own[:-1]
        yield Feature(f"the step {'before' if back else 'after'} {quoted_name(name)}", past_N)


def _written(read: StepsRead) -> Iterator[Feature]:
    yield Feature("depth of brackets", read.each(lambda one: depths(one.names)))
    yield Feature("inside of quotes", read.each(lambda one: quoted(one.names)))
    tests: dict[str, Callable[[str], bool]] = {
        "a capital": lambda name: name.strip()[:1].isupper(),
        "a digit": lambda name: any(map(str.isdigit, name)),
        "punctuation": lambda name: bool(name.strip()) and not any(map(str.isalnum, name)),
    }
    for title, test in tests.items():
        yield Feature(title, read.each(lambda one, test=test: map(test, one.names)))
    yield Feature("length", read.each(lambda one: map(len, one.names)))
    if any("\n" in name for name in read.names):
        yield Feature("position in the line", read.each(lambda one: _since(one.names, "\n")))
    if any(name == " " for name in read.names):
        yield Feature("position in the word", read.each(lambda one: _since(one.names, " \n")))


def quoted_name(name: str) -> str:
    """A name of a step as it can be told from other words."""
    return '"' + name.replace("\n", "\\n") + '"'


def _since(names: Sequence[str], ends: str) -> list[int]:
    """Steps since the last one that holds any of ``ends``."""
    count, found = 0, []
    for name in names:
        count = 0 if any(end in name for end in ends) else count + 1
        found.append(count)
    return found
