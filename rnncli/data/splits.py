"""Who learns from an example and who is tested on it: splits, folds, and what the parts share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import numpy as np

from rnncli.data.tables.cells import label_text
from rnncli.errors import DataError

SYNONYMS = {
    "train": ("train", "training", "trn"),
    "dev": ("dev", "develop", "development", "valid", "validation", "val", "tune"),
    "test": ("test", "testing", "tst"),
}
_NAMES = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms}
Indices = np.ndarray  # int64, ascending


def split_name(name: str) -> str | None:
    """``train``, ``dev`` or ``test`` for any usual word for it, else nothing."""
    return _NAMES.get(name.strip().lower())


def split_in(file_name: str) -> str | None:
    """The split that the first such word of a file's name means, as of ``wiki.train.tokens`` or ``ewt-dev.conllu``."""
    words = re.split(r"[-._ ]", file_name)
    return next((name for word in words if (name := split_name(word))), None)


def split(
    fractions: Mapping[str, float],
    *,
    seed: int,
    labels: Sequence[Hashable] | np.ndarray | None = None,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    size: int | None = None,
) -> dict[str, Indices]:
    """Cut examples into parts of these fractions, which add up to 1; the same arguments give the same parts.

    With ``labels`` each class is cut by largest remainder, so that its share of a part is within one example
    of the part's fraction, except that every class has at least one example in every part: ``DataError``
    where it has fewer examples than there are parts. Without them ``size`` says how many examples there are.

    With ``groups`` (speakers, authors, documents) all examples of a group go to the same part: large groups
    first, each to the part that its classes fit best. Fractions are then met as well as the groups allow.
    """
    parts = _checked(fractions)
    codes, names = _codes(labels, size)
    generator = np.random.default_rng(seed)
    if groups is not None:
        home = _place_groups(codes, _codes(groups, None)[0], np.array(list(parts.values())), generator)
    else:
        home = np.empty(len(codes), dtype=np.int64)
        for number, name in enumerate(names):
            members = generator.permutation(np.flatnonzero(codes == number))
            _require_enough(name, len(members), len(parts), "parts", labels is not None)
            home[members] = np.repeat(np.arange(len(parts)), _shares(len(members), list(parts.values())))
    found = {part: np.flatnonzero(home == number) for number, part in enumerate(parts)}
    empty = [part for part, members in found.items() if not len(members)]
    if empty:
        raise DataError(f"nothing is left for the {empty[0]} part of {len(codes)} examples", "more data or fewer parts")
    return found


def folds(
    count: int,
    *,
    seed: int,
    labels: Sequence[Hashable] | np.ndarray | None = None,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    size: int | None = None,
) -> np.ndarray:
    """The fold of each example, 0 to ``count`` - 1, stratified by ``labels``, groups kept whole.

    Without groups the folds' sizes, and the numbers of each class in them, differ by at most one. Where there are as
    many groups as folds, each group is a fold, in order of appearance: one group is left out at a time.
    """
    if count < 2:
        raise DataError(f"{count} fold{'s'[: count != 1]}: at least 2 are needed", "data.folds=10 is the usual number")
    codes, names = _codes(labels, size)
    generator = np.random.default_rng(seed)
    if groups is not None:
        members, known = _codes(groups, None)
        if len(known) == count:
            return members
        fold = _place_groups(codes, members, np.full(count, 1 / count), generator)
        if len(np.unique(fold)) < count:
            raise DataError(f"fewer groups than the {count} folds", "choose fewer folds: data.folds")
        return fold
    fold = np.empty(len(codes), dtype=np.int64)
    dealt = 0
    for number, name in enumerate(names):
        members = generator.permutation(np.flatnonzero(codes == number))
        _require_enough(name, len(members), count, "folds", labels is not None)
        fold[members] = (dealt + np.arange(len(members))) % count
        dealt += len(members)
    return fold


def by_name(values: Iterable[str], place: Callable[[int], str] = "row {}".format) -> dict[str, Indices]:
    """The parts that a column names, by any usual word for them; other words are a ``DataError``."""
    found: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        name = split_name(value)
        if name is None:
            known = ", ".join(word for words in SYNONYMS.values() for word in words)
            raise DataError(f'{place(i)}: "{value}" names no split', f"words for a split are: {known}")
        found.setdefault(name, []).append(i)
    return {name: np.array(found[name], dtype=np.int64) for name in SYNONYMS if name in found}


def by_number(values: Iterable[str], place: Callable[[int], str] = "row {}".format) -> np.ndarray:
    """The fold of each example as a column of whole numbers gives it; others are a ``DataError``."""
    numbers = []
    for i, value in enumerate(values):
        try:
            numbers.append(int(label_text(value)))  # 3.0 where a library made it double
        except ValueError:
            raise DataError(
                f'{place(i)}: "{value}" is not the number of a fold', "folds are whole numbers: 0, 1, ..."
            ) from None
    fold = np.array(numbers, dtype=np.int64)
    if len(np.unique(fold)) < 2:
        raise DataError(
            "the column of folds has a single number", "name another column, or data.folds=10 to carve them"
        )
    return fold


def fingerprints(keys: Iterable[str | bytes]) -> np.ndarray:
    """A 64-bit hash of each key, uint64; two of a million different keys agree with a chance of 3e-8."""
    digests = bytearray()
    for key in keys:
        data = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
        digests += hashlib.blake2b(data, digest_size=8).digest()
    return np.frombuffer(bytes(digests), dtype="<u8")


def duplicates(keys: Iterable[str | bytes] | np.ndarray) -> Indices:
    """Indices of the keys that occurred before, ascending; takes keys or their ``fingerprints``."""
    prints = keys if isinstance(keys, np.ndarray) else fingerprints(keys)
    _, first = np.unique(prints, return_index=True)
    later = np.ones(len(prints), dtype=bool)
    later[first] = False
    return np.flatnonzero(later)


def overlap(one: Iterable[str | bytes] | np.ndarray, other: Iterable[str | bytes] | np.ndarray) -> Indices:
    """Indices of the keys of ``other`` that are in ``one``, ascending; takes keys or ``fingerprints``."""
    known = one if isinstance(one, np.ndarray) else fingerprints(one)
    asked = other if isinstance(other, np.ndarray) else fingerprints(other)
    return np.flatnonzero(np.isin(asked, known))


def _checked(fractions: Mapping[str, float]) -> dict[str, float]:
    parts = {name: fraction for name, fraction in fractions.items() if fraction}
    if any(fraction < 0 for fraction in parts.values()) or abs(sum(parts.values()) - 1) > 1e-6:
        raise DataError(
            f"fractions {', '.join(f'{n} {f:g}' for n, f in fractions.items())} do not add up to 1",
            hint="for example 0.8, 0.1 and 0.1",
        )
    return parts


def _codes(labels: Sequence[Hashable] | np.ndarray | None, size: int | None) -> tuple[np.ndarray, list[Hashable]]:
    """Labels as numbers 0.. in order of appearance, and their names."""
    if labels is None:
        if size is None:
            raise ValueError("either labels or size")
        return np.zeros(size, dtype=np.int64), [None] if size else []
    numbers: dict[Hashable, int] = {}
    listed = labels.tolist() if isinstance(labels, np.ndarray) else labels
    codes = np.fromiter((numbers.setdefault(label, len(numbers)) for label in listed), np.int64, len(listed))
    return codes, list(numbers)


def _require_enough(name: Hashable, have: int, need: int, what: str, labelled: bool) -> None:
    if have < need:
        whose = f'class "{name}" has {have}' if labelled else f"there {'is' if have == 1 else 'are'} {have}"
        raise DataError(
            f"{whose} example{'s'[: have != 1]}, too few for {need} {what}",
            hint=f"add examples, choose fewer {what}, or leave the class out",
        )


def _shares(count: int, fractions: Sequence[float]) -> np.ndarray:
    """``count`` things among the parts by largest remainder, at least one each."""
    ideal = count * np.array(fractions)
    shares = np.floor(ideal + 1e-9).astype(np.int64)
    remainders = ideal - shares
    for part in np.argsort(-remainders, kind="stable")[: count - shares.sum()]:
        shares[part] += 1
    while (shares == 0).any():
        shares[np.argmax(shares)] -= 1
        shares[np.argmin(shares)] += 1
    return shares


def _place_groups(
    codes: np.ndarray, groups: np.ndarray, fractions: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """The part of each example: a group at a time, to where the gap to the wanted counts shrinks most.

    The last groups go to parts that have none yet, so that no part is empty unless there are fewer groups than parts.
    """
    classes = int(codes.max(initial=-1)) + 1
    counts = np.zeros((int(groups.max(initial=-1)) + 1, classes))
    np.add.at(counts, (groups, codes), 1)
    wanted = fractions[:, None] * counts.sum(axis=0)
    missing = wanted.copy()
    home = np.empty(len(counts), dtype=np.int64)
    empty = np.ones(len(fractions), dtype=bool)
    shuffled = generator.permutation(len(counts))
    for placed, group in enumerate(shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]):
        # Adding g to a part changes its squared gap by |m - g|^2 - |m|^2 = |g|^2 - 2 m.g, here negated and
        # halved, and weighed by the part's size.
        gain = (missing @ counts[group] - 0.5 * counts[group] @ counts[group]) / fractions
        if len(counts) - placed <= empty.sum():
            gain[~empty] = -np.inf
        home[group] = np.argmax(gain)
        empty[home[group]] = False
        missing[home[group]] -= counts[group]
    return home[groups]
