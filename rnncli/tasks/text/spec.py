"""Models of texts as the command line sees them."""

from rnncli.tasks.base import Option, TaskSpec
from rnncli.tasks.write.declared import TEXT_METRICS

SPEC = TaskSpec(
    name="text",
    summary="Model texts: what comes next by character, byte, word or piece; write on.",
    default="text/default",
    own_data="text/own-data",
    examples=(
        "rnncli text",
        "rnncli text --data book.txt",
        "rnncli text --data reviews.csv --text-column review --unit word",
    ),
    metrics=TEXT_METRICS,
    options=(
        Option("--unit", "data.unit", "What a symbol is: character, byte, whitespace, word or subword."),
        Option("--text-column", "data.text_column", "Column of the texts of a table; guessed if not given."),
    ),
    also=("language-modelling", "language-modeling", "char-rnn", "texts", "perplexity"),
    tried_by="write",
)
