"""Compare finished runs: gather those that differ by seed alone, and test the others against a base."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnncli import tasks
from rnncli.errors import RunError, UsageError
from rnncli.metrics.metric import Metric
from rnncli.metrics.paired import Difference, Parts, difference, difference_by_seed, holm, mean_and_deviation
from rnncli.report.build import Estimate
from rnncli.report.comparison import Compared, Comparison, Score, Versus
from rnncli.report.reach import mean_reach
from rnncli.report.side import written
from rnncli.runs.directory import RunDirectory
from rnncli.runs.outcome import Outcome, find_runs
from rnncli.runs.recipes import asked_values, flat, read_run_recipe

UNTOLD = ("seed", "evaluation.", "train.checkpoint_seconds", "compute.threads")
"""Keys, or beginnings of keys, in which the runs of one setting may differ."""


def compare(named: Iterable[str], *, base: str = "", metrics: Sequence[str] = ()) -> Comparison:
    """Compare the finished runs among those named; ``base`` is a run, or the name of a setting as the table shows it.

    ``metrics`` empty takes the one by which the first run was watched. Raises RunError where fewer than one run is
    finished, UsageError for a base or a metric that is not there.
    """
    paths = find_runs(named)
    if not paths:
        raise UsageError("name runs to compare", "runs, folders of them or patterns, such as runs/*")
    outcomes, notes = _finished(paths)
    outcomes, repeated = _each_once(outcomes)
    notes += repeated
    metrics = tuple(metrics) or (_watched(outcomes[0]),)
    for metric in metrics:
        _require_metric(metric, outcomes)
    keys, groups = gather(outcomes)
    settings = [_setting(group, keys, outcomes) for group in groups]
    at = _base(base, settings)
    settings, tested = _tested(settings, groups, at, metrics)
    first = outcomes[0].report
    return Comparison(
        split=first.split,
        examples=first.examples,
        confidence=first.confidence,
        metrics=metrics,
        keys=keys,
        base=settings[at].name,
        best=_best(settings, first.metrics),
        units={name: first.metrics[name].unit for name in settings[0].scores},
        better={name: first.metrics[name].better for name in settings[0].scores},
        settings=tuple(settings),
        notes=tuple(notes + tested),
    )


def gather(outcomes: Sequence[Outcome]) -> tuple[tuple[str, ...], list[list[Outcome]]]:
    """The keys in which the recipes differ, and the runs in groups that differ in none of them."""
    recipes = [{k: v for k, v in one.items() if _told(k)} for one in _flat(outcomes)]
    every = dict.fromkeys(key for recipe in recipes for key in recipe)
    keys = tuple(key for key in every if any(one.get(key) != recipes[0].get(key) for one in recipes))
    groups: dict[str, list[Outcome]] = {}
    for outcome, recipe in zip(outcomes, recipes, strict=True):
        groups.setdefault(json.dumps([recipe.get(key) for key in keys]), []).append(outcome)
    return keys, list(groups.values())


def _flat(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The recipes by dotted keys; where all were asked the same, that: ``auto`` may come to another number by seed."""
    recipes = [flat(one.recipe.model_dump(mode="json")) for one in outcomes]
    for key in {key for one in outcomes for key in one.asked}:
        asked = [one.asked.get(key, recipe.get(key)) for one, recipe in zip(outcomes, recipes, strict=True)]
        if all(value == asked[0] for value in asked):
            for recipe in recipes:
                recipe[key] = asked[0]
    return recipes


def _told(key: str) -> bool:
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
        found.append(Outcome(path, recipe, run.read_report(), str(watched or ""), asked))
    if not found:
        raise RunError(f"{', '.join(unfinished)}: not finished", f"go on with: rnncli run --resume {unfinished[0]}")
    return found, [f"not finished, left out: {', '.join(unfinished)}"] if unfinished else []


def _each_once(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[str]]:
    """Without runs that repeat another, seed and all: they would make the seeds look more alike than they are."""
    kept: dict[str, Outcome] = {}
    notes = []
    for outcome in outcomes:
        recipe = {k: v for k, v in flat(outcome.recipe.model_dump(mode="json")).items() if k == "seed" or _told(k)}
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
    recipe = flat(group[0].recipe.model_dump(mode="json"))
    settings = {key: recipe.get(key) for key in keys}
    name = " ".join(f"{key}={written(value)}" for key, value in settings.items()) or group[0].recipe.name
    reach = mean_reach([one.report.reach for one in group])
    shared = [name for name in group[0].report.metrics if all(name in one.report.metrics for one in every)]
    return Compared(
        name=name,
        settings=settings,
        runs=tuple(str(one.path) for one in group),
        seeds=tuple(one.recipe.seed for one in group),
        scores={name: _score([one.report.metrics[name].value for one in group]) for name in shared},
        versus={},
        parameters=max(one.report.model.parameters for one in group),
        seconds=sum(one.report.training.seconds for one in group) / len(group),
        reach=reach.steps if reach else None,
        reach_beyond=bool(reach and reach.beyond),
    )


def _score(values: Sequence[float | None]) -> Score:
    known = [value for value in values if value is not None]
    mean, deviation = mean_and_deviation(known) if known else (None, None)
    return Score(mean, deviation, tuple(values))


def _base(named: str, settings: Sequence[Compared]) -> int:
    if not named:
        return 0
    for at, setting in enumerate(settings):
        if named == setting.name or any(Path(named) == Path(run) for run in setting.runs):
            return at
    known = ", ".join(f'"{setting.name}"' for setting in settings)
    raise UsageError(f"--base {named}: none of the runs or settings compared", f"the settings are {known}")


def _best(settings: Sequence[Compared], metrics: Mapping[str, Estimate]) -> dict[str, str]:
    found: dict[str, str] = {}
    for metric in settings[0].scores:
        best: float | None = None
        declared = Metric(metric, better=metrics[metric].better)
        for setting in settings:
            mean = setting.scores[metric].mean
            if mean is not None and declared.beats(mean, best):
                best, found[metric] = mean, setting.name
    return found


def _tested(
    settings: Sequence[Compared], groups: Sequence[Sequence[Outcome]], base: int, metrics: Sequence[str]
) -> tuple[list[Compared], list[str]]:
    """The settings with their differences to the base, and what is to be said of these."""
    others = [at for at in range(len(settings)) if at != base]
    if not others:
        return list(settings), []
    notes: dict[str, None] = {}
    examined = [[_examine(outcome, notes) for outcome in group] for group in groups]
    confidence = groups[base][0].report.confidence
    found: dict[int, dict[str, Difference]] = {}
    for at in others:
        pair = [one for one in examined[base] if one], [one for one in examined[at] if one]
        found[at] = _differences(*pair, metrics, confidence)
        if not found[at] and all(pair) and any(metric in pair[0][0].parts for metric in metrics):
            notes[f"{settings[at].name}: other test examples than the base has, so not tested against it"] = None
    for metric in metrics:
        if any(one and metric not in one.parts for one in examined[base]):
            notes[f"{metric} is no sum over examples, so differences in it are not tested"] = None
    tested = [replace(one, versus=versus) for one, versus in zip(settings, _adjusted(found, settings), strict=True)]
    return tested, [*notes, *_how(tested)]


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


def _adjusted(found: dict[int, dict[str, Difference]], settings: Sequence[Compared]) -> list[dict[str, Versus]]:
    """Each metric's p allowed for the number of settings tested in it."""
    made: list[dict[str, Versus]] = [{} for _ in settings]
    for metric in dict.fromkeys(metric for one in found.values() for metric in one):
        ats = [at for at in found if metric in found[at]]
        for at, p in zip(ats, holm([found[at][metric].p for at in ats]), strict=True):
            one = found[at][metric]
            made[at][metric] = Versus(one.value, one.low, one.high, one.p, p, one.seeds)
    return made


def _how(settings: Sequence[Compared]) -> list[str]:
    made = [versus for setting in settings for versus in setting.versus.values()]
    several = len([1 for setting in settings if setting.versus]) > 1
    allowed = ", allowed for the number of settings (Holm)" if several else ""
    notes = []
    if any(versus.seeds for versus in made):
        notes.append(f"p: other test examples and other seeds considered{allowed}")
    if any(not versus.seeds for versus in made):
        also = " where a setting has one run" if notes else ""
        notes.append(f"p{also}: approximate randomisation over test examples{allowed}; other seeds may differ more")
    return notes
