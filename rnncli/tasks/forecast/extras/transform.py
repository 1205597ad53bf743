"""Values as they are learnt: themselves, or their logarithms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnncli.tasks.forecast.windows import WindowPart


@dataclass(frozen=True)
class Transform:
    """``log`` learns logarithms, of nothing smaller than ``least``, which is above 0.

    >>> Transform("log", 0.5).back(Transform("log", 0.5).ahead(np.array([8.0, 0.0]))).round(3).tolist()
    [8.0, 0.5]
    """

    kind: str = "none"
    least: float = 1.0

    def ahead(self, values: np.ndarray) -> np.ndarray:
        """Values as they are learnt."""
        return values if self.kind == "none" else np.log(np.maximum(values, self.least))

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values as they come."""
        return values if self.kind == "none" else np.exp(np.minimum(values, 700.0))

    def of(self, part: WindowPart) -> WindowPart:
        """The windows of values as they are learnt."""
        if self.kind == "none":
            return part
        return replace(part, panel=replace(part.panel, y_N=self.ahead(part.panel.y_N)))
