"""The recipe of a text classifier."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnncli.recipe.schema import (
    Amount,
    ColumnName,
    CoreSection,
    Count,
    DataSection,
    DistilSection,
    Extent,
    Fraction,
    LocalPlace,
    Positive,
    Recipe,
    Size,
    Width,
)
from rnncli.tasks.classify.sections import ClassTrain, Pooled
from rnncli.tasks.common.sections import Averaging, Hidden


class TextData(DataSection, frozen=True):
    """Labelled texts."""

    text_column: ColumnName | tuple[ColumnName, ...] = Field(
        default="", description="column of the texts, or a list of columns to join; empty guesses it by name"
    )
    label_column: ColumnName = Field(default="", description="column of the labels; empty guesses it by name")
    multi_label: bool = Field(default=False, description="a text may have several labels, or none")
    label_separator: str = Field(default="|", min_length=1, description="between the labels of a text with several")
    encoding: str = Field(default="auto", description="of text files: auto, or utf-8, gb18030 and the like")
    splits: dict[str, str] = Field(default={}, description="train, dev and test by the source's own names of splits")
    config: str = Field(default="", description="configuration of a datasets repository")
    drop_duplicates: bool = Field(default=True, description="keep only the first of rows with the same text and label")
    unit: Literal["auto", "whitespace", "word", "character", "subword"] = Field(
        default="auto", description="what a text is cut into"
    )
    lower: bool = Field(default=True, description="fold upper case into lower")
    order: Literal["kept", "sorted"] = Field(
        default="kept", description="of the units of a text; sorted leaves a bag of words, of which the order is lost"
    )
    subwords: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=8000, description="learnt pieces of words, for unit subword"
    )
    min_count: Count = Field(default=1, description="units seen less often in the training part are unknown")
    max_vocabulary: Size = Field(default=100_000, description="keep the most frequent units; 0 keeps all")
    max_length: Size = Field(default=500, description="the core reads so many units of a text; 0 reads all")


class ClassifierModel(CoreSection, frozen=True):
    """Embedding and n-gram evidence, recurrent core, pooling, linear layer."""

    hidden: Hidden = 64
    embedding: Width = Field(default=64, description="size of the embedding of a unit")
    embedding_scale: Positive = Field(default=0.05, description="initial embeddings lie within plus and minus this")
    embedding_dropout: Fraction = Field(default=0.5, description="dropout of embeddings, one mask for all steps")
    vectors: LocalPlace = Field(default="", description="word vectors in text form (.vec, GloVe) to start from")
    word_dropout: Fraction = Field(default=0.2, description="share of units replaced by the unknown one in training")
    evidence: Literal["auto", "on", "off"] = Field(
        default="auto", description="tell the model what n-grams say of the label; auto and on both do"
    )
    pooling: Pooled = Field(default="mean+max", description="last, mean, max, attention, or several joined by +")
    dropout: Fraction = Field(default=0.5, description="dropout before the linear layer")


class ClassifierTrain(ClassTrain, frozen=True):
    """Training of a classifier: short, with averaged weights."""

    usual: ClassVar[Extent] = Extent(epochs=6, batch_size=50, patience=2, least_steps=400)

    weight_decay: Amount = Field(default=1e-4, description="of the weights, not the biases")
    clip_norm: Amount = Field(default=1.0, description="largest norm of the gradient; 0 is no limit")
    ema: Averaging = 0.99


class SentimentRecipe(Recipe, frozen=True):
    """A recipe of task sentiment."""

    shaped_by: ClassVar[tuple[str, ...]] = ("model", "data.unit", "data.lower", "data.order", "data.multi_label")

    task: Literal["sentiment"] = Field(default="sentiment", description="what to learn")
    data: TextData = TextData()
    model: ClassifierModel = ClassifierModel()
    train: ClassifierTrain = ClassifierTrain()
    distil: DistilSection = DistilSection()


RECIPE = SentimentRecipe
