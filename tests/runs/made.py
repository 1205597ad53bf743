"""Finished runs of a simulated classifier, made without training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from rnncli.recipe.load import dump
from rnncli.report.build import ModelSummary, TrainingSummary, build_report
from rnncli.runs.directory import RunDirectory, write_json, write_lines
from rnncli.runs.recipes import load_recipe
from rnncli.runs.score import evaluate

LABELS = ["negative", "positive"]


def made_run(
    path: Path,
    *overrides: str,
    skill: float = 1.0,
    examples: int = 400,
    labels=LABELS,
    reach=None,
    source="sentiment/own-data",
    shown="text",
    **record,
) -> Path:
    """A run at ``path`` that is the better the higher ``skill`` is; recipes that are alike answer alike.

    ``source`` is the recipe of any classifier, ``shown`` what its rows call what is classified.
    """
    recipe = load_recipe(source, ["data.train=reviews.csv", *overrides])
    random = np.random.default_rng([recipe.seed, round(1000 * skill)])
    truth = np.arange(examples) % len(labels)
    scores = random.normal(size=(examples, len(labels)))
    scores[np.arange(examples), truth] += skill
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    rows = [
        {
            "place": f"reviews.csv:{i + 2}",
            "truth": labels[truth[i]],
            shown: f"text {i}",
            "label": labels[int(shares[i].argmax())],
            "probabilities": dict(zip(labels, shares[i].tolist(), strict=True)),
        }
        for i in range(examples)
    ]
    evaluation = evaluate(recipe, rows, {"positive": labels[1]})
    report = build_report(
        task=recipe.task,
        recipe=recipe.name,
        split="test",
        evaluation=evaluation,
        model=ModelSummary("gru", 1, 8, True, 12_345),
        training=TrainingSummary(3.25, 4, 3, 4120.2, "cpu"),
    )
    first = {"argv": ["rnncli"], "seed": recipe.seed, "state": "finished", "exit_code": 0, "watched": "accuracy"}
    run = RunDirectory.create(path, "", dump(recipe), first | record)
    write_json(run.report, replace(report, reach=reach).to_dict())
    run.prediction_file("test").parent.mkdir()
    write_lines(run.prediction_file("test"), rows)
    return path
