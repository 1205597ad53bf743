"""What a word of a caption hangs on: the frames of the clip.

What is explained are the log-odds of the word: of an attention decoder behind the words before it, of CTC that the
frames from midway to the word before to midway to the next are read as it; a language model has no part in it.
Attention is given beside, as where the decoder looked when it wrote the word. Shape letters: B questions, T frames, E
encoded features, S units of a caption, N rows, V units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from rnncli.errors import UsageError
from rnncli.heads import ctc
from rnncli.heads.attention import AttentionDecoder
from rnncli.heads.sentences import BEGIN, END, PADDING, Written
from rnncli.heads.stretches import LabelStretch, between, log_odds, with_spaces, written_log_odds
from rnncli.tasks.captioning.extras.writer import log_probs
from rnncli.tasks.captioning.fitted import FittedCaptioning
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.captioning.predictor import CaptionPredictor
from rnncli.tasks.explaining import UNKNOWN, LabelQuestion, QuestionReading
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.examples import pad
from rnncli.tasks.frames.explained import FrameExplainer, ShownFrames


@dataclass(frozen=True)
class WrittenWord:
    """The ``units`` of a caption up to the end of a word, which is those from ``begin`` on."""

    units: tuple[int, ...]
    begin: int


Target = WrittenWord | LabelStretch


@dataclass(frozen=True)
class CaptionPlace:
    """A word of a caption and how it is scored; the frames ``at`` that it takes, by ctc; what it looked at."""

    word: str
    target: Target
    at: tuple[int, int] | None = None
    looked: Sequence[float] = ()


class CaptionExplainer(FrameExplainer):
    """See :class:`rnncli.tasks.explaining.Explainer`; a question is about a word of the best caption."""

    of_parts = True

    def __init__(self, fitted: FittedCaptioning, model: Captioner, device: torch.device) -> None:
        super().__init__(CaptionPredictor(fitted, model, device), model.encoder, device)
        self.fitted, self.model, self.spelling = fitted, model, fitted.spelling
        self.spaces = [k for k, unit in enumerate(self.spelling.known, self.spelling.first) if not unit.strip()]
        self.labels: Sequence[str] = () if fitted.spelling.spaced else fitted.spelling.known

    def questions(self, examples: Sequence[Item], of: str = "") -> list[LabelQuestion]:
        """Why each word of the caption; or those that are ``of`` and, where none is, where it is likeliest."""
        wanted = self._spelled(of) if of else ()
        asked: list[LabelQuestion] = []
        for number, item in enumerate(examples):
            shown = self.shown(item)
            places = dict(enumerate(self._places(shown)))
            some = {k: place for k, place in places.items() if not of or place.word == of}
            if of and not some:
                some = self._likeliest(shown, places, of, wanted)
            odds = self._odds(shown, [place.target for place in some.values()])
            asked += [
                LabelQuestion(number, shown, place.word, share, place.target, place.at, k, place.looked)
                for (k, place), share in zip(some.items(), odds.sigmoid().tolist(), strict=True)
            ]
        return asked

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """Encoded frames, held against the encoded average frame, or against 0."""
        stream, lengths_B = self.stream(questions, against)
        targets = [question.target for question in questions]
        return QuestionReading([stream], partial(self._score, lengths_B, targets), most_rows=128)

    def _score(self, lengths_B: Tensor, targets: Sequence[Target], values: Sequence[Tensor]) -> Tensor:
        """The log-odds of the words, (N,)."""
        times = len(values[0]) // max(1, len(targets))
        lengths_N = lengths_B.repeat(times)
        memory_NTE = self.model.encoded(values[0], lengths_N)
        if isinstance(self.model.head, AttentionDecoder):
            return _foretold(self.model.head, memory_NTE, lengths_N, [_written(one) for one in targets] * times)
        return written_log_odds(self.model.head(memory_NTE), [_stretch(one) for one in targets] * times)

    @torch.no_grad()
    def _places(self, shown: ShownFrames) -> list[CaptionPlace]:
        """The words of the best caption."""
        frames, lengths_1 = pad([shown.frames])
        frames = frames.to(self.device)
        best = self.fitted.writer(self.model, frames, lengths_1)[0][0]
        spans = list(self._spans(best.words))
        words = [self.spelling.caption(best.words[begin:end]) for begin, end in spans]
        if isinstance(self.model.head, AttentionDecoder):
            return [
                CaptionPlace(word, WrittenWord(best.words[:end], begin), looked=_looked(best, begin, end))
                for word, (begin, end) in zip(words, spans, strict=True)
            ]
        log_probs_TV = log_probs(self.model, frames, lengths_1)[0]
        spotted = ctc.spot(log_probs_TV, best.words)
        firsts = [spotted.starts[begin] for begin, _ in spans]
        lasts = [spotted.ends[end - 1] for _, end in spans]
        cuts = between(firsts, lasts, len(shown.frames))
        return [
            CaptionPlace(word, self._held(cut, best.words[begin:end]), (first, last))
            for word, cut, (begin, end), first, last in zip(words, cuts, spans, firsts, lasts, strict=True)
        ]

    def _spans(self, units: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where the units of each word begin and end: characters between spaces, or each unit."""
        begin = 0
        for blank, some in groupby(units, lambda unit: unit in self.spaces):
            end = begin + len(list(some))
            if not blank:
                yield from [(begin, end)] if self.spelling.spaced else [(at, at + 1) for at in range(begin, end)]
            begin = end

    def _likeliest(
        self, shown: ShownFrames, places: dict[int, CaptionPlace], of: str, units: tuple[int, ...]
    ) -> dict[int, CaptionPlace]:
        """Where ``of`` is likeliest in place of a word that was written, or of all where none was."""
        found: dict[int, CaptionPlace] = {}
        for k, place in places.items():
            if isinstance(place.target, WrittenWord):
                before = place.target.units[: place.target.begin]
                found[k] = CaptionPlace(of, WrittenWord((*before, *units), len(before)), looked=place.looked)
            elif (held := self._held((place.target.begin, place.target.end), units)).fits:
                found[k] = CaptionPlace(of, held, place.at)
        if not places:
            whole = (0, len(shown.frames))
            found[0] = CaptionPlace(of, WrittenWord(units, 0) if not self.spelling.ctc else self._held(whole, units))
        found = {k: one for k, one in found.items() if isinstance(one.target, WrittenWord) or one.target.fits}
        if not found:
            hint = "explain a longer clip"
            raise UsageError(f"{shown.clip.name}: no word of the caption lasts long enough to be {of}", hint)
        odds = self._odds(shown, [place.target for place in found.values()])
        best = list(found)[int(odds.argmax())]
        return {best: found[best]}

    def _held(self, frames: tuple[int, int], units: tuple[int, ...]) -> LabelStretch:
        return LabelStretch(*frames, with_spaces(units, self.spaces))

    @torch.no_grad()
    def _odds(self, shown: ShownFrames, targets: Sequence[Target]) -> Tensor:
        if not targets:
            return torch.zeros(0)
        frames, lengths_1 = pad([shown.frames])
        x_BTE = self.encoder(frames.to(self.device), lengths_1).expand(len(targets), -1, -1)
        return self._score(lengths_1.expand(len(targets)), targets, [x_BTE])

    def _spelled(self, word: str) -> tuple[int, ...]:
        """The units of a word; UsageError for what is none that can be written."""
        units = tuple(int(unit) for unit in self.spelling.numbers(word) if unit != END or self.spelling.ctc)
        if self.spelling.caption(units) != word or len(list(self._spans(units))) != 1:
            some = ", ".join(self.labels[:20])
            raise UsageError(f"--of {word}: no word that captions are written in", f"there are: {some}" if some else "")
        return units


def _foretold(head: AttentionDecoder, memory_NTE: Tensor, lengths_N: Tensor, words: Sequence[WrittenWord]) -> Tensor:
    """The log-odds of words behind those before them, (N,): the product over the units of each."""
    longest = max(len(word.units) for word in words)
    units_NS = torch.full((len(words), longest), PADDING)
    asked_NS = torch.zeros(len(words), longest, dtype=torch.bool)
    for n, word in enumerate(words):
        units_NS[n, : len(word.units)] = torch.tensor(word.units)
        asked_NS[n, word.begin : len(word.units)] = True
    units_NS, asked_NS = units_NS.to(memory_NTE.device), asked_NS.to(memory_NTE.device)
    given_NS = torch.nn.functional.pad(units_NS[:, :-1], (1, 0), value=BEGIN)
    logs_NSV = head(memory_NTE, lengths_N, given_NS).double().log_softmax(-1)
    logs_NS = logs_NSV.gather(2, units_NS[..., None]).squeeze(2)
    return log_odds(logs_NS.masked_fill(~asked_NS, 0).sum(1))


def _looked(best: Written, begin: int, end: int) -> Sequence[float]:
    """The attention of the units of a word, their mean; nothing where it is not known."""
    if len(best.attention) != len(best.words):
        return ()
    return np.mean(best.attention[begin:end], 0).tolist()


def _written(target: Target) -> WrittenWord:
    assert isinstance(target, WrittenWord)
    return target


def _stretch(target: Target) -> LabelStretch:
    assert isinstance(target, LabelStretch)
    return target
