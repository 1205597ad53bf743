"""A model of texts that goes on behind a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from rnncli.data.text.codec import Codec
from rnncli.tasks.write.going import Behind, Stepping, read, written
from rnncli.tasks.write.sampling import Drawing

UNKNOWN_SYMBOL = 0


@dataclass(frozen=True, eq=False)
class ReadText:
    """Symbols (N,) that were read, and where the model is behind them."""

    symbols_N: np.ndarray
    behind: Behind


class Writer:
    """Writes texts with a model, one symbol at a time on one thread: a sample is the same wherever it is drawn.

    >>> writer = Writer(codec, Stepper(model.networks))
    >>> "".join(writer.text(writer.begin(), Drawing(temperature=0.8, seed=1), number=1, length=100))
    'ROMEO: and so ...'
    """

    def __init__(self, codec: Codec, stepper: Stepping) -> None:
        self.codec, self._stepper = codec, stepper

    def begin(self, symbols_N: np.ndarray | None = None) -> ReadText:
        """At the begin of a text, behind its first symbols if there are any."""
        symbols_N = np.empty(0, np.int64) if symbols_N is None else symbols_N
        return ReadText(symbols_N, read(self._stepper, symbols_N.tolist()))

    def text(self, begun: ReadText, sampling: Drawing, number: int, length: int) -> Iterator[str]:
        """Sample ``number``, of ``length`` symbols, piece by piece; a piece may be empty."""
        decoder = self.codec.decoder()
        for symbol in begun.symbols_N.tolist():
            decoder.feed(symbol)
        barred = () if sampling.unknown else (UNKNOWN_SYMBOL,)
        for symbol in islice(written(self._stepper, begun.behind, sampling, number, barred), length):
            yield decoder.feed(symbol)
        yield decoder.close()
