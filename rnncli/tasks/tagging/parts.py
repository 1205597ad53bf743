"""Which part each sentence goes to: as files say, by a column, by folds, or carved by seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnncli.data import splits
from rnncli.data.sources import ALL
from rnncli.errors import DataError
from rnncli.tasks.tagging.schema import TaggedData
from rnncli.tasks.tagging.sentences import SentencePart, strings

Parts = dict[str, SentencePart]


def split_parts(parts: Parts, data: TaggedData, seed: int) -> tuple[Parts, str]:
    """The parts train, dev and perhaps test, and a sentence that says how they came about; raises DataError."""
    if data.folds:
        return _fold(_only(parts, "data.folds"), data, seed)
    if data.split_column:
        whole = _only(parts, "data.split_column")
        named = splits.by_name(_cells(whole, data.split_column, "data.split_column"), whole.table.place)
        return _completed(
            {name: whole.take(rows) for name, rows in named.items()}, data, seed, f' by column "{data.split_column}"'
        )
    return _completed(dict(parts), data, seed, " as given")


def _fold(whole: SentencePart, data: TaggedData, seed: int) -> tuple[Parts, str]:
    number = data.fold or 0
    if data.fold_column:
        fold = splits.by_number(_cells(whole, data.fold_column, "data.fold_column"), whole.table.place)
        fold = np.searchsorted(np.unique(fold), fold)
    else:
        fold = splits.folds(data.folds, seed=seed, size=len(whole))
    there = int(fold.max()) + 1
    if there != data.folds:
        raise DataError(
            f'column "{data.fold_column}" has {there} folds, data.folds says {data.folds}', f"data.folds={there}"
        )
    rest = _carved(whole.take(np.flatnonzero(fold != number)), {"dev": data.dev_fraction}, seed)
    parts = rest | {"test": whole.take(np.flatnonzero(fold == number))}
    by = f'column "{data.fold_column}"' if data.fold_column else f"seed {seed}"
    return parts, f"fold {number} of {there} by {by}: {_sizes(parts)}"


def _completed(parts: Parts, data: TaggedData, seed: int, how: str) -> tuple[Parts, str]:
    """What is missing of train, dev and, of a single source, test is carved."""
    shares = {} if "dev" in parts else {"dev": data.dev_fraction}
    if ALL in parts:
        shares["test"] = data.test_fraction
    whole = parts.pop(ALL) if ALL in parts else parts.get("train")
    if whole is None:
        raise DataError(f"there is no train part, only {', '.join(parts)}", "data.train says what to train on")
    carved = _carved(whole, shares, seed) if shares else {"train": whole}
    found = parts | carved
    found = {name: found[name] for name in ("train", "dev", "test") if name in found}
    carving = f"; {' and '.join(name for name in shares if name in carved)} carved by seed {seed}" if shares else ""
    how = "" if how == " as given" and shares else how
    missing = "" if "test" in found else "; no test part, so the figures are of dev, which also chose the epoch"
    return found, f"split{how}: {_sizes(found)}{carving}{missing}"


def _carved(whole: SentencePart, shares: dict[str, float], seed: int) -> Parts:
    if "dev" in shares and not shares["dev"]:
        raise DataError("data.dev_fraction is 0 and no dev part is given", "data.dev_fraction=0.1")
    shares = {name: share for name, share in shares.items() if share}
    if sum(shares.values()) >= 1:
        raise DataError(
            "data.dev_fraction and data.test_fraction leave nothing to train on", "let them add up to less than 1"
        )
    try:
        rows = splits.split({"train": 1 - sum(shares.values())} | shares, seed=seed, size=len(whole))
    except DataError as error:
        raise DataError(f"{whole.table.name}: {error.message}", "is it a file of tagged sentences?") from error
    return {name: whole.take(found) for name, found in rows.items()}


def _cells(whole: SentencePart, column: str, key: str) -> Iterator[str]:
    """What a column says of each sentence: a cell of its own or, of columns of tokens, that of its first token."""
    whole.table.require(column, key)
    return ((strings(value) or [""])[0] for value in whole.table.values(column))


def _only(parts: Parts, key: str) -> SentencePart:
    if len(parts) > 1:
        raise DataError(
            f"{key} cuts one source, but there are {', '.join(parts)}", f"leave out {key}, or the other parts"
        )
    return next(iter(parts.values()))


def _sizes(parts: Parts) -> str:
    return ", ".join(f"{name} {len(part):,}" for name, part in parts.items())
