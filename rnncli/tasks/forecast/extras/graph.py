"""A forecaster as an ONNX graph: windows in units of their own in, points and quantiles in the same units out.

Counts are the exception: of these their mean and dispersion are given, in the user's units.
Shape letters: B windows, L steps back, H steps ahead, I inputs of a step, K columns known ahead, W steps of a segment,
M segments ahead, E outputs of the core, C channels of the head, Q levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import ModelProto, TensorProto

from rnncli.core.graph import OnnxGraph, embedding, linear, recurrent
from rnncli.errors import RecipeError
from rnncli.heads import forecasts as heads
from rnncli.heads.forecasts import CountHead, Head, PointHead, QuantileHead, StudentHead
from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.exporting import MODEL, Exported, Likeliest, Trial
from rnncli.tasks.forecast import portable
from rnncli.tasks.forecast.examples import ForecastBatch
from rnncli.tasks.forecast.extras.given import example_history
from rnncli.tasks.forecast.fitted import FittedForecast, shared
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.forecast.portable import DISPERSION, INPUTS, LENGTHS, MEAN, POINT, QUANTILES, SERIES, UNITS
from rnncli.tasks.portable import Arrays

SOFT = 50.0
"""From where on softplus is the number itself, in the mean of counts; elsewhere from 20."""


def export(fitted: FittedForecast, model: Forecaster, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    if stream:
        why = "a forecast is that of a whole window in units of its own, so there is nothing to give step by step"
        raise RecipeError(f"task: {why}", "leave --stream away")
    recipe, learnt = fitted.recipe, fitted.learnt
    trial = _Trial(fitted, model)
    counts = {"mse": portable.MEAN_OF_COUNTS}.get(recipe.model.loss, portable.MEDIAN_OF_COUNTS)
    tables = portable.ForecastTables(
        learnt,
        fitted.conformal,
        fitted.history_settings,
        recipe.model.linear,
        tuple(_names(model, fitted.head)),
        counts if isinstance(fitted.head, CountHead) else portable.USUAL_HEAD,
    )
    return Exported(
        {MODEL: forecaster(model, fitted.head, fitted.share)},
        tables.save,
        portable.__name__,
        Trial(trial.draw, trial.by_torch, trial.decisions),
        learnt.segments,
        (example_history(learnt, recipe.data, recipe.evaluation.gap + learnt.horizon),),
        streams=True,
    )


def forecaster(model: Forecaster, head: Head, share: float) -> ModelProto:
    """The graph of a model of which ``share`` of what it adds to the regression is taken."""
    graph, sizes = OnnxGraph("forecaster"), model.sizes
    axes = {
        "x": ("B", "L", sizes.inputs),
        "static": ("B", sizes.static),
        "known": ("B", sizes.horizon, sizes.known),
        "base": ("B", sizes.horizon),
    }
    names = _names(model, head)
    given = {
        name: graph.input(name, "float32", axes.get(name, ("B",))) for name in names if name not in (LENGTHS, SERIES)
    }
    given |= {name: graph.input(name, "int64", ("B",)) for name in (LENGTHS, SERIES) if name in names}
    x_BTJ = graph.add("Reshape", given["x"], _ints(graph, 0, -1, sizes.segment * sizes.inputs))
    x_BTI = graph.add("Relu", _by_row(graph, model.read, x_BTJ))
    _, state = recurrent(graph, model.core, x_BTI, given[LENGTHS])
    query_BMI = _queries(graph, model, given)
    ahead = _one_by_one if model.recursive else _at_once
    raw_BMC = ahead(graph, model, query_BMI, state)
    raw_BSC = graph.add("Reshape", raw_BMC, _ints(graph, 0, model.ahead * sizes.segment, sizes.channels))
    raw_BHC = graph.add("Slice", raw_BSC, _ints(graph, 0), _ints(graph, sizes.horizon), _ints(graph, 1))
    _read(graph, head, _with_base(graph, raw_BHC, given["base"], share, sizes.channels), given, sizes.horizon)
    return graph.model()


def _names(model: Forecaster, head: Head) -> list[str]:
    """What the graph of a model is told."""
    sizes = model.sizes
    there = {"static": sizes.static, "known": sizes.known}
    names = [name for name in INPUTS if there.get(name, 1)] + [LENGTHS]
    return names + [SERIES] * (model.identity is not None) + [*UNITS] * isinstance(head, CountHead)


def _queries(graph: OnnxGraph, model: Forecaster, given: dict[str, str]) -> str:
    """What is known of each segment ahead, (B, M, I)."""
    sizes = model.sizes
    parts = [graph.constant(model.position[None], "float32")]
    if model.known is not None:
        missing = model.ahead * sizes.segment - sizes.horizon
        known = graph.add("Pad", given["known"], _ints(graph, 0, 0, 0, 0, missing, 0)) if missing else given["known"]
        known = graph.add("Reshape", known, _ints(graph, 0, model.ahead, sizes.segment * sizes.known))
        parts.append(_by_row(graph, model.known, known))
    if model.static is not None:
        parts.append(graph.add("Unsqueeze", _by_row(graph, model.static, given["static"]), _ints(graph, 1)))
    if model.identity is not None and model.of_identity is not None:
        own_BI = _by_row(graph, model.of_identity, embedding(graph, model.identity, given[SERIES]))
        parts.append(graph.add("Unsqueeze", own_BI, _ints(graph, 1)))
    query = parts[0]
    for part in parts[1:]:
        query = graph.add("Add", query, part)
    batch = graph.add("Gather", graph.add("Shape", given["x"]), _ints(graph, 0))
    shape = graph.add("Concat", batch, _ints(graph, model.ahead, model.position.shape[1]), axis=0)
    return graph.add("Tanh", graph.add("Expand", query, shape))


def _at_once(graph: OnnxGraph, model: Forecaster, query_BMI: str, state: Sequence[str]) -> str:
    """All segments ahead, each a step from the last state: (B, M, W * C)."""
    width, rows = model.position.shape[1], model.core.layers * model.core.directions
    query_N1I = graph.add("Reshape", query_BMI, _ints(graph, -1, 1, width))
    repeated = []
    for part in state:
        wide = graph.add("Tile", graph.add("Unsqueeze", part, _ints(graph, 2)), _ints(graph, 1, 1, model.ahead, 1))
        repeated.append(graph.add("Reshape", wide, _ints(graph, rows, -1, model.core.hidden_size)))
    y_N1E, _ = recurrent(graph, model.core, query_N1I, None, repeated)
    y_BME = graph.add("Reshape", y_N1E, _ints(graph, -1, model.ahead, model.core.output_size))
    return _by_row(graph, model.linear, y_BME)


def _one_by_one(graph: OnnxGraph, model: Forecaster, query_BMI: str, state: Sequence[str]) -> str:
    """Each segment ahead from the state behind the one before it, and from what that was forecast to be."""
    assert model.again is not None
    assert model.again.bias is not None
    first_W = graph.constant(np.arange(model.sizes.segment) * model.sizes.channels)
    told, found = graph.constant(model.again.bias, "float32"), []
    for query_B1I in graph.add_many("Split", query_BMI, results=model.ahead, axis=1):
        if found:
            told = _by_row(graph, model.again, graph.add("Gather", found[-1], first_W, axis=2))
        y_B1E, state = recurrent(graph, model.core, graph.add("Add", query_B1I, told), None, state)
        # As it is, a transposition: with a cast and a product behind it ONNX Runtime 1.32 crashes when it is loaded.
        y_B1E = graph.add("Reshape", y_B1E, _ints(graph, 0, 1, model.core.output_size))
        found.append(_by_row(graph, model.linear, y_B1E))
    return graph.add("Concat", *found, axis=1)


def _with_base(graph: OnnxGraph, raw_BHC: str, base_BH: str, share: float, channels: int) -> str:
    """The channels, the forecast of the regression added to that share of the first."""
    first_BH1, *others = (
        graph.add_many("Split", raw_BHC, _ints(graph, 1, channels - 1), results=2, axis=2)
        if channels > 1
        else [raw_BHC]
    )
    if share != 1:
        first_BH1 = graph.add("Mul", first_BH1, graph.constant(np.float32(share)))
    first_BH1 = graph.add("Add", first_BH1, graph.add("Unsqueeze", base_BH, _ints(graph, 2)))
    return graph.add("Concat", first_BH1, *others, axis=2) if others else first_BH1


def _read(graph: OnnxGraph, head: Head, raw_BHC: str, given: dict[str, str], horizon: int) -> None:
    """What a head reads of channels, as outputs of the graph."""
    if isinstance(head, CountHead):
        for name, value in zip((MEAN, DISPERSION), _counts(graph, raw_BHC, given), strict=True):
            graph.output(value, name, "float64", ("B", horizon))
        return
    if isinstance(head, QuantileHead):
        point_BH, quantile_BHQ = _quantiles(graph, head, raw_BHC)
    elif isinstance(head, StudentHead):
        point_BH, quantile_BHQ = _student(graph, raw_BHC)
    else:
        assert isinstance(head, PointHead)
        point_BH, quantile_BHQ = (
            _channel(graph, raw_BHC, 0),
            graph.add("Tile", raw_BHC, _ints(graph, 1, 1, len(LEVELS))),
        )
    graph.output(point_BH, POINT, "float32", ("B", horizon))
    graph.output(quantile_BHQ, QUANTILES, "float32", ("B", horizon, len(LEVELS)))


def _quantiles(graph: OnnxGraph, head: QuantileHead, raw_BHC: str) -> tuple[str, str]:
    """Point and quantiles that are a middle one and gaps from it outwards."""
    middle, count = head.middle, len(head.levels)
    sizes = [size for size in (1, middle, count - 1 - middle) if size]
    location_BH1, *gaps = graph.add_many("Split", raw_BHC, _ints(graph, *sizes), results=len(sizes), axis=2)
    normal = np.split(np.array(heads.normal_gaps(head.levels), np.float32), [middle])
    wide = [
        graph.add("Mul", graph.add("Softplus", gap), graph.constant(one))
        for gap, one in zip(gaps, [one for one in normal if len(one)], strict=True)
    ]
    axis, parts = graph.constant(np.int64(2)), [location_BH1]
    if middle:
        parts.insert(0, graph.add("Sub", location_BH1, graph.add("CumSum", wide[0], axis, reverse=1)))
    if count - 1 - middle:
        parts.append(graph.add("Add", location_BH1, graph.add("CumSum", wide[-1], axis)))
    quantile_BHQ = graph.add("Concat", *parts, axis=2)
    if head.kind != "mse":
        return _channel(graph, quantile_BHQ, middle), quantile_BHQ
    shares_Q1 = graph.constant(np.array(heads.shares(head.levels))[:, None], "float32")
    return _channel(graph, graph.add("MatMul", quantile_BHQ, shares_Q1), 0), quantile_BHQ


def _student(graph: OnnxGraph, raw_BHC: str) -> tuple[str, str]:
    """Location, and quantiles of Student's t by the table over one by the degrees of freedom."""
    location_BH1, spread_BH1, freedom_BH1 = graph.add_many("Split", raw_BHC, _ints(graph, 1, 1, 1), results=3, axis=2)
    table_NQ = np.array(heads.student_table(LEVELS), np.float32)
    spread_BH1 = graph.add("Add", graph.add("Softplus", spread_BH1), _single(graph, heads.SMALLEST_SPREAD))
    freedom_BH1 = graph.add("Add", graph.add("Softplus", freedom_BH1), _single(graph, 2))
    at_BH1 = graph.add("Div", _single(graph, 2 * (len(table_NQ) - 1)), freedom_BH1)
    below_BH1 = graph.add("Clip", graph.add("Floor", at_BH1), _single(graph, 0), _single(graph, len(table_NQ) - 2))
    row_BH = graph.add("Cast", _channel(graph, below_BH1, 0), to=TensorProto.INT64)
    rows = [graph.add("Gather", graph.constant(part), row_BH) for part in (table_NQ[:-1], np.diff(table_NQ, axis=0))]
    share_BH1 = graph.add("Sub", at_BH1, below_BH1)
    z_BHQ = graph.add("Add", rows[0], graph.add("Mul", share_BH1, rows[1]))
    return _channel(graph, location_BH1, 0), graph.add("Add", location_BH1, graph.add("Mul", spread_BH1, z_BHQ))


def _counts(graph: OnnxGraph, raw_BHC: str, given: dict[str, str]) -> tuple[str, str]:
    """Mean and dispersion in the user's units, float64."""
    raw_BHC = graph.add("Cast", raw_BHC, to=TensorProto.DOUBLE)
    units = [graph.add("Cast", given[name], to=TensorProto.DOUBLE) for name in UNITS]
    level_B1, scale_B1 = (graph.add("Unsqueeze", one, _ints(graph, 1)) for one in units)
    soft_B1 = graph.add("Mul", scale_B1, graph.constant(heads.SOFTNESS, "float64"))
    value_BH = graph.add("Add", level_B1, graph.add("Mul", scale_B1, _channel(graph, raw_BHC, 0)))
    mean_BH = graph.add("Mul", soft_B1, _softplus(graph, graph.add("Div", value_BH, soft_B1), SOFT))
    tiny = graph.constant(np.finfo(np.float64).tiny, "float64")
    smallest = graph.constant(heads.SMALLEST_DISPERSION, "float64")
    dispersion_BH = graph.add("Add", _softplus(graph, _channel(graph, raw_BHC, 1), 20.0), smallest)
    return graph.add("Add", mean_BH, tiny), dispersion_BH


def _softplus(graph: OnnxGraph, x: str, threshold: float) -> str:
    """log(1 + exp x) in float64, which the operator of that name is not for, x itself beyond ``threshold``."""
    top = graph.constant(threshold, "float64")
    one = graph.constant(1.0, "float64")
    soft = graph.add("Log", graph.add("Add", one, graph.add("Exp", graph.add("Min", x, top))))
    return graph.add("Where", graph.add("Greater", x, top), x, soft)


def _by_row(graph: OnnxGraph, layer: torch.nn.Linear, x: str) -> str:
    return linear(graph, layer, x, exact=True)


def _channel(graph: OnnxGraph, value_BHC: str, at: int) -> str:
    return graph.add("Gather", value_BHC, graph.constant(np.int64(at)), axis=2)


def _ints(graph: OnnxGraph, *values: int) -> str:
    return graph.constant(np.array(values, np.int64))


def _single(graph: OnnxGraph, value: float) -> str:
    return graph.constant(np.float32(value))


class _Trial:
    """Random windows, as the model meets them."""

    def __init__(self, fitted: FittedForecast, model: Forecaster) -> None:
        self.fitted, self.model, self.names = fitted, model, _names(model, fitted.head)

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        sizes, batch = self.model.sizes, len(lengths_B)
        steps = max(1, int(lengths_B.max())) * sizes.segment
        shapes = {
            "x": (batch, steps, sizes.inputs),
            "static": (batch, sizes.static),
            "known": (batch, sizes.horizon, sizes.known),
            "base": (batch, sizes.horizon),
        }
        found: Arrays = {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        found |= {LENGTHS: lengths_B, SERIES: chance.integers(0, sizes.series + 1, batch)}
        found["level"] = chance.uniform(0, 50, batch).astype(np.float32)
        found["scale"] = chance.uniform(1, 20, batch).astype(np.float32)
        return {name: found[name] for name in self.names}

    def by_torch(self, given: Arrays) -> Arrays:
        batch = self._batch(given)
        head, raw_BHC = self.fitted.head, shared(self.model(batch), batch, self.fitted.share)
        if isinstance(head, CountHead):
            mean_BH, dispersion_BH = head.parameters(raw_BHC, batch.units)
            return {MEAN: mean_BH.numpy(), DISPERSION: dispersion_BH.numpy()}
        quantile_BHQ = head.quantiles(raw_BHC, LEVELS, batch.units)
        return {POINT: head.point(raw_BHC, batch.units).numpy(), QUANTILES: quantile_BHQ.numpy()}

    def decisions(self, found: Arrays) -> Sequence[Likeliest]:
        """Which step ahead is the highest."""
        return [Likeliest(values_H) for values_H in found[POINT if POINT in found else MEAN]]

    def _batch(self, given: Arrays) -> ForecastBatch:
        batch, sizes = len(given[LENGTHS]), self.model.sizes
        nothing = {"static": (batch, 0), "known": (batch, sizes.horizon, 0)}
        numbers = {own: given.get(name, np.zeros(nothing.get(name, batch))) for name, own in (INPUTS | UNITS).items()}
        numbers["spread_B"] = np.zeros(batch)
        series_B = given.get(SERIES, np.zeros(batch, np.int64))
        return ForecastBatch.of(numbers, series_B, given[LENGTHS])
