"""Sections of the recipes of what searches for texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnncli.recipe.schema import FromHere, PlaceName, Section


class LanguageSection(Section, frozen=True):
    """What is known of the texts to be written, for a search through the labels of CTC."""

    lm: Annotated[PlaceName, FromHere(("train",))] = Field(
        default="", description="language model: train learns it from the training texts, or an ARPA file"
    )
    lm_unit: Literal["word", "character"] = Field(
        default="word", description="what the language model is of; in an ARPA file of characters a space is ▁"
    )
    order: Annotated[int, Field(ge=1, le=12)] = Field(default=3, description="words or characters of an n-gram learnt")
    lexicon: Annotated[PlaceName, FromHere(("auto", "train", "none"))] = Field(
        default="auto",
        description="the only words written: train, those of the training texts; a FILE of words; none, any; "
        "auto: train where there is an lm, or few words that come in many texts, else none",
    )
