"""How fast the recurrent core is on this machine beside torch's own layers.

Shape letters: B batch, T time, I input, H hidden, D directions.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rnncli.bench.contenders import OURS, Layers, contenders
from rnncli.bench.peaks import memory_of, product_rate
from rnncli.bench.phases import Stopwatch
from rnncli.core.device import choose
from rnncli.core.recurrent import Recurrent
from rnncli.core.reference import reference
from rnncli.errors import UsageError

CELLS = {
    "rnn": {"cell": "rnn"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "gru-after": {"cell": "gru", "reset": "after"},
}
MAX_SECONDS_FOR_ALL_REPEATS = 2.0
"""Seconds beyond which a contender is run REPEATS_WHEN_SLOW times only."""
REPEATS_WHEN_SLOW = 3
PAUSE_SECONDS = 0.03
"""Seconds between two runs: threads that wait for more work spin for a while, and would slow the next contender."""
MAX_SECONDS_TO_WARM_UP = 0.5
"""Seconds below which a run follows one that is not counted: its caches and threads have gone cold in the pause."""
PARITY_EXAMPLES, MAX_PARITY_STEPS = 4, 50
"""What of the first batch the slow reference is asked for."""


@dataclass(frozen=True)
class Shape:
    """Batches that stand for a kind of work; lengths are drawn evenly from ``shortest`` to ``longest``.

    ``bucketed`` lets the core have its batches of like lengths, as training forms them, and the rivals shuffled ones.
    """

    what: str
    input: int
    hidden: int
    batch: int
    shortest: int
    longest: int
    batches: int = 1
    layers: int = 1
    bidirectional: bool = False
    training: bool = True
    bucketed: bool = False

    @property
    def equal(self) -> bool:
        """Whether all lengths are the same."""
        return self.shortest == self.longest


SHAPES = {
    "sentences": Shape("512 sentences of 5-60 tokens", 128, 128, 32, 5, 60, batches=16, bidirectional=True),
    "utterances": Shape("32 utterances of 100-1200 frames", 80, 256, 32, 100, 1200, bidirectional=True),
    "equal": Shape("32 sequences of 100 steps", 256, 256, 32, 100, 100),
    "stacked": Shape("32 sequences of 100 steps, 2 layers", 128, 128, 32, 100, 100, layers=2, bidirectional=True),
    "long": Shape("64 sequences of 400 frames", 80, 256, 64, 400, 400, layers=2, bidirectional=True),
    "wide": Shape("16 sequences of 35 steps, 650 units", 650, 650, 16, 35, 35, layers=2),
    "streaming": Shape("100 single steps, no gradients", 256, 256, 1, 1, 1, batches=100, training=False),
}
SHAPES["bucketed"] = replace(SHAPES["sentences"], what="the same sentences, ours by length", bucketed=True)


@dataclass(frozen=True)
class CoreResult:
    """One cell on one shape. ``seconds`` are medians by contender; ``ratios`` are those of the rivals to ours.

    ``spread`` is the interquartile range of the ratios; ``peak_share`` the rate of our matrix products as a share of
    the fastest product of this machine; ``peak_bytes`` by how much a process grows at most in a training step, 0 where
    it was not measured; ``output_error`` and ``gradient_error`` are the largest differences from the fp64 reference,
    relative.
    """

    shape: str
    cell: str
    what: str
    training: bool
    kernel: str
    seconds: dict[str, float]
    ratios: dict[str, float]
    spread: dict[str, tuple[float, float]]
    tokens_per_second: float
    peak_share: float
    peak_bytes: dict[str, int]
    output_error: float
    gradient_error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


Batches = list[tuple[Tensor, Tensor]]


def bench_core(
    cell: str, shape: str, *, device: str = "cpu", repeats: int = 9, inference: bool = False, memory: bool = False
) -> CoreResult:
    """Measure ``cell`` (of CELLS) on ``shape`` (of SHAPES), all contenders in turn; UsageError for other names."""
    for what, name, known in (("cell", cell, CELLS), ("shape", shape, SHAPES)):
        if name not in known:
            raise UsageError(f"no {what} is called {name}", f"one of: {', '.join(known)}")
    if repeats < 1:
        raise UsageError(f"--repeats is {repeats}", "give it at least 1")
    placement = choose(device, "fp32", tf32=False, deterministic=False, threads=0)
    placement.apply()
    device = str(placement.device)
    plan = SHAPES[shape]
    plan = replace(plan, training=plan.training and not inference)
    core = _core(cell, plan, device)
    given = _draw(plan, device)
    rivals = contenders(core, equal=plan.equal, training=plan.training, device=device)
    batches = {name: _by_length(given, plan.batch) if plan.bucketed and name == OURS else given for name in rivals}
    runs = _measure(rivals, batches, repeats, training=plan.training)
    ratios = {name: [a / b for a, b in zip(runs[name], runs[OURS], strict=False)] for name in runs}
    del ratios[OURS]
    median = statistics.median(runs[OURS])
    tokens = sum(int(lengths_B.sum()) for _, lengths_B in given)
    output_error, gradient_error = _parity(core, *given[0])
    measured = memory and plan.training and device == "cpu"
    return CoreResult(
        shape,
        cell,
        plan.what,
        plan.training,
        core.kernel(device),
        {name: statistics.median(times) for name, times in runs.items()},
        {name: statistics.median(values) for name, values in ratios.items()},
        {name: quartiles(values) for name, values in ratios.items()},
        tokens / median,
        _flops(core, plan) * tokens / median / product_rate(device),
        {name: memory_of(_steps, cell, plan, name) if measured else 0 for name in rivals},
        output_error,
        gradient_error,
    )


def measurements(cells: list[str], shapes: list[str], **options: Any) -> Iterator[CoreResult]:
    """Every cell on every shape, each result as soon as it is there; the options are those of :func:`bench_core`."""
    for shape in shapes:
        for cell in cells:
            yield bench_core(cell, shape, **options)


def quartiles(values: list[float]) -> tuple[float, float]:
    """The first and the third quartile; of a single value that."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def _core(cell: str, plan: Shape, device: str) -> Recurrent:
    torch.manual_seed(0)
    widths = {"layers": plan.layers, "bidirectional": plan.bidirectional}
    return Recurrent(plan.input, plan.hidden, **CELLS[cell], **widths).to(device)


def _draw(plan: Shape, device: str) -> Batches:
    batches = []
    for _ in range(plan.batches):
        lengths_B = torch.randint(plan.shortest, plan.longest + 1, (plan.batch,))
        batches.append((torch.randn(plan.batch, int(lengths_B.max()), plan.input, device=device), lengths_B))
    return batches


def _by_length(batches: Batches, size: int) -> Batches:
    """The same examples in batches of like lengths."""
    examples = [x_TI[:length] for x_BTI, lengths_B in batches for x_TI, length in zip(x_BTI, lengths_B, strict=True)]
    examples.sort(key=len)
    found = []
    for at in range(0, len(examples), size):
        some = examples[at : at + size]
        found.append((torch.nn.utils.rnn.pad_sequence(some, batch_first=True), torch.tensor([len(x) for x in some])))
    return found


def _measure(
    rivals: dict[str, Layers], batches: dict[str, Batches], repeats: int, *, training: bool
) -> dict[str, list[float]]:
    """Seconds of each contender, one run of each in turn, in an order drawn anew: none always follows the same."""
    draw = random.Random(0)
    runs: dict[str, list[float]] = {name: [] for name in rivals}
    first = {name: _run(layers, batches[name], training=training) for name, layers in rivals.items()}
    for repeat in range(repeats):
        for name, layers in draw.sample(list(rivals.items()), len(rivals)):
            if repeat < REPEATS_WHEN_SLOW or first[name] < MAX_SECONDS_FOR_ALL_REPEATS:
                time.sleep(PAUSE_SECONDS)
                if first[name] < MAX_SECONDS_TO_WARM_UP:
                    _run(layers, batches[name], training=training)
                runs[name].append(_run(layers, batches[name], training=training))
    return runs


def _run(layers: Layers, batches: Batches, *, training: bool) -> float:
    watch = Stopwatch(batches[0][0].device)
    watch.enter("run")
    with torch.set_grad_enabled(training):
        for x_BTI, lengths_B in batches:
            y_BTE = layers(x_BTI, lengths_B)
            if training:
                y_BTE.sum().backward()
    return watch.stop()["run"]


def _steps(cell: str, plan: Shape, name: str) -> Callable[[bool], None]:
    """A training step of one contender on the first batch, or on very little."""
    core = _core(cell, plan, "cpu")
    layers = contenders(core, equal=plan.equal, training=True, device="cpu")[name]
    little = replace(plan, batch=2, shortest=2, longest=2, batches=1)
    given = {warm: _draw(which, "cpu")[:1] for warm, which in ((True, little), (False, plan))}
    return partial(_take, layers, given)


def _take(layers: Layers, given: dict[bool, Batches], warm: bool) -> None:
    _run(layers, given[warm], training=True)


def _parity(core: Recurrent, x_BTI: Tensor, lengths_B: Tensor) -> tuple[float, float]:
    """Relative errors of outputs and of gradients against the fp64 reference, on the first examples and steps."""
    lengths = [min(int(length), MAX_PARITY_STEPS) for length in lengths_B[:PARITY_EXAMPLES]]
    x_BTI = x_BTI[:PARITY_EXAMPLES, : max(lengths)].detach()
    y_BTE, _ = core(x_BTI, torch.tensor(lengths))
    slope = torch.linspace(-1, 1.5, y_BTE.numel(), device=y_BTE.device).view(y_BTE.shape)
    ours = torch.autograd.grad((y_BTE * slope).sum(), list(core.parameters()))
    exact = Recurrent(core.input_size, core.hidden_size, **_settings(core)).double()
    exact.load_state_dict(core.state_dict())
    weights = [[exact.weights(layer, d) for d in range(core.directions)] for layer in range(core.layers)]
    y_true, _ = reference(exact.cell, weights, x_BTI.double().cpu(), lengths)
    truth = torch.autograd.grad((y_true * slope.double().cpu()).sum(), list(exact.parameters()))
    gradient_error = max(_error(one, other) for one, other in zip(ours, truth, strict=True))
    return _error(y_BTE, y_true), gradient_error


def _settings(core: Recurrent) -> dict[str, Any]:
    cell, shape = core.cell, {"layers": core.layers, "bidirectional": core.directions == 2}
    return {"cell": cell.kind, "activation": cell.activation, "reset": cell.reset} | shape


def _error(ours: Tensor, truth: Tensor) -> float:
    scale = max(1.0, truth.abs().max().item())
    return (ours.detach().double().cpu() - truth).abs().max().item() / scale


def _flops(core: Recurrent, plan: Shape) -> float:
    """Operations of the matrix products a valid step: two a weight forward, and twice that back."""
    weights = sum(part.numel() for part in core.parameters() if part.dim() == 2)
    return 2.0 * weights * (3 if plan.training else 1)
