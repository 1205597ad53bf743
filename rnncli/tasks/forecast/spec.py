"""Forecasting as the command line sees it."""

from rnncli.tasks.base import Option, TaskSpec
from rnncli.tasks.forecast.declared import METRICS

SPEC = TaskSpec(
    name="forecast",
    summary="Forecast series: sales, loads, counts, with intervals and honest windows.",
    default="forecast/default",
    own_data="forecast/own-data",
    examples=(
        "rnncli forecast",
        "rnncli forecast --data sales.csv --horizon 28 --known promo,holiday",
        "rnncli forecast --data sales.csv evaluation.window=rolling evaluation.refit=4",
    ),
    metrics=METRICS,
    options=(
        Option("--horizon", "data.horizon", "Steps to forecast; else after the frequency.", "number"),
        Option(
            "--series-column", "data.series_column", "Column of the series' names, or several; else guessed.", "names"
        ),
        Option("--time-column", "data.time_column", "Column of the stamps; guessed where it is clear."),
        Option("--target-column", "data.target_column", "Column of the values, or one a series.", "names"),
        Option("--known", "data.known", "Columns known ahead, such as promo,holiday.", "list"),
        Option("--past", "data.past", "Columns known until now only, such as the weather.", "list"),
    ),
    also=("forecasting", "timeseries", "time-series", "series", "predict-series"),
)
