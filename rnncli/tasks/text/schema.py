"""The recipe of a model of texts."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from rnncli.recipe.schema import ColumnName, Count, FilesSection, Fraction, OptionalWidth, Recipe, Size
from rnncli.tasks.write.sections import NextEvaluation, NextModel, NextTrain


class RunningTextData(FilesSection, frozen=True):
    """Running text: a file, several, or rows of a table."""

    text_column: ColumnName = Field(default="", description="column of the texts of a table; empty guesses it by name")
    document: Literal["auto", "file", "line", "paragraph"] = Field(
        default="auto", description="what begins anew: a file (or row of a table), each line, or what blank lines part"
    )
    split: Literal["auto", "place", "documents"] = Field(
        default="auto",
        description="carve dev and test by place (the last of the text) or as documents; auto: by place where few",
    )
    line_ends: Literal["keep", "drop"] = Field(default="keep", description="whether line ends are part of the text")
    unit: Literal["character", "byte", "whitespace", "word", "subword"] = Field(
        default="character",
        description="character, byte, words between spaces, words with their spaces, or learnt pieces of such",
    )
    lower: bool = Field(default=False, description="read the text in lower case")
    vocabulary: Size = Field(default=0, description="at most this many kinds of unit, the most frequent; 0 keeps all")
    min_count: Count | Literal["auto"] = Field(
        default="auto", description="units seen less often count as unknown; auto: 2, so that the unknown one is learnt"
    )
    pieces: Count = Field(default=4000, description="pieces that are learnt where the unit is subword")


class TextModelSection(NextModel, frozen=True):
    """An embedding, the recurrent core, and the same embedding again as the head."""

    embedding: OptionalWidth = Field(
        default=0, description="size of the embedding; 0 is that of the hidden state, 128 at most where symbols are few"
    )
    embedding_dropout: Fraction = Field(default=0.0, description="share of symbols whose embedding is left out")
    tied: bool = Field(default=True, description="whether embedding and head share their weights")


class TextTrain(NextTrain, frozen=True):
    """Training of a model of texts."""

    negatives: Size = Field(
        default=0, description="train against so many drawn symbols instead of all of a large vocabulary; 0: all"
    )


class TextEvaluation(NextEvaluation, frozen=True):
    """What else is tried on test."""

    keep: Size = Field(default=10, description="dearest symbols that are shown")
    help: bool = Field(default=True, description="also mix the model with an n-gram model and a cache")
    ngram: Size = Field(default=0, description="order of an n-gram model to mix with; 0 is 5 for words, 7 for others")
    cache: Size = Field(default=500, description="steps that a cache of the last ones remembers; 0 has none")
    dynamic: bool = Field(
        default=False, description="also go on learning while test is read, which takes long; reported apart"
    )


class TextRecipe(Recipe, frozen=True):
    """A recipe of task text."""

    learnt_by: ClassVar[frozenset[str]] = frozenset()

    shaped_by: ClassVar[tuple[str, ...]] = ("model", "data.unit", "data.lower", "data.line_ends")

    task: Literal["text"] = Field(default="text", description="what to learn")
    data: RunningTextData = RunningTextData()
    model: TextModelSection = TextModelSection()
    train: TextTrain = TextTrain()
    evaluation: TextEvaluation = TextEvaluation()


RECIPE = TextRecipe
