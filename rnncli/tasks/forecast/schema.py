"""The recipe of a forecaster."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rnncli.recipe.schema import (
    Amount,
    ColumnName,
    CoreSection,
    Count,
    EvaluationSection,
    Extent,
    FilesSection,
    Fraction,
    OptionalWidth,
    Positive,
    Recipe,
    Size,
)
from rnncli.tasks.common.sections import Averaging, Hidden, LongTrain, Schedule

Columns = tuple[ColumnName, ...]
Stamp = Annotated[str, Field(description="a stamp, or a whole number where stamps are numbers")]


class SeriesData(FilesSection, frozen=True):
    """Series of numbers in time."""

    series_column: ColumnName | Columns = Field(
        default="", description="column that names the series of a row, or several; empty guesses it by name"
    )
    time_column: ColumnName = Field(default="", description="column of the stamps; empty guesses it")
    target_column: ColumnName | Columns = Field(
        default="", description="column of the values, or a list of columns that are a series each; empty guesses it"
    )
    known: Columns = Field(default=(), description="columns known ahead, such as promotions and holidays")
    past: Columns = Field(default=(), description="columns known until now only, such as the weather")
    static: Columns = Field(default=(), description="columns that say the same of all rows of a series")
    calendar: Literal["auto", "off"] | tuple[str, ...] = Field(
        default="auto", description="features of the stamps: hour, weekday, monthday, week, month; auto after frequency"
    )
    frequency: str = Field(default="", description="of the stamps, such as h, D, W or MS; empty finds it out")
    day_first: bool | Literal["auto"] = Field(default="auto", description="whether 3/4/2025 is the 3rd of April")
    zone: str = Field(default="", description="time zone of the stamps, such as Europe/Rome, where they name none")
    gaps: Literal["linear", "previous", "seasonal", "zero"] = Field(
        default="linear", description="how absent values are filled; those are never scored"
    )
    duplicates: Literal["refuse", "first", "last", "mean", "sum"] = Field(
        default="refuse", description="of rows of one series and stamp whose values differ; equal ones are dropped"
    )
    season: Literal["auto"] | Count | tuple[Count, ...] = Field(
        default="auto", description="steps of a season, or of several, the shortest first; auto after frequency"
    )
    transform: Literal["auto", "none", "log"] = Field(
        default="auto",
        description="learn values or their logarithms; auto: these where no value is 0 or less, and dev is better so",
    )
    level: Literal["last", "season"] = Field(
        default="last", description="what is subtracted from a window: its last value, or the mean of its last season"
    )
    scale: Literal["window", "series"] = Field(
        default="window", description="what values are divided by: the deviation of their window, or of their series"
    )
    non_negative: bool | Literal["auto"] = Field(
        default="auto", description="no forecast below 0; auto: where no value of the training part is"
    )
    horizon: Count | Literal["auto"] = Field(default="auto", description="steps to forecast; auto after frequency")
    lookback: Count | Literal["auto"] = Field(default="auto", description="steps that a forecast looks back on")
    dev_from: Stamp = Field(default="", description="the first stamp of dev; empty after evaluation.origins and step")
    test_from: Stamp = Field(default="", description="the first stamp of test; empty after evaluation.origins and step")
    until: Stamp = Field(default="", description="the first stamp that is left out; empty uses all")
    align: Literal["auto", "calendar", "end"] = Field(
        default="auto",
        description="cut series at the same stamp (calendar) or each before its own end (end); auto: end where stamps "
        "are numbers",
    )
    windows: Count = Field(default=20_000, description="at most this many training windows an epoch")

    @model_validator(mode="after")
    def _fold_of_folds(self) -> Self:
        """Folds of a forecast are its refits, which the recipe counts."""
        if self.folds:
            raise ValueError(
                "folds are not for series, whose past may not be learnt from their future: evaluation.refit=always "
                "trains again for each origin of test, evaluation.refit=4 for every 4"
            )
        return self


class ForecastModel(CoreSection, frozen=True):
    """A regression over lags, a recurrent core over segments of the past, and a step of it for each segment ahead."""

    hidden: Hidden = 128
    bidirectional: bool = Field(default=False, description="read the past in both directions")
    segment: Count | Literal["auto"] = Field(default="auto", description="steps that the core reads at once")
    decoder: Literal["parallel", "recursive"] = Field(
        default="parallel", description="all segments ahead at once, or each from the one before it"
    )
    linear: bool = Field(
        default=True, description="begin with the ridge regression over lags, and learn what it misses"
    )
    identity: OptionalWidth = Field(default=16, description="size of the embedding of a series; 0 has none")
    head: Literal["auto", "point", "quantiles", "student", "counts"] = Field(
        default="auto", description="what is forecast: a value, quantiles, Student's t, or negative binomial counts"
    )
    loss: Literal["mae", "mse", "huber"] = Field(default="mae", description="of the value that is forecast")
    dropout: Fraction = Field(default=0.1, description="dropout before the head")


class ForecastTrain(LongTrain, frozen=True):
    """Training of a forecaster."""

    usual: ClassVar[Extent] = Extent(epochs=20, batch_size=256, patience=4, least_steps=600)

    batch_tokens: Count = Field(default=1_000_000, description="at most this many segments in a batch")
    learning_rate: Positive = 5e-4
    weight_decay: Amount = Field(default=1e-3, description="of the weights, not the biases")
    clip_norm: Amount = Field(default=1.0, description="largest norm of the gradient; 0 is no limit")
    schedule: Schedule = "cosine"
    ema: Averaging = 0.99


class ForecastEvaluation(EvaluationSection, frozen=True):
    """Origins from which test is forecast."""

    window: Literal["expanding", "rolling"] = Field(
        default="expanding", description="what a fit learns from: all before its origin, or as much as the first had"
    )
    origins: Size = Field(default=12, description="how many origins test has; 0: as many as fit behind test_from")
    step: Size = Field(default=0, description="steps from one origin to the next; 0 is the horizon")
    gap: Size = Field(default=0, description="steps between an origin and the first step that is forecast")
    refit: Literal["never", "always"] | Count = Field(
        default="never", description="train again never, at each origin, or at every so many"
    )
    keep: Size = Field(
        default=1_000_000, description="forecast values to write out; beyond, those of some windows only"
    )

    @property
    def origins_a_fit(self) -> int:
        """The origins of test that one training is for."""
        if self.refit == "never":
            return max(1, self.origins)
        return 1 if self.refit == "always" else self.refit


class ForecastRecipe(Recipe, frozen=True):
    """A recipe of task forecast."""

    one_test: ClassVar[bool] = True
    learnt_by: ClassVar[frozenset[str]] = frozenset(
        f"evaluation.{key}" for key in ("window", "origins", "step", "gap", "refit")
    )

    shaped_by: ClassVar[tuple[str, ...]] = (
        "model",
        *(f"data.{key}" for key in ("known", "past", "static", "calendar", "season", "transform", "level", "scale")),
        *(f"data.{key}" for key in ("horizon", "lookback")),
    )

    task: Literal["forecast"] = Field(default="forecast", description="what to learn")
    data: SeriesData = SeriesData()
    model: ForecastModel = ForecastModel()
    train: ForecastTrain = ForecastTrain()
    evaluation: ForecastEvaluation = ForecastEvaluation()

    @property
    def fits(self) -> int:
        """How often is trained for all origins of test."""
        return -(-self.evaluation.origins // self.evaluation.origins_a_fit) if self.evaluation.origins else 1

    @property
    def folds(self) -> int:
        """The fits where there are several: each tests its own origins."""
        return self.fits if self.fits > 1 and self.data.fold is None else 0

    @model_validator(mode="after")
    def _refits_are_counted(self) -> Self:
        if self.evaluation.refit != "never" and not self.evaluation.origins:
            raise ValueError("evaluation.refit wants a number of origins: evaluation.origins=12")
        if self.data.fold is not None and self.data.fold >= self.fits:
            raise ValueError(f"there is no fold {self.data.fold}: evaluation.refit makes {self.fits}, counted from 0")
        return self


RECIPE = ForecastRecipe
