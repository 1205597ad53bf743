"""``rnncli write``: go on behind a prompt, or write music."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import completion
from rnncli.cli.progressline import ProgressLine
from rnncli.cli.terminal import Terminal, is_terminal
from rnncli.report.layout import visible

if TYPE_CHECKING:
    from rnncli.runs.write import Asked
    from rnncli.tasks.predictors import FileWriter, TextWriter

SECONDS = 0.05
"""Pieces of a text are shown together that come within this time."""


def write(
    terminal: Terminal,
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The directory of a run that writes.", autocompletion=completion.runs)
    ],
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="TEXT|-", help="Go on behind this; - for stdin, a prompt a line.")
    ] = None,
    primer: Annotated[
        Path | None, typer.Option("--primer", metavar="FILE.mid", help="Of music: go on behind this piece.")
    ] = None,
    harmonise: Annotated[
        Path | None, typer.Option("--harmonise", metavar="FILE.mid", help="Of music: write the voices below a melody.")
    ] = None,
    soundfont: Annotated[
        Path | None, typer.Option("--soundfont", metavar="FILE.sf2", help="Of music: the instruments of the .wav.")
    ] = None,
    length: Annotated[
        int | None,
        typer.Option("--length", metavar="N", help="Symbols to write, of music frames; 400 characters, say."),
    ] = None,
    bars: Annotated[
        int | None, typer.Option("--bars", metavar="N", help="Of music: bars of four beats to write.")
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="Below 1 is more careful, above more daring; 0 takes the likeliest.")
    ] = 1.0,
    top_k: Annotated[
        int, typer.Option("--top-k", metavar="N", help="Draw from so many likeliest symbols; 0: all.")
    ] = 0,
    top_p: Annotated[
        float, typer.Option("--top-p", metavar="SHARE", help="Draw from the fewest symbols with this share.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", help="Draws the same samples again.")] = 1,
    samples: Annotated[int, typer.Option("--samples", metavar="N", help="Samples of each prompt.")] = 1,
    stop: Annotated[str, typer.Option("--stop", metavar="TEXT", help="Of texts: end before this is written.")] = "",
    unknown: Annotated[bool, typer.Option("--unknown", help="Of texts: let the unknown symbol be written.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write; of music FILE.mid, .wav beside it."),
    ] = None,
) -> None:
    """Write on behind a prompt, streaming the text as it comes; or music, as files to play."""
    from rnncli.runs.write import Asked, open_writer
    from rnncli.tasks.predictors import TextWriter
    from rnncli.tasks.write.sampling import Drawing

    sampling = Drawing(temperature, top_k, top_p, seed, unknown)
    asked = Asked(prompt, primer, harmonise, soundfont, length, bars, samples, stop, out, sampling)
    with ProgressLine(terminal, "loading the model"):
        writer = open_writer(run)
    if isinstance(writer, TextWriter):
        _write_texts(terminal, writer, asked)
    else:
        _write_files(terminal, writer, asked, run.resolve().name)


def readable(text: str) -> str:
    """``text`` for a terminal: its lines and tabs, and all else that could steer the terminal as pictures.

    >>> readable("one\\n\\ttwo\\a\\x1b[2J")
    'one\\n\\ttwo␇␛[2J'
    """
    return "".join(visible(part) if part not in ("\n", "\t") else part for part in re.split(r"([\n\t])", text))


def _write_texts(terminal: Terminal, writer: TextWriter, asked: Asked) -> None:
    from rnncli.runs.apart import require_new, write_pieces

    texts = _texts(terminal, writer, asked)
    if asked.out is None:
        _stream(map(readable, texts) if is_terminal(sys.stdout) and not terminal.json else texts)
    else:
        require_new(asked.out)
        write_pieces(texts, asked.out)
        terminal.out.print(str(asked.out), soft_wrap=True)


def _texts(terminal: Terminal, writer: TextWriter, asked: Asked) -> Iterator[str]:
    """What is written on stdout, piece by piece: each sample behind its prompt, an empty line between them."""
    from rnncli.runs.write import prompts, text_row, text_samples

    apart = ""
    for prompt in prompts(writer, asked, sys.stdin.buffer if sys.stdin else None):
        if prompt.skipped:
            named = ", ".join(f'"{visible(one)}"' for one in prompt.skipped)
            terminal.say(f"skipped, which the model never learnt: {named}", style="yellow")
        for sample in text_samples(writer, prompt, asked):
            if terminal.json:
                yield text_row(sample, asked.sampling.seed)
                continue
            last = prompt.text
            yield apart + last
            for piece in sample.pieces:
                last = piece or last
                yield piece
            apart = "\n" if last.endswith("\n") else "\n\n"
    if apart:
        yield apart[1:]


def _stream(texts: Iterable[str]) -> None:
    """Write pieces as they come, those of a moment together."""
    held: list[str] = []
    shown = time.monotonic()
    try:
        for text in texts:
            held.append(text)
            if time.monotonic() - shown > SECONDS:
                _show(held)
                shown = time.monotonic()
    finally:
        _show(held)


def _show(held: list[str]) -> None:
    sys.stdout.writelines(held)
    sys.stdout.flush()
    held.clear()


def _write_files(terminal: Terminal, writer: FileWriter, asked: Asked, name: str) -> None:
    from rnncli.runs.write import file_samples

    samples, notes = file_samples(writer, asked, name)
    for note in notes:
        terminal.say(note, style="yellow")
    for sample in samples:
        sample.save()
        if terminal.json:
            sys.stdout.write(sample.row(asked.sampling.seed))
        else:
            terminal.out.print(", ".join(map(str, sample.paths)), soft_wrap=True)
            terminal.say(sample.made.said, style="dim")
