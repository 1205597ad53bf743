"""Compare finished runs: gather those that differ by seed alone, and test the others against a base."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from rnncli import tasks
from rnncli.errors import RunError, UsageError
from rnncli.metrics.paired import (
    RANDOMISED,
    Difference,
    Parts,
    difference,
    difference_by_seed,
    holm,
    mean_and_deviation,
)
from rnncli.metrics.student import student_quantile
from rnncli.recipe.schema import OF_RECURRENT, OF_TRANSFORMER, CoreSection, Recipe
from rnncli.report.build import Estimate
from rnncli.report.comparison import Compared, Comparison, Score, Versus
from rnncli.report.reach import mean_reach
from rnncli.report.side import written
from rnncli.runs.directory import RunDirectory
from rnncli.runs.outcome import Outcome, find_runs, form_of_weights, is_run, remembered_bases
from rnncli.runs.recipes import asked_values, flat, read_run_recipe

UNTOLD = ("seed", "evaluation.", "train.checkpoint_seconds", "compute.threads")
"""Keys, or beginnings of keys, in which the runs of one setting may differ."""

OF_CORES = frozenset(f"model.{key}" for key in (*OF_RECURRENT, *OF_TRANSFORMER))
"""Keys that only some cores have."""


def compare(named: Iterable[str], *, base: str = "", metrics: Sequence[str] = ()) -> Comparison:
    """Compare the finished runs of one task among those named; see :func:`compare_by_task`.

    Raises UsageError also where they are of several tasks.
    """
    found = compare_by_task(named, base=base, metrics=metrics)
    if len(found) > 1:
        names = ", ".join(one.task for one in found)
        raise UsageError(f"these are runs of several tasks: {names}", "name the runs of one of them")
    return found[0]


def compare_by_task(named: Iterable[str], *, base: str = "", metrics: Sequence[str] = ()) -> list[Comparison]:
    """Compare the finished runs among those named, each task by itself.

    ``base`` is a run, or the name of a setting as the table shows it; empty takes the one that a batch was given or,
    beyond batches, the first. ``metrics`` empty takes the one by which the first run was watched. Raises RunError where
    no run is finished, UsageError for a base or a metric that is not there, and for runs named one by one that have
    nothing to be compared with.
    """
    named = list(named)
    paths = find_runs(named)
    if not paths:
        raise UsageError("name runs to compare", "runs, folders of them or patterns, such as runs/*")
    outcomes, notes = _finished(paths)
    outcomes, repeated = _each_once(outcomes)
    by_task: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_task.setdefault(outcome.recipe.task, []).append(outcome)
    if len(by_task) > 1 and max(map(len, by_task.values())) == 1 and all(map(is_run, map(Path, named))):
        _refuse(by_task)
    sides = [_Side.of(outcomes) for outcomes in by_task.values()]
    ats = _bases(base, sides, paths)
    found = []
    for side, at in zip(sides, ats, strict=True):
        found.append(_compared(side, at, _of_side(metrics, side, alone=len(sides) == 1)))
    known = {metric for one in found for metric in one.metrics}
    if lacking := [metric for metric in metrics if metric not in known]:
        _require_metric(lacking[0], outcomes)
    return [replace(found[0], notes=(*notes, *repeated, *found[0].notes)), *found[1:]]


def setting_names(recipes: Sequence[Recipe]) -> list[str]:
    """The name that the table gives the setting of each recipe among these."""
    keys, flats = _differing([_values(one) for one in recipes])
    return [
        _name({key: one[key] for key in keys if key in one}, recipe) for one, recipe in zip(flats, recipes, strict=True)
    ]


@dataclass(frozen=True)
class _Side:
    """The runs of one task, in groups that differ by seed alone, and the setting that each group is."""

    outcomes: list[Outcome]
    keys: tuple[str, ...]
    groups: list[list[Outcome]]
    settings: list[Compared]

    @classmethod
    def of(cls, outcomes: list[Outcome]) -> _Side:
        keys, groups = gather(outcomes)
        return cls(outcomes, keys, groups, [_setting(group, keys, outcomes) for group in groups])


def _refuse(by_task: Mapping[str, Sequence[Outcome]]) -> None:
    said = " and ".join(f"{found[0].path} of {task}" for task, found in by_task.items())
    raise UsageError(
        f"runs of different tasks have nothing to be compared by: {said}",
        "name runs of one task, or a folder of runs for a table of each task",
    )


def _of_side(metrics: Sequence[str], side: _Side, *, alone: bool) -> tuple[str, ...]:
    """The metrics asked for that a task has; of a single task all of them, which must be there."""
    if alone:
        for metric in metrics:
            _require_metric(metric, side.outcomes)
    known = tuple(one for one in metrics if all(one in outcome.report.metrics for outcome in side.outcomes))
    return known or (_watched(side.outcomes[0]),)


def _compared(side: _Side, at: int, metrics: tuple[str, ...]) -> Comparison:
    """The comparison of one task's settings with the one at ``at``."""
    for metric in metrics:
        _require_metric(metric, side.outcomes)
    settings, tested, apart = _tested(side.settings, side.groups, at, metrics)
    first = side.outcomes[0].report
    return Comparison(
        task=first.task,
        split=first.split,
        examples=first.examples,
        each=first.each,
        confidence=first.confidence,
        metrics=metrics,
        keys=side.keys,
        base=settings[at].name,
        best=_best([one for one in settings if one.name not in apart], first.metrics),
        titles={name: first.title(name) for name in settings[0].scores},
        units={name: first.metrics[name].unit for name in settings[0].scores},
        better={name: first.metrics[name].better for name in settings[0].scores},
        nominal={name: one.nominal for name, one in first.metrics.items() if one.better == "nominal"},
        settings=tuple(settings),
        apart=tuple(apart),
        notes=tuple(tested),
    )


def gather(outcomes: Sequence[Outcome]) -> tuple[tuple[str, ...], list[list[Outcome]]]:
    """The keys in which the recipes differ, and the runs in groups that differ in none of them."""
    keys, recipes = _differing(_flat(outcomes))
    groups: dict[str, list[Outcome]] = {}
    for outcome, recipe in zip(outcomes, recipes, strict=True):
        groups.setdefault(json.dumps([recipe.get(key) for key in keys]), []).append(outcome)
    return keys, list(groups.values())


def _differing(recipes: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """The dotted keys in which recipes differ, and each of them without what one setting may differ in."""
    flats = [{k: v for k, v in one.items() if _told(k, one)} for one in recipes]
    every = dict.fromkeys(key for one in flats for key in one)
    return tuple(key for key in every if _differs(key, flats)), flats


def _differs(key: str, flats: Sequence[Mapping[str, Any]]) -> bool:
    """Whether recipes differ in a key; those whose core has no such key, as a Transformer no cell, do not by that."""
    values = [one.get(key) for one in flats if key in one or key not in OF_CORES]
    return any(value != values[0] for value in values)


def _name(settings: Mapping[str, Any], recipe: Recipe) -> str:
    return " ".join(f"{key}={written(value)}" for key, value in settings.items()) or recipe.name


def _flat(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The recipes by dotted keys; where all were asked the same, that: ``auto`` may come to another number by seed."""
    recipes = [_of_run(one) for one in outcomes]
    for key in {key for one in outcomes for key in one.asked}:
        asked = [one.asked.get(key, recipe.get(key)) for one, recipe in zip(outcomes, recipes, strict=True)]
        if all(value == asked[0] for value in asked):
            for recipe in recipes:
                recipe[key] = asked[0]
    return recipes


def _of_run(outcome: Outcome) -> dict[str, Any]:
    """The recipe of a run by dotted keys, and the form of its weights."""
    return _values(outcome.recipe) | {"weights": outcome.weights}


def _values(recipe: Recipe) -> dict[str, Any]:
    """A recipe by dotted keys, without those that mean nothing to its core, such as a Transformer's cell."""
    model = getattr(recipe, "model", None)
    foreign = {f"model.{key}" for key in model.foreign} if isinstance(model, CoreSection) else set[str]()
    return {key: value for key, value in flat(recipe.model_dump(mode="json")).items() if key not in foreign}


def _told(key: str, recipe: Mapping[str, Any]) -> bool:
    """Whether runs that differ in a key are of different settings."""
    if key in tasks.schema(str(recipe["task"])).learnt_by:
        return True
    return not any(key == one or (one.endswith(".") and key.startswith(one)) for one in UNTOLD)


def _finished(paths: Sequence[Path]) -> tuple[list[Outcome], list[str]]:
    found, unfinished = [], []
    for path in paths:
        run = RunDirectory(path)
        if not run.report.is_file():
            unfinished.append(str(path))
            continue
        record = run.read_record() or {}
        watched = record.get("watched") or RunDirectory(run.folds / "0").read_record().get("watched")
        recipe, asked = read_run_recipe(run.recipe), asked_values(run)
        found.append(Outcome(path, recipe, run.read_report(), str(watched or ""), asked, form_of_weights(record)))
    if not found:
        raise RunError(f"{', '.join(unfinished)}: not finished", f"go on with: rnncli run --resume {unfinished[0]}")
    return found, [f"not finished, left out: {', '.join(unfinished)}"] if unfinished else []


def _each_once(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[str]]:
    """Without runs that repeat another, seed and all: they would make the seeds look more alike than they are."""
    kept: dict[str, Outcome] = {}
    notes = []
    for outcome in outcomes:
        every = _of_run(outcome)
        recipe = {k: v for k, v in every.items() if k == "seed" or _told(k, every)}
        first = kept.setdefault(json.dumps(recipe, sort_keys=True), outcome)
        if first is not outcome:
            notes.append(f"{outcome.path} repeats {first.path}, left out")
    return list(kept.values()), notes


def _watched(outcome: Outcome) -> str:
    metrics = outcome.report.metrics
    return outcome.watched if outcome.watched in metrics else next(iter(metrics), "")


def _require_metric(metric: str, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        known = outcome.report.metrics
        if metric not in known:
            raise UsageError(f"{outcome.path}: its report has no {metric}", f"--metric, one of: {', '.join(known)}")


def _setting(group: Sequence[Outcome], keys: Sequence[str], every: Sequence[Outcome]) -> Compared:
    recipe = _of_run(group[0])
    settings = {key: recipe[key] for key in keys if key in recipe}
    reach = mean_reach([one.report.reach for one in group])
    shared = [name for name in group[0].report.metrics if all(name in one.report.metrics for one in every)]
    return Compared(
        name=_name(settings, group[0].recipe),
        settings=settings,
        runs=tuple(str(one.path) for one in group),
        seeds=tuple(one.recipe.seed for one in group),
        scores={
            name: _score([one.report.metrics[name] for one in group], group[0].report.confidence) for name in shared
        },
        versus={},
        parameters=max(one.report.model.parameters for one in group),
        seconds=sum(one.report.training.seconds for one in group) / len(group),
        reach=reach.steps if reach else None,
        reach_beyond=bool(reach and reach.beyond),
    )


def _score(found: Sequence[Estimate], confidence: float) -> Score:
    values = [one.value for one in found]
    known = [value for value in values if value is not None]
    if not known:
        return Score(None, None, tuple(values))
    mean, deviation = mean_and_deviation(known)
    ends = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
    if deviation is None:
        return Score(mean, None, tuple(values), *(ends[0] if ends else ()))
    of_examples = fmean((high - low) / 2 for low, high in ends) if ends else 0.0
    of_seeds = student_quantile(confidence, len(known) - 1) * deviation / math.sqrt(len(known))
    half = math.hypot(of_examples, of_seeds)
    return Score(mean, deviation, tuple(values), mean - half, mean + half)


def _bases(named: str, sides: Sequence[_Side], paths: Sequence[Path]) -> list[int]:
    """Which setting of each side is the base: the one named, the one that a batch remembers, or the first."""
    wanted = [named] if named else [str(path) for path in remembered_bases(paths)]
    found = [next((at for one in wanted if (at := _place(one, side.settings)) is not None), None) for side in sides]
    if named and not any(at is not None for at in found):
        known = ", ".join(f'"{setting.name}"' for side in sides for setting in side.settings)
        raise UsageError(f"--base {named}: none of the runs or settings compared", f"the settings are {known}")
    return [at or 0 for at in found]


def _place(named: str, settings: Sequence[Compared]) -> int | None:
    for at, setting in enumerate(settings):
        if named == setting.name or any(Path(named) == Path(run) for run in setting.runs):
            return at
    return None


def _best(settings: Sequence[Compared], metrics: Mapping[str, Estimate]) -> dict[str, str]:
    found: dict[str, str] = {}
    for metric in settings[0].scores:
        best: float | None = None
        for setting in settings:
            mean = setting.scores[metric].mean
            if mean is not None and metrics[metric].direction.beats(mean, best):
                best, found[metric] = mean, setting.name
    return found


def _tested(
    settings: Sequence[Compared], groups: Sequence[Sequence[Outcome]], base: int, metrics: Sequence[str]
) -> tuple[list[Compared], list[str], list[str]]:
    """The settings with their differences to the base, what is to be said of these, and which have other examples."""
    others = [at for at in range(len(settings)) if at != base]
    if not others:
        return list(settings), [], []
    notes: dict[str, None] = {}
    examined = [[_examine(outcome, notes) for outcome in group] for group in groups]
    confidence = groups[base][0].report.confidence
    found: dict[int, dict[str, Difference]] = {}
    apart: list[str] = []
    for at in others:
        pair = [one for one in examined[base] if one], [one for one in examined[at] if one]
        found[at] = _differences(*pair, metrics, confidence)
        if found[at] or not all(pair):
            continue
        if any(metric in pair[0][0].parts for metric in metrics) or not _of_same_examples(*pair):
            apart.append(settings[at].name)
    if apart:
        says = f"{apart[0]} has" if len(apart) == 1 else f"{len(apart)} of {len(settings)} settings have"
        notes[f"{says} other test examples than the base: not tested against it, nor ever marked as the best"] = None
    for metric in metrics:
        if lacking := [one for one in examined[base] if one and metric not in one.parts]:
            alone = len(lacking[0].places) == 1
            why = f"rests on one {groups[base][0].report.each or 'example'}" if alone else "is no sum over examples"
            notes[f"{metric} {why}, so differences in it are not tested"] = None
    tested = [replace(one, versus=versus) for one, versus in zip(settings, _adjusted(found, settings), strict=True)]
    return tested, [*notes, *_how(tested)], apart


@dataclass(frozen=True)
class _Examined:
    """What a run's predictions add to each metric, in the order of ``places``, which name them and their truth."""

    seed: int
    places: tuple[tuple[str, str], ...]
    parts: dict[str, Parts]


def _examine(outcome: Outcome, notes: dict[str, None]) -> _Examined | None:
    """The run's predictions, or None after a note on what is wrong with them."""
    try:
        rows = sorted(outcome.rows(), key=lambda row: row["place"])
        places = tuple((row["place"], json.dumps(row["truth"])) for row in rows)
        parts = tasks.scoring(outcome.recipe.task).statistics(rows, outcome.report.about).parts()
        return _Examined(outcome.recipe.seed, places, parts)
    except RunError as error:
        notes[f"{outcome.path}: {error.message}, so not tested"] = None
    except (KeyError, ValueError, TypeError, AttributeError):
        notes[f"{outcome.path}: its predictions are damaged, so not tested"] = None
    return None


def _differences(
    first: Sequence[_Examined], second: Sequence[_Examined], metrics: Sequence[str], confidence: float
) -> dict[str, Difference]:
    """By metric; empty where no two runs have the same test examples."""
    if not first or not second:
        return {}
    every = (*first, *second)
    known = [metric for metric in metrics if all(metric in one.parts for one in every)]
    # Averages over other labels are other metrics.
    known = [metric for metric in known if len({one.parts[metric].counts_NC.shape[1] for one in every}) == 1]
    if len({one.places for one in every}) == 1:
        groups = {metric: [[one.parts[metric] for one in runs] for runs in (first, second)] for metric in known}
        return {metric: difference(*pair, confidence=confidence) for metric, pair in groups.items()}
    # The seed draws the test part as well: runs of one seed can be paired.
    alike = [(a, b) for a in first for b in second if a.seed == b.seed and a.places == b.places]
    found = {}
    for metric in known if alike else []:
        pairs = [(a.parts[metric], b.parts[metric]) for a, b in alike]
        if len(pairs) > 1:
            found[metric] = difference_by_seed(pairs, confidence=confidence)
        else:
            found[metric] = difference(*([one] for one in pairs[0]), confidence=confidence)
    return found


def _of_same_examples(first: Sequence[_Examined], second: Sequence[_Examined]) -> bool:
    """Whether any runs of both have the same test examples."""
    return any(a.places == b.places for a in first for b in second)


def _adjusted(found: dict[int, dict[str, Difference]], settings: Sequence[Compared]) -> list[dict[str, Versus]]:
    """Each metric's p allowed for the number of settings tested in it."""
    made: list[dict[str, Versus]] = [{} for _ in settings]
    for metric in dict.fromkeys(metric for one in found.values() for metric in one):
        ats = [at for at in found if metric in found[at]]
        for at, p in zip(ats, holm([found[at][metric].p for at in ats]), strict=True):
            one = found[at][metric]
            made[at][metric] = Versus(one.value, one.low, one.high, one.p, p, one.seeds, one.test)
    return made


def _how(settings: Sequence[Compared]) -> list[str]:
    made = [versus for setting in settings for versus in setting.versus.values()]
    several = len([1 for setting in settings if setting.versus]) > 1
    allowed = ", allowed for the number of settings (Holm)" if several else ""
    notes = []
    if any(versus.seeds for versus in made):
        by = "".join(f", {test}" for test in _tests(made, seeds=True) if test not in ("", RANDOMISED))
        notes.append(f"p: other test examples and other seeds considered{by}{allowed}")
    if any(not versus.seeds for versus in made):
        also = " where a setting has one run" if notes else ""
        notes.append(f"p{also}: {' or '.join(_tests(made, seeds=False))}{allowed}; other seeds may differ more")
    return notes


def _tests(made: Iterable[Versus], *, seeds: bool) -> list[str]:
    """How p was come by where seeds were considered, or where they were not."""
    return list(dict.fromkeys(versus.test for versus in made if versus.seeds == seeds))
