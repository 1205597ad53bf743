"""A text that a seeded grammar writes: sentences whose parts agree over many words, and marks that are closed again.

A verb agrees with a noun that a clause stands between, quotes and brackets are closed as they were opened, and a name
that was asked for answers. A model that remembers a dozen letters gets most letters right, and these wrong.
"""

from __future__ import annotations

import random

import numpy as np

from rnncli.data.text.codec import TextForm
from rnncli.data.text.documents import Documents, FilePlaces, TextStore

SENTENCES = 3000
NAME = "built-in text"
NAMES = ("Ada", "Bo", "Carl", "Dora", "Emil", "Ida")
NOUNS = ("baker", "farmer", "doctor", "painter", "sailor", "child")
PLURALS = ("bakers", "farmers", "doctors", "painters", "sailors", "children")
ADJECTIVES = ("old", "young", "quiet", "tall", "happy")
VERBS = (("knows", "know"), ("helps", "help"), ("likes", "like"), ("follows", "follow"), ("paints", "paint"))
ALONE = (("sleeps", "sleep"), ("sings", "sing"), ("waits", "wait"), ("laughs", "laugh"))
PLACES = ("at home", "by the sea", "in the garden", "near the bridge")
MARKS = (("(", ")"), ("[", "]"), ('"', '"'))


def documents(form: TextForm, seed: int = 7) -> Documents:
    """The text as one document of a sentence a line."""
    store = TextStore(NAME)
    begin, end = store.append(form.of("".join(f"{sentence}\n" for sentence in generate(seed))))
    origin = FilePlaces([NAME], np.zeros(1, np.int64), np.zeros(1, np.int64))
    return Documents(store, np.array([begin]), np.array([end]), origin)


def generate(seed: int = 7) -> list[str]:
    """The sentences, in the order of the text."""
    draw = random.Random(seed)
    return [_sentence(draw) for _ in range(SENTENCES)]


def _sentence(draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.15:
        name = draw.choice(NAMES)
        return f'{name} asks {_group(draw)[0]}: "{_clause(draw)}?" - "{_clause(draw)}, {name}."'
    clause = _clause(draw)
    if kind < 0.4:
        opening, closing = draw.choice(MARKS)
        clause = f"{opening}{clause}{closing}" if kind < 0.3 else f"{clause} {opening}{_clause(draw)}{closing}"
    return f"{clause[0].upper()}{clause[1:]}."


def _clause(draw: random.Random) -> str:
    """A subject, perhaps with a clause of its own, and a verb of its number."""
    subject, plural = _group(draw)
    if draw.random() < 0.35:
        other, others = _group(draw)
        inner = draw.choice(VERBS)
        subject += draw.choice((f" that {other} {inner[others]}", f" that {inner[plural]} {other}"))
    if draw.random() < 0.5:
        return f"{subject} {draw.choice(ALONE)[plural]} {draw.choice(PLACES)}"
    return f"{subject} {draw.choice(VERBS)[plural]} {_group(draw)[0]}"


def _group(draw: random.Random) -> tuple[str, bool]:
    """A noun with what stands before it, and whether it is plural."""
    plural = draw.random() < 0.5
    adjective = f"{draw.choice(ADJECTIVES)} " if draw.random() < 0.3 else ""
    article = draw.choice(("these", "many")) if plural else draw.choice(("this", "every"))
    return f"{article} {adjective}{draw.choice(PLURALS if plural else NOUNS)}", plural
