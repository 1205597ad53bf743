"""The recipe of a text classifier."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnncli.recipe.schema import (
    CoreSection,
    Count,
    DataSection,
    Fraction,
    Positive,
    Recipe,
    TrainSection,
)


class TextData(DataSection):
    """Labelled texts."""

    text_column: str = Field("", description="column of the texts; empty guesses it by name")
    label_column: str = Field("", description="column of the labels; empty guesses it by name")
    multi_label: bool = Field(False, description="a text may have several labels, or none")
    label_separator: str = Field("|", min_length=1, description="between the labels of a text with several")
    encoding: str = Field("auto", description="of text files: auto, or utf-8, gb18030 and the like")
    splits: dict[str, str] = Field({}, description="train, dev and test by the source's own names of splits")
    config: str = Field("", description="configuration of a datasets repository")
    drop_duplicates: bool = Field(True, description="keep only the first of rows with the same text and label")
    unit: Literal["auto", "whitespace", "word", "character", "subword"] = Field(
        "auto", description="what a text is cut into"
    )
    lower: bool = Field(True, description="fold upper case into lower")
    subwords: Count = Field(8000, description="learnt pieces of words, for unit subword")
    min_count: Count = Field(1, description="units seen less often in the training part are unknown")
    max_vocabulary: Annotated[int, Field(ge=0)] = Field(
        100_000, description="keep the most frequent units; 0 keeps all"
    )
    max_length: Annotated[int, Field(ge=0)] = Field(500, description="cut texts after this many units; 0 cuts none")


class ClassifierModel(CoreSection):
    """Embedding, recurrent core, pooling, linear layer."""

    embedding: Count = Field(100, description="size of the embedding of a unit")
    embedding_scale: Positive = Field(0.05, description="deviation of the initial embeddings")
    embedding_dropout: Fraction = Field(0.5, description="dropout of the embeddings")
    vectors: str = Field("", description="word vectors in text form (.vec, GloVe) to start from")
    word_dropout: Fraction = Field(0.0, description="share of units replaced by the unknown one in training")
    pooling: str = Field("mean+max", description="last, mean, max, attention, or several joined by +")
    dropout: Fraction = Field(0.5, description="dropout before the linear layer")


class ClassifierTrain(TrainSection):
    """Training of a classifier."""

    label_smoothing: Fraction = Field(0.0, description="probability mass taken from the true label")
    class_weights: Literal["none", "balanced"] = Field("none", description="weigh classes by how rare they are")


class SentimentRecipe(Recipe):
    """A recipe of task sentiment."""

    task: Literal["sentiment"] = Field("sentiment", description="what to learn")
    data: TextData = TextData()
    model: ClassifierModel = ClassifierModel()
    train: ClassifierTrain = ClassifierTrain()


RECIPE = SentimentRecipe
