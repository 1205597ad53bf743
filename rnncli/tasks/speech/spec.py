"""Speech recognition as the command line sees it."""

from rnncli.metrics.metric import Metric
from rnncli.tasks.base import Option, TaskSpec

SPEC = TaskSpec(
    name="speech",
    summary="Recognise speech: recordings to the words that are said.",
    default="speech/default",
    own_data="speech/own-data",
    examples=(
        "rnncli speech",
        "rnncli speech --data train.csv --dev dev.csv --test test.csv",
        "rnncli speech --data recordings/ model.subsampling=2 --out runs/mine",
    ),
    metrics=(
        Metric(
            "wer",
            better="lower",
            meaning="word error rate: words replaced, left out or put in, by words that were said; 0 is perfect",
        ),
        Metric("cer", better="lower", meaning="the same of characters"),
        Metric(
            "wer_greedy",
            better="lower",
            meaning="the word error rate of the most probable path, without search and language model",
        ),
        Metric("cer_greedy", better="lower", meaning="the character error rate of the most probable path"),
        Metric("accuracy", meaning="the share of recordings of a single word that were heard right"),
        Metric("sentence_accuracy", meaning="the share of recordings without any wrong word"),
    ),
    options=(
        Option("--audio-column", "data.audio_column", "Column of the recordings, or of .npy features; else guessed."),
        Option("--text-column", "data.text_column", "Column of the texts; guessed if not given."),
    ),
    also=("asr", "stt", "speech-to-text", "recognize", "recognise", "voice", "audio"),
)
