"""Runs to make pages of: plain ones, and ones whose every text tries to be markup."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rnncli import tasks
from rnncli.metrics.forecasts import COUNTS
from rnncli.report.build import Mistake, ReportTable
from rnncli.report.figures import Attention, Figure, Line, Media, Piece, Sample
from rnncli.report.page import Story
from rnncli.report.reach import reach
from tests.report.samples import report

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></pre></textarea><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; ]]> --> 'x' `y` $\\frac{1}{2}$ $x",
)
PICTURE = Media(
    "image/gif", bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b"), HOSTILE[1]
)
HISTORY = [
    {"epoch": n, "loss": 1 / n, "watched": 1 - 1 / n, "metrics": {"loss": 1.5 / n, "accuracy": 1 - 1 / n}}
    for n in (1, 2, 3)
]


def hostile_story() -> Story:
    text = " ".join(HOSTILE)
    labels = tuple(HOSTILE[:3])
    made = report(labels, baselines={HOSTILE[0]: {"accuracy": 0.5}}, notes=HOSTILE)
    made = dataclasses.replace(
        made,
        task=HOSTILE[0],
        recipe=HOSTILE[1],
        split=HOSTILE[2],
        dropped={HOSTILE[1]: 3},
        mistakes=(Mistake(text, *labels[:2], 0.9, HOSTILE[2]),),
        tables=(ReportTable(HOSTILE[0], HOSTILE, (HOSTILE,)),),
    )
    lines = tuple(Line(label, (0.0, 1.0), (0.0, 1.0)) for label in labels)
    return Story(
        name=HOSTILE[1],
        report=made,
        recipe=text,
        history={HOSTILE[0]: HISTORY, HOSTILE[1]: HISTORY},
        figures=[Figure(HOSTILE[0], HOSTILE[1], HOSTILE[2], lines)],
        samples=[
            Sample(HOSTILE[0], (Piece(HOSTILE[1], "wrong", HOSTILE[2]), Piece(text)), HOSTILE[1]),
            Sample(HOSTILE[2], media=(PICTURE,), attention=Attention(HOSTILE[:2], ((0.7, 0.3), (0.1, 0.9)))),
        ],
        cell_samples=[Sample(HOSTILE[1], (Piece(text),), HOSTILE[2], cell=(labels[0], labels[1]))],
        predictions=[{"place": HOSTILE[0], HOSTILE[1]: text, "truth": [HOSTILE[2]], "p": 0.25}],
        download=f"predictions/{HOSTILE[0]}.jsonl",
        glossary=[(HOSTILE[1], text)],
        facts={"device": HOSTILE[0], "kernel": HOSTILE[1], "versions": {HOSTILE[2]: HOSTILE[0]}, "watched": HOSTILE[1]},
        typed=text,
    )


def story(**more) -> Story:
    table = ReportTable("by length", ("words", "n"), (("1", 2),))
    made = dataclasses.replace(report(("bad", "fair", "good")), tables=(table,))
    lines = tuple(Line(label, (0.0, 0.2, 1.0), (0.0, 0.8, 1.0)) for label in made.classes.labels)
    kept = {
        "figures": [Figure("ROC", "false positive rate", "true positive rate", lines, diagonal=True)],
        "samples": [Sample("2 errors", (Piece("set"), Piece("green", "wrong", "truth blue")), "a.wav")],
        "history": {"": HISTORY},
        "facts": {"watched": "accuracy", "data": {"headline": "reviews.csv: 60 rows", "sizes": {"train": 48}}},
        "recipe": "task: sentiment\nseed: 1\n",
        "typed": "rnncli sentiment",
    }
    return Story("run-1", made, **{**kept, **more})


def tagging_story() -> Story:
    """Spans right, wrong, missed and added, of hostile words and types."""
    kind = HOSTILE[0].replace(" ", "")
    tokens = [*HOSTILE, "plain", "w" * 300, "中文" * 40]
    truth = [f"B-{kind}", f"I-{kind}", "O", "B-LOC", "O", "B-PER", "O", "O"]
    spans = [(kind, 0, 1), ("LOC", 3, 4), ("ORG", 6, 8)]
    row = {
        "place": f"{HOSTILE[1]}.conll:3",
        "tokens": tokens,
        "truth": truth,
        "tags": [f"B-{kind}", "O", "O", "B-LOC", "O", "O", "B-ORG", "I-ORG"],
        "probabilities": [0.9, 0.8, 0.7, 0.99, 0.6, 0.5, 0.4, 0.95],
        "spans": [{"type": name, "start": start, "end": end} for name, start, end in spans],
    }
    return _of_task("tagging", [row])


def speech_story() -> Story:
    """Words wrong, missed and added, in hostile texts and file names."""
    row = {
        "place": f"{HOSTILE[2]}.wav",
        "truth": f"set {HOSTILE[0]} green now",
        "text": f"set {HOSTILE[1]} greener",
        "words": [{"word": "set", "confidence": 0.9}, {"word": HOSTILE[1], "confidence": 0.4}],
    }
    return _of_task("speech", [row, {**row, "text": f"{row['truth']} {HOSTILE[3]} {'long' * 100}"}])


def action_story() -> Story:
    """Mistakes in hostile files and classes, in windows of a long video as well."""
    labels = (HOSTILE[0], HOSTILE[1].replace(" ", ""), "walk")
    row = {
        "place": f"{HOSTILE[2]}.csv:3",
        "file": f"{HOSTILE[4]}/{'long' * 60}.mp4",
        "truth": labels[0],
        "label": labels[1],
        "probabilities": dict(zip(labels, (0.2, 0.7, 0.1), strict=True)),
    }
    return _of_task("action", [row, {**row, "truth": labels[2]}, {**row, "truth": labels[1]}])


def captioning_story() -> Story:
    """Captions of hostile words, with what each word looked at."""
    row = {
        "place": f"{HOSTILE[1]}.csv:3",
        "file": f"{HOSTILE[2]}.jpg",
        "caption": f"a {HOSTILE[0]} runs",
        "truth": [f"a dog {HOSTILE[3]}", HOSTILE[4]],
        "words": ["a", HOSTILE[0], "runs", "w" * 300],
        "truth_words": [["a", "dog", HOSTILE[3]], HOSTILE[4].split()],
        "attention": [[0.5, 0.3, 0.2, 0.0]] * 4,
    }
    return _of_task("captioning", [row, {**row, "attention": None}])


def forecast_story() -> Story:
    """Windows of series with hostile and long names, one without values, one of numbers of any size."""
    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    rows = []
    for number, name in enumerate((HOSTILE[0], "long" * 60, HOSTILE[3], "plain")):
        size = 10.0 ** (6 * number - 6)
        truth, mean = [size, None, 3 * size], [1.5 * size, 2 * size, 2 * size]
        quantiles = [[(1 + level) * one for one in mean] for level in levels]
        sums = [*map(float, range(1, len(COUNTS) + 1))]
        row = {"place": f"{name}, 2025-06-30", "series": name, "cutoff": "2025-06-30", "origin": 20269 + number, "n": 2}
        row |= {"sums": sums, "truth": truth, "mean": mean, "quantiles": quantiles, "history": [size, None, size]}
        rows.append(row)
    about = {"levels": list(levels), "horizon": 3, "step": 3, "season": 1, "grid": {"frequency": "D", "zone": ""}}
    return _of_task("forecast", [*rows, rows[0] | {"truth": 4.0, "mean": None, "quantiles": None}], about)


def _of_task(task: str, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any] | None = None) -> Story:
    """A page with what the task tells of its predictions."""
    about = about or {}
    scoring = tasks.scoring(task)
    kept = story()
    arriving = {"forward": [1.0, 0.5, 1e-3, 2e-6], "reverse": [1.0]}
    made = dataclasses.replace(kept.report, task=task, reach=reach(arriving, 0.1, 2))
    samples = scoring.samples(rows, about, 20)
    assert samples
    return dataclasses.replace(kept, report=made, samples=samples, figures=scoring.figures(rows, about))
