"""Interpolated Kneser-Ney over numbered symbols, in arrays: learnt from millions of them in seconds.

A document begins with a symbol of its own, which is context only. With c for counts, h' for the context h without its
first symbol, and a discount d(c) that depends on whether a count is 1, 2 or more (Chen & Goodman 1998, equations 24 to
27):

    p(w | h) = max(c(h w) - d(c(h w)), 0) / c(h .) + gamma(h) p(w | h')
    gamma(h) = sum over w of d(c(h w)) / c(h .)

In the highest order, and where a document begins, c counts how often an n-gram occurs; elsewhere it counts the
different symbols before it. Below the single symbols lies the uniform distribution.

The n-grams of an order are numbered as they are sorted: by the number of their context, an n-gram of the order below,
then by their last symbol. So one integer, ``context * V + symbol``, finds an n-gram by bisection.

Shape letters: N symbols of documents one behind the other, D documents, G n-grams of an order, C contexts (the n-grams
of the order below), V kinds of symbol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from rnncli.errors import DataError

CHUNK = 1 << 20
"""Symbols that are scored at once."""


@dataclass(frozen=True, eq=False)
class Grams:
    """The n-grams of one order, above the first: ``keys_G`` int64 ascending, p of each, and gamma of each context.

    The contexts of pairs are the symbols 0 to V - 1 and V, the begin of a document.
    """

    keys_G: np.ndarray
    shares_G: np.ndarray
    gammas_C: np.ndarray

    def find(self, key_N: np.ndarray) -> np.ndarray:
        """The numbers of n-grams by their keys, (N,), -1 for those that there are not."""
        at_N = np.minimum(np.searchsorted(self.keys_G, key_N), len(self.keys_G) - 1)
        return np.where(self.keys_G[at_N] == key_N, at_N, -1)


@dataclass(frozen=True, eq=False)
class KneserNey:
    """p of single symbols, ``shares_V``, and the n-grams of the orders above, shortest first.

    >>> model = KneserNey.learn(np.array([0, 1, 0, 1, 0, 2]), np.array([0, 4, 6]), order=2, size=3)
    >>> np.exp(model.log_probabilities([0, 1])).round(2).tolist()
    [0.83, 0.08, 0.08]
    """

    shares_V: np.ndarray
    orders: tuple[Grams, ...]

    @property
    def order(self) -> int:
        """The symbols of the longest n-grams."""
        return len(self.orders) + 1

    @property
    def size(self) -> int:
        """The kinds of symbol, V."""
        return len(self.shares_V)

    @classmethod
    def learn(cls, values_N: np.ndarray, bounds_D1: np.ndarray, order: int, size: int, discounts: int = 3) -> KneserNey:
        """The model of documents that begin where ``bounds_D1`` says, with three discounts an order, or with one.

        Raises DataError where there are no symbols.
        """
        return cls.learn_orders(values_N, bounds_D1, (order,), size, discounts)[order]

    @classmethod
    def learn_orders(
        cls, values_N: np.ndarray, bounds_D1: np.ndarray, orders: Iterable[int], size: int, discounts: int = 3
    ) -> dict[int, KneserNey]:
        """Models of several orders, for which n-grams are counted once; the same as each alone."""
        if not len(values_N):
            raise DataError("no symbols to learn a language model from", "is this the right file or column?")
        wanted = sorted(set(orders))
        counted = list(_counted(values_N, bounds_D1, wanted[-1], size))
        single_V = np.bincount(values_N, minlength=size)
        return {order: cls._of_counts(single_V, counted[: order - 1], discounts) for order in wanted}

    @classmethod
    def _of_counts(cls, single_V: np.ndarray, counted: Sequence[_Counted], discounts: int) -> KneserNey:
        """The model of how often symbols stand alone, and of the n-grams of the orders above."""
        size = len(single_V)
        count_V = np.bincount(counted[0].suffixes_G, minlength=size) if counted else single_V
        share_V, _ = _estimated(count_V, np.zeros(size, np.int64), 1, 1 / size, discounts)
        orders, below_G, contexts = [], share_V, size + 1
        for own, above in zip_longest(counted, counted[1:]):
            count_G = own.counts_G
            if above:
                before_G = np.bincount(above.suffixes_G, minlength=len(count_G))
                count_G = np.where(own.begins_G, count_G, before_G)
            context_G = own.keys_G // size
            share_G, gamma_C = _estimated(count_G, context_G, contexts, below_G[own.suffixes_G], discounts)
            orders.append(Grams(own.keys_G, share_G.astype(np.float32), gamma_C.astype(np.float32)))
            below_G, contexts = share_G, len(share_G)
        return cls(share_V, tuple(orders))

    def nats(self, values_N: np.ndarray, bounds_D1: np.ndarray) -> np.ndarray:
        """-ln p of each symbol given those before it in its document, (N,)."""
        begins_D = _begins(bounds_D1)
        found_N = np.empty(len(values_N))
        last = np.full(self.order, -1)
        for start in range(0, len(values_N), CHUNK):
            rows = slice(start, start + CHUNK)
            symbol_N = np.asarray(values_N[rows]).astype(np.int64)
            first, end = np.searchsorted(begins_D, (start, start + CHUNK))
            share_N, last = self._shares(symbol_N, begins_D[first:end] - start, last)
            found_N[rows] = -np.log(share_N)
        return found_N

    def log_probabilities(self, before: Sequence[int]) -> np.ndarray:
        """ln p of each symbol as the next of a document, (V,); ``before`` are the symbols it has, or the last of them.

        Fewer than ``order - 1`` are taken for the whole document so far.
        """
        share_V = self.shares_V.astype(np.float64)
        context = [self.size, *before] if len(before) < self.order - 1 else before
        for depth, grams in enumerate(self.orders[: len(context)], start=1):
            number = self._number(context[len(context) - depth :])
            if number < 0:
                break
            begin, end = np.searchsorted(grams.keys_G, (number * self.size, (number + 1) * self.size))
            share_V *= grams.gammas_C[number]
            share_V[grams.keys_G[begin:end] - number * self.size] = grams.shares_G[begin:end]
        return np.log(share_V)

    def save(self, path: Path) -> None:
        """Write the arrays to a safetensors file."""
        from safetensors.numpy import save_file

        arrays = {"shares": self.shares_V}
        for n, grams in enumerate(self.orders, start=2):
            arrays |= {f"keys.{n}": grams.keys_G, f"shares.{n}": grams.shares_G, f"gammas.{n}": grams.gammas_C}
        save_file(arrays, path)

    @classmethod
    def load(cls, path: Path) -> KneserNey:
        """What :meth:`save` wrote; raises DataError."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
            kinds = ("keys", "shares", "gammas")
            orders = [
                Grams(*(arrays[f"{kind}.{n}"] for kind in kinds)) for n in range(2, len(arrays) // len(kinds) + 2)
            ]
            return cls(arrays["shares"], tuple(orders))
        except (OSError, SafetensorError, KeyError) as error:
            raise DataError(f"{path}: not a readable n-gram model: {error}") from error

    def _shares(self, symbol_N: np.ndarray, begins_D: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p of symbols (N,) given those before; ``last`` are the n-grams of each order that end just before them."""
        number_N, share_N = symbol_N, self.shares_V[symbol_N].astype(np.float64)
        ending = [number_N[-1]]
        for n, grams in enumerate(self.orders, start=2):
            context_N = _before(number_N, begins_D, self.size if n == 2 else -1, last[n - 2])
            number_N = grams.find(context_N * self.size + symbol_N)
            owed_N = np.where(context_N >= 0, grams.gammas_C[context_N], 1.0) * share_N
            share_N = np.where(number_N >= 0, grams.shares_G[number_N], owed_N)
            ending.append(number_N[-1])
        return share_N, np.array(ending)

    def _number(self, symbols: Sequence[int]) -> int:
        """The number of an n-gram, -1 where there is none."""
        number = symbols[0]
        for grams, symbol in zip(self.orders, symbols[1:], strict=False):
            number = int(grams.find(np.array([number * self.size + symbol]))[0])
            if number < 0:
                break
        return number


@dataclass(frozen=True, eq=False)
class _Counted:
    """N-grams of one order: the n-grams of the order below that end as they do, occurrences, who begins a document."""

    keys_G: np.ndarray
    suffixes_G: np.ndarray
    counts_G: np.ndarray
    begins_G: np.ndarray


def _counted(values_N: np.ndarray, bounds_D1: np.ndarray, order: int, size: int) -> Iterator[_Counted]:
    """The n-grams of each order from pairs on, as far as documents are long enough."""
    begins_D = _begins(bounds_D1)
    symbol_N = np.asarray(values_N).astype(np.int64)
    number_N, begin_C = symbol_N, np.arange(size + 1) == size
    for n in range(2, order + 1):
        context_N = _before(number_N, begins_D, size if n == 2 else -1, -1)
        whole_N = np.flatnonzero(context_N >= 0)
        if not len(whole_N):
            return
        key_N = context_N[whole_N] * size + symbol_N[whole_N]
        keys_G, found_N, counts_G = np.unique(key_N, return_inverse=True, return_counts=True)
        suffixes_G = np.empty(len(keys_G), np.int64)
        suffixes_G[found_N] = number_N[whole_N]
        begin_C = begin_C[keys_G // size]
        yield _Counted(keys_G, suffixes_G, counts_G, begin_C)
        number_N = np.full(len(symbol_N), -1)
        number_N[whole_N] = found_N


def _estimated(
    count_G: np.ndarray, context_G: np.ndarray, contexts: int, below_G: np.ndarray | float, discounts: int
) -> tuple[np.ndarray, np.ndarray]:
    """p of n-grams, (G,), and gamma of their contexts, (C,): 1 where nothing follows."""
    off_G = _discounts(count_G, discounts)[np.minimum(count_G, 3)]
    total_C = np.bincount(context_G, count_G, contexts)
    seen_C = total_C > 0
    gamma_C = np.ones(contexts)
    gamma_C[seen_C] = np.bincount(context_G, off_G, contexts)[seen_C] / total_C[seen_C]
    return (count_G - off_G) / total_C[context_G] + gamma_C[context_G] * below_G, gamma_C


def _discounts(count_G: np.ndarray, kinds: int) -> np.ndarray:
    """What is taken off counts of 0, 1, 2 and more, (4,).

    With few n-grams the equations for three are off the mark, or divide by nothing; one for all is kept off 0 and 1.
    """
    n1, n2, n3, n4 = (int((count_G == n).sum()) for n in (1, 2, 3, 4))
    one = n1 / (n1 + 2 * n2) if n1 else 0.5
    if kinds == 3 and min(n1, n2, n3, n4):
        three = np.array([0, 1 - 2 * one * n2 / n1, 2 - 3 * one * n3 / n2, 3 - 4 * one * n4 / n3])
        if (three[1:] > 0).all():
            return three
    one = min(0.95, max(0.1, one))
    return np.array([0, one, one, one])


def _begins(bounds_D1: np.ndarray) -> np.ndarray:
    """Where documents begin that have a symbol, (D,)."""
    return bounds_D1[:-1][np.diff(bounds_D1) > 0]


def _before(number_N: np.ndarray, begins_D: np.ndarray, begin: int, last: int) -> np.ndarray:
    """The number before each, ``last`` before the first, ``begin`` where a document begins."""
    before_N = np.concatenate([[last], number_N[:-1]])
    before_N[begins_D] = begin
    return before_N
