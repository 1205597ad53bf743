"""A recipe's schema that is used by tests alone, with every kind of key a task may have."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from rnncli.errors import RecipeError
from rnncli.recipe.load import load_text
from rnncli.recipe.schema import CoreSection, DataSection, Recipe, Section


class ExampleData(DataSection, frozen=True):
    text_column: str = Field(default="", description="column of the text")
    files: tuple[str, ...] = ()


class Head(Section, frozen=True):
    kind: Literal["softmax", "crf"] = "softmax"
    weights: dict[str, float] = Field(default={})


class ExampleModel(CoreSection, frozen=True):
    head: Head = Head()
    width: int | Literal["auto"] = "auto"
    smoothing: Annotated[float, Field(ge=0, lt=1)] | None = None
    mixed: tuple[int | str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self):
        if self.cell == "rnn" and self.layers > 8:
            raise ValueError("an rnn deeper than 8 layers does not learn")
        return self


class ExampleRecipe(Recipe, frozen=True):
    data: ExampleData = ExampleData()
    model: ExampleModel = ExampleModel()


class NeedyData(ExampleData, frozen=True):
    labels: str = Field(description="column of the labels")


class NeedyRecipe(ExampleRecipe, frozen=True):
    data: NeedyData = Field(default=...)


SCHEMAS = {"sentiment": ExampleRecipe, "tagging": ExampleRecipe, "needy": NeedyRecipe}

METRICS = ("accuracy", "f1_macro", "loss")

TASK = "task: sentiment\n"


def load_example(text: str, *overrides: str, options=()) -> Any:
    known = {"tasks": SCHEMAS, "schema_of": SCHEMAS.__getitem__, "metrics_of": lambda task: METRICS}
    return load_text(text, "my.yaml", **known, options=options, overrides=overrides)


def problems(text: str, *overrides: str, options=()) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_example(text, *overrides, options=options)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value.message.split("\n")
