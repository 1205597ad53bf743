"""What a run records of itself: how it was begun, how it ended."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from rnncli.errors import Interrupted, RunError, UserError
from rnncli.recipe.schema import Recipe
from rnncli.runs.directory import RunDirectory, now
from rnncli.runs.interrupt import interruptible
from rnncli.version import __version__


def first_record(recipe: Recipe, argv: Sequence[str]) -> dict[str, Any]:
    """What ``run.json`` says of a run that begins; ``argv`` is the command that began it."""
    versions = {"rnncli": __version__, "torch": torch.__version__, "python": platform.python_version()}
    return {
        "argv": list(argv),
        "versions": versions,
        "machine": f"{platform.platform()}, {os.cpu_count()} processors",
        "seed": recipe.seed,
        "state": "running",
        "exit_code": None,
        "started": now(),
    }


@contextmanager
def kept_record(run: RunDirectory) -> Iterator[None]:
    """Keep ``run.json`` and ``log.txt`` true to how the work inside ends."""
    run.write_record(state="running", exit_code=None)
    run.log("begun")
    state, code = "failed", 1
    try:
        yield
        state, code = "finished", 0
    except (Interrupted, KeyboardInterrupt):
        state, code = "interrupted", Interrupted.exit_code
        raise interruption(run) from None
    except UserError as error:
        code = error.exit_code
        run.log(error.message)
        raise
    except BaseException:
        run.log(traceback.format_exc())
        raise
    finally:
        run.log(f"{state}, exit code {code}")
        # A full disk must not hide what went wrong before, nor a second signal leave it untold.
        with suppress(RunError), interruptible():
            run.write_record(state=state, exit_code=code, ended=now())


def interruption(run: RunDirectory) -> Interrupted:
    """The ending of a run that was interrupted, with what to type to go on."""
    return Interrupted("interrupted; the state is saved", f"go on with: rnncli run --resume {_whole(run)}")


def _whole(run: RunDirectory) -> Path:
    """The run that ``run`` is a fold of, or itself."""
    return run.path.parent.parent if run.path.parent.name == run.folds.name else run.path
