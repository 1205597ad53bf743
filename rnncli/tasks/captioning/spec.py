"""Captioning as the command line sees it."""

from rnncli.metrics.metric import Metric
from rnncli.tasks.base import Option, TaskSpec

SPEC = TaskSpec(
    name="captioning",
    summary="Caption videos and pictures: frames to words.",
    default="captioning/default",
    own_data="captioning/own-data",
    examples=(
        "rnncli captioning",
        "rnncli captioning --data clips.csv",
        "rnncli captioning --data pictures.csv data.encoder=patches",
    ),
    metrics=(
        Metric("wer", better="lower"),
        Metric("cer", better="lower"),
        Metric("cider"),
        Metric("bleu_4"),
        Metric("bleu_1"),
        Metric("bleu_2"),
        Metric("bleu_3"),
        Metric("rouge_l"),
        Metric("exact"),
        Metric("distinct"),
        Metric("distinct_2"),
    ),
    options=(
        Option("--frames-column", "data.frames_column", "Column of the videos or arrays; guessed if not given."),
        Option("--caption-column", "data.caption_column", "Column of the captions; guessed if not given."),
    ),
    also=("caption", "captions", "describe-video", "video-captioning", "image-captioning"),
)
