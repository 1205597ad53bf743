"""Sentiment classification as the command line sees it."""

from rnncli.tasks.base import Option, TaskSpec
from rnncli.tasks.classify.declared import METRICS

SPEC = TaskSpec(
    name="sentiment",
    summary="Classify texts: sentiment, topic, or any labels.",
    default="sentiment/default",
    own_data="sentiment/own-data",
    examples=(
        "rnncli sentiment",
        "rnncli sentiment --data reviews.csv --text-column review --label-column stars",
        "rnncli sentiment --data reviews.csv model.cell=lstm train.epochs=5 --out runs/lstm",
    ),
    metrics=METRICS,
    options=(
        Option("--text-column", "data.text_column", "Column of the texts; guessed where it is clear."),
        Option("--label-column", "data.label_column", "Column of the labels; guessed where it is clear."),
    ),
    also=("classify", "classification", "classifier", "text-classification", "topic", "topics", "sentiments"),
)
