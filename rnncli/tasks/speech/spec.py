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
        Metric("wer", better="lower"),
        Metric("cer", better="lower"),
        Metric("wer_greedy", better="lower"),
        Metric("cer_greedy", better="lower"),
        Metric("accuracy"),
        Metric("sentence_accuracy"),
    ),
    options=(
        Option("--audio-column", "data.audio_column", "Column of the recordings, or of .npy features; else guessed."),
        Option("--text-column", "data.text_column", "Column of the texts; guessed if not given."),
    ),
    also=("asr", "stt", "speech-to-text", "recognize", "recognise", "voice", "audio"),
)
