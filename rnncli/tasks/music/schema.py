"""The recipe of a model of music."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from rnncli.recipe.schema import FilesSection, Fraction, Recipe, Size, Width
from rnncli.tasks.write.sections import NextEvaluation, NextModel, NextTrain


def _numbered(track: object) -> object:
    """A number that a command line gives as text."""
    return int(track) if isinstance(track, str) and track.isdecimal() else track


Track = Annotated[Annotated[int, Field(ge=1, le=65535)] | str, BeforeValidator(_numbered)]
Grid = Annotated[int, Field(ge=1, le=96)]


class MusicData(FilesSection, frozen=True):
    """Pieces of music by frames: MIDI files, piano rolls, or voices."""

    form: Literal["auto", "rolls", "voices"] = Field(
        default="auto", description="a set of keys a frame, or a key of each voice; auto after the files"
    )
    grid: Grid = Field(
        default=4, description="frames a beat: to which notes of MIDI files are moved, and which rolls and voices have"
    )
    tracks: Literal["all"] | tuple[Track, ...] = Field(
        default="all", description="all tracks merged, or some by number (from 1) or name"
    )
    drums: Literal["drop", "keep"] = Field(default="drop", description="what becomes of channel 10")


class MusicModelSection(NextModel, frozen=True):
    """A recurrent core over frames, and a head that adds the notes of a frame one after the other."""

    embedding: Width = Field(default=128, description="units that read a frame")
    head_hidden: Width = Field(default=192, description="units of the head")
    head_dropout: Fraction = Field(default=0.0, description="dropout of the units of the head")


class MusicTrain(NextTrain, frozen=True):
    """Training of a model of music."""

    transpose: Size = Field(default=0, description="shift pieces by up to so many half tones, anew in each epoch")


class MusicEvaluation(NextEvaluation, frozen=True):
    """What is scored."""

    first: bool = Field(default=True, description="whether the first frame of a piece is scored too")


class MusicRecipe(Recipe, frozen=True):
    """A recipe of task music."""

    shaped_by: ClassVar[tuple[str, ...]] = ("model", "data.form", "data.grid")

    task: Literal["music"] = Field(default="music", description="what to learn")
    data: MusicData = MusicData()
    model: MusicModelSection = MusicModelSection()
    train: MusicTrain = MusicTrain()
    evaluation: MusicEvaluation = MusicEvaluation()


RECIPE = MusicRecipe
