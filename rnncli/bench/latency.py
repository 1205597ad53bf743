"""How long the model of a run takes for one example, as a server is asked: all of it, and its layers beside others.

Shape letters: B batch, T time, I input.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnncli import tasks
from rnncli.bench.contenders import OURS, contenders
from rnncli.bench.core import quartiles
from rnncli.core.reach import outermost
from rnncli.core.recurrent import Recurrent
from rnncli.errors import UsageError, UserError
from rnncli.runs.use import Trained, load, predictor_of
from rnncli.tasks.exporting import Exporting
from rnncli.tasks.portable import Arrays

ONNX = "onnxruntime"
CALLS = 10
"""Timed calls of a contender at its turn, after one that is not counted."""
SLOW = 95
"""The percentile that says how long a slow call takes."""


@dataclass(frozen=True)
class Latency:
    """One contender at one piece of work: seconds of the median and of a slow call.

    ``ratio`` is how many times as long it takes as this program, turn by turn, with its quartiles; of this program
    itself there is none.
    """

    work: str
    contender: str
    seconds: float
    slow: float
    ratio: float | None = None
    spread: tuple[float, float] | None = None


@dataclass(frozen=True)
class RunLatency:
    """The latencies of a run's model for one example of ``steps`` steps on ``threads`` threads."""

    run: str
    task: str
    kernel: str
    steps: int
    threads: int
    latencies: list[Latency]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def bench_run(run: Path, *, steps: int = 30, threads: int = 1, repeats: int = 30) -> RunLatency:
    """Measure the model of the finished ``run`` on a CPU; raises RunError, UsageError."""
    for name, value in (("--steps", steps), ("--threads", threads), ("--repeats", repeats)):
        if value < 1:
            raise UsageError(f"{name} is {value}", "give it at least 1")
    trained = load(run)
    model = trained.model.cpu().float().eval()
    torch.set_num_threads(threads)
    works = {"layers": _layers(model, steps), "network": _network(trained, steps), "prediction": _prediction(trained)}
    latencies = [one for work, rivals in works.items() if rivals for one in _measured(work, rivals, repeats)]
    cores = outermost(model)
    kernel = cores[0].kernel("cpu") if cores else ""
    return RunLatency(str(run), trained.recipe.task, kernel, steps, threads, latencies)


def _layers(model: torch.nn.Module, steps: int) -> dict[str, Callable[[], Any]]:
    """The first of the recurrent layers nearest to the top, beside the same in others."""
    cores = [core for core in outermost(model) if isinstance(core, Recurrent)]
    if not cores:
        return {}
    x_BTI, lengths_B = torch.randn(1, steps, cores[0].input_size), torch.tensor([steps])
    rivals = contenders(cores[0], equal=True, training=False, device="cpu")
    return {name: lambda layers=layers: layers(x_BTI, lengths_B) for name, layers in rivals.items()}


def _network(trained: Trained, steps: int) -> dict[str, Callable[[], Any]]:
    """From what a reader makes of an example to scores, beside the exported graphs; nothing where there are none."""
    task, cores = tasks.load(trained.recipe.task), outermost(trained.model)
    if not isinstance(task, Exporting) or not all(isinstance(core, Recurrent) for core in cores):
        return {}
    if not (find_spec("onnx") and find_spec("onnxruntime")):
        return {}
    try:
        exported = task.export(trained.fitted, trained.model, stream=False)
    except UserError:
        return {}
    sessions = {name: _session(graph.SerializeToString()) for name, graph in exported.graphs.items()}

    def run(name: str, given: Mapping[str, np.ndarray]) -> Arrays:
        outputs = [output.name for output in sessions[name].get_outputs()]
        return dict(zip(outputs, sessions[name].run(None, dict(given)), strict=True))

    given = exported.trial.draw(np.random.default_rng(0), np.array([steps]))
    return {
        OURS: lambda: exported.trial.by_torch(given),
        ONNX: lambda: exported.trial.by_graphs(run, given),
    }


def _prediction(trained: Trained) -> dict[str, Callable[[], Any]]:
    """From the predictor's own example as it is typed to its row; nothing where that is a file of the user's."""
    predictor = predictor_of(trained)
    try:
        example = predictor.parse(predictor.example)
    except UserError:
        return {}
    return {OURS: lambda: predictor.predict([example])}


def _session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _measured(work: str, rivals: Mapping[str, Callable[[], Any]], repeats: int) -> list[Latency]:
    """All contenders in turn, in an order drawn anew each time."""
    draw, seconds = random.Random(0), {name: [] for name in rivals}
    with torch.inference_mode():
        for _ in range(repeats):
            for name, call in draw.sample(list(rivals.items()), len(rivals)):
                call()
                seconds[name].append([_timed(call) for _ in range(CALLS)])
    turns = {name: [statistics.median(turn) for turn in found] for name, found in seconds.items()}
    return [_latency(work, name, found, turns) for name, found in seconds.items()]


def _timed(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _latency(work: str, name: str, seconds: list[list[float]], turns: Mapping[str, list[float]]) -> Latency:
    middle, slow = np.percentile(seconds, [50, SLOW]).tolist()
    if name == OURS:
        return Latency(work, name, middle, slow)
    ratios = [theirs / ours for theirs, ours in zip(turns[name], turns[OURS], strict=True)]
    return Latency(work, name, middle, slow, statistics.median(ratios), quartiles(ratios))
