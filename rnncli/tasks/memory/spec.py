"""Memory as the command line sees it."""

from rnncli.metrics.metric import Metric
from rnncli.tasks.base import Option, TaskSpec

SPEC = TaskSpec(
    name="memory",
    summary="Remember over a lag: add two numbers, or name a symbol, read many steps ago.",
    default="memory/default",
    own_data="memory/own-data",
    examples=(
        "rnncli memory",
        "rnncli memory --problem copy model.cell=lstm",
        "rnncli memory data.lags=[10,100,400] model.cell=rnn",
    ),
    metrics=(
        Metric(
            "accuracy",
            meaning="the share of sequences answered right; a sum is right where half of it is off by less than 0.04",
        ),
        Metric(
            "mse",
            better="lower",
            unit="plain",
            title="MSE",
            meaning="the mean squared error of the sum; who always says 1 has 0.167 (1/6)",
        ),
    ),
    options=(Option("--problem", "data.problem", "What to remember: adding or copy."),),
    also=("adding", "adding-problem", "copy-task", "long-lag", "recall"),
)
