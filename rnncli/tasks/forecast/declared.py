"""The metrics of forecasts; nothing heavy."""

from __future__ import annotations

from rnncli.metrics.metric import Metric

METRICS = (
    Metric(
        "mase",
        better="lower",
        unit="plain",
        title="mase",
        meaning="the mean absolute error by that of repeating the season before within the training part: below 1 is "
        "better than that was",
    ),
    Metric("mae", better="lower", unit="plain", title="mae", meaning="the mean absolute error, in units of the target"),
    Metric(
        "rmse",
        better="lower",
        unit="plain",
        title="rmse",
        meaning="the root of the mean squared error, in units of the target: large misses count more",
    ),
    Metric(
        "smape",
        better="lower",
        unit="plain",
        title="smape",
        meaning="the error by the mean of truth and forecast, in per cent, from 0 to 200",
    ),
    Metric(
        "mse_scaled",
        better="lower",
        unit="plain",
        show="last",
        title="mse, scaled",
        meaning="the mean squared error of series that were standardised by their training part, as papers have it",
    ),
    Metric(
        "mae_scaled",
        better="lower",
        unit="plain",
        show="last",
        title="mae, scaled",
        meaning="the mean absolute error of series that were standardised by their training part, as papers have it",
    ),
    Metric(
        "crps",
        better="lower",
        unit="plain",
        title="crps",
        meaning="the continuous ranked probability score, by the quantile loss of eleven levels: how far the whole "
        "distribution that is forecast is from the truth, in units of the target",
    ),
    Metric(
        "msis",
        better="lower",
        unit="plain",
        show="last",
        title="msis, 95 %",
        meaning="the width of the 95 % interval and 40 times what lies outside of it, by the scale of mase",
    ),
    Metric(
        "coverage_80",
        better="nominal",
        nominal=0.8,
        title="in 80 % interval",
        meaning="the share of true values inside of the 80 % interval, which should be 80 %",
    ),
    Metric(
        "coverage_95",
        better="nominal",
        nominal=0.95,
        title="in 95 % interval",
        meaning="the share of true values inside of the 95 % interval, which should be 95 %",
    ),
    Metric(
        "width_80",
        better="lower",
        unit="plain",
        show="last",
        title="80 % width",
        meaning="the mean width of the 80 % interval, in units of the target: narrow is good as long as it covers",
    ),
    Metric(
        "width_95",
        better="lower",
        unit="plain",
        show="last",
        title="95 % width",
        meaning="the mean width of the 95 % interval, in units of the target: narrow is good as long as it covers",
    ),
)
