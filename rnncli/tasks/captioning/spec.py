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
        Metric(
            "wer",
            better="lower",
            meaning="word error rate: words replaced, left out or put in, by words of the reference; 0 is perfect",
        ),
        Metric("cer", better="lower", meaning="the same of characters"),
        Metric(
            "cider",
            meaning="CIDEr-D: how alike caption and references are in n-grams, those counted most that few clips have",
        ),
        Metric(
            "bleu_4",
            meaning="the share of the n-grams up to 4 words that a reference has, less for captions that are too short",
        ),
        Metric("bleu_1", meaning="the same of single words"),
        Metric("bleu_2", meaning="the same of n-grams up to 2 words"),
        Metric("bleu_3", meaning="the same of n-grams up to 3 words"),
        Metric("rouge_l", meaning="how much of a reference is in the caption in the same order"),
        Metric("exact", meaning="the share of captions that are a reference word by word"),
        Metric("distinct", meaning="different captions as a share of all of them"),
        Metric("distinct_2", meaning="different pairs of neighbouring words as a share of all of them"),
    ),
    options=(
        Option("--frames-column", "data.frames_column", "Column of the videos or arrays; guessed if not given."),
        Option("--caption-column", "data.caption_column", "Column of the captions; guessed if not given."),
    ),
    also=("caption", "captions", "describe-video", "video-captioning", "image-captioning"),
)
