"""What a model of music is worth: see :class:`rnncli.tasks.base.Scoring`.

Rows are pieces, or blocks of long ones, see :mod:`rnncli.tasks.write.scoring`. What scoring has to know beside them::

    {"form": "rolls", "beat": 4, "tempo": 120, "samples": [{"temperature": 0.8, "frames": [[48, 64, 67], ...]}],
     "copied": {"counted": "chords", "length": 8, "rows": [{"of": "samples", "longest": 11, "share": 0.2}, ...]}}

``beat`` is how many frames a beat has, ``tempo`` how many beats a minute; a row may say the ``seconds`` of its frames.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.data.music.pieces import TEMPO
from rnncli.data.wording import counted
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Details
from rnncli.report.figures import Figure, Media, Passage, Sample
from rnncli.tasks.base import About, Row
from rnncli.tasks.music.extras.pictures import roll_picture, roll_text
from rnncli.tasks.music.extras.sounds import sound
from rnncli.tasks.write.scoring import MUSIC_COUNTS, music_scores, of_rows, row_sums
from rnncli.tasks.write.shown import (
    ShownMetrics,
    copied_table,
    course,
    dearest_first,
    help_table,
    interval_notes,
    resemblance_table,
)

SHOWN = ShownMetrics({"nats_per_frame": "nats/frame", "nats_per_note": "nats/note"}, music_scores, "piece")
FRAMES = MUSIC_COUNTS.index("frames")
MAX_LINES = 30
"""Of a piano roll on a terminal."""
MAX_HEARD = 6
"""Samples with their sound."""


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """Nats per frame and per note, over pieces and blocks of long ones."""
    return of_rows(rows, music_scores)


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Help at test time, pieces that train has too, what is copied; samples."""
    tables = (
        help_table(rows, about, SHOWN, settings, seed),
        resemblance_table(rows, SHOWN),
        copied_table(about),
    )
    written = about.get("samples", ())
    passages = [Passage(_title(one), roll_text(one["frames"]) or "(silence)", MAX_LINES) for one in written]
    pieces, frames = len({row["example"] for row in rows}), int(row_sums(rows)[:, FRAMES].sum())
    return Details(
        tables=[table for table in tables if table],
        notes=interval_notes(rows, "piece"),
        passages=passages,
        scored=f"{counted(frames, 'frame')} of {counted(pieces, 'piece')}",
        each="piece" if pieces == len(rows) else "block",
    )


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """What pieces cost, from the easiest to the hardest."""
    drawn = course(rows, SHOWN, "by piece, the easiest first", FRAMES, by_size=True)
    return [drawn] if drawn else []


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """What was written, then pieces of test, the hardest first: piano rolls and sound."""
    found = [Sample(_title(one), media=_media(one, about)) for one in about.get("samples", ())[:most]]
    for row in dearest_first(rows, SHOWN):
        if len(found) < most and row.get("frames"):
            nats = of_rows([row], music_scores).values()[SHOWN.first]
            media = _media(row, about, heard=len(found) < MAX_HEARD)
            found.append(Sample(f"{nats:.2f} nats per frame", place=row["place"], media=media))
    return found


def _title(sample: Row) -> str:
    return f"written at temperature {sample['temperature']:g}"


def _media(one: Row, about: About, *, heard: bool = True) -> tuple[Media, ...]:
    """The piano roll of frames and their sound."""
    voices = about.get("form") == "voices"
    beat = float(about.get("beat", 4))
    found = [roll_picture(one["frames"], beat=beat, voices=voices)]
    if heard:
        seconds = one.get("seconds") or 60 / float(about.get("tempo", TEMPO)) / beat
        found.append(sound(one["frames"], float(seconds), voices=voices))
    return tuple(media for media in found if media)
