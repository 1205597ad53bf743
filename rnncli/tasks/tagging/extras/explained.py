"""What a span or a tag hangs on: the words of the sentence, each with all that is known of it.

What is explained are the log-odds that all words of the span have its tags, whatever the others have: under a CRF the
posterior over all paths, else the product of the words' own. A word is deleted by an unknown one in its place, for a
tag has a place. Shape letters: B questions, T words of a sentence, S words that are read, K tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from rnncli.core.device import placed
from rnncli.data.ragged import Ragged
from rnncli.data.text.neighbours import Given, laid_out, reach
from rnncli.data.text.tagschemes import INTERNAL, Span, read_spans
from rnncli.errors import UsageError
from rnncli.tasks.base import Row
from rnncli.tasks.explaining import UNKNOWN, InputStream, LabelQuestion, Pieces, QuestionReading
from rnncli.tasks.tagging.answers import valid
from rnncli.tasks.tagging.collating import gather
from rnncli.tasks.tagging.examples import TaggingBatch, TaggingExamples
from rnncli.tasks.tagging.fitted import FittedTagging
from rnncli.tasks.tagging.model import Tagger

NOTHING = "\ufffc"
"""Stands for a word that was deleted: no word of any training part."""
FORBIDDEN = -1e4
LEAST = 1e-15
"""A probability is no nearer to 1 than this."""


class TagExplainer:
    """See :class:`rnncli.tasks.explaining.Explainer`; a question is about a span, or about the tag of a word."""

    together = 128
    piece = "word"
    of_parts = True

    def __init__(self, fitted: FittedTagging, model: Tagger, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        kinds = (tag[2:] for tag in fitted.tags if tag != "O") if fitted.scheme else fitted.tags
        self.labels = tuple(dict.fromkeys(kinds))

    def questions(self, examples: Sequence[Given], of: str = "") -> list[LabelQuestion]:
        """Why each span, or the tag of each word; or those of ``of``, and where there is none the likeliest word."""
        if of and of not in self.labels:
            raise UsageError(f"--of {of}: there is no such label", f"there are: {', '.join(self.labels[:20])}")
        asked = []
        for number, example in enumerate(examples):
            asked += list(self._asked(number, example, of)) if example.tokens else []
        some = [asked[at : at + self.together] for at in range(0, len(asked), self.together)]
        return [one for questions in some for one in self._with_probabilities(questions)]

    def pieces(self, example: Given) -> Pieces:
        """The words of a sentence."""
        tokens, starts = example.tokens, example.starts
        if not starts:
            return Pieces(tokens, [" "] * len(tokens), tokens)
        ends = [start + len(token) for start, token in zip(starts, tokens, strict=True)]
        gaps = [example.text[end:start] for end, start in zip(ends, [*starts[1:], len(example.text)], strict=True)]
        return Pieces(tokens, gaps, tokens)

    def without(self, question: LabelQuestion, pieces: np.ndarray) -> LabelQuestion:
        """The sentence with unknown words in the places of some; what neighbours make of them is looked up anew."""
        tokens = list(question.example.tokens)
        for at in pieces.tolist():
            tokens[at] = NOTHING
        return replace(question, example=replace(question.example, tokens=tokens))

    def example(self, row: Row) -> Given | None:
        """The sentence of a row, unless more than its words is read."""
        tokens = row.get("tokens")
        return Given(tokens) if isinstance(tokens, list) and tokens and not self.fitted.layout["features"] else None

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """All that is known of each word, held against what is known of an unknown one, or against 0."""
        batch = self._batch([question.example for question in questions])
        unknown = replace(
            batch,
            forms_UF=torch.ones_like(batch.forms_UF),
            characters_UC=torch.ones_like(batch.characters_UC),
            places_BTP=torch.ones_like(batch.places_BTP),
        )
        own_BS1 = self._own(batch)[..., None]
        streams, members = [], self.model.members
        with torch.no_grad():
            for number, member in enumerate(members, start=1):
                given_BSI = member.inputs(batch)
                held_BSI = member.inputs(unknown) if against == UNKNOWN else torch.zeros_like(given_BSI)
                held_BSI = torch.where(own_BS1, held_BSI, given_BSI)  # neighbours are no pieces
                name = "words" if len(members) == 1 else f"words, member {number}"
                streams.append(InputStream(name, given_BSI, held_BSI, partial(_by_word, batch, given_BSI - held_BSI)))
        only_BTK = self._only(questions, batch.tags_BT.shape[1])
        return QuestionReading(streams, partial(self._score, batch, only_BTK))

    def _score(self, batch: TaggingBatch, only_BTK: Tensor, values: Sequence[Tensor]) -> Tensor:
        """The log-odds of the tags that are asked for, (N,)."""
        times = len(values[0]) // max(1, len(only_BTK))
        many = _repeated(batch, times)
        scores = [member.score(x, many) for member, x in zip(self.model.members, values, strict=True)]
        scores_NTK = torch.stack(scores).mean(0).double()
        held_NTK = scores_NTK.masked_fill(only_BTK.repeat(times, 1, 1), FORBIDDEN)
        log_N = self._log_sum(held_NTK, many.lengths_B) - self._log_sum(scores_NTK, many.lengths_B)
        log_N = log_N.clamp(max=-LEAST)
        return log_N - torch.log(-torch.expm1(log_N))

    def _log_sum(self, scores_NTK: Tensor, lengths_N: Tensor) -> Tensor:
        if self.model.head is not None:
            return self.model.head.log_partition(scores_NTK, lengths_N)
        inside_NT = torch.arange(scores_NTK.shape[1])[None] < lengths_N[:, None]
        return scores_NTK.logsumexp(-1).masked_fill(~inside_NT.to(scores_NTK.device), 0).sum(1)

    def _only(self, questions: Sequence[LabelQuestion], steps: int) -> Tensor:
        """What is forbidden where only the tags that are asked for may stand, (B, T, K)."""
        only_BTK = torch.zeros(len(questions), steps, len(self.fitted.tags), dtype=torch.bool)
        for b, question in enumerate(questions):
            assert question.at is not None
            for at, tag in zip(range(*question.at), question.target, strict=True):
                only_BTK[b, at] = True
                only_BTK[b, at, tag] = False
        return only_BTK.to(self.device)

    def _asked(self, number: int, example: Given, of: str) -> Iterator[LabelQuestion]:
        """Questions of one sentence, their probabilities still to be found."""
        batch = self._batch([example])
        with torch.no_grad():
            (tags,), _ = self.fitted.predict(self.model, batch)
            if self.fitted.scheme is None:
                spans = [Span(tag, at, at + 1) for at, tag in enumerate(tags)]
            else:
                spans = read_spans(valid(tags, self.fitted.scheme), INTERNAL)[0]
            wanted = [span for span in spans if not of or span.kind == of]
            if of and not wanted:
                named = [k for k, tag in enumerate(self.fitted.tags) if self._kind(tag) == of]
                shares_TK = self.model(batch)[0, : len(example.tokens)].softmax(-1)[:, named]
                at, k = divmod(int(shares_TK.argmax()), len(named))
                yield LabelQuestion(number, example, of, 0.0, (named[k],), (at, at + 1))
        for span in wanted:
            names = (
                [span.kind] if self.fitted.scheme is None else INTERNAL.write([span], len(tags))[span.start : span.end]
            )
            if all(name in self.fitted.tags for name in names):
                target = tuple(self.fitted.tags.index(name) for name in names)
                yield LabelQuestion(number, example, span.kind, 0.0, target, (span.start, span.end))

    def _kind(self, tag: str) -> str:
        return tag[2:] if self.fitted.scheme is not None else tag

    @torch.no_grad()
    def _with_probabilities(self, questions: Sequence[LabelQuestion]) -> list[LabelQuestion]:
        reading = self.read(questions)
        shares_B = torch.sigmoid(reading.score([one.given for one in reading.streams]))
        return [replace(one, probability=float(share)) for one, share in zip(questions, shares_B, strict=True)]

    def _batch(self, examples: Sequence[Given]) -> TaggingBatch:
        lexicon, context = self.fitted.lexicon, self.fitted.recipe.data.context
        laid = laid_out(examples)
        words, columns, offsets = gather(laid.sentences, lexicon.columns)
        forms = words.distinct.strings()
        encoded = TaggingExamples(
            Ragged(words.numbers, offsets),
            lexicon.forms(forms),
            lexicon.characters(forms),
            lexicon.places(words, columns, offsets),
            Ragged.from_iterable([]),
            reach=reach(offsets, laid.documents, context) if context else None,
        )
        return placed(encoded.batch(laid.wanted), self.device)

    def _own(self, batch: TaggingBatch) -> Tensor:
        """Which of the words that are read are the sentence itself, (B, S)."""
        at_S = torch.arange(batch.word_BT.shape[1], device=self.device)[None]
        before_B1 = 0 if batch.before_B is None else batch.before_B[:, None]
        return (at_S >= before_B1) & (at_S < before_B1 + batch.lengths_B.to(self.device)[:, None])


def _by_word(batch: TaggingBatch, change_BSI: Tensor, gradient_BSI: Tensor) -> Tensor:
    """Products at each word of the sentence, (B, T)."""
    found_BT = batch.own((gradient_BSI * change_BSI).sum(-1, keepdim=True)).squeeze(-1)
    inside_BT = torch.arange(found_BT.shape[1])[None] < batch.lengths_B[:, None]
    return found_BT.masked_fill(~inside_BT.to(found_BT.device), 0)


def _repeated(batch: TaggingBatch, times: int) -> TaggingBatch:
    """Where the sentences are in several times the rows."""
    return replace(
        batch,
        lengths_B=batch.lengths_B.repeat(times),
        read_lengths_B=batch.read_lengths_B.repeat(times),
        before_B=None if batch.before_B is None else batch.before_B.repeat(times),
        tags_BT=batch.tags_BT.repeat(times, 1),
    )
