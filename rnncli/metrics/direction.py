"""The names of the metrics, and whether more of each is better: a property of the metric, never a setting.

Nothing here needs numpy, so that a recipe's metric is checked before anything heavy is imported.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection

from rnncli.errors import RecipeError

LOWER_IS_BETTER = frozenset({"log_loss", "loss", "calibration_error", "brier", "wer", "cer", "perplexity"})

OF_ONE_LABEL = ("precision", "recall", "f1")
AVERAGES = tuple(f"{name}_{kind}" for name in OF_ONE_LABEL for kind in ("macro", "micro", "weighted"))
OF_PROBABILITIES = ("roc_auc", "average_precision", "log_loss", "brier", "calibration_error")
CLASSIFICATION = ("accuracy", "balanced_accuracy", *AVERAGES, *OF_ONE_LABEL, *OF_PROBABILITIES)
MULTILABEL = ("accuracy", *AVERAGES, *OF_PROBABILITIES)


def higher_is_better(name: str, available: Collection[str] | None = None) -> bool:
    """True for accuracies and their like, False for losses and error rates.

    ``available`` are the metrics that a task reports; a ``name`` outside it is a RecipeError naming the
    nearest.
    """
    if available is not None and name not in available:
        near = difflib.get_close_matches(name, available, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the metrics are {', '.join(sorted(available))}"
        raise RecipeError(f'there is no metric "{name}"', hint)
    return name not in LOWER_IS_BETTER


def is_better(name: str, value: float, best: float | None) -> bool:
    """Whether ``value`` of metric ``name`` beats ``best``; any figure beats none (None, NaN)."""
    if math.isnan(value):
        return False
    if best is None or math.isnan(best):
        return True
    return value > best if higher_is_better(name) else value < best
