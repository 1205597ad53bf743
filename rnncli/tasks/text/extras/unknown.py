"""Symbols that do not say what stands in the text.

Shape letters: N symbols of all documents.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rnncli.data.text.codec import Codec
from rnncli.data.text.documents import Document
from rnncli.data.text.tokens import whole
from rnncli.data.text.vocabulary import UNKNOWN


def unsaid(codec: Codec, documents: Iterable[Document], values_N: np.ndarray) -> np.ndarray | None:
    """Which of the symbols ``values_N`` of documents stand for a text that they do not say, (N,) bool; None for none.

    Where words stand between blanks a text's own ``<unk>`` has the symbol of the unknown, and says what stands there.

    >>> codec = Codec("whitespace", ("to", "be"))
    >>> unsaid(codec, [Document.of("to <unk> or be")], np.array([1, 0, 0, 2])).tolist()
    [False, False, True, False]
    """
    if codec.unit == "byte" or not (values_N == 0).any():
        return None
    unknown_N = np.asarray(values_N == 0)
    if codec.unit == "whitespace":
        unknown_N &= ~_own(codec, documents, len(values_N))
    return unknown_N if unknown_N.any() else None


def _own(codec: Codec, documents: Iterable[Document], count: int) -> np.ndarray:
    """Where the text itself says that something is unknown, (N,) bool."""
    own_N, at = np.zeros(count, bool), 0
    for document in documents:
        for text in whole(document.pieces(), with_blanks=True):
            tokens = codec.cut(text)
            own_N[at : at + len(tokens)] = [token == UNKNOWN for token in tokens]
            at += len(tokens)
    return own_N
