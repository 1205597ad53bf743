"""JSON schemas of what commands print for programs, and of the lines that a run and a batch keep.

Fields may be added in later versions; here none may be missing, be of another kind, or be there without being named.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TRUTH: Schema = {"type": "boolean"}
MAYBE: Schema = {"type": ["number", "null"]}
ANY: Schema = {}


def fields(optional: Schema | None = None, /, **required: Schema) -> Schema:
    """An object with exactly these fields."""
    both = required | (optional or {})
    return {"type": "object", "properties": both, "required": list(required), "additionalProperties": False}


def by_name(of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of}


def many(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


UNIT, BETTER = one_of("share", "plain", "count"), one_of("higher", "lower", "nominal")
METRIC = fields(
    {"deviation": MAYBE, "show": one_of("last", "never"), "title": TEXT, "nominal": NUMBER},
    value=MAYBE,
    low=MAYBE,
    high=MAYBE,
    unit=UNIT,
    better=BETTER,
)
GROUP = fields(name=TEXT, examples=COUNT, small=TRUTH, metrics=by_name(METRIC))
GAP = fields(best=TEXT, worst=TEXT, difference=NUMBER, p=NUMBER, low=MAYBE, high=MAYBE)
FOLD = fields(
    fold=COUNT,
    examples=COUNT,
    seconds=NUMBER,
    best_epoch={"type": ["integer", "null"]},
    metrics=by_name(MAYBE),
    baselines=by_name(by_name(MAYBE)),
)
MAYBE_INTERVAL = fields(value=MAYBE, low=MAYBE, high=MAYBE)
VALUES = many(MAYBE)
TRACE = fields(
    title=TEXT, history=VALUES, forecast=VALUES, truth=VALUES, lows=VALUES, highs=VALUES, gap=COUNT, band=TEXT
)
GATE = fields(name=TEXT, mean=NUMBER, low=NUMBER, high=NUMBER)
DETECTED = fields(what=TEXT, correlation=NUMBER, bound=NUMBER, found=TRUTH)
UNIT_USE = fields(
    unit=COUNT,
    mean=NUMBER,
    deviation=NUMBER,
    memory=MAYBE,
    state=one_of("", "dead", "constant"),
    detects={"anyOf": [DETECTED, {"type": "null"}]},
    high=many(TEXT),
    low=many(TEXT),
)
INSIDE = fields(
    split=TEXT,
    core=TEXT,
    cell=TEXT,
    step=TEXT,
    examples=COUNT,
    of=COUNT,
    steps=COUNT,
    off=NUMBER,
    directions=many(fields(layer=COUNT, direction=TEXT, gates=many(GATE), units=many(UNIT_USE))),
    pictures=many(fields(title=TEXT, place=TEXT, steps=many(TEXT), rows=by_name(many(NUMBER)))),
)
VIEW = fields(
    moved=many(NUMBER),
    means=by_name(many(NUMBER)),
    units=many(fields(unit=COUNT, values=by_name(many(NUMBER)))),
)
INSPECT = fields(
    core=TEXT,
    cell=TEXT,
    layers=COUNT,
    units=COUNT,
    layer=COUNT,
    step=TEXT,
    steps=many(TEXT),
    off=NUMBER,
    directions=by_name(VIEW),
)
MATCHES = fields(
    text=TEXT,
    core=TEXT,
    layer=COUNT,
    begin=COUNT,
    end=COUNT,
    units=many(fields(direction=TEXT, unit=COUNT, deviations=NUMBER)),
    matches=many(fields(place=TEXT, begin=COUNT, end=COUNT, strength=NUMBER, steps=many(TEXT))),
)
CHOICE = fields(method=TEXT, why=TEXT, tried=by_name(MAYBE_INTERVAL))
PIECE = fields(
    {"start": NUMBER, "end": NUMBER, "by": by_name(NUMBER), "looked": NUMBER},
    piece=TEXT,
    adds=NUMBER,
)
ANSWER = fields(
    {"name": TEXT, "part": COUNT, "at": many(COUNT), "seconds": many(NUMBER)},
    example=COUNT,
    label=TEXT,
    probability=NUMBER,
    log_odds=NUMBER,
    method=one_of("ig", "gradient", "occlusion"),
    against=one_of("unknown", "zero"),
    pieces=many(PIECE),
    inputs=by_name(NUMBER),
    beside=by_name(NUMBER),
    baseline=NUMBER,
    sum=NUMBER,
    difference=NUMBER,
    adds_up=TRUTH,
    steps=COUNT,
)
EXPLAIN = fields(choice=CHOICE, answers=many(ANSWER))
DELETION = fields(
    questions=COUNT,
    examples=COUNT,
    too_short=COUNT,
    draws=COUNT,
    curve=many(fields(deleted=COUNT, falls=MAYBE_INTERVAL, random=MAYBE_INTERVAL)),
    judged_by=COUNT,
    times_random=MAYBE_INTERVAL,
    advantage=MAYBE_INTERVAL,
    better_than_chance={"type": ["boolean", "null"]},
)
SPEAKER = fields(name=TEXT, count=COUNT, adds=NUMBER, low=NUMBER, high=NUMBER)
EXPLAIN_SUMMARY = fields(choice=CHOICE, questions=COUNT, add_up=COUNT, deletion=DELETION, labels=by_name(many(SPEAKER)))
REPORT = fields(
    {
        "inside": INSIDE,
        "traces": many(TRACE),
        "passages": many(fields(title=TEXT, text=TEXT, most=COUNT)),
        "scored": TEXT,
        "each": TEXT,
        "groups": many(fields(by=TEXT, groups=many(GROUP), gaps=by_name(GAP))),
        "folds": many(FOLD),
        "about": by_name(ANY),
        "reach": fields(least=NUMBER, steps=NUMBER, beyond=TRUTH, sequences=COUNT, shares=by_name(many(NUMBER))),
    },
    task=TEXT,
    recipe=TEXT,
    split=TEXT,
    examples=COUNT,
    dropped=by_name(COUNT),
    metrics=by_name(METRIC),
    labels=many(TEXT),
    confusion=many(many(COUNT)),
    per_class=many(fields(label=TEXT, precision=MAYBE, recall=MAYBE, f1=MAYBE, support=COUNT)),
    baselines=by_name(by_name(MAYBE)),
    model=fields(
        {"members": COUNT, "start": TEXT},
        cell=one_of("rnn", "lstm", "gru"),
        layers=COUNT,
        hidden=COUNT,
        bidirectional=TRUTH,
        parameters=COUNT,
    ),
    training=fields(
        seconds=NUMBER,
        epochs=COUNT,
        best_epoch={"type": ["integer", "null"]},
        examples_per_second=NUMBER,
        device=TEXT,
    ),
    confidence=NUMBER,
    positive={"type": ["string", "null"]},
    notes=many(TEXT),
    advice=many(TEXT),
    mistakes=many(fields(text=TEXT, truth=TEXT, predicted=TEXT, confidence=MAYBE, place=TEXT, aligned=TRUTH)),
    tables=many(fields(title=TEXT, columns=many(TEXT), rows=many(many(ANY)))),
)

SCORE = fields(mean=MAYBE, deviation=MAYBE, values=many(MAYBE), low=MAYBE, high=MAYBE)
VERSUS = fields(difference=NUMBER, low=NUMBER, high=NUMBER, p=NUMBER, p_adjusted=NUMBER, seeds=TRUTH, test=TEXT)
SETTING = fields(
    name=TEXT,
    settings=by_name(ANY),
    runs=many(TEXT),
    seeds=many(COUNT),
    scores=by_name(SCORE),
    versus=by_name(VERSUS),
    parameters=COUNT,
    seconds=NUMBER,
    reach=MAYBE,
    reach_beyond=TRUTH,
)
COMPARISON = fields(
    {"each": TEXT},
    task=TEXT,
    split=TEXT,
    examples=COUNT,
    confidence=NUMBER,
    metrics=many(TEXT),
    keys=many(TEXT),
    base=TEXT,
    best=by_name(TEXT),
    titles=by_name(TEXT),
    units=by_name(UNIT),
    better=by_name(BETTER),
    settings=many(SETTING),
    apart=many(TEXT),
    notes=many(TEXT),
    nominal=by_name(NUMBER),
)

ENDED = fields(
    name=TEXT,
    path=TEXT,
    state=one_of("finished", "failed"),
    seconds=NUMBER,
    exit_code={"type": "integer"},
    error=TEXT,
    metric=TEXT,
    score=MAYBE,
    unit=UNIT,
    before=TRUTH,
)
BATCH = fields(out=TEXT, runs=many(ENDED), comparison={"anyOf": [COMPARISON, many(COMPARISON), {"type": "null"}]})
LESSONS = many(fields(name=TEXT, question=TEXT, data=TRUTH))
LESSON = fields(
    lesson=TEXT,
    question=TEXT,
    out=TEXT,
    page=TEXT,
    runs=many(ENDED),
    parts=many(fields(title=TEXT, comparison=COMPARISON)),
    answers=many(fields(question=TEXT, says=many(TEXT), figures={"type": "object"})),
)
TO_DO = fields(name=TEXT, path=TEXT, state=one_of("to do", "to resume", "finished"), seconds=MAYBE)
DRY_BATCH = fields(out=TEXT, jobs=COUNT, seconds=NUMBER, runs=many(TO_DO))
LEDGER_LINE = fields(
    {
        "recipe": TEXT,
        "settings": many(TEXT),
        "resumed": TRUTH,
        "seconds": NUMBER,
        "metric": TEXT,
        "score": MAYBE,
        "unit": UNIT,
        "exit_code": {"type": "integer"},
        "error": TEXT,
    },
    time={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    event=one_of("begun", "finished", "failed", "interrupted"),
    run=TEXT,
)

FACTS: Schema = {
    "path": TEXT,
    "task": TEXT,
    "recipe": TEXT,
    "state": one_of("running", "finished", "failed", "interrupted", "stopped", "damaged"),
    "metric": TEXT,
    "title": TEXT,
    "score": MAYBE,
    "unit": UNIT,
    "epochs": COUNT,
    "age": NUMBER,
    "size": COUNT,
}
FORM = one_of("fp32", "fp16", "int8", "int4")
WORDS: Schema = {"type": ["integer", "null"]}
CHANGE = fields(
    metric=TEXT,
    title=TEXT,
    unit=UNIT,
    better=BETTER,
    nominal=NUMBER,
    split=TEXT,
    examples=COUNT,
    before=NUMBER,
    after=NUMBER,
    difference=NUMBER,
    low=MAYBE,
    high=MAYBE,
    p=MAYBE,
    confidence=NUMBER,
    loss=NUMBER,
)
SHRUNK = fields(
    run=TEXT,
    source=TEXT,
    weights=FORM,
    words=WORDS,
    words_before=WORDS,
    units=WORDS,
    units_before=WORDS,
    change=CHANGE,
    sizes=many(fields(part=TEXT, before=COUNT, after=COUNT)),
    tried=many(fields(weights=FORM, words=WORDS, bytes=COUNT, loss=NUMBER, kept=TRUTH)),
    notes=many(TEXT),
)
RECORD = fields(
    {
        "shrunk": fields({"from": TEXT}, weights=FORM, words=WORDS, units=WORDS, change=CHANGE),
        "ended": TEXT,
        "data": fields(headline=TEXT, sizes=by_name(COUNT)),
        "device": TEXT,
        "reasons": many(TEXT),
        "kernel": TEXT,
        "watched": TEXT,
        "asked": by_name(ANY),
        "notes": many(TEXT),
        "lengthened": TRUTH,
    },
    argv=many(TEXT),
    versions=by_name(TEXT),
    machine=TEXT,
    seed=COUNT,
    state=one_of("running", "finished", "failed", "interrupted"),
    exit_code={"type": ["integer", "null"]},
    started=TEXT,
)
RUNS = many(fields(**FACTS))
RUN = fields(**FACTS, record=RECORD, report={"anyOf": [REPORT, {"type": "null"}]})
WRITTEN = fields(path=TEXT)
REMOVED = many(TEXT)
