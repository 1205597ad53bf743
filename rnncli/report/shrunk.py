"""What became of a model that was made smaller, as plain frozen values, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from rnncli.metrics.metric import Better, Metric, Unit
from rnncli.report.layout import grid
from rnncli.report.numbers import number, plain, signed


@dataclass(frozen=True)
class SizePart:
    """The bytes on disk of a part of a model, before and after."""

    part: str
    before: int
    after: int


@dataclass(frozen=True)
class MetricChange:
    """A metric of a split before and after, with the interval of the difference, None where it cannot be told.

    ``p`` is how often chance parts two such models so far.
    """

    metric: str
    title: str
    unit: Unit
    better: Better
    split: str
    examples: int
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    confidence: float
    nominal: float = 0.0

    @property
    def loss(self) -> float:
        """How much worse it is, in points of a share, else in the metric's own unit; negative where it is better."""
        metric = Metric(self.metric, better=self.better, unit=self.unit, nominal=self.nominal)
        worse = metric.badness(self.after) - metric.badness(self.before)
        return 100 * worse if self.unit == "share" else worse


@dataclass(frozen=True)
class ShrinkTrial:
    """A smaller form that was tried: the bytes of its weights, and how much worse it is (:attr:`MetricChange.loss`)."""

    weights: str
    words: int | None
    bytes: int
    loss: float
    kept: bool


@dataclass(frozen=True)
class Shrunk:
    """A smaller model: where it is, what it is of, what was done, what it costs, what it takes.

    ``words`` is how many it knows, None where it knows all or none, ``units`` how many each direction of a layer has,
    None where all are there; ``sizes`` are of parts of the weights, of the file of these, of other files, of all files.
    """

    run: str
    source: str
    weights: str
    words: int | None
    words_before: int | None
    units: int | None
    units_before: int | None
    change: MetricChange
    sizes: tuple[SizePart, ...]
    tried: tuple[ShrinkTrial, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = plain(asdict(self))
        return values | {"change": values["change"] | {"loss": self.change.loss}}


def lines(shrunk: Shrunk) -> Iterator[Text]:
    """Tables of what was tried, of sizes and of the metric."""
    if shrunk.units is not None and shrunk.units_before is not None:
        yield Text(f"units {shrunk.units:,} of {shrunk.units_before:,} in each direction of a layer, trained on")
    if shrunk.words is not None and shrunk.words_before is not None:
        yield Text(f"words {shrunk.words:,} of {shrunk.words_before:,}")
    if shrunk.tried:
        yield from _tried(shrunk)
        yield Text()
    heads = [Text(word, style="dim") for word in ("", "before", "after", "")]
    rows = [[one.part, _bytes(one.before), _bytes(one.after), _share(one)] for one in shrunk.sizes]
    yield from grid([heads, *rows], "lrrr")
    yield Text()
    change, unit = shrunk.change, shrunk.change.unit
    ends = ""
    if change.low is not None and change.high is not None:
        ends = f"{_signed(change.low, unit)} .. {_signed(change.high, unit)}"
    of = f"{change.split}, {change.examples:,} examples"
    names = (of, "before", "after", "change", f"{100 * change.confidence:g} % interval" if ends else "")
    figures = [number(change.before, unit), number(change.after, unit), _signed(change.difference, unit), ends]
    yield from grid([[Text(name, style="dim") for name in names], [change.title, *figures]], "lrrrr")
    for note in shrunk.notes:
        yield Text(f"note  {note}")


def _tried(shrunk: Shrunk) -> Iterator[Text]:
    names = ("tried", "words", "weights", "worse by", "")
    with_words = any(one.words is not None for one in shrunk.tried)
    rows = []
    for one in shrunk.tried:
        words = "all" if one.words is None else f"{one.words:,}"
        rows.append([one.weights, words, _bytes(one.bytes), f"{one.loss:.2f}", "kept" * one.kept])
    shown = [i for i in range(len(names)) if i != 1 or with_words]
    table = [[Text(name, style="dim") for name in names], *rows]
    yield from grid([[row[i] for i in shown] for row in table], "".join("lrrrl"[i] for i in shown))


def _signed(value: float, unit: Unit) -> str:
    """A difference to a hundredth of a point: roundings cost less than a tenth."""
    return f"{100 * value:+.2f}" if unit == "share" else signed(value, unit)


def _bytes(count: int) -> str:
    """Such as 5.26 MB or 12.3 kB."""
    return f"{count / 1e6:,.2f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"


def _share(one: SizePart) -> str:
    return f"{100 * one.after / one.before:.1f} %" if one.before else ""
