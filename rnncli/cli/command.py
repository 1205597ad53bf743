"""What every command has: ``--json``, ``--quiet``, ``--debug``, and the way out of :class:`Terminal.guard`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from rnncli.cli.terminal import Terminal
from rnncli.errors import UsageError
from rnncli.report.layout import visible

COMMON = {
    "json": (bool, False, typer.Option("--json", help="Print results as JSON.")),
    "quiet": (bool, False, typer.Option("--quiet", "-q", help="Print results and errors only.")),
    "debug": (bool, False, typer.Option("--debug", help="Show the traceback of an error.")),
}


def command(function: Callable[..., None], extra: Sequence[Parameter] = ()) -> Callable[..., None]:
    """``function(terminal, ...)`` as Typer wants it: without the terminal, with ``extra`` and the common options."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    own = [p for p in own if p.kind is not Parameter.VAR_KEYWORD]
    parameters = [*own, *extra, *(parameter(name, *common) for name, common in COMMON.items())]

    def wrapped(**arguments: Any) -> None:
        terminal = Terminal(**{name: arguments.pop(name) for name in COMMON})
        with terminal.guard():
            function(terminal, **{name: located(value) for name, value in arguments.items()})

    wrapped.__name__ = function.__name__
    wrapped.__doc__ = function.__doc__
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return wrapped


def located(value: Any) -> Any:
    """An argument with ~ as the user's home, if it is a path; UsageError for what no system takes for one."""
    if not isinstance(value, Path):
        return value
    path = Path(os.path.expanduser(value))
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, ValueError) as error:
        short = visible(str(path)[:60]) + "..." * (len(str(path)) > 60)
        raise UsageError(f"{short}: {getattr(error, 'strerror', None) or error}", "name another") from error
    return path


def parameter(name: str, kind: Any, default: Any, how: Any) -> Parameter:
    """A keyword of a command with Typer's description of it."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, how])
