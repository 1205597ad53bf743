"""The built-in corpus: short reviews from a small grammar, in which the order of the words decides the label.

Both labels use the same words. What differs is whose opinion it is, which clause the sentence comes down to, what a
``not`` or a ``deny`` reaches, on which side of a comparison the subject stands, and often two of these at once. A model
that counts words is left with nothing, one that counts short runs of words with little; one that reads in order can
have nearly everything.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

LABELS = ("negative", "positive")
LARGEST = 20_000


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _options(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


THINGS = (  # by domain, so that a sentence about two things makes sense
    _words("film plot script ending cast soundtrack sequel hero villain story dialogue camerawork"),
    _words("soup pasta steak dessert service wine bread waiter curry salad coffee menu"),
    _words("phone screen battery camera keyboard case charger speaker lens strap hinge manual"),
)
GOOD = _words("good great lovely superb clever fresh solid charming brilliant reliable delightful impressive")
BAD = _words("bad poor awful dull clumsy stale flimsy boring terrible unreliable dreadful disappointing")
LIKED = _words("loved adored enjoyed admired praised recommended")
DISLIKED = _words("hated disliked despised regretted mocked slated")
OTHERS = _options(
    "the critics|my sister|my brother|my friends|our neighbours|the reviewers|my parents|everyone else|my boss"
)
DEGREES = _options("|very|really|so|quite|truly|remarkably|rather")
SOFTER = _options("||at all|exactly|in the least")
RIVALS = _options("the last one|the original|the old one|the one next door|its rival|the cheap one")
ASIDES = _options("||||we had heard about|they all talk about|we came for|in question|they are so proud of")
MANNERS = _options("||||in the end|in every way|from start to finish|for once|to my mind|this time")
OPENINGS = _options("||||honestly ,|to be fair ,|well ,|frankly ,|all in all ,|let me tell you ,")
CLOSINGS = _options("||| .| .| !| , that is all .| , believe me .| , as i told them .")
AFFIRMING = _options(
    "nobody can deny that|i would never deny that|only a fool would deny that|it is true that|"
    "it is not wrong to say that|i do not doubt that|do not let them tell you otherwise :"
)
DENYING = _options(
    "nobody can say that|i would never say that|only a fool would say that|it is not true that|"
    "it is wrong to say that|i doubt that|do not let them tell you that"
)
VERDICTS = ("right , not wrong ,", "wrong , not right ,")


def generate(seed: int = 1, size: int = 6000) -> list[tuple[str, str]]:
    """``size`` distinct sentences with their labels, half of each, in an order without pattern.

    The same arguments give the same corpus on every machine and version of Python. ``ValueError`` for a size
    that is odd, not positive, or more than ``LARGEST``.
    """
    if size < 2 or size % 2 or size > LARGEST:
        raise ValueError(f"size must be an even number from 2 to {LARGEST}, not {size}")
    draw = _Draw(seed)
    wanted = dict.fromkeys(LABELS, size // 2)
    seen: set[str] = set()
    corpus = []
    while len(corpus) < size:
        good = draw.coin()
        label, sentence = LABELS[good], _sentence(draw, good)
        if wanted[label] and sentence not in seen:
            seen.add(sentence)
            wanted[label] -= 1
            corpus.append((sentence, label))
    return corpus


class _Draw:
    """Choices from ``random()`` alone, the one method whose sequence Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, bound: int) -> int:
        return int(self._random.random() * bound)

    def one(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]

    def coin(self) -> bool:
        return self.below(2) == 1

    def things(self) -> tuple[str, str]:
        """Two different things of one domain."""
        domain = THINGS[self.below(len(THINGS))]
        first = self.below(len(domain))
        return domain[first], domain[(first + 1 + self.below(len(domain) - 1)) % len(domain)]

    def word(self, good: bool) -> str:
        return self.one(GOOD if good else BAD)

    def verb(self, good: bool) -> str:
        return self.one(LIKED if good else DISLIKED)


def _sentence(draw: _Draw, good: bool) -> str:
    """A sentence whose writer is pleased, or is not."""
    patterns = (_contrast, _contrast, _denial, _change, _voices, _hearsay, _comparison, _expectation, _remark)
    body = patterns[draw.below(len(patterns))](draw, good)
    return " ".join(f"{draw.one(OPENINGS)} {body}{draw.one(CLOSINGS)}".split())


def _contrast(draw: _Draw, good: bool) -> str:
    """Of two clauses the one behind ``but``, or outside ``although``, wins."""
    one, other = draw.things()
    main, aside = _clause(draw, one, good), _clause(draw, other, not good)
    link = draw.one(("although", "even though", "while"))
    return draw.one((f"{aside} , but {main}", f"{link} {aside} , {main}", f"{main} , {link} {aside}"))


def _denial(draw: _Draw, good: bool) -> str:
    """What is said, or its opposite denied."""
    thing, _ = draw.things()
    denied = draw.coin()
    return f"{draw.one(DENYING if denied else AFFIRMING)} {_plain(draw, thing, good != denied)}"


def _change(draw: _Draw, good: bool) -> str:
    """What a thing came to be counts, not what it was."""
    thing, _ = draw.things()
    subject = f"the {thing} {draw.one(ASIDES)}"
    late, early = f"{draw.one(DEGREES)} {draw.word(good)}", f"{draw.one(DEGREES)} {draw.word(not good)}"
    return draw.one(
        (
            f"{subject} was {early} at first and {late} later on",
            f"{subject} was {late} in the end , after it had been {early} for a while",
            f"{subject} used to be {early} and now it is {late}",
            f"{subject} is {late} now that it is no longer {early}",
        )
    )


def _voices(draw: _Draw, good: bool) -> str:
    """Of two opinions the writer's own counts."""
    thing, _ = draw.things()
    others, me, manner = draw.one(OTHERS), draw.one(("i", "we")), draw.one(MANNERS)
    mine, theirs = draw.verb(good), draw.verb(not good)
    return draw.one(
        (
            f"{others} {theirs} the {thing} {manner} , but {me} {mine} it",
            f"{me} {mine} the {thing} {manner} , but {others} {theirs} it",
            f"{me} , unlike {others} , {mine} the {thing} {manner}",
            f"{me} {mine} what {others} {theirs} , the {thing}",
            f"what {others} {theirs} about the {thing} , {me} {mine}",
            f"{others} {theirs} the {thing} {manner} , and {me} did not",
        )
    )


def _hearsay(draw: _Draw, good: bool) -> str:
    """Others were right, or were not."""
    thing, _ = draw.things()
    others, wrong = draw.one(OTHERS), draw.coin()
    claim, verdict = _plain(draw, thing, good != wrong), VERDICTS[wrong]
    return draw.one(
        (
            f"{others} said that {claim} , and they were {verdict} about it",
            f"they were {verdict} when they said that {claim}",
        )
    )


def _comparison(draw: _Draw, good: bool) -> str:
    """Which side of the comparison the subject stands on."""
    thing, _ = draw.things()
    subject, rival = f"this {thing} {draw.one(ASIDES)}", draw.one(RIVALS)
    above, below = (subject, rival) if good else (rival, subject)
    more, less = draw.one(("better|worse", "much better|much worse", "more fun|less fun")).split("|")
    return f"{above} is {more} than {below}" if draw.coin() else f"{below} is {less} than {above}"


def _expectation(draw: _Draw, good: bool) -> str:
    """What was expected against what came."""
    thing, _ = draw.things()
    came, hoped = (f"{_a(f'{draw.one(DEGREES)} {draw.word(kind)}')}" for kind in (good, not good))
    manner = draw.one(MANNERS)
    return draw.one(
        (
            f"i expected {hoped} {thing} and got {came} one {manner}",
            f"we got {came} {thing} {manner} where we expected {hoped} one",
            f"instead of {hoped} {thing} they gave us {came} one {manner}",
            f"they gave us {came} {thing} {manner} instead of {hoped} one",
        )
    )


def _remark(draw: _Draw, good: bool) -> str:
    """A plain word of praise or blame, as often as not by denying the opposite."""
    thing, _ = draw.things()
    denied = draw.coin()
    word, degree = draw.word(good != denied), draw.one(DEGREES)
    if denied:
        end = draw.one(("", "at all", "in the least"))
        forms = (f"the {thing} was not {word} {end}", f"not {word} {end}", f"not {_a(word)} {thing} {end}")
    else:
        end = draw.one(MANNERS)
        forms = (
            f"the {thing} was {degree} {word} {end}",
            f"{degree} {word} {end}",
            f"{_a(f'{degree} {word}')} {thing}",
        )
    return draw.one(forms)


def _clause(draw: _Draw, thing: str, good: bool) -> str:
    """A thing is praised or blamed, in a third of the cases by denying the opposite."""
    if draw.below(3):
        return _plain(draw, thing, good)
    word, manner = draw.word(not good), draw.one(MANNERS)
    return draw.one(
        (
            f"the {thing} was not {draw.one(SOFTER)} {word} {manner}",
            f"the {thing} was not , {manner or 'i think'} , {word}",
            f"the {thing} was anything but {word} {manner}",
            f"nobody called the {thing} {word} {manner}",
        )
    )


def _plain(draw: _Draw, thing: str, good: bool) -> str:
    return f"the {thing} {draw.one(ASIDES)} was {draw.one(DEGREES)} {draw.word(good)} {draw.one(MANNERS)}"


def _a(phrase: str) -> str:
    phrase = " ".join(phrase.split())
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
