"""Windows of texts, and what each of their symbols stands for."""

from __future__ import annotations

from collections.abc import Callable

from rnncli.data.text.encoded import Encoded
from rnncli.tasks.write.windows import Windows


class TextWindows(Windows):
    """Windows of ``encoded`` documents; the number ``begin`` stands before the first symbol of each."""

    def __init__(
        self, encoded: Encoded, window: int, begin: int, place: Callable[[int], str], *, training: bool
    ) -> None:
        super().__init__(encoded.steps, window, begin, place, training=training)
        self.encoded = encoded
