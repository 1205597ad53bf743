"""The recipe of a speech recognizer."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rnncli.recipe.schema import (
    Amount,
    Beam,
    ColumnName,
    CoreSection,
    Count,
    Depth,
    Extent,
    FilesSection,
    Fraction,
    FromHere,
    OptionalWidth,
    PlaceName,
    Probability,
    Recipe,
    Section,
    Size,
    Width,
)
from rnncli.tasks.common.sections import Averaging, Hidden, Layers, LongTrain
from rnncli.tasks.decode.sections import LanguageSection

Few = Annotated[int, Field(ge=0, le=1000)]


class SpeechData(FilesSection, frozen=True):
    """Recordings, or features of them, and what is said in each."""

    audio_column: ColumnName = Field(default="", description="column of recordings or of .npy features; empty guesses")
    text_column: ColumnName = Field(default="", description="column of the texts; empty guesses it by name")
    speaker_column: ColumnName = Field(
        default="", description="column of the speakers; empty takes speaker where it is there"
    )
    by_speaker: bool = Field(default=True, description="carved parts share no speaker, where speakers are known")
    lower: bool = Field(default=True, description="fold upper case into lower")
    longest: Amount = Field(
        default=0.0, description="seconds beyond which a recording is not trained on; 0 is no limit"
    )
    cut: bool = Field(
        default=False,
        description="cut recordings beyond data.longest at silences, for training: where columns words or segments say "
        "when what is said, or where the lines of the text are parted by long silences",
    )
    features: Literal["log-mel", "mfcc", "fbank"] = Field(
        default="log-mel", description="what is computed of recordings"
    )
    rate: Annotated[int, Field(ge=2000, le=192_000)] = Field(
        default=16000, description="sample rate in Hz that recordings are brought to"
    )
    bins: Annotated[int, Field(ge=2, le=256)] = Field(default=80, description="mel bands, or cepstral coefficients")
    deltas: Annotated[int, Field(ge=0, le=2)] = Field(default=0, description="derivatives beside mfcc")
    given: Literal["spectrum", "cepstrum", "other"] = Field(
        default="other", description="what .npy features are, so that they can be varied in training"
    )
    cache: Annotated[PlaceName, FromHere(("auto", "none"))] = Field(
        default="auto", description="folder that keeps features; auto: ~/.cache/rnncli/features; none: memory"
    )
    normalise: Literal["utterance", "global"] = Field(
        default="utterance", description="mean and variance of each bin: of the recording, or of all of training"
    )
    unit: Literal["character", "word", "subword"] = Field(
        default="character", description="what the recognizer writes; subword: pieces of words, learnt from training"
    )
    subwords: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=200, description="how many pieces of words, about, where unit is subword"
    )

    @model_validator(mode="after")
    def _cut_to_a_length(self) -> Self:
        if self.cut and not self.longest:
            raise ValueError("cut wants longest, the seconds beyond which recordings are cut")
        return self


class Variation(Section, frozen=True):
    """How recordings are varied in training; 0 leaves a kind out."""

    strength: Probability | Literal["auto"] = Field(
        default=1.0,
        description="share of warp, gain, noise and of the widths of masks that is used; auto: less of few recordings, "
        "which are learnt sooner so",
    )
    speeds: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = Field(
        default=(),
        description="speeds that recordings are played at beside their own, pitch and all, such as [0.9, 1.1]; the "
        "features of each are kept",
    )
    stretch: Fraction = Field(default=0.1, description="speak up to this much faster or slower at the same pitch")
    warp: Fraction = Field(default=0.1, description="scale frequencies up to this much, as other vocal tracts do")
    gain: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.0, description="dB up to which a recording is louder or softer; matters to global normalisation"
    )
    noise: Fraction = Field(
        default=0.0,
        description="probability of white noise, 5 to 30 dB below the recording; features are computed anew for it",
    )
    time_masks: Few = Field(default=2, description="stretches of time that are blanked (SpecAugment)")
    time_width: Size = Field(default=10, description="frames of such a stretch, at most")
    band_masks: Few = Field(default=2, description="bands of frequency that are blanked (SpecAugment)")
    band_width: Fraction = Field(default=0.2, description="share of all frequencies of such a band, at most")


class SpeechModel(CoreSection, frozen=True):
    """Convolutions that subsample, recurrent layers with layer normalisation, a CTC head."""

    members: Depth = Field(
        default=1,
        description="stacks of recurrent layers that learn side by side over the convolutions; scores are averaged",
    )
    hidden: Hidden = 160
    layers: Layers = 3
    channels: Width = Field(default=160, description="channels of the two convolutions")
    subsampling: Literal[1, 2, 3, 4, 6] = Field(default=2, description="frames of the input for each of the core")
    lookahead: OptionalWidth = Field(
        default=0, description="where bidirectional is false: frames of the core that are seen before one is written"
    )
    dropout: Fraction = Field(default=0.2, description="dropout of the input of each recurrent layer and of the head")


class SpeechDecoding(LanguageSection, frozen=True):
    """How labels are searched for when a part is scored, and in use."""

    beam: Beam = Field(default=24, description="beginnings that are followed at once in a search")
    best: Beam = Field(default=1, description="hypotheses with scores in each prediction, where more than 1")


class SpeechTrain(LongTrain, frozen=True):
    """Training of a recognizer; batches are counted in frames of the input."""

    usual: ClassVar[Extent] = Extent(epochs=30, batch_size=16, warmup_steps=100, least_steps=720)

    batch_tokens: Count = Field(default=24_000, description="at most this many frames in a padded batch")
    longest_first: bool = Field(
        default=True, description="begin with the longest batch, so that memory runs out early if at all"
    )
    narrow: Fraction = Field(
        default=0.05,
        description="share of training, at first, in which the recurrent layers hear half a second at once, so that "
        "labels are learnt where they are heard",
    )
    ema: Averaging = 0.995

    @property
    def bound_to_epochs(self) -> str:
        """The key by which each step hangs on how many epochs there will be; empty where none does."""
        return super().bound_to_epochs or ("train.narrow" if self.narrow else "")


class SpeechRecipe(Recipe, frozen=True):
    """A recipe of task speech."""

    shaped_by: ClassVar[tuple[str, ...]] = (
        "model",
        *(f"data.{key}" for key in ("features", "rate", "bins", "deltas", "given", "normalise", "unit", "lower")),
    )

    task: Literal["speech"] = Field(default="speech", description="what to learn")
    data: SpeechData = SpeechData()
    variation: Variation = Variation()
    model: SpeechModel = SpeechModel()
    train: SpeechTrain = SpeechTrain()
    decoding: SpeechDecoding = SpeechDecoding()


RECIPE = SpeechRecipe
