"""No forecast knows what comes: a value changed behind its origin never changes it, from reading to intervals.

Each case reads a table, fits to it, forecasts every test window by a network that says something, with intervals
corrected on dev; then values behind an origin are changed, and all of it is done again.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnncli.errors import DataError
from tests.tasks.forecasting import corpus, days, fit, model_of, recipe_of, rows_of, sales, settled, table

UNCHANGED = 10**6
"""A step that no series has."""


@dataclass(frozen=True)
class Case:
    """Series with columns, some values absent, and how they are learnt and tested."""

    values: dict[str, np.ndarray] = field(repr=False)
    past: dict[str, np.ndarray] = field(repr=False)
    known: dict[str, np.ndarray] = field(repr=False)
    settings: dict[str, Any]
    whole: bool

    def __repr__(self) -> str:
        return f"{[len(one) for one in self.values.values()]} steps, whole {self.whole}, {self.settings}"

    _repr_pretty_ = lambda self, printer, _: printer.text(repr(self))  # noqa: E731

    @property
    def by_the_end(self) -> bool:
        """Whether each series is cut before its own end, so that no time is common to all."""
        align = self.settings.get("align", "auto")
        return align == "end" or (align == "auto" and self.whole)

    def table(self, values: dict[str, np.ndarray], past: dict[str, np.ndarray], known: dict[str, np.ndarray]) -> Any:
        return table(values, whole=self.whole, weather=past, promo=known)

    def recipe(self) -> Any:
        return recipe_of(known=["promo"], past=["weather"], **self.settings)

    def forecasts(self, *series: dict[str, np.ndarray]) -> dict[tuple[str, int], dict[str, Any]]:
        """What is forecast of each test window, by series and origin, over all fits; raises DataError."""
        recipe, data = self.recipe(), self.table(*series)
        found = {}
        for one in [recipe.of_fold(fold) for fold in range(recipe.folds)] or [recipe]:
            parts = corpus(one, data)
            fitted = fit(one, parts)
            model = model_of(fitted)
            settled(fitted, model, parts)
            for row in rows_of(fitted, model, parts.parts["test"]):
                kept = ("mean", "quantiles", "history", "cutoff")
                found[row["series"], row["origin"]] = {name: row[name] for name in kept}
        return found


@st.composite
def cases(draw: Any) -> Case:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    lengths = draw(st.lists(st.integers(56, 72), min_size=1, max_size=2))
    values = sales([72, *lengths], seed=int(random.integers(10**6)))
    for one in values.values():
        one -= draw(st.sampled_from([0.0, 0.0, 30.0]))
        for first, last in ((5, len(one) - 25), (len(one) - 24, len(one) - 4)):
            begin, size = draw(st.integers(first, last)), draw(st.sampled_from([0, 1, 4, 7]))
            one[begin : min(begin + size, len(one) - 1)] = np.nan
    past, known = ({name: random.normal(size=len(one)).round(3) for name, one in values.items()} for _ in range(2))
    evaluation = {
        "origins": draw(st.integers(1, 3)),
        "step": draw(st.integers(0, 5)),
        "gap": draw(st.integers(0, 2)),
        "refit": draw(st.sampled_from(["never", "never", "always", 2])),
        "window": draw(st.sampled_from(["expanding", "rolling"])),
    }
    model = {
        "decoder": draw(st.sampled_from(["parallel", "recursive"])),
        "cell": draw(st.sampled_from(["gru", "lstm", "rnn"])),
        "head": draw(st.sampled_from(["quantiles", "point", "student"])),
        "bidirectional": draw(st.booleans()),
        "linear": draw(st.booleans()),
    }
    whole = draw(st.booleans())
    return Case(
        values,
        past,
        known,
        {
            "evaluation": evaluation,
            "model": model,
            "horizon": draw(st.integers(1, 5)),
            "lookback": draw(st.sampled_from(["auto", 9])),
            "season": draw(st.sampled_from([2, 7, (2, 7)])),
            "gaps": draw(st.sampled_from(["linear", "previous", "seasonal", "zero"])),
            "calendar": "off" if whole else draw(st.sampled_from(["auto", "off"])),
            "transform": draw(st.sampled_from(["auto", "none"])),
            "level": draw(st.sampled_from(["season", "last"])),
            "scale": draw(st.sampled_from(["window", "series"])),
            "align": draw(st.sampled_from(["auto", "end", "calendar"])),
        },
        whole,
    )


def first_number(case: Case) -> int:
    """The number on the grid of the first step of each series, which all have in common."""
    return 0 if case.whole else int((np.datetime64(days(1)[0]) - np.datetime64("1970-01-01")).astype(int))


def steps_known(case: Case, before: Any, turn: int) -> dict[str, int]:
    """The last step of each series that is known at the last origin but ``turn``; of those cut alike the same one."""
    origins = {name: sorted(origin for one, origin in before if one == name) for name in case.values}
    first = first_number(case)
    if not case.by_the_end:
        every = sorted({origin for _, origin in before})
        return dict.fromkeys(case.values, every[-1 - turn % len(every)] - first)
    most = max(map(len, origins.values()))
    at = 1 + turn % most
    return {name: some[-at] - first if len(some) >= at else UNCHANGED for name, some in origins.items()}


def changed(series: dict[str, np.ndarray], known: dict[str, int], random: np.random.Generator) -> dict[str, np.ndarray]:
    """Series with other values behind the steps that are known of each; what is absent stays so."""
    return {
        name: np.where(np.arange(len(one)) > known[name], random.choice([-1e3, 3.0, 1e4], len(one)) + 0 * one, one)
        for name, one in series.items()
    }


@given(cases(), st.integers(0, 2))
@settings(max_examples=6, deadline=None)
def test_what_comes_behind_an_origin_never_changes_a_forecast_from_it(case, turn):
    try:
        before = case.forecasts(case.values, case.past, case.known)
    except DataError:
        return
    known, first, random = steps_known(case, before, turn), first_number(case), np.random.default_rng(1)
    after = case.forecasts(changed(case.values, known, random), changed(case.past, known, random), case.known)
    # A series with fewer windows, as one had nothing to be scored, may only have those of later fits.
    early = [(name, origin) for name, origin in before if origin - first <= known[name] < UNCHANGED]
    assert early
    for cell in early:
        assert before[cell] == after[cell]


@given(cases(), st.data())
@settings(max_examples=6, deadline=None)
def test_what_is_known_at_an_origin_does_change_its_forecast(case, data):
    try:
        before = case.forecasts(case.values, case.past, case.known)
    except DataError:
        return
    name, origin = data.draw(st.sampled_from(sorted(before)))
    step = origin - first_number(case)
    assume(not np.isnan(case.values[name][step]))
    values = {key: one.copy() for key, one in case.values.items()}
    values[name][step] += 7.0
    after = case.forecasts(values, case.past, case.known)
    assert before[name, origin]["mean"] != after[name, origin]["mean"]
    assert before[name, origin]["quantiles"] != after[name, origin]["quantiles"]


@pytest.mark.parametrize(("column", "behind"), [("past", 0), ("known", 0), ("known", 1)])
def test_columns_change_a_forecast_as_far_as_they_are_known(column, behind):
    """The last past value does, and of those known ahead the ones of the steps ahead too."""
    values = sales([80])
    random = np.random.default_rng(3)
    past, known = ({name: random.normal(size=80) for name in values} for _ in range(2))
    # Of very few units all may be 0 behind the relu.
    model = {"hidden": 32}
    settings_of = {"evaluation": {"origins": 2}, "model": model, "horizon": 3, "season": 7, "transform": "none"}
    case = Case(values, past, known, settings_of, whole=True)
    before = case.forecasts(values, past, known)
    name, origin = max(before)
    table_of = {"past": past, "known": known}[column]
    table_of[name][origin + behind] += 3.0
    after = case.forecasts(values, past, known)
    assert before[name, origin]["mean"] != after[name, origin]["mean"]


@given(cases())
@settings(max_examples=6, deadline=None)
def test_units_and_training_batches_see_nothing_of_dev_and_test(case):
    """What is chosen on dev, such as a penalty, may differ; what is fitted to train may not."""
    keys = case.settings | {"transform": "none", "model": case.settings["model"] | {"linear": False}}
    case = Case(case.values, case.past, case.known, keys, case.whole)
    recipe = case.recipe()
    recipe = recipe.of_fold(recipe.folds - 1) if recipe.folds else recipe
    try:
        parts = corpus(recipe, case.table(case.values, case.past, case.known))
    except DataError:
        return
    train = parts.parts["train"]
    last_S = (train.end_S - train.panel.start_S - 1).tolist()
    last = dict.fromkeys(case.values, 10**6) | dict(zip(train.panel.names, last_S, strict=True))
    random = np.random.default_rng(2)
    other = corpus(recipe, case.table(changed(case.values, last, random), changed(case.past, last, random), case.known))
    one, two = fit(recipe, parts), fit(recipe, other)
    for name, array in one.learnt.scaling.arrays().items():
        assert np.array_equal(array, two.learnt.scaling.arrays()[name]), name
    for name, array in vars(one.learnt.scales).items():
        assert np.array_equal(array, getattr(two.learnt.scales, name), equal_nan=True), name
    assert one.learnt.non_negative == two.learnt.non_negative
    assert one.learnt.names == two.learnt.names
    every = np.arange(len(train))
    batches = [
        fitted.encode(part.parts["train"], training=True).batch(every) for fitted, part in ((one, parts), (two, other))
    ]
    for name, tensor in vars(batches[0]).items():
        assert np.array_equal(tensor.numpy(), vars(batches[1])[name].numpy(), equal_nan=True), name
