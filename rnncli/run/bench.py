"""How fast the recurrent core is on this machine beside torch's own layers, and where a training step spends its time.

Shape letters: B batch, T time, I input, H hidden, D directions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncli.core.cells import Cell, step
from rnncli.core.recurrent import Recurrent
from rnncli.core.reference import reference
from rnncli.errors import UsageError
from rnncli.recipe.schema import Recipe
from rnncli.run.events import nobody
from rnncli.run.start import prepare
from rnncli.tasks.base import Batch, Fitted
from rnncli.train.loop import StepDone, Stopped

CELLS = {
    "rnn": {"cell": "rnn"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "gru-after": {"cell": "gru", "reset": "after"},
}
PHASES = ("data", "forward", "loss", "backward", "optimizer")
SLOW = 2.0
"""Seconds beyond which a contender is run three times only."""


@dataclass(frozen=True)
class Shape:
    """Batches that stand for a kind of work; lengths are drawn evenly from ``shortest`` to ``longest``."""

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


SHAPES = {
    "sentences": Shape("512 sentences of 5-60 tokens", 128, 128, 32, 5, 60, batches=16, bidirectional=True),
    "utterances": Shape("32 utterances of 100-1200 frames", 80, 256, 32, 100, 1200, bidirectional=True),
    "equal": Shape("32 sequences of 100 steps", 256, 256, 32, 100, 100),
    "long": Shape("64 sequences of 400 frames", 80, 256, 64, 400, 400, layers=2, bidirectional=True),
    "wide": Shape("16 sequences of 35 steps, 650 units", 650, 650, 16, 35, 35, layers=2),
    "streaming": Shape("100 single steps, no gradients", 256, 256, 1, 1, 1, batches=100, training=False),
}


@dataclass(frozen=True)
class CoreResult:
    """One cell on one shape. ``seconds`` are medians by contender; ``ratios`` are those of the rivals to ours.

    ``peak_share`` is the rate of our matrix products as a share of torch.mm's: above 1 where other kernels are faster.

    ``spread`` is the interquartile range of the ratios; ``kept_bytes`` what the backward pass needs of the first batch;
    ``output_error`` and ``gradient_error`` are the largest differences from the fp64 reference, relative.
    """

    shape: str
    cell: str
    what: str
    kernel: str
    seconds: dict[str, float]
    ratios: dict[str, float]
    spread: dict[str, tuple[float, float]]
    tokens_per_second: float
    peak_share: float
    kept_bytes: dict[str, int]
    output_error: float
    gradient_error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


Layers = Callable[[Tensor, Tensor], Tensor]
Batches = list[tuple[Tensor, Tensor]]


def bench_core(cell: str, shape: str, *, device: str = "cpu", repeats: int = 9) -> CoreResult:
    """Measure ``cell`` (of CELLS) on ``shape`` (of SHAPES), all contenders in turn; UsageError for other names."""
    for what, name, known in (("cell", cell, CELLS), ("shape", shape, SHAPES)):
        if name not in known:
            raise UsageError(f"no {what} is called {name}", f"one of: {', '.join(known)}")
    if repeats < 1:
        raise UsageError(f"--repeats is {repeats}", "give it at least 1")
    if device != "cpu" and not torch.cuda.is_available():
        raise UsageError(f"there is no device {device} here", "rnncli bench core --device cpu")
    plan = SHAPES[shape]
    torch.manual_seed(0)
    widths = {"layers": plan.layers, "bidirectional": plan.bidirectional}
    core = Recurrent(plan.input, plan.hidden, **CELLS[cell], **widths).to(device)
    batches = _draw(plan, device)
    contenders = _contenders(core, plan, device)
    runs = _measure(contenders, batches, plan, repeats)
    ratios = {name: [a / b for a, b in zip(runs[name], runs["rnncli"], strict=False)] for name in runs}
    del ratios["rnncli"]
    median = statistics.median(runs["rnncli"])
    tokens = sum(int(lengths_B.sum()) for _, lengths_B in batches)
    output_error, gradient_error = _parity(core, *batches[0])
    return CoreResult(
        shape,
        cell,
        plan.what,
        core.kernel(device),
        {name: statistics.median(times) for name, times in runs.items()},
        {name: statistics.median(values) for name, values in ratios.items()},
        {name: _quartiles(values) for name, values in ratios.items()},
        tokens / median,
        _flops(core, plan) * tokens / median / _peak(device),
        {name: _kept(layers, *batches[0]) if plan.training else 0 for name, layers in contenders.items()},
        output_error,
        gradient_error,
    )


def measurements(cells: list[str], shapes: list[str], *, device: str, repeats: int) -> Iterator[CoreResult]:
    """Every cell on every shape, each result as soon as it is there."""
    for shape in shapes:
        for cell in cells:
            yield bench_core(cell, shape, device=device, repeats=repeats)


def bench_step(recipe: Recipe, *, steps: int = 30) -> dict[str, float]:
    """Seconds that one training step of ``recipe`` takes in each of PHASES, the mean of ``steps`` after three."""
    if steps < 1:
        raise UsageError(f"--steps is {steps}", "give it at least 1")
    _, fitted, trainer = prepare(None, recipe, nobody)
    watch = _Stopwatch(trainer.device)
    trainer.fitted = _TimedLoss(fitted, watch)  # type: ignore[assignment]
    trainer.model.register_forward_pre_hook(lambda *_: watch.enter("forward"))
    trainer.model.register_forward_hook(lambda *_: watch.enter("loss"))
    trainer.optimizer.register_step_pre_hook(lambda *_: watch.enter("optimizer"))
    seen, total = 0, dict.fromkeys(PHASES, 0.0)
    events = trainer.events()
    while seen < steps + 3:
        watch.enter("data")
        event = next(events)
        spent = watch.stop()
        if isinstance(event, Stopped):
            break
        if not isinstance(event, StepDone):
            continue
        seen += 1
        if seen > 3:
            total = {phase: total[phase] + spent.get(phase, 0.0) for phase in PHASES}
    if seen <= 3:
        raise UsageError("the training is over after three steps", "give it more epochs: train.epochs=10")
    return {phase: seconds / (seen - 3) for phase, seconds in total.items()}


class _Stopwatch:
    """Time spent in one phase after the other; waits for an accelerator at each change."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.spent: dict[str, float] = {}
        self.phase, self.since = "", 0.0

    def enter(self, phase: str) -> None:
        now = self._now()
        if self.phase:
            self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self.since
        self.phase, self.since = phase, now

    def stop(self) -> dict[str, float]:
        self.enter("")
        spent, self.spent = self.spent, {}
        return spent

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


class _TimedLoss:
    """A fitted task that tells the stopwatch when it computes the loss."""

    def __init__(self, fitted: Fitted, watch: _Stopwatch) -> None:
        self._fitted, self._watch = fitted, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fitted, name)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        self._watch.enter("loss")
        loss = self._fitted.loss(model, batch)
        self._watch.enter("backward")
        return loss


def _draw(plan: Shape, device: str) -> Batches:
    batches = []
    for _ in range(plan.batches):
        lengths_B = torch.randint(plan.shortest, plan.longest + 1, (plan.batch,))
        batches.append((torch.randn(plan.batch, int(lengths_B.max()), plan.input, device=device), lengths_B))
    return batches


def _contenders(core: Recurrent, plan: Shape, device: str) -> dict[str, Layers]:
    equal = plan.shortest == plan.longest
    found: dict[str, Layers] = {"rnncli": lambda x, n: core(x, None if equal else n, need_state=not plan.training)[0]}
    if core.cell.kind == "gru" and not core.cell.resets_after:
        found["plain loop"] = lambda x, _: _plain_loop(core, x)
        return found
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[core.cell.kind]
    rival = kind(plan.input, plan.hidden, plan.layers, bidirectional=plan.bidirectional, batch_first=True).to(device)
    found["torch padded"] = lambda x, _: rival(x)[0]
    if not equal:
        found["torch packed"] = lambda x, n: _packed(rival, x, n)
    return found


def _packed(layers: nn.Module, x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
    packed, _ = layers(pack_padded_sequence(x_BTI, lengths_B, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(packed, batch_first=True)[0]


def _plain_loop(core: Recurrent, x_BTX: Tensor) -> Tensor:
    """What one writes for a cell that torch lacks: the equations, step by step, over the padded batch."""
    for layer in range(core.layers):
        both = []
        for d in range(core.directions):
            state = (x_BTX.new_zeros(len(x_BTX), core.hidden_size),)
            outputs = []
            for x_BX in (x_BTX.flip(1) if d else x_BTX).unbind(1):
                state = step(core.cell, x_BX, state, core.weights(layer, d))
                outputs.append(state[0])
            y_BTH = torch.stack(outputs, 1)
            both.append(y_BTH.flip(1) if d else y_BTH)
        x_BTX = torch.cat(both, -1)
    return x_BTX


def _measure(contenders: dict[str, Layers], batches: Batches, plan: Shape, repeats: int) -> dict[str, list[float]]:
    """Seconds of each contender, one run of each in turn, after one that is not counted."""
    runs: dict[str, list[float]] = {name: [] for name in contenders}
    warm = {name: _run(layers, batches, plan.training) for name, layers in contenders.items()}
    for repeat in range(repeats):
        for name, layers in contenders.items():
            if repeat < 3 or warm[name] < SLOW:
                runs[name].append(_run(layers, batches, plan.training))
    return runs


def _run(layers: Layers, batches: Batches, training: bool) -> float:
    device = batches[0][0].device
    watch = _Stopwatch(device)
    watch.enter("run")
    with torch.set_grad_enabled(training):
        for x_BTI, lengths_B in batches:
            y_BTE = layers(x_BTI, lengths_B)
            if training:
                y_BTE.sum().backward()
    return watch.stop()["run"]


def _kept(layers: Layers, x_BTI: Tensor, lengths_B: Tensor) -> int:
    """Bytes that the graph of one batch keeps for its backward pass."""
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        held = layers(x_BTI, lengths_B)
    return sum(sizes.values()) if held.requires_grad else 0


def _parity(core: Recurrent, x_BTI: Tensor, lengths_B: Tensor) -> tuple[float, float]:
    """Relative errors of outputs and of gradients against the fp64 reference, on four examples of at most 50 steps."""
    lengths = [min(int(length), 50) for length in lengths_B[:4]]
    x_BTI = x_BTI[:4, : max(lengths)].detach()
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
    cell: Cell = core.cell
    shape = {"layers": core.layers, "bidirectional": core.directions == 2}
    return {"cell": cell.kind, "activation": cell.activation, "reset": cell.reset} | shape


def _error(ours: Tensor, truth: Tensor) -> float:
    scale = max(1.0, truth.abs().max().item())
    return (ours.detach().double().cpu() - truth).abs().max().item() / scale


def _flops(core: Recurrent, plan: Shape) -> float:
    """Operations of the matrix products a valid step: two a weight forward, and twice that back."""
    weights = sum(part.numel() for part in core.parameters() if part.dim() == 2)
    return 2.0 * weights * (3 if plan.training else 1)


def _peak(device: str) -> float:
    """Operations a second of one large product by torch.mm, warm, the best of ten."""
    a, b = torch.randn(1024, 1024, device=device), torch.randn(1024, 1024, device=device)
    watch = _Stopwatch(a.device)
    times = []
    for _ in range(13):
        watch.enter("product")
        torch.mm(a, b)
        times.append(watch.stop()["product"])
    return 2 * 1024**3 / min(times[3:])


def _quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high
