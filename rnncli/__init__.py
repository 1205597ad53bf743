"""A command-line workbench for recurrent sequence models, and its commands for Python.

>>> import rnncli
>>> done = rnncli.run("sentiment", data="reviews.csv", model={"hidden": 8}, train={"epochs": 1})
>>> rows = done.model().predict(["not half bad", "not good at all"])
>>> found = rnncli.compare("runs")
>>> layers = rnncli.Recurrent(10, 20, cell="lstm", bidirectional=True)

Each is imported when it is first asked for: ``import rnncli`` alone loads nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rnncli.version import __version__

if TYPE_CHECKING:
    from rnncli.api import Run, TrainedModel, compare, load, run
    from rnncli.core.recurrent import Recurrent

__all__ = ["Recurrent", "Run", "TrainedModel", "__version__", "compare", "load", "run"]

_PLACES = {
    "Recurrent": "rnncli.core.recurrent",
    "Run": "rnncli.api",
    "TrainedModel": "rnncli.api",
    "compare": "rnncli.api",
    "load": "rnncli.api",
    "run": "rnncli.api",
}

if not TYPE_CHECKING:  # to a type checker, a name that is not imported above does not exist

    def __getattr__(name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
