"""The one way out: results to stdout, everything else to stderr, errors as one sentence and what to type next."""

from __future__ import annotations

import json as json_format
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from rnncli.cli.streams import ReaderLeft
from rnncli.errors import UserError
from rnncli.report.layout import visible

UNCUT = 10_000
"""The width of a console that is no terminal: nothing is wrapped or cut for want of room."""
ColourSystem = Literal["auto", "standard", "256", "truecolor"]
FORCED: dict[str, ColourSystem] = {"1": "standard", "2": "256", "3": "truecolor"}
"""What numbers of FORCE_COLOR ask for."""


class Terminal:
    """Two consoles and the manners that ``--json``, ``--quiet`` and ``--debug`` ask for."""

    def __init__(self, *, json: bool = False, quiet: bool = False, debug: bool = False) -> None:
        self.json, self.quiet, self.debug = json, quiet, debug
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)

    def result(self, value: Any) -> None:
        """A result for programs: one JSON document, or one line of it."""
        indent = 1 if isinstance(value, dict | list) and self.json else None
        sys.stdout.write(json_format.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent) + "\n")

    def say(self, text: str | Text, style: str = "") -> None:
        """Something that is no result; silent with ``--quiet``."""
        if not self.quiet:
            self.err.print(text, style=style or None, soft_wrap=not self.err.is_terminal)

    def error(self, error: UserError) -> None:
        """A user's mistake: its sentence, and the hint on a line of its own."""
        head = Text("error ", style="bold red")
        head.append(_lines(error.message), style="default not bold")
        self.err.print(head, soft_wrap=not self.err.is_terminal)
        if error.hint:
            hint = Text("try   ", style="bold cyan").append(
                _lines(error.hint).replace("\n", "\n      "), style="default not bold"
            )
            self.err.print(hint, soft_wrap=not self.err.is_terminal)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn every ending into an exit code; the docs/scripts.md lists the codes."""
        try:
            yield
            sys.stdout.flush()
        except ReaderLeft as error:
            raise typer.Exit(error.exit_code) from None
        except UserError as error:
            if self.debug:
                traceback.print_exc()
            self.error(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            self.error(UserError("interrupted; nothing was lost that had been saved"))
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, SystemExit, GeneratorExit):
            raise
        except MemoryError:
            self.error(UserError("out of memory", "lower train.batch_size or train.batch_tokens"))
            raise typer.Exit(1) from None
        except BaseException as error:  # what Rust panics with, for one, is no Exception
            if self.debug:
                traceback.print_exc()
            kind = type(error).__name__
            self.error(
                UserError(
                    f"this is a defect of rnncli: {kind}: {error}",
                    "run it again with --debug and report what it shows",
                )
            )
            raise typer.Exit(1) from None


def _lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def is_terminal(stream: Any) -> bool:
    """Whether somebody reads a stream as it comes."""
    return stream.isatty()


def _console(stream: Any) -> Console:
    terminal = is_terminal(stream)
    return Console(
        file=stream,
        # FORCE_COLOR is about colours alone: what is no terminal is not wrapped, and has no bars.
        force_terminal=terminal,
        width=None if terminal else UNCUT,
        color_system=_colours(terminal),
        markup=False,
        highlight=False,
        emoji=False,
    )


def _colours(terminal: bool) -> ColourSystem | None:
    """None for no colours: NO_COLOR wins over FORCE_COLOR, whose numbers say how many there are."""
    if os.environ.get("NO_COLOR"):
        return None
    forced = os.environ.get("FORCE_COLOR", "")
    if forced.lower() not in ("", "0", "false"):
        return FORCED.get(forced, "auto" if terminal else "standard")
    return "auto" if terminal else None
