"""``rnncli export``: a trained model as a folder that needs neither torch nor this program."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import Run
from rnncli.cli.terminal import Terminal
from rnncli.runs.advance import advancing


def export(
    terminal: Terminal,
    run: Run,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to make.")],
    stream: Annotated[
        bool, typer.Option("--stream", help="Also step by step, state in and out; of one direction only.")
    ] = False,
) -> None:
    """Write a run's best model as ONNX with a script that predicts, and check that it is the same."""
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
    example = f" {shlex.quote(bundle.example)}" if bundle.example else ""
    terminal.out.print(f"try: cd {shlex.quote(str(bundle.path))} && python predict.py{example}", soft_wrap=True)
