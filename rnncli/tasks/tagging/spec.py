"""Sequence tagging as the command line sees it."""

from rnncli.metrics.metric import Metric
from rnncli.tasks.base import Option, TaskSpec

SPEC = TaskSpec(
    name="tagging",
    summary="Tag the words of sentences: parts of speech, chunks, named entities.",
    default="tagging/default",
    own_data="tagging/own-data",
    examples=(
        "rnncli tagging",
        "rnncli tagging --data train.conll --dev dev.conll --test test.conll --token-column 1 --tag-column 3",
        "rnncli tagging --data train.conllu --tag-column upos model.head=softmax --out runs/upos",
    ),
    metrics=(
        Metric(
            "precision",
            show="last",
            meaning="of the spans that were predicted, the share with the right bounds and type",
        ),
        Metric("recall", show="last", meaning="of the true spans, the share that was found with its bounds and type"),
        Metric("f1", meaning="the harmonic mean of precision and recall of spans"),
        Metric("accuracy", meaning="the share of words whose tag is right"),
        Metric("unknown_accuracy", meaning="the same of words that training never saw"),
        Metric("sentence_accuracy", meaning="the share of sentences whose every tag is right"),
        Metric("f1_macro", meaning="the mean over tags of their f1"),
    ),
    options=(
        Option("--token-column", "data.token_column", "Column of the words, by number from 1 or by name."),
        Option("--tag-column", "data.tag_column", "Column of the tags; for CoNLL-U also a key such as feats.Number."),
        Option("--tag-scheme", "data.tag_scheme", "IOB1, IOB2, BIOES, BILOU, BMES or none; recognised if not given."),
    ),
    also=("tag", "tagger", "ner", "pos", "chunking", "sequence-labeling", "sequence-labelling", "token-classification"),
)
