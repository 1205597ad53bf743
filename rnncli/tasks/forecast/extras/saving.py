"""What was learnt before the network, as files: names and plain values as JSON, arrays beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.series.panel import PanelForm
from rnncli.metrics.conformal import Conformal
from rnncli.metrics.forecasts import Scales
from rnncli.tasks.forecast.extras.fitting import LearntSeries
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.scaling import Scaling

KIND, FILE, ARRAYS = "forecaster", "series.json", "series.safetensors"
PLAIN = ("names", "horizon", "segment", "non_negative", "seasons", "notes")


def save(folder: Path, learnt: LearntSeries, conformal: Conformal | None, share: float) -> None:
    """Write all of it."""
    body: dict[str, Any] = {name: getattr(learnt, name) for name in PLAIN}
    body |= {"form": learnt.form.to_dict(), "transform": vars(learnt.transform)}
    body |= {"about": dict(learnt.about), "columns": dict(learnt.columns), "share": share}
    arrays = {f"scaling.{name}": one for name, one in learnt.scaling.arrays().items()}
    arrays |= {f"scales.{name}": one for name, one in vars(learnt.scales).items()}
    numbers = learnt.ridge.arrays()
    body["ridge"] = str(numbers.pop("words"))
    arrays |= {f"ridge.{name}": one for name, one in numbers.items()}
    if conformal is not None:
        arrays |= {f"conformal.{name}": one for name, one in conformal.to_dict().items()}
    write_json(folder / FILE, KIND, json.loads(json.dumps(body)))
    save_file({name: np.asarray(one, order="C") for name, one in arrays.items()}, folder / ARRAYS)


def load(folder: Path) -> tuple[LearntSeries, Conformal | None, float]:
    """What ``save`` wrote; KeyError, TypeError, ValueError or OSError where that is damaged."""
    body, arrays = read_json(folder / FILE, KIND), load_file(folder / ARRAYS)

    def named(prefix: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(f"{prefix}."): one for name, one in arrays.items() if name.startswith(f"{prefix}.")}

    learnt = LearntSeries(
        names=tuple(body["names"]),
        form=PanelForm.from_dict(body["form"]),
        horizon=int(body["horizon"]),
        segment=int(body["segment"]),
        transform=Transform(**body["transform"]),
        scaling=Scaling.from_arrays(named("scaling")),
        ridge=Ridge.from_arrays(named("ridge") | {"words": np.array(body["ridge"])}),
        scales=Scales(**named("scales")),
        non_negative=bool(body["non_negative"]),
        seasons=tuple(body["seasons"]),
        about=body["about"],
        columns=dict(body["columns"]),
        notes=tuple(body["notes"]),
    )
    conformal = named("conformal")
    return learnt, Conformal.from_dict(conformal) if conformal else None, float(body["share"])
