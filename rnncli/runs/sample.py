"""The layout of a submission: which column is the id, in which order rows stand, what predictions are written as.

A sample, as competitions give them, and a submission like it::

    id,target           id,target
    007,0.5             007,0.912341
    1234567890123,0.5   1234567890123,0.120033
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rnncli.data.encodings import detect
from rnncli.data.tables.cells import label_text, list_in
from rnncli.data.tables.dialects import first_rows, recognise
from rnncli.data.tables.sources import existing, read_file
from rnncli.data.tables.table import Table
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError, UsageError

Values = Literal["", "labels", "probabilities"]
LABELS, PROBABILITIES = "labels", "probabilities"
ID_NAME = re.compile(r"(.*[_ -])?(id|index|idx|key|guid|uuid)|.*I[dD]", re.IGNORECASE)
TRUE = ("1", "true", "yes", "y", "positive", "pos")
"""Labels of two of which one is true that mean the true one."""
SEPARATORS = (" ", "|", ",", ";", "\t")
"""That stand between several labels in a cell."""
SEPARATED = (".csv", ".tsv", ".txt", ".gz")
MOST_NAMED = 5
DIGITS = 6
"""Of a probability behind the point."""
AS = "--as labels, or --as probabilities"


@dataclass(frozen=True)
class Choices:
    """What was asked for: columns of ids and of predictions, the label that a probability is of, labels or these."""

    id: str = ""
    target: str = ""
    positive: str = ""
    values: Values = ""


@dataclass(frozen=True)
class Predicted:
    """Labels in their order, whether a row may have ``several``, and the probabilities of each row, one a label."""

    labels: Sequence[str]
    several: bool
    probabilities: Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)
class SampleFile:
    """A sample: its header as it is written, its columns by the same names, what separates its fields."""

    name: str
    header: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    separator: str

    @classmethod
    def read(cls, path: Path) -> SampleFile:
        """Read a sample; raises DataError."""
        if existing(path).suffix.lower() not in SEPARATED:
            raise DataError(f"{path}: no csv, which a sample is", "save it as one")
        found, table = detect(path), read_file(path, header=True)
        dialect = recognise(path, found)
        header = [name.strip() for name in first_rows(path, found, dialect)[0]]
        named = dict(zip(header, table.columns, strict=True))
        return cls(str(path), header, {name: list(table.texts(own)) for name, own in named.items()}, dialect.separator)


@dataclass(frozen=True, eq=False)
class SubmissionLayout:
    """What a submission looks like: its header, the row of the table that each of its rows is of, cells that are known.

    ``targets`` are the columns that predictions fill, ``id`` that which names rows, and ``sample`` what it is like.
    """

    header: Sequence[str]
    order: Sequence[int]
    known: Mapping[str, Sequence[str]]
    targets: Sequence[str]
    id: str
    sample: SampleFile | None
    notes: tuple[str, ...] = ()

    def lines(self, predicted: Predicted, cells: Mapping[str, Callable[[Sequence[float]], str]]) -> Iterator[str]:
        """The lines of the file."""
        text = io.StringIO()
        separator = self.sample.separator if self.sample else ","
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        writer.writerow(self.header)
        for place, row in enumerate(self.order):
            shares = predicted.probabilities[row]
            known = self.known
            writer.writerow([known[name][place] if name in known else cells[name](shares) for name in self.header])
            if text.tell() > 1 << 16:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()


def layout(
    table: Table, sample: SampleFile | None, wanted: Choices, texts: Sequence[str], target: str
) -> SubmissionLayout:
    """The layout of a submission for the rows of a table.

    ``texts`` are columns of the table that are no ids, ``target`` names the column of predictions where there is no
    sample. Raises DataError and UsageError, with the option to type where something cannot be decided.
    """
    if sample is None:
        name = _own_id(table, wanted.id, texts)
        header = [name, wanted.target or target]
        return SubmissionLayout(header, range(len(table)), {name: list(table.texts(name))}, header[1:], name, None)
    name, ids, how = _sample_id(table, sample, wanted)
    order = _order(table.name, ids, sample, name)
    shared = {column: list(table.texts(own)) for column, own in _shared(table, sample).items() if column != name}
    known: dict[str, Sequence[str]] = {column: [values[row] for row in order] for column, values in shared.items()}
    if wanted.target:
        _require(sample, wanted.target, "--target")
        known |= {one: sample.columns[one] for one in sample.header if one not in known}
        known.pop(wanted.target, None)
    known[name] = sample.columns[name]
    targets = [one for one in sample.header if one not in known]
    if not targets:
        hint = f"--target COLUMN, one of: {', '.join(sample.header)}"
        raise UsageError(f"{sample.name}: no column is left for predictions: {table.name} has them all", hint)
    return SubmissionLayout(sample.header, order, known, targets, name, sample, how)


def filling(
    layout: SubmissionLayout, predicted: Predicted, wanted: Choices, separator: str = "|"
) -> tuple[dict[str, Callable[[Sequence[float]], str]], str]:
    """How the targets of a layout are filled, and a sentence that says it; raises DataError and UsageError.

    ``separator`` stands between several labels where the sample does not tell.
    """
    if wanted.positive and wanted.positive not in predicted.labels:
        near = did_you_mean(wanted.positive, predicted.labels)
        hint = f"there are: {', '.join(predicted.labels)}"
        raise UsageError(f"--positive {wanted.positive}: there is no such label{near}", hint)
    if len(layout.targets) > 1:
        return _columns(layout, predicted, wanted)
    (name,) = layout.targets
    held = list(dict.fromkeys(one.strip() for one in layout.sample.columns[name])) if layout.sample else []
    values = wanted.values or (PROBABILITIES if wanted.positive else _held(layout, name, held, predicted))
    if values == PROBABILITIES:
        at = _positive(layout, name, predicted, wanted)
        return {name: lambda shares: number(shares[at])}, f'{name}: the probability of "{predicted.labels[at]}"'
    if predicted.several:
        write, form = _joining(held, predicted.labels, separator)
        return {name: lambda shares: write(_true(predicted.labels, shares))}, f"{name}: {form}"
    spelled = _spelled(predicted.labels, held)
    return {name: lambda shares: spelled[max(range(len(shares)), key=shares.__getitem__)]}, f"{name}: labels"


def number(share: float) -> str:
    """A probability as text, never with an exponent."""
    return f"{share:.{DIGITS}f}"


def _own_id(table: Table, asked: str, texts: Sequence[str]) -> str:
    """The column of ids of a table that is like no sample."""
    columns = [name for name in table.columns if not name.startswith("__")]
    if asked:
        table.require(asked, "--id")
        return asked
    rest = [name for name in columns if name not in texts]
    named = [name for name in rest if ID_NAME.fullmatch(name.strip())]
    found = named if named else rest if len(rest) == 1 else []
    found = [name for name in found if _are_unique(table.texts(name))]
    if len(found) == 1 or (found and found[0].strip().lower() == "id"):
        return found[0]
    why = f"several may be it: {', '.join(found)}" if found else "none has a name and values like ids"
    raise UsageError(f"{table.name}: which column holds the ids? {why}", f"--id COLUMN, one of: {', '.join(columns)}")


def _sample_id(table: Table, sample: SampleFile, wanted: Choices) -> tuple[str, list[str], tuple[str, ...]]:
    """The sample's column of ids, the ids of the table's rows, and what is to be said of how they were found."""
    shared = _shared(table, sample)
    if wanted.id:
        _require(sample, wanted.id, "--id")
        if wanted.id in shared:
            return wanted.id, list(table.texts(shared[wanted.id])), ()
        candidates = [wanted.id]
    else:
        same = [name for name in shared if _are_unique(sample.columns[name])]
        if same:
            alike = [name for name in same if set(sample.columns[name]) == set(table.texts(shared[name]))]
            name = (alike or [one for one in same if ID_NAME.fullmatch(one)] or same)[0]
            return name, list(table.texts(shared[name])), ()
        candidates = [name for name in sample.header if _are_unique(sample.columns[name])]
    for name in candidates:
        ids = sample.columns[name]
        own = next((one for one in table.columns if set(table.texts(one)) == set(ids)), None)
        if own is not None:
            return name, list(table.texts(own)), (f'ids: "{name}" of the sample is "{own}" of {table.name}',)
        if len(ids) == len(table) and ids[0] in ("0", "1") and ids == [str(int(ids[0]) + n) for n in range(len(ids))]:
            return name, list(ids), (f'ids: "{name}" counts the rows of {table.name}',)
    twice = [name for name in shared if not _are_unique(sample.columns[name])]
    if twice:
        named, counts = twice[0], Counter(sample.columns[twice[0]])
        raise DataError(
            f'{sample.name}: id "{counts.most_common(1)[0][0]}" stands twice in column "{named}"', "--id COLUMN"
        )
    hint = f"--id COLUMN, one of: {', '.join(sample.header)}"
    raise UsageError(f"{sample.name}: which column holds the ids? none is in {table.name}, too", hint)


def _order(name: str, ids: Sequence[str], sample: SampleFile, column: str) -> list[int]:
    """The row of the table for each row of the sample; DataError where they do not have the same ids."""
    rows: dict[str, int] = {}
    for row, one in enumerate(ids):
        if rows.setdefault(one.strip(), row) != row:
            raise DataError(f'{name}: two rows have the id "{one.strip()}" in column "{column}"', "ids must be unique")
    wanted = [one.strip() for one in sample.columns[column]]
    asked = set(wanted)
    lacking = [one for one in wanted if one not in rows]
    extra = [one for one in rows if one not in asked]
    if lacking or extra:
        parts = [f"{sample.name} asks for {_named(lacking)}, which {name} lacks"] if lacking else []
        parts += [f"{name} has {_named(extra)}, which {sample.name} does not ask for"] if extra else []
        alike = {_plain(one) for one in lacking} & {_plain(one) for one in extra}
        same = "the ids are the same but for how they are written: mend one of the files"
        raise DataError("; ".join(parts), same if alike else "do both files belong together?")
    if len(asked) < len(wanted):
        twice = Counter(wanted).most_common(1)[0][0]
        raise DataError(f'{sample.name}: id "{twice}" stands twice in column "{column}"', "--id COLUMN names another")
    return [rows[one] for one in wanted]


def _held(layout: SubmissionLayout, name: str, held: Sequence[str], predicted: Predicted) -> Values:
    """What a column of the sample holds, labels where there is none; UsageError where its values do not tell."""
    assert predicted.labels
    if layout.sample is None:
        return LABELS
    values = [one for one in held if one]
    if values and predicted.several:
        return LABELS
    if values and all(one in predicted.labels for one in values):
        return LABELS
    shares = [_share(one) for one in values]
    if values and None not in shares and any(share not in (0, 1) for share in shares):
        return PROBABILITIES
    shown = ", ".join(f'"{one[:30]}"' for one in values[:3]) or "nothing"
    if any(share is None for share in shares):
        wrong = next(
            one for one, share in zip(values, shares, strict=True) if share is None and one not in predicted.labels
        )
        what = f'{layout.sample.name}: column "{name}" holds "{wrong[:40]}", which is no label of the run'
        raise UsageError(what, f"{AS} of: {', '.join(predicted.labels[:12])}")
    raise UsageError(f'{layout.sample.name}: column "{name}" holds {shown}: is it for labels or probabilities?', AS)


def _positive(layout: SubmissionLayout, name: str, predicted: Predicted, wanted: Choices) -> int:
    """The number of the label whose probability is wanted."""
    labels = list(predicted.labels)
    if wanted.positive:
        return labels.index(wanted.positive)
    folded = [label.casefold() for label in labels]
    if name.casefold() in folded:
        return folded.index(name.casefold())
    true = [at for at, label in enumerate(folded) if label in TRUE]
    if len(labels) == 2 and len(true) == 1:
        return true[0]
    raise UsageError(
        f'which label is "{name}" the probability of?', f"--positive LABEL, one of: {', '.join(labels[:12])}"
    )


def _columns(
    layout: SubmissionLayout, predicted: Predicted, wanted: Choices
) -> tuple[dict[str, Callable[[Sequence[float]], str]], str]:
    """A column for each label, by their names."""
    assert layout.sample is not None
    found = _matched(layout.targets, predicted.labels)
    unknown = [name for name in layout.targets if name not in found]
    if unknown:
        what = f'{layout.sample.name}: column "{unknown[0]}" is no label of the run'
        raise UsageError(what, f"labels are: {', '.join(predicted.labels[:12])}; --target COLUMN names a single one")
    held = {value.strip() for name in layout.targets for value in layout.sample.columns[name]} - {""}
    if not wanted.values and not any(_share(one) is not None and "." in one for one in held):
        shown = ", ".join(f'"{one[:30]}"' for one in sorted(held)[:3]) or "nothing"
        raise UsageError(
            f"{layout.sample.name}: its columns of labels hold {shown}: is 0 and 1 or are shares wanted?", AS
        )
    left = [label for at, label in enumerate(predicted.labels) if at not in found.values()]
    more = f"; no column for {', '.join(left)}" if left else ""
    if wanted.values == LABELS:
        chosen = _chosen(predicted)
        cells = {name: (lambda shares, at=at: str(int(at in chosen(shares)))) for name, at in found.items()}
        return cells, f"{len(found)} columns: 1 for the label, else 0{more}"
    cells = {name: (lambda shares, at=at: number(shares[at])) for name, at in found.items()}
    return cells, f"{len(found)} columns: the probability of each label{more}"


def _matched(columns: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
    """The number of the label that each column is called by, in whole or behind what all columns begin with."""
    numbers = {label.casefold(): at for at, label in enumerate(labels)}
    first, best = columns[0], dict[str, int]()
    ends = (at for at in range(1, len(first) + 1) if all(one.startswith(first[:at]) for one in columns))
    for cut in (0, *ends):
        found = {name: numbers[key] for name in columns if (key := label_text(name[cut:]).casefold()) in numbers}
        best = found if len(found) > len(best) else best
    return best


def _chosen(predicted: Predicted) -> Callable[[Sequence[float]], set[int]]:
    """The numbers of the labels that are predicted of shares."""
    if predicted.several:
        return lambda shares: {at for at, share in enumerate(shares) if share >= 0.5}
    return lambda shares: {max(range(len(shares)), key=shares.__getitem__)}


def _true(labels: Sequence[str], shares: Sequence[float]) -> list[str]:
    return [label for label, share in zip(labels, shares, strict=True) if share >= 0.5]


def _joining(held: Sequence[str], labels: Sequence[str], separator: str) -> tuple[Callable[[Sequence[str]], str], str]:
    """How several labels make a cell like those of a sample, and a word for it."""
    lists = [one for one in held if list_in(one) is not None]
    if lists:
        quote = '"' if any('"' in one for one in lists) else "'"
        return lambda found: f"[{', '.join(f'{quote}{one}{quote}' for one in found)}]", "lists of labels"
    known = set(labels)
    for one in (separator, *SEPARATORS):
        several = [cell for cell in held if one in cell]
        if several and all(part.strip() in known for cell in several for part in cell.split(one)):
            return one.join, f'labels with "{one}" between them'
    return separator.join, f'labels with "{separator}" between them, which the sample does not tell'


def _spelled(labels: Sequence[str], held: Sequence[str]) -> list[str]:
    """Labels as a sample writes them, which may have whole numbers as 1.0."""
    written = {label_text(one): one for one in held}
    doubles = bool(held) and all(re.fullmatch(r"-?\d+\.0+", one) for one in held if one)
    return [written.get(label, f"{label}.0" if doubles else label) for label in labels]


def _shared(table: Table, sample: SampleFile) -> dict[str, str]:
    """The columns of a sample that a table has too, in any case, and what they are called there."""
    own = {name.strip().lower(): name for name in reversed(table.columns) if not name.startswith("__")}
    return {name: own[name.lower()] for name in sample.header if name.lower() in own}


def _require(sample: SampleFile, column: str, option: str) -> None:
    if column not in sample.columns:
        near = did_you_mean(column, sample.header)
        what = f"{option} {column}: {sample.name} has no such column{near}"
        raise UsageError(what, f"its columns are: {', '.join(sample.header)}")


def _share(text: str) -> float | None:
    """A number from 0 to 1, None for all else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _plain(text: str) -> str:
    """An id without what programs add or take away: leading zeros, and .0 of a double."""
    return re.sub(r"\.0+$", "", text).lstrip("0") or "0"


def _named(ids: Sequence[str]) -> str:
    some = ", ".join(f'"{one[:40]}"' for one in ids[:MOST_NAMED])
    more = f" and {len(ids) - MOST_NAMED:,} more" if len(ids) > MOST_NAMED else ""
    return f"id{'s'[: len(ids) != 1]} {some}{more}"


def _are_unique(values: Iterable[str]) -> bool:
    listed = list(values)
    return len(set(listed)) == len(listed)
