"""Finished runs of lessons, made without training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.recipe.load import dump
from rnncli.report.build import ModelSummary, TrainingSummary, build_report
from rnncli.report.reach import reach
from rnncli.runs.directory import RunDirectory, write_json, write_lines
from rnncli.runs.groups import KEY, by_group
from rnncli.runs.recipes import load_recipe, with_absolute_places
from rnncli.runs.score import evaluate

EACH = 40
"""Test examples of each lag."""
CONSTANT = 0.15


def made_memory(path: Path, settings: tuple[str, ...], right: dict[int, float], decay: float) -> None:
    """A run of the lesson on lags that answers such shares right by lag, and keeps ``decay`` of a gradient a step."""
    recipe: Any = with_absolute_places(load_recipe("lessons/long-lag", settings))
    sums = recipe.data.problem == "adding"
    rows = []
    for lag, share in right.items():
        for number in range(EACH):
            is_right = number < round(share * EACH)
            truth, answer = (1.0, 1.0 + (not is_right)) if sums else ("a", "a" if is_right else "b")
            row = {"place": f"made:{lag}-{number}", "truth": truth, "answer": answer, "probability": 0.5}
            rows.append(row | {"sequence": "x", KEY: {"lag": str(lag)}})
    core = recipe.model.cell if recipe.model.core == "recurrent" else recipe.model.core
    report = build_report(
        task=recipe.task,
        recipe=recipe.name,
        split="test",
        evaluation=evaluate(recipe, rows, {"problem": recipe.data.problem}),
        model=ModelSummary(core, 1, 64, False, 12_345),
        training=TrainingSummary(3.0, 4, 3, 4120.2, "cpu"),
        baselines={"constant": {"accuracy": CONSTANT}},
    )
    report = replace(
        report,
        groups=by_group(recipe, rows, {"problem": recipe.data.problem}),
        reach=reach({"forward": [decay**k for k in range(max(right) + 5)]}, 0.1, 32),
    )
    run = RunDirectory.create(path, "", dump(recipe), {"argv": ["rnncli"], "watched": "loss", "state": "finished"})
    write_json(run.report, report.to_dict())
    run.prediction_file("test").parent.mkdir()
    write_lines(run.prediction_file("test"), rows)


def made_texts(path: Path, source: str, settings: tuple[str, ...], texts: list[str], skill: float, units: int) -> None:
    """A run of a classifier of ``texts`` that is the better the higher ``skill`` is."""
    recipe: Any = with_absolute_places(load_recipe(source, settings))
    random = np.random.default_rng(1)
    rows = []
    for number, text in enumerate(texts):
        truth = ("negative", "positive")[number % 2]
        sure = float(np.clip(0.5 + skill * random.random() - (1 - skill) * random.random(), 0.01, 0.99))
        other = "positive" if truth == "negative" else "negative"
        shares = {"negative": 0.0, "positive": 0.0, truth: sure, other: 1 - sure}
        label = max(shares, key=lambda name: shares[name])
        rows.append({"place": f"x:{number}", "truth": truth, "text": text, "label": label, "probabilities": shares})
    report = build_report(
        task=recipe.task,
        recipe=recipe.name,
        split="test",
        evaluation=evaluate(recipe, rows, {"positive": "positive"}),
        model=ModelSummary(recipe.model.cell, 1, recipe.model.hidden, True, 100 * units),
        training=TrainingSummary(3.0, 4, 3, 4120.2, "cpu"),
        baselines={"n-grams + logistic": {"accuracy": 0.6}},
    )
    record = {"argv": ["rnncli"], "watched": "accuracy", "state": "finished"}
    run = RunDirectory.create(path, "", dump(recipe), record)
    run.append_metrics({"epoch": 1, "seconds": units / 10, "metrics": {}})
    write_json(run.report, report.to_dict())
    run.prediction_file("test").parent.mkdir()
    write_lines(run.prediction_file("test"), rows)
