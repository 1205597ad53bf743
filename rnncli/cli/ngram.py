"""``rnncli ngram``: learn a language model of words from texts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rnncli.cli.progressline import ProgressLine
from rnncli.cli.terminal import Terminal
from rnncli.runs.advance import advancing


def ngram(
    terminal: Terminal,
    source: Annotated[Path, typer.Argument(metavar="TEXT", help="A sentence a line, or a csv, tsv, jsonl, parquet.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.arpa", help="The ARPA file to write.")],
    order: Annotated[int, typer.Option("--order", help="Words of an n-gram.")] = 3,
    column: Annotated[str, typer.Option("--text-column", help="Column of the texts of a table.")] = "text",
    lower: Annotated[bool, typer.Option("--lower/--keep-case", help="Fold upper case into lower.")] = True,
) -> None:
    """Learn an n-gram language model (interpolated Kneser-Ney), for decoding.lm of speech."""
    from rnncli.tools.ngram import learn_ngram

    with ProgressLine(terminal) as progress, advancing(progress):
        progress.now("counting n-grams", aside=True)
        learnt = learn_ngram(source, out, order=order, column=column, lower=lower)
    if terminal.json:
        terminal.result(asdict(learnt))
        return
    terminal.out.print(
        f"{out}: {learnt.ngrams:,} n-grams of {learnt.vocabulary:,} words from {learnt.sentences:,} sentences, "
        f"perplexity on them {learnt.perplexity:.1f}",
        soft_wrap=True,
    )
