"""The recipe of captioning."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rnncli.recipe.schema import Beam, ColumnName, Count, Fraction, Size, Width
from rnncli.tasks.common.sections import LongTrain
from rnncli.tasks.decode.sections import LanguageSection
from rnncli.tasks.frames.schema import FrameModel, FramesData, FramesRecipe


class CaptionData(FramesData, frozen=True):
    """Clips and what is said of each; rows that name the same clip are several captions of it."""

    caption_column: ColumnName = Field(default="", description="column of the captions; empty guesses it by name")
    unit: Literal["auto", "whitespace", "word", "character"] = Field(
        default="auto", description="what a caption is cut into"
    )
    lower: bool = Field(default=True, description="fold upper case into lower")
    min_count: Count = Field(default=1, description="units seen less often in the training part are never written")


class CaptionModel(FrameModel, frozen=True):
    """Frames to vectors, recurrent encoder, and a head that writes."""

    head: Literal["attention", "ctc"] = Field(
        default="attention", description="attention writes freely; ctc what is in the frames in that order, as lips are"
    )
    embedding: Width = Field(default=64, description="size of the embedding of a unit, of head attention")
    dropout: Fraction = Field(default=0.3, description="dropout of embeddings and before the last layer")


class CaptionTrain(LongTrain, frozen=True):
    """Training of captioning; batches are counted in frames."""

    label_smoothing: Fraction = Field(default=0.1, description="probability mass taken from the true unit (attention)")
    own_words: Fraction = Field(
        default=0.1, description="share of the words before a word that are the model's own (scheduled sampling)"
    )


class CaptionDecoding(LanguageSection, frozen=True):
    """How captions are searched for; the language model and the lexicon are for head ctc."""

    beam: Beam = Field(default=5, description="beginnings that are followed at once")
    longest: Beam = Field(default=30, description="units of a caption at most")
    length_power: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.7, description="the power of its length that a caption's log probability is divided by"
    )
    no_repeat: Size = Field(
        default=2, description="no sequence of this many units comes twice in a caption; 0 allows it"
    )
    best: Beam = Field(default=3, description="captions that predict gives of a clip")


class CaptionRecipe(FramesRecipe, frozen=True):
    """A recipe of task captioning."""

    shaped_by: ClassVar[tuple[str, ...]] = (*FramesRecipe.shaped_by, "data.unit", "data.lower")

    task: Literal["captioning"] = Field(default="captioning", description="what to learn")
    data: CaptionData = CaptionData()
    model: CaptionModel = CaptionModel()
    train: CaptionTrain = CaptionTrain()
    decoding: CaptionDecoding = CaptionDecoding()

    @model_validator(mode="after")
    def _language_of_ctc(self) -> Self:
        if self.model.head != "ctc" and (self.decoding.lm or self.decoding.lexicon not in ("auto", "none")):
            raise ValueError("decoding.lm and decoding.lexicon are for model.head=ctc; attention learns what is likely")
        return self


RECIPE = CaptionRecipe
