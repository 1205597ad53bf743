"""What recipes say of frames: where they come from, what their figures are, how they are varied, how they are read."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from rnncli.recipe.schema import (
    Amount,
    ColumnName,
    CoreSection,
    Count,
    FilesSection,
    Fraction,
    FromHere,
    OptionalWidth,
    PlaceName,
    Recipe,
    Section,
    Size,
    Width,
)
from rnncli.tasks.common.sections import Hidden, Layers

Point = Annotated[int, Field(ge=0, le=99_999)]
Pixels = Annotated[int, Field(ge=1, le=10_000)]
Span = Annotated[str, Field(pattern=r"^\d{1,5}-\d{1,5}$")]


class FramesData(FilesSection, frozen=True):
    """Clips: videos, pictures, or arrays of frames."""

    frames_column: ColumnName = Field(
        default="", description="column of videos, pictures or arrays; empty guesses it by name"
    )
    group_column: ColumnName = Field(
        default="", description="column of what must not be in two parts; empty takes subject, speaker, group or source"
    )
    by_group: bool = Field(default=True, description="carved parts and folds share no group, where groups are known")
    every: Count = Field(default=1, description="take each so-manyth frame")
    most_frames: Size = Field(default=0, description="thin longer clips evenly to this many frames; 0 thins none")
    encoder: str = Field(
        default="pixels", description="what is computed of videos: pixels, motion, hog, patches, torchvision:MODEL"
    )
    weights: Annotated[PlaceName, FromHere(("hub",))] = Field(
        default="", description="of a torchvision model: a .safetensors file, or hub"
    )
    fps: Amount = Field(default=10.0, description="frames taken of a second; 0 takes all")
    width: Pixels = Field(default=48, description="pixels that a frame of a video is brought to, across")
    height: Pixels = Field(default=48, description="pixels that a frame of a video is brought to, down")
    crop: list[Size] = Field(default=[], description="left, top, width, height of the part to take; none takes all")
    cache: Annotated[PlaceName, FromHere(("auto", "none"))] = Field(
        default="auto", description="folder that keeps what is computed; auto: ~/.cache/rnncli/features; none: memory"
    )
    blocks: OptionalWidth = Field(
        default=0, description="pixels are read as the means of blocks of so many rows and columns; 0: by convolutions"
    )
    align: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        default=0.0,
        description="share of a frame's smaller side up to which clips of pixels are moved onto each other; 0: none",
    )
    differences: bool = Field(default=False, description="also give what figures change from frame to frame")

    @field_validator("crop")
    @classmethod
    def _is_a_box(cls, crop: list[int]) -> list[int]:
        if crop and (len(crop) != 4 or 0 in crop[2:]):
            raise ValueError("crop wants left, top, width and height")
        return crop


class PointsSection(Section, frozen=True):
    """What the figures of a frame are, where they are key points; points are numbered from 0."""

    dimensions: Literal[0, 2, 3] = Field(default=0, description="coordinates of a point; 0: figures are no points")
    missing: Literal["zero", "nan"] = Field(default="zero", description="how a point that was not seen is written")
    centre: list[Point] = Field(default=[], description="points whose mean is the body's middle; none takes all")
    scale: list[Point] = Field(default=[], description="two points whose distance becomes 1; none takes the spread")
    facing: list[Point] = Field(
        default=[], description="two points whose line is turned, seen from above, to the first axis"
    )
    parts: list[Span] = Field(default=[], description="groups such as 37-57 that are also given about their own middle")
    mirrored: list[Span] = Field(default=[], description="pairs such as 4-8 that change places in a mirror image")

    @model_validator(mode="after")
    def _pairs(self) -> PointsSection:
        for name in ("scale", "facing"):
            if len(getattr(self, name)) not in (0, 2):
                raise ValueError(f"{name} wants two points, or none")
        return self


class FrameVariation(Section, frozen=True):
    """How clips are varied in training; 0 leaves a kind out."""

    crop: Fraction = Field(default=0.1, description="share of a clip that may be cut off at its ends")
    speed: Fraction = Field(default=0.2, description="play up to this much faster or slower")
    drop: Fraction = Field(default=0.0, description="probability that a frame is left out")
    jitter: Amount = Field(
        default=0.02, description="deviation of noise: of points in body sizes, of figures in their own deviations"
    )
    turn: Annotated[float, Field(ge=0, le=180)] = Field(
        default=0.0, description="degrees up to which points are turned (three coordinates: about the vertical)"
    )
    size: Fraction = Field(default=0.1, description="points are stretched up to this much along each axis")
    shift: Fraction = Field(default=0.1, description="pixels are moved up to this share of the frame")
    flip: Fraction = Field(default=0.0, description="probability of a mirror image; not where left and right differ")


class FrameModel(CoreSection, frozen=True):
    """A frame by itself to a vector, then the recurrent core."""

    hidden: Hidden = 64
    layers: Layers = 1
    projection: Width = Field(default=64, description="width to which the figures of a frame are brought")
    channels: Width = Field(default=16, description="channels of the first of three convolutions over pixels")
    input_dropout: Fraction = Field(default=0.2, description="dropout of what a frame is brought to")
    dropout: Fraction = Field(default=0.5, description="dropout before the last layer")


SHAPING = (
    "every",
    "most_frames",
    "encoder",
    "weights",
    "fps",
    "width",
    "height",
    "crop",
    "blocks",
    "align",
    "differences",
)
"""Keys of ``data`` that decide what a frame is."""


class FramesRecipe(Recipe, frozen=True):
    """What recipes of tasks with frames share."""

    shaped_by: ClassVar[tuple[str, ...]] = ("model", "points", *(f"data.{key}" for key in SHAPING))

    data: FramesData = FramesData()
    points: PointsSection = PointsSection()
    variation: FrameVariation = FrameVariation()
    model: FrameModel = FrameModel()
