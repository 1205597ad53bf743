"""The metrics of models that write text and music; nothing heavy."""

from __future__ import annotations

from rnncli.metrics.metric import Metric

TEXT_METRICS = (
    Metric(
        "bits_per_character",
        better="lower",
        unit="plain",
        meaning="what the text costs, each symbol foretold from all before it, by its characters, whatever a symbol "
        "is: a text that is coded by the model takes as many bits a character",
    ),
    Metric(
        "bits_per_byte",
        better="lower",
        unit="plain",
        show="last",
        meaning="the same by the bytes that the text has in UTF-8",
    ),
    Metric(
        "perplexity",
        better="lower",
        unit="plain",
        meaning="between how many equally likely symbols the model is in doubt on average: e to the mean nats of a "
        "symbol, which can be compared only where symbols are the same",
    ),
    Metric(
        "nats_per_token",
        better="lower",
        unit="plain",
        show="last",
        meaning="the mean of -ln of the probability that each symbol had, given all before it",
    ),
)
MUSIC_METRICS = (
    Metric(
        "nats_per_frame",
        better="lower",
        unit="plain",
        meaning="the mean of -ln of the probability that all notes of a frame had together, given the frames before it",
    ),
    Metric(
        "nats_per_note",
        better="lower",
        unit="plain",
        meaning="the same by note, of voices by voice, whether it sounds or not",
    ),
)
