"""``rnncli report``: a finished run to look at or to hand on."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli import completion
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.run import show_report
from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError


def report(
    terminal: Terminal,
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The directory of a finished run.", autocompletion=completion.runs)
    ],
    html: Annotated[bool, typer.Option("--html", help="Write report.html into the run, anew.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Write it and open it in the browser.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a model card.")] = False,
) -> None:
    """Show the report of a run again, write it as one page that needs no network, or as a model card."""
    if markdown and (html or open_ or terminal.json):
        raise UsageError("--markdown prints a model card and nothing else", f"rnncli report {run} --markdown")
    if markdown:
        from rnncli.runs.page import model_card

        sys.stdout.write(model_card(run))
        return
    if html or open_:
        from rnncli.runs.page import write_page

        with ProgressLine(terminal) as progress:
            progress.now("writing the page", aside=True)
            page = write_page(run)
        if terminal.json:
            terminal.result({"path": str(page)})
        else:
            terminal.out.print(str(page), soft_wrap=True)
        if open_ and not webbrowser.open(page.resolve().as_uri()):
            raise UsageError("no browser can be started here", f"open {page} yourself")
        return
    from rnncli.runs.directory import RunDirectory

    show_report(terminal, RunDirectory.open(run).read_report())
