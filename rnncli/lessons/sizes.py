"""How many hidden units make a model of so many parameters, by building it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnncli import tasks

if TYPE_CHECKING:
    from rnncli.recipe.schema import Recipe

LEAST, MOST = 1, 4096


class Counter:
    """Counts the parameters of the models of a recipe, whose data are read and fitted once."""

    def __init__(self, recipe: Recipe) -> None:
        task = tasks.load(recipe.task)
        self.fitted = task.fit(recipe, task.read(recipe))
        self.recipe = getattr(self.fitted, "recipe", recipe)

    def parameters(self, cell: str, hidden: int) -> int:
        """Those of the whole model with another cell and another number of hidden units."""
        self.fitted.recipe = self.recipe.having({"model.cell": cell, "model.hidden": hidden})  # pyright: ignore[reportAttributeAccessIssue]
        return sum(weight.numel() for weight in self.fitted.build().parameters())

    def hidden(self, cell: str, parameters: int) -> int:
        """The hidden units with which a cell comes nearest to so many parameters."""
        low, high = LEAST, LEAST + 1
        while high < MOST and self.parameters(cell, high) < parameters:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.parameters(cell, middle) < parameters else (low, middle)
        return min((low, high), key=lambda hidden: abs(self.parameters(cell, hidden) - parameters))
