"""``rnncli export``: a trained model as a folder that needs neither torch nor this program."""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Run
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.runs.advance import advancing


class ExportForm(StrEnum):
    """What a model is written as."""

    ONNX = "onnx"
    TORCH = "torch"
    SAFETENSORS = "safetensors"


def export(
    terminal: Terminal,
    run: Run,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to make.")],
    stream: Annotated[
        bool, typer.Option("--stream", help="Also step by step, state in and out; of one direction only.")
    ] = False,
    form: Annotated[
        ExportForm,
        typer.Option("--format", help="onnx; torch (a program of torch.export); safetensors (names of torch.nn)."),
    ] = ExportForm.ONNX,
) -> None:
    """Write a run's best model as ONNX with a script that predicts, and check that it is the same."""
    if form is not ExportForm.ONNX:
        _export_file(terminal, run, out, form, stream=stream)
        return
    with ProgressLine(terminal, "loading the model") as progress:
        from rnncli.export.bundle import export as export_run

        with advancing(progress):
            bundle = export_run(run, out, stream=stream)
    if terminal.json:
        print(json.dumps(bundle.to_dict(), ensure_ascii=False))
        return
    found = bundle.parity
    terminal.say(
        f"the same as the run: {found['sequences']} random sequences of 0 to {found['steps']:,} steps, "
        f"in batches of {' and '.join(map(str, found['batches']))}"
    )
    terminal.say(f"values at most {found['difference']:.1e} off, all {found['decisions']:,} decisions equal")
    terminal.out.print(f"{bundle.path}  {bundle.size / 1e6:,.1f} MB; it needs numpy and onnxruntime", soft_wrap=True)
    example = shlex.quote(bundle.example) if bundle.example else "FILE"
    terminal.out.print(f"try: cd {shlex.quote(str(bundle.path))} && python predict.py {example}", soft_wrap=True)


def _export_file(terminal: Terminal, run: Path, out: Path, form: ExportForm, *, stream: bool) -> None:
    """Write the one file that torch reads."""
    if stream:
        raise UsageError(f"--stream is for --format onnx, not {form}", "leave one of the two away")
    with ProgressLine(terminal, "loading the model"):
        from rnncli.export.bundle import export_file
        from rnncli.export.torch_formats import write_program, write_safetensors

        path = export_file(run, out, write_program if form is ExportForm.TORCH else write_safetensors)
    if terminal.json:
        terminal.result({"path": str(path), "bytes": path.stat().st_size})
        return
    call = "torch.export.load" if form is ExportForm.TORCH else "safetensors.torch.load_file"
    terminal.out.print(f"{path}  {path.stat().st_size / 1e6:,.1f} MB; {call} reads it", soft_wrap=True)
