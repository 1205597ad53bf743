"""The recipe of a tagger."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnncli.recipe.schema import (
    Amount,
    ColumnName,
    CoreSection,
    Count,
    DataSection,
    Depth,
    DistilSection,
    EvaluationSection,
    Extent,
    Fraction,
    LocalPlace,
    OptionalWidth,
    Positive,
    Probability,
    Recipe,
    Size,
    TrainSection,
    Width,
)
from rnncli.tasks.common.sections import Averaging, Hidden, Schedule


class TaggedData(DataSection, frozen=True):
    """Sentences whose words have tags."""

    token_column: ColumnName = Field(
        default="", description="column of the words, by number from 1 or by name; empty guesses"
    )
    tag_column: ColumnName = Field(
        default="", description="column of the tags, or feats.KEY of CoNLL-U; empty guesses, the last of plain columns"
    )
    feature_columns: tuple[ColumnName, ...] = Field(
        default=(), description="further columns that the model reads, such as parts of speech"
    )
    sentence_column: ColumnName = Field(
        default="", description="column that names the sentence, where a row is a word; empty guesses it by name"
    )
    tag_scheme: Literal["auto", "none", "IOB1", "IOB2", "BIOES", "BILOU", "BMES"] = Field(
        default="auto", description="how spans are written as tags; none says that tags are no spans"
    )
    mixed_copies: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="copies of the training part to learn from too, spans exchanged for others of their type"
    )
    mixed_share: Probability = Field(default=0.5, description="chance of a span to be exchanged in such a copy")
    context: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=0, description="words of the sentences before and behind that are read with each; 0 reads it alone"
    )
    document_column: ColumnName = Field(
        default="", description="column that names each row's document; empty takes -DOCSTART- and # newdoc lines"
    )
    encoding: str = Field(default="auto", description="of text files: auto, or utf-8, gb18030 and the like")
    splits: dict[str, str] = Field(default={}, description="train, dev and test by the source's own names of splits")
    config: str = Field(default="", description="configuration of a datasets repository")
    lower: bool = Field(default=True, description="look words up in lower case; their case is a feature of its own")
    min_count: Count = Field(default=1, description="words seen less often in the training part are unknown")
    max_vocabulary: Size = Field(default=100_000, description="keep the most frequent words; 0 keeps all")
    max_characters: Count = Field(default=24, description="of longer words only the two ends are read by character")


class TaggerModel(CoreSection, frozen=True):
    """What is known of each word, a recurrent core over the sentence, and a head that chooses tags."""

    cell: Literal["rnn", "lstm", "gru"] = Field(default="lstm", description="the recurrent cell")
    hidden: Hidden = 128
    head: Literal["crf", "softmax"] = Field(
        default="crf", description="choose all tags of a sentence together, or each by itself"
    )
    members: Depth = Field(
        default=1, description="taggers that learn side by side, each by itself; scores are averaged"
    )
    embedding: Width = Field(default=100, description="size of the embedding of a word")
    embedding_scale: Positive = Field(default=0.1, description="initial embeddings lie within plus and minus this")
    vectors: LocalPlace = Field(default="", description="word vectors in text form (.vec, GloVe) to start from")
    characters: OptionalWidth = Field(
        default=32, description="hidden units, each direction, of the core over characters; 0: none"
    )
    character_reader: Literal["core", "cnn"] = Field(
        default="core", description="what reads characters: a recurrent core, or convolutions of as many outputs"
    )
    character_embedding: Width = Field(default=32, description="size of the embedding of a character")
    affixes: OptionalWidth = Field(
        default=16, description="size of the embedding of each suffix and prefix; 0 leaves them out"
    )
    column_embedding: Width = Field(default=32, description="size of the embedding of each further column")
    pairs: OptionalWidth = Field(
        default=0, description="size of the embedding of each pair of neighbours, of words and of columns; 0: none"
    )
    pair_min_count: Count = Field(default=2, description="pairs seen less often in the training part are unknown")
    pair_dropout: Amount = Field(
        default=0.0, description="a; a pair seen n times is taken for unknown in training with probability a / (a + n)"
    )
    word_dropout: Amount = Field(
        default=0.25, description="a; a word seen n times is taken for unknown in training with probability a / (a + n)"
    )
    input_dropout: Fraction = Field(default=0.5, description="dropout of what is known of a word")
    dropout: Fraction = Field(default=0.5, description="dropout before the head")


class TaggerTrain(TrainSection, frozen=True):
    """Training of a tagger."""

    usual: ClassVar[Extent] = Extent(epochs=20, batch_size=32, patience=6, least_steps=600)

    learning_rate: Positive = 2e-3
    weight_decay: Amount = 1e-4
    schedule: Schedule = "cosine"
    ema: Averaging = 0.995


class TaggerEvaluation(EvaluationSection, frozen=True):
    """What is reported of a tagger."""

    scorer: Literal["conlleval", "strict"] = Field(
        default="conlleval", description="how spans are read from tags that break the scheme's rules: repaired, or not"
    )


class TaggingRecipe(Recipe, frozen=True):
    """A recipe of task tagging."""

    shaped_by: ClassVar[tuple[str, ...]] = (
        "model",
        *(f"data.{key}" for key in ("lower", "max_characters", "context", "feature_columns")),
    )

    task: Literal["tagging"] = Field(default="tagging", description="what to learn")
    data: TaggedData = TaggedData()
    model: TaggerModel = TaggerModel()
    train: TaggerTrain = TaggerTrain()
    distil: DistilSection = DistilSection()
    evaluation: TaggerEvaluation = TaggerEvaluation()


RECIPE = TaggingRecipe
