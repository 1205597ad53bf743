"""What a word of a transcript hangs on: the frames of the recording, those together that the core decides by at once.

What is explained are the log-odds that CTC reads the word, and nothing else, in the stretch of frames from midway to
the word before to midway to the next; a language model has no part in it. A piece is deleted by average frames in its
place, which are 0 once features are normalised. Shape letters: B questions, T frames of features, R frames of the core,
F feature bins, N rows, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rnncli.data.audio.features import FRAME, SoundRecording
from rnncli.errors import UsageError
from rnncli.heads.ctc import log_probs
from rnncli.heads.stretches import LabelStretch, between, with_spaces, written_log_odds
from rnncli.tasks.base import Row
from rnncli.tasks.explaining import UNKNOWN, InputStream, LabelQuestion, Pieces, QuestionReading, TimeLine
from rnncli.tasks.speech.data import clean_text
from rnncli.tasks.speech.examples import collate
from rnncli.tasks.speech.extras.decoding import Listener, SpokenWord
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.model import Recognizer
from rnncli.tasks.speech.predictor import SpeechPredictor

FRAMES_AT_ONCE = 8000
"""Of the core, over all rows that are scored at once."""


@dataclass(frozen=True, eq=False)
class HeardFrames:
    """Normalised features (T, F) of a recording called ``title``, and at which piece the word in question begins."""

    x_TF: np.ndarray
    title: str
    word: int = 0


@dataclass(frozen=True)
class HeardStretch:
    """A stretch that is read as a word: its frames, those that the word takes, and the word."""

    begin: int
    end: int
    word: SpokenWord


class WordExplainer:
    """See :class:`rnncli.tasks.explaining.Explainer`; a question is about a word of the transcript."""

    together = 8
    piece = "frame"
    of_parts = True

    def __init__(self, fitted: FittedSpeech, model: Recognizer, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.labels: Sequence[str] = ()
        self.predictor = SpeechPredictor(fitted, model, device)
        self.each = fitted.recipe.model.subsampling
        pieces = fitted.decoder.pieces
        self.spaces = [label for label, piece in enumerate(pieces, start=1) if not piece.strip()]

    def questions(self, examples: Sequence[Path | SoundRecording], of: str = "") -> list[LabelQuestion]:
        """Why each word; or those that are ``of`` and, where it is not heard, the word that is likeliest to be it."""
        word = clean_text(of, self.fitted.recipe.data.lower)
        wanted = self._spelled(word) if of else ()
        asked: list[LabelQuestion] = []
        for number, recording in enumerate(examples):
            x_TF = self.fitted.form.scale(self.predictor.features(recording)).astype(np.float32)
            heard = HeardFrames(x_TF, recording.name if isinstance(recording, SoundRecording) else str(recording))
            logits_1RV, found = self._heard(heard.x_TF)
            some = [(k, self._stretch(one)) for k, one in enumerate(found) if not of or one.word.word == word]
            if of and not some:
                some = self._likeliest(logits_1RV, found, wanted, heard.title, of)
            odds = self._odds(logits_1RV, [stretch for _, stretch in some])
            for (k, stretch), share in zip(some, odds.sigmoid().tolist(), strict=True):
                at = (found[k].word.begin, found[k].word.end) if found else (0, logits_1RV.shape[1])
                label = word if of else found[k].word.word
                example = replace(heard, word=at[0])
                asked.append(LabelQuestion(number, example, label, share, stretch, at, part=k))
        return asked

    def pieces(self, example: HeardFrames) -> Pieces:
        """The frames of the core by their seconds; over several recordings by when they are seen from their word."""
        count, seconds = -(-len(example.x_TF) // self.each), self.fitted.decoder.seconds
        edges = [*(at * seconds for at in range(count)), len(example.x_TF) * FRAME]
        shown = [f"{edge:.2f} s" for edge in edges[:-1]]
        names = [f"begin {(at - example.word) * seconds:+.2f} s" for at in range(count)]
        return Pieces(shown, (" ",) * count, names, TimeLine(edges), example.title)

    def without(self, question: LabelQuestion, pieces: np.ndarray) -> LabelQuestion:
        """The recording with average frames in the places of some."""
        x_TF = question.example.x_TF.copy()
        x_TF[np.isin(np.arange(len(x_TF)) // self.each, pieces)] = 0
        return replace(question, example=replace(question.example, x_TF=x_TF))

    def example(self, row: Row) -> Path | SoundRecording | None:
        """The file of a row or the stretch of it, where it is still there."""
        name, span = row.get("file"), row.get("span")
        if not isinstance(name, str) or not (path := Path(name)).is_file():
            return None
        return SoundRecording(path, name, span=(float(span[0]), float(span[1]))) if span else path

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """Normalised features, held against average ones, which are 0 either way."""
        batch = collate([question.example.x_TF for question in questions], [np.zeros(0)] * len(questions))
        x_BTF = batch.x_BTF.to(self.device)
        rows = max(1, FRAMES_AT_ONCE * self.each // x_BTF.shape[1])
        stream = InputStream("frames", x_BTF, torch.zeros_like(x_BTF), partial(self._by_piece, x_BTF))
        score = partial(self._score, batch.lengths_B, [question.target for question in questions])
        return QuestionReading([stream], score, most_rows=rows)

    def _score(self, lengths_B: Tensor, stretches: Sequence[LabelStretch], values: Sequence[Tensor]) -> Tensor:
        """The log-odds of the words, (N,)."""
        times = len(values[0]) // max(1, len(stretches))
        logits_NRV, _ = self.model(values[0], lengths_B.repeat(times))
        return written_log_odds(logits_NRV, [*stretches] * times)

    def _by_piece(self, x_BTF: Tensor, gradient_BTF: Tensor) -> Tensor:
        """Products over the frames of each piece, (B, R)."""
        found_BT = (gradient_BTF * x_BTF).sum(-1)
        found_BT = torch.nn.functional.pad(found_BT, (0, -found_BT.shape[1] % self.each))
        return found_BT.unflatten(1, (-1, self.each)).sum(-1)

    @torch.no_grad()
    def _heard(self, x_TF: np.ndarray) -> tuple[Tensor, list[HeardStretch]]:
        """Scores (1, R, V) and the words that are predicted, in stretches that meet midway."""
        batch = collate([x_TF], [np.zeros(0)])
        logits_1RV, lengths_1 = self.model(batch.x_BTF.to(self.device), batch.lengths_B)
        listener = Listener(self.fitted.decoder)
        log_probs_RV = log_probs(logits_1RV, lengths_1)[0]
        words = [
            replace(word, begin=start + word.begin, end=start + word.end)
            for stretches in (listener.cut(log_probs_RV), listener.rest())
            for start, some_RV in stretches
            for word in self.fitted.decoder.words(some_RV)
        ]
        cuts = between([word.begin for word in words], [word.end for word in words], logits_1RV.shape[1])
        return logits_1RV, [HeardStretch(*cut, word) for cut, word in zip(cuts, words, strict=True)]

    def _stretch(self, one: HeardStretch) -> LabelStretch:
        return LabelStretch(one.begin, one.end, with_spaces(one.word.labels, self.spaces))

    def _likeliest(
        self, logits_1RV: Tensor, found: Sequence[HeardStretch], labels: tuple[int, ...], title: str, of: str
    ) -> list[tuple[int, LabelStretch]]:
        """Where ``labels`` are likeliest in place of a word that is heard, or of nothing where none is."""
        cuts = [(one.begin, one.end) for one in found] or [(0, logits_1RV.shape[1])]
        places = [(k, LabelStretch(*cut, with_spaces(labels, self.spaces))) for k, cut in enumerate(cuts)]
        places = [(k, place) for k, place in places if place.fits]
        if not places:
            raise UsageError(
                f"{title}: no word that is heard lasts long enough to be {of}", "explain a longer recording"
            )
        odds = self._odds(logits_1RV, [place for _, place in places])
        return [places[int(odds.argmax())]]

    @torch.no_grad()
    def _odds(self, logits_1RV: Tensor, stretches: Sequence[LabelStretch]) -> Tensor:
        if not stretches:
            return logits_1RV.new_zeros(0)
        return written_log_odds(logits_1RV.expand(len(stretches), -1, -1), stretches)

    def _spelled(self, word: str) -> tuple[int, ...]:
        """The labels of a word; UsageError for what is none, or has labels that training does not."""
        units = self.fitted.units
        if len(word.split()) != 1:
            raise UsageError(f"--of {word}: not a word", "name one word")
        if units.lacks(word):
            raise UsageError(f"--of {word}: cannot be written, for training lacks some of it", "name another word")
        return tuple(int(label) for label in units.encode(word))
