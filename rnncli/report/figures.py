"""Figures and samples of a page, lines of a terminal: lines over any axes with their bands, texts, pictures, sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """A line of a figure, through points; ``name`` may be empty where it is the only one.

    ``lows`` and ``highs``, where there are any, are the ends of a band around it, such as the interval of a forecast.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()


@dataclass(frozen=True)
class Figure:
    """Lines over two titled axes, each from 0 to 1 where it is a share and as far as the lines go otherwise.

    ``diagonal`` draws the line of chance or of perfection. ``x_ticks`` makes x an axis of powers that is named at them;
    ``y_powers`` makes y one, with a faint line at each of ``levels``.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    diagonal: bool = False
    x_is_share: bool = True
    y_is_share: bool = True
    x_ticks: tuple[float, ...] = ()
    y_powers: bool = False
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Whisker:
    """A value with its interval, drawn as a point on a line; ``says`` is the figure in words."""

    name: str
    says: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Piece:
    """A stretch of an example; ``mark`` is empty, right, wrong, missed or added, ``says`` what is to be known of it.

    ``shade``, from 0 to 1, is how much attention it got, as a share of the most that any got; ``adds``, from -1 to 1,
    what it adds to the prediction, as a share of the most. ``gap`` stands behind it.
    """

    text: str
    mark: str = ""
    says: str = ""
    shade: float = 0.0
    adds: float = 0.0
    gap: str = " "


@dataclass(frozen=True)
class Media:
    """A picture or a sound that a page plays or shows: the content of a file of type ``kind``, and words for it."""

    kind: str
    """``image/png``, ``image/jpeg``, ``audio/wav``, ``audio/midi`` and the like."""
    content: bytes
    words: str


@dataclass(frozen=True)
class Attention:
    """How much attention each word (W) paid to each stretch (K) of a clip: ``shares_WK``, each word's sum 1."""

    words: tuple[str, ...]
    shares_WK: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Sample:
    """An example worth looking at, in pieces of text, with what is to be seen or heard; ``caption`` says why.

    ``file`` is where it can be seen or heard and ``span`` the stretch of it, from where and how long in seconds;
    ``cell`` is the truth and the prediction of an example with one label, which a matrix counts.
    """

    caption: str
    pieces: tuple[Piece, ...] = ()
    place: str = ""
    media: tuple[Media, ...] = ()
    file: str = ""
    span: tuple[float, float] | None = None
    cell: tuple[str, str] | None = None
    attention: Attention | None = None


@dataclass(frozen=True)
class Passage:
    """Lines under a title, such as what a model wrote; a terminal shows ``most`` of them at most."""

    title: str
    text: str
    most: int = 8


@dataclass(frozen=True)
class Trace:
    """A series with its forecast, drawn in characters; what is None is not known.

    ``forecast`` begins ``gap`` steps behind the last of ``history``; ``truth`` and the band from ``lows`` to ``highs``,
    where there are any, are as long.
    """

    title: str
    history: tuple[float | None, ...]
    forecast: tuple[float | None, ...]
    truth: tuple[float | None, ...] = ()
    lows: tuple[float | None, ...] = ()
    highs: tuple[float | None, ...] = ()
    gap: int = 0
    band: str = "95 % interval"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Trace:
        """From JSON's values."""
        series: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
        return cls(**series)
