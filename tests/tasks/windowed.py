"""Panels and windows for tests, of plain lists of values."""

import numpy as np

from rnncli.data.series.grid import Grid
from rnncli.data.series.panel import Panel
from rnncli.tasks.forecast.windows import WindowPart


def panel(series: list, known: np.ndarray | None = None, first: int = 0, frequency: str = "") -> Panel:
    """Series end to end, all observed, with columns known ahead (N, K)."""
    offset = np.concatenate([[0], np.cumsum([len(y) for y in series])]).astype(np.int64)
    steps, count = int(offset[-1]), len(series)
    known = np.zeros((steps, 0)) if known is None else known
    return Panel(
        source="test.csv",
        grid=Grid(frequency),
        names=tuple(f"s{number}" for number in range(count)),
        offset=offset,
        end_S=offset[1:].copy(),
        first_S=np.full(count, first, np.int64),
        y_N=np.concatenate([np.asarray(y, np.float64) for y in series]),
        observed_N=np.ones(steps, bool),
        known=tuple(f"k{number}" for number in range(known.shape[1])),
        known_NK=known.astype(np.float32),
        past=(),
        past_NP=np.zeros((steps, 0), np.float32),
        static=(),
        static_SC=np.zeros((count, 0), np.float32),
    )


def part(panel: Panel, origins: list, horizon: int, end: list | np.ndarray, gap: int = 0) -> WindowPart:
    """Windows from steps of each series, counted from its first; fitting sees the steps before ``end``."""
    pairs = [(series, step) for series, steps in enumerate(origins) for step in steps]
    series_W = np.array([series for series, _ in pairs], np.int64)
    step_W = np.array([step for _, step in pairs], np.int64)
    begin_S = panel.start_S.copy()
    end_S = begin_S + np.asarray(end, np.int64)
    return WindowPart(panel, series_W, begin_S[series_W] + step_W, horizon, gap, begin_S, end_S)


def split(panel: Panel, horizon: int, origins: int = 3, step: int = 0, gap: int = 0) -> dict[str, WindowPart]:
    """The last origins of each series are test, those before dev; what one part knows ends at the next one's origin."""
    step, lengths = step or horizon, panel.end_S - panel.start_S
    test = [[length - 1 - gap - horizon - step * back for back in range(origins)][::-1] for length in lengths]
    dev = [[one[0] - gap - horizon - step * back for back in range(origins)][::-1] for one in test]
    end = [one[0] + 1 for one in dev]
    train = [range(1, stop - horizon - gap) for stop in end]
    return {
        name: part(panel, some, horizon, end, gap) for name, some in (("train", train), ("dev", dev), ("test", test))
    }
