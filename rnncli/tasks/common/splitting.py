"""Which example trains, chooses the epoch and tests: parts as given, carved, or folds, by rows or by whole groups.

A random split leaks where examples come in groups, such as several clips of one person: then groups stay whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Protocol, Self, TypeVar

import numpy as np

from rnncli.data import splits
from rnncli.data.tables.sources import ALL
from rnncli.errors import DataError
from rnncli.recipe.schema import DataSection


class CorpusPart(Protocol):
    """Rows of a corpus."""

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray) -> Self:
        """Some of the rows."""
        ...

    def column(self, name: str, key: str) -> Iterator[str]:
        """The values of a further column that the recipe's ``key`` names; raises DataError where there is none."""
        ...

    def place(self, row: int) -> str:
        """Where a row stands in the user's data."""
        ...


P = TypeVar("P", bound=CorpusPart)
Of = Callable[[P], "Sequence[Hashable] | np.ndarray | None"]


def _none(part: CorpusPart) -> None:
    return None


class Parting:
    """Cuts the parts of a recipe; ``labels`` and ``groups`` give those of a part's rows, None for none."""

    def __init__(self, data: DataSection, seed: int, labels: Of = _none, groups: Of = _none) -> None:
        self.data, self.seed, self.labels, self.groups = data, seed, labels, groups

    def __call__(self, parts: Mapping[str, P]) -> tuple[dict[str, P], str]:
        """The parts train, dev and perhaps test, and a sentence that says how they came about; raises DataError."""
        data, found = self.data, dict(parts)
        if data.folds:
            return self._fold(_only(found, "data.folds"))
        if data.split_column:
            whole = _only(found, "data.split_column")
            named = splits.by_name(whole.column(data.split_column, "data.split_column"), whole.place)
            found = {name: whole.take(rows) for name, rows in named.items()}
            how = f'split by column "{data.split_column}"'
        elif ALL in found:
            return self._carve(found[ALL], {"dev": data.dev_fraction, "test": data.test_fraction})
        else:
            how = "split as given"
        if "train" not in found:
            raise DataError(
                f"there is no train part, only {', '.join(found)}",
                "data.train and data.splits say what to train on",
            )
        if "dev" not in found:
            carved, said = self._carve(found["train"], {"dev": data.dev_fraction})
            return found | carved, f"{how}: {_sizes(found)}; dev of train: {said}"
        if "test" not in found:
            how += "; no test part, so the figures are of dev, which also chose the epoch"
        return found, f"{how}: {_sizes(found)}"

    def _fold(self, whole: P) -> tuple[dict[str, P], str]:
        data, number = self.data, self.data.fold or 0
        groups = self.groups(whole)
        if data.fold_column:
            fold = splits.by_number(whole.column(data.fold_column, "data.fold_column"), whole.place)
            fold = np.searchsorted(np.unique(fold), fold)
            by = f'column "{data.fold_column}"'
        else:
            labels = self.labels(whole)
            fold = splits.folds(data.folds, seed=self.seed, labels=labels, groups=groups, size=len(whole))
            by = f"seed {self.seed}{_manner(labels, groups)}"
        there = int(fold.max()) + 1
        if there != data.folds:
            raise DataError(
                f'column "{data.fold_column}" has {there} folds, data.folds says {data.folds}', f"data.folds={there}"
            )
        if not 0 <= number < there:
            raise DataError(f"data.fold: there is no fold {number} of {there}", f"they count from 0 to {there - 1}")
        rest, _ = self._carve(whole.take(np.flatnonzero(fold != number)), {"dev": data.dev_fraction})
        test = whole.take(np.flatnonzero(fold == number))
        names = sorted({str(group) for group in self.groups(test) or ()})
        if len(names) == 1:
            by = f"groups left out one by one, here {names[0]}"
        found = rest | {"test": test}
        return found, f"fold {number} of {there} by {by}: {_sizes(found)}"

    def _carve(self, whole: P, shares: dict[str, float]) -> tuple[dict[str, P], str]:
        if not shares["dev"]:
            raise DataError(
                "data.dev_fraction is 0 and no dev part is given: nothing to choose the best epoch by",
                "data.dev_fraction=0.1",
            )
        wanted = {"train": 1 - sum(shares.values())} | {name: share for name, share in shares.items() if share}
        if wanted["train"] <= 0:
            raise DataError(
                "data.dev_fraction and data.test_fraction leave nothing to train on",
                "let them add up to less than 1",
            )
        labels, groups = self.labels(whole), self.groups(whole)
        try:
            rows = splits.split(wanted, seed=self.seed, labels=labels, groups=groups, size=len(whole))
        except DataError as error:
            raise DataError(f"{whole.place(0)}: {error.message}", error.hint) from error
        percent = "/".join(f"{100 * share:.3g}" for share in wanted.values())
        parts = {name: whole.take(found) for name, found in rows.items()}
        return parts, f"split {percent} by seed {self.seed}{_manner(labels, groups)}: {_sizes(parts)}"


def _manner(labels: object | None, groups: object | None) -> str:
    return ", no group in two parts" if groups is not None else "" if labels is None else ", stratified"


def _sizes(parts: Mapping[str, CorpusPart]) -> str:
    return ", ".join(f"{name} {len(part):,}" for name, part in parts.items())


def _only(parts: Mapping[str, P], key: str) -> P:
    if len(parts) > 1:
        raise DataError(
            f"{key} cuts one source, but there are {', '.join(parts)}", f"leave out {key}, or the other parts"
        )
    return next(iter(parts.values()))
