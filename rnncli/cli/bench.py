"""``rnncli bench``: how fast the core and a run's model are here, and where a training step spends its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli.command import command
from rnncli.cli.menu import CheckedCommand, CheckedGroup
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Overrides, Recipe, Run
from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.runs.advance import advancing

if TYPE_CHECKING:
    from rnncli.bench.core import CoreResult
    from rnncli.bench.latency import RunLatency

app = typer.Typer(cls=CheckedGroup, no_args_is_help=True, help="Measure speed on this machine.")


def core(
    terminal: Terminal,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", help="rnn, lstm, gru or gru-after; may be given again. [all]")
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            "--shape",
            help="sentences, bucketed, utterances, equal, stacked, long, wide or streaming; may be given again. "
            "[sentences]",
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "cpu",
    repeats: Annotated[int, typer.Option("--repeats", help="Counted runs of each contender.")] = 9,
    inference: Annotated[bool, typer.Option("--inference", help="Outputs only, no gradients.")] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Peak memory of a step too, each in a process of its own.")
    ] = False,
) -> None:
    """The recurrent layers beside torch's own, in turn in one process: medians, and how exact they are."""
    terminal.say("measuring; keep the machine quiet", style="dim")
    from rnncli.bench.core import CELLS, measurements

    results, options = [], {"device": device, "repeats": repeats, "inference": inference, "memory": memory}
    for result in measurements(cell or list(CELLS), shape or ["sentences"], **options):
        terminal.say(f"{result.shape}, {result.cell}: done", style="dim")
        results.append(result)
    if terminal.json:
        terminal.result([result.to_dict() for result in results])
        return
    print_table(terminal, _COLUMNS, [row for result in results for row in _rows(result)])


def step(
    terminal: Terminal,
    recipe: Recipe,
    overrides: Overrides = None,
    steps: Annotated[int, typer.Option("--steps", help="Training steps to time, after three that are not.")] = 30,
) -> None:
    """Where a training step of a recipe spends its time: data, forward, loss, backward, optimizer."""
    from rnncli.runs.recipes import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    with ProgressLine(terminal, "reading the data, then training some steps") as progress, advancing(progress):
        from rnncli.bench.phases import bench_step

        seconds = bench_step(loaded, steps=steps)
    total = sum(seconds.values())
    if terminal.json:
        terminal.result({"seconds": seconds, "total": total})
        return
    rows = [[phase, f"{1e3 * spent:.2f}", f"{100 * spent / total:.1f}"] for phase, spent in seconds.items()]
    print_table(terminal, ["phase", "ms a step", "%"], [*rows, ["all", f"{1e3 * total:.2f}", "100.0"]])


def serve(
    terminal: Terminal,
    run: Run,
    steps: Annotated[int, typer.Option("--steps", help="Steps of the example.")] = 30,
    threads: Annotated[int, typer.Option("--threads", help="Threads that compute.")] = 1,
    repeats: Annotated[int, typer.Option("--repeats", help="Turns of each contender, of ten calls.")] = 30,
) -> None:
    """How long a run's model takes for one example, beside ONNX Runtime and torch, in turn in one process."""
    with ProgressLine(terminal, "measuring; keep the machine quiet"):
        from rnncli.bench.latency import bench_run

        found = bench_run(run, steps=steps, threads=threads, repeats=repeats)
    if terminal.json:
        terminal.result(found.to_dict())
        return
    print_table(terminal, ["one example", "by", "ms", "95 %", "ratio", "quartiles"], _latency_rows(found))
    terminal.say(found.kernel, style="dim")


_COLUMNS = ["shape", "cell", "layers", "ms", "ratio", "quartiles", "tokens/s", "% of peak", "MiB", "error"]


def _rows(result: CoreResult) -> list[list[str]]:
    rows = []
    for name, seconds in result.seconds.items():
        ours = name not in result.ratios
        low, high = (0.0, 0.0) if ours else result.spread[name]
        error = f"{max(result.output_error, result.gradient_error):.0e}"
        rows.append(
            [
                result.shape if ours else "",
                result.cell if ours else "",
                name,
                f"{1e3 * seconds:.1f}",
                "" if ours else f"{result.ratios[name]:.2f}",
                "" if ours else f"{low:.2f} - {high:.2f}",
                f"{result.tokens_per_second:,.0f}" if ours else "",
                f"{100 * result.peak_share:.0f}" if ours else "",
                f"{result.peak_bytes[name] / 2**20:.1f}" if result.peak_bytes[name] else "",
                error if ours else "",
            ]
        )
    return rows


def _latency_rows(found: RunLatency) -> list[list[str]]:
    rows, before = [], ""
    for one in found.latencies:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        spread = "" if one.spread is None else "{:.2f} - {:.2f}".format(*one.spread)
        work = f"{one.work}, {found.steps} steps" if one.work != "prediction" else "prediction"
        rows.append(
            [
                "" if work == before else work,
                one.contender,
                f"{1e3 * one.seconds:.3f}",
                f"{1e3 * one.slow:.3f}",
                ratio,
                spread,
            ]
        )
        before = work
    return rows


app.command("core", cls=CheckedCommand)(command(core))
app.command("step", cls=CheckedCommand)(command(step))
app.command("serve", cls=CheckedCommand)(command(serve))
