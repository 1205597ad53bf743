"""What a document holds: links, headings and blocks of commands with what they are shown to print.

CONTRIBUTING.md says how a block is marked; here stand the rules that follow from it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(.*?)$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ESCAPES = {r"\n": "\n", r"\t": "\t"}


@dataclass(frozen=True)
class Command:
    """A line to type: the words after ``rnncli``, what is piped into it, and what the document shows of its output.

    ``piped`` says that the output goes on into another program or a file, and not to a terminal.
    """

    line: str
    words: tuple[str, ...]
    stdin: str
    piped: bool
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, such as ``console``, the further words of its first line, and its text."""

    kind: str
    words: tuple[str, ...]
    text: str

    @property
    def code(self) -> int:
        """The exit code that its commands must have."""
        return next((int(word.removeprefix("exit=")) for word in self.words if word.startswith("exit=")), 0)

    @property
    def added(self) -> tuple[str, ...]:
        """What is added to each of its commands."""
        return tuple(word for word in self.words if not word.startswith("exit="))

    def commands(self) -> Iterator[Command]:
        """Its lines that call rnncli; where some begin with ``$ `` the others are output."""
        lines = self.text.splitlines()
        prompted = any(line.startswith("$ ") for line in lines)
        for number, line in enumerate(lines):
            if prompted and not line.startswith("$ "):
                continue
            stages = _stages(line.removeprefix("$ "))
            own = next((place for place, stage in enumerate(stages) if stage[:1] == ["rnncli"]), None)
            if own is not None:
                words, piped = _unredirected(stages[own][1:])
                shown = tuple(_until_prompt(lines[number + 1 :]))
                yield Command(line, words, _typed(stages[:own]), piped or own + 1 < len(stages), shown)


def name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, *kinds: str) -> list[Block]:
    """The fenced blocks of a document whose kind is one of ``kinds``."""
    found = ((head.split() or [""], text) for head, text in FENCE.findall(document.read_text(encoding="utf-8")))
    return [Block(head[0], tuple(head[1:]), text) for head, text in found if head[0] in kinds]


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def links(document: Path) -> list[str]:
    """Where a document's links lead, those to the network left out."""
    found = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(document))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as a page of a repository gives them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def mentioned(document: Path) -> set[tuple[str, ...]]:
    """Commands that stand in the text itself, such as ``rnncli predict RUN -``."""
    spans = re.findall(r"`(rnncli [^`]+)`", " ".join(prose(document).split()))
    return {tuple(shlex.split(span, comments=True)[1:]) for span in spans}


def missing(shown: tuple[str, ...], printed: str) -> list[str]:
    """Headings, columns and keys that a document shows and the command did not print.

    Of JSON all keys count, of a line of headings (cells far apart, no numbers) every cell, of any other line its first
    cell or, where it is a sentence, its first word. Lines that are indented, begin with a number or hold a percentage
    are data.
    """
    there = set(re.findall(r"[^\W\d]+", printed))
    named = [part for line in shown for part in _names(line)]
    return [part for part in named if not set(re.findall(r"[^\W\d]+", part)) <= there]


def _names(line: str) -> list[str]:
    line = line.replace("95 % interval", "interval")
    keys = re.findall(r'"([^"]+)": ', line)
    if keys or re.match(r"[\s\d]|\.\.\.$|[\[({]|$|.* %", line):
        return keys
    cells = re.split(r"\s{2,}", line)
    if len(cells) > 1:
        return cells[:1] if re.search(r"\d", line) else cells
    return line.split()[:1]


def _stages(line: str) -> list[list[str]]:
    """The words of the commands of a pipe."""
    stages: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(word)
    return stages


def _unredirected(words: list[str]) -> tuple[tuple[str, ...], bool]:
    """The words before ``> FILE``, and whether it is there."""
    return (tuple(words[: words.index(">")]), True) if ">" in words else (tuple(words), False)


def _typed(before: list[list[str]]) -> str:
    """What ``printf TEXT`` writes into the pipe, nothing of other commands."""
    text = before[-1][1] if before and before[-1][0] == "printf" else ""
    for written, meant in ESCAPES.items():
        text = text.replace(written, meant)
    return text


def _until_prompt(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("$ "):
            return
        yield line
