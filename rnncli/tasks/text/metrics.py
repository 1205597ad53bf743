"""What a model of texts is worth: see :class:`rnncli.tasks.base.Scoring`.

Rows are blocks of documents, see :mod:`rnncli.tasks.write.scoring`. What scoring has to know beside them::

    {"unit": "character", "inexact": [], "weights": {"n-gram": {"model": 0.7, "n-gram": 0.3}},
     "samples": [{"temperature": 0.8, "text": "It was the"}],
     "copied": {"counted": "characters", "length": 40, "rows": [{"of": "samples", "longest": 38, "share": 0.01}, ...]}}

``inexact`` are sentences that say why bits are not those of the very text, none where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnncli.data.wording import counted
from rnncli.metrics.metric import Metric
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Details, ReportTable
from rnncli.report.figures import Figure, Passage, Piece, Sample
from rnncli.tasks.base import About, Row
from rnncli.tasks.write.declared import TEXT_METRICS
from rnncli.tasks.write.scoring import TEXT_COUNTS, of_rows, row_sums, text_scores
from rnncli.tasks.write.shown import (
    ShownMetrics,
    copied_table,
    course,
    dearest_first,
    help_table,
    interval_notes,
    resemblance_table,
)

SHOWN = ShownMetrics({"bits_per_character": "bits/character", "perplexity": "perplexity"}, text_scores)
TOKENS, CHARACTERS, UNKNOWN = (TEXT_COUNTS.index(name) for name in ("tokens", "characters", "unknown"))
AT_LEAST = ("bits_per_character", "bits_per_byte")
"""Metrics that are too low where some of the text is not foretold."""
MAX_DEAREST = 10
"""Symbols in the table of a report."""


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """Bits per character and byte, perplexity, nats, over blocks."""
    return of_rows(rows, text_scores)


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Help at test time, documents that train has too, the dearest symbols, what is copied; samples."""
    tables = (
        help_table(rows, about, SHOWN, settings, seed),
        resemblance_table(rows, SHOWN),
        _dearest_table(rows),
        copied_table(about),
    )
    notes = _inexact(rows, about)
    passages = [Passage(_title(one), one["text"]) for one in about.get("samples", ())]
    characters = int(row_sums(rows)[:, CHARACTERS].sum())
    return Details(
        metrics=_marked() if notes else {},
        tables=[table for table in tables if table],
        notes=[*notes, *interval_notes(rows, "block")],
        passages=passages,
        scored=f"{counted(characters, 'character')} in {counted(len(rows), 'block')}",
        each="block",
    )


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """What the text costs from its beginning to its end."""
    drawn = course(rows, SHOWN, "over the characters of the text", CHARACTERS)
    return [drawn] if drawn else []


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """What was written, then the dearest symbols where they stand, then the dearest blocks."""
    found = [Sample(_title(one), (Piece(one["text"]),)) for one in about.get("samples", ())]
    for token, nats, before, place in _dearest(rows):
        pieces = (Piece(before), Piece(_visible(token), "wrong", f"{nats:.1f} nats"))
        found.append(Sample(f"{nats:.1f} nats for one symbol", pieces, place))
    for row in dearest_first(rows, SHOWN):
        bits = of_rows([row], text_scores).values()[SHOWN.first]
        found.append(Sample(f"{bits:.2f} bits per character", (Piece(f"{row['text']} …"),), row["place"]))
    return found[:most]


def _title(sample: Row) -> str:
    return f"written at temperature {sample['temperature']:g}"


def _inexact(rows: Sequence[Row], about: About) -> list[str]:
    """Why bits are not those of the very text, in sentences."""
    sums_KC = row_sums(rows)
    unknown, tokens = int(sums_KC[:, UNKNOWN].sum()), int(sums_KC[:, TOKENS].sum())
    found = list(about.get("inexact", ()))
    if unknown:
        found.append(
            f"{unknown:,} of {tokens:,} symbols are the unknown one, which does not say what stands there: bits per "
            "character and per byte are too low for that"
        )
    return found


def _marked() -> dict[str, Metric]:
    """The metrics that are too low, their titles saying so."""
    declared = {metric.name: metric for metric in TEXT_METRICS}
    return {name: replace(declared[name], title=f"{declared[name].words}, at least") for name in AT_LEAST}


def _dearest(rows: Sequence[Row]) -> list[tuple[str, float, str, str]]:
    """The dearest symbols: token, nats, what stands ahead of it, the place of its block."""
    found = [(*one, row["place"]) for row in rows for one in row.get("dearest", ())]
    return sorted(found, key=lambda one: -one[1])[:MAX_DEAREST]


def _dearest_table(rows: Sequence[Row]) -> ReportTable | None:
    found = _dearest(rows)
    cells = [(_visible(token), float(nats), f"{before}[{token}]") for token, nats, before, _ in found]
    return ReportTable("dearest symbols", ("symbol", "nats", "in its context"), tuple(cells)) if cells else None


def _visible(token: str) -> str:
    """A symbol whose blanks can be seen."""
    return token.replace(" ", "␣")
