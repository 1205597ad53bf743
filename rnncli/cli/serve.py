"""``rnncli serve``: answer requests over HTTP with the models of runs."""

from __future__ import annotations

import gc
import json
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import completion
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError

if TYPE_CHECKING:
    from rnncli.serve.app import Application

NEEDED = ("starlette", "uvicorn")
MEGABYTE = 1 << 20


def serve(
    terminal: Terminal,
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Directories of finished runs.", autocompletion=completion.runs),
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0 lets all machines in.")
    ] = "127.0.0.1",
    share_port: Annotated[
        bool, typer.Option("--share-port", help="Share the port with others started like this, one for each core.")
    ] = False,
    max_size: Annotated[
        float, typer.Option("--max-size", metavar="MB", min=0.001, max=1000, help="Largest request, in megabytes.")
    ] = 4,
    max_inputs: Annotated[int, typer.Option("--max-inputs", min=1, help="Inputs of a request at most.")] = 1000,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="In which a request is answered or refused.")
    ] = 30,
) -> None:
    """Serve models over HTTP: POST /predict, and a page to try them in a browser."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(f"serving needs {' and '.join(missing)}", 'pip install "rnncli[serve]"')
    from rnncli.runs.interrupt import interruptible
    from rnncli.serve.app import Application
    from rnncli.serve.asking import Limits
    from rnncli.serve.served import named, open_runs
    from rnncli.serve.server import address_of, open_socket
    from rnncli.serve.server import serve as serve_application

    found = named(runs)
    opened = open_socket(host, port, shared=share_port)
    with opened, interruptible() as ended:
        models = open_runs(found)
        for model in models:
            model.warm_up()
        gc.freeze()  # what is loaded stays: the collector need not walk through it
        limits = Limits(size=int(max_size * MEGABYTE), inputs=max_inputs, seconds=timeout)

        def complain(error: BaseException) -> None:
            terminal.say(f"a request failed by a defect: {type(error).__name__}: {error}", style="red")
            if terminal.debug:
                traceback.print_exception(error)

        application = Application(models, limits, complain)
        if ended.is_set():
            raise typer.Exit(130)
        serve_application(application, opened, ended, lambda: _announce(terminal, application, address_of(opened)))
    terminal.say(f"stopped; {application.answered:,} requests answered, {application.refused:,} refused")
    raise typer.Exit(130)


def _announce(terminal: Terminal, application: Application, address: str) -> None:
    """Say that requests are taken: a line of JSON for programs, and how to try it for people."""
    models = list(application.models.values())
    if terminal.json:
        told = [{"name": one.name, "task": one.task, "path": str(one.path)} for one in models]
        sys.stdout.write(json.dumps({"address": address, "models": told}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    named = ", ".join(f"{one.name} ({one.task})" for one in models)
    terminal.say(f"{address} serves {named}; Ctrl-C ends it", style="bold")
    for one in models:
        place = f"{address}/predict{f'/{one.name}' if len(models) > 1 else ''}"
        example = {
            "texts": "-d " + _quoted(json.dumps({"inputs": [one.predictor.example]}, ensure_ascii=False)),
            "rows": "-H 'content-type: text/csv' --data-binary @history.csv",
            "file": f"-H 'content-type: application/octet-stream' --data-binary @{one.predictor.example}",
        }[one.kind]
        terminal.say(f"try  curl {place} {example}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
