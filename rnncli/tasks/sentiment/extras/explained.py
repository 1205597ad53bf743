"""What the label of a text hangs on: its units, and what n-grams say of them and of the whole.

Shape letters: B texts, T units that the core reads, P units of the longest text, F figures and C scores of evidence,
K labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.data.text.shares import unit_shares
from rnncli.data.text.shown import shown_units
from rnncli.errors import UsageError
from rnncli.tasks.base import Row
from rnncli.tasks.classify.answers import chosen, probabilities
from rnncli.tasks.explaining import UNKNOWN, InputStream, LabelQuestion, Pieces, QuestionReading
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier

WORDS, FIGURES, SCORES = "words", "n-grams at each word", "n-grams of the text"
ALONE = "n-grams alone"


@dataclass(frozen=True)
class UnitText:
    """A text as units, and how it is shown."""

    units: tuple[str, ...]
    pieces: Pieces


@dataclass(frozen=True)
class _Given:
    """What the model is given of some texts."""

    ids_BT: Tensor
    lengths_B: Tensor
    figures_BTF: Tensor | None
    scores_BC: Tensor | None


class TextExplainer:
    """See :class:`rnncli.tasks.explaining.Explainer`."""

    together = 256
    of_parts = False

    def __init__(self, fitted: FittedSentiment, model: TextClassifier, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.labels = fitted.labels.names
        kind = fitted.units.to_dict()["unit"]
        self.piece = kind if kind in ("character", "subword") else "word"

    def questions(self, examples: Sequence[str], of: str = "") -> list[LabelQuestion]:
        """Why the label that a text is given, or each of several; or what speaks for and against the label ``of``."""
        if of and of not in self.labels:
            raise UsageError(f"--of {of}: there is no such label", f"there are: {', '.join(self.labels[:20])}")
        several, asked = self.fitted.labels.several, []
        texts = [self._text(example) for example in examples]
        for at in range(0, len(texts), self.together):
            some = texts[at : at + self.together]
            for number, shares_K in enumerate(self._probabilities(some), start=at):
                named = [self.labels.index(of)] if of else chosen(shares_K, several=several)
                for k in named or [int(shares_K.argmax())]:
                    asked.append(LabelQuestion(number, texts[number], self.labels[k], float(shares_K[k]), k))
        return asked

    def pieces(self, example: UnitText) -> Pieces:
        """The units of a text."""
        return example.pieces

    def without(self, question: LabelQuestion, pieces: np.ndarray) -> LabelQuestion:
        """The text without some units; what n-grams say of it is looked up anew."""
        text: UnitText = question.example
        gone = set(pieces.tolist())
        units = tuple(unit for at, unit in enumerate(text.units) if at not in gone)
        return replace(question, example=UnitText(units, Pieces(units, (" ",) * len(units), units)))

    def example(self, row: Row) -> str | None:
        """The text of a row."""
        text = row.get("text")
        return text if isinstance(text, str) else None

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """Embeddings and evidence, held against those of unknown units, or embeddings against 0."""
        texts = [question.example.units for question in questions]
        given = self._given(texts)
        longest = max(1, *map(len, texts)) if texts else 1
        target_B = torch.tensor([question.target for question in questions], device=self.device)
        x_BTI = self.model.embedding(given.ids_BT).detach()
        nothing = torch.zeros_like(given.ids_BT)
        inside_BT = torch.arange(x_BTI.shape[1])[None] < given.lengths_B[:, None]
        held = self.model.unknown if against == UNKNOWN else 0
        baseline_BTI = self.model.embedding(nothing.masked_fill(inside_BT.to(self.device), held)).detach()
        streams = [InputStream(WORDS, x_BTI, baseline_BTI, partial(_by_step, x_BTI - baseline_BTI, longest))]
        beside: dict[str, Tensor] = {}
        if (figures_BTF := given.figures_BTF) is not None:
            credit = partial(_by_figure, figures_BTF, self._spans(), longest)
            streams.append(InputStream(FIGURES, figures_BTF, torch.zeros_like(figures_BTF), credit))
        evidence = self.fitted.evidence
        if (scores_BC := given.scores_BC) is not None and evidence is not None and evidence.bias is not None:
            bias_BC = torch.from_numpy(evidence.bias).to(scores_BC).expand_as(scores_BC)
            streams.append(InputStream(SCORES, scores_BC, bias_BC, _shared(evidence, texts, self.device)))
            beside[ALONE] = self._alone(scores_BC, target_B)
        kinds = [stream.name for stream in streams]
        return QuestionReading(streams, partial(self._score, kinds, given.lengths_B, target_B), beside)

    def _score(self, kinds: Sequence[str], lengths_B: Tensor, target_B: Tensor, values: Sequence[Tensor]) -> Tensor:
        """The log-odds of the targets, (N,)."""
        found = dict(zip(kinds, values, strict=True))
        times = len(values[0]) // max(1, len(target_B))
        logits_NK = self.model.score(found[WORDS], lengths_B.repeat(times), found.get(FIGURES), found.get(SCORES))
        return self._odds(logits_NK, target_B.repeat(times))

    def _alone(self, scores_BC: Tensor, target_B: Tensor) -> Tensor:
        """The log-odds that the evidence gives a text by itself."""
        if scores_BC.shape[1] < len(self.labels):
            scores_BC = torch.cat([-scores_BC / 2, scores_BC / 2], 1)
        return self._odds(scores_BC, target_B)

    def _odds(self, logits_NK: Tensor, target_N: Tensor) -> Tensor:
        logits_NK = logits_NK.double()
        own_N = logits_NK.gather(1, target_N[:, None]).squeeze(1)
        if self.fitted.labels.several:
            return own_N
        others_NK = logits_NK.scatter(1, target_N[:, None], -torch.inf)
        return own_N - others_NK.logsumexp(1)

    def _spans(self) -> list[int]:
        """How many units each figure is about."""
        evidence = self.fitted.evidence
        assert evidence is not None
        each = 2 * evidence.weights.shape[1]
        orders = range(1, evidence.kinds.order + 1)
        spans = [order for order in orders for _ in range(each)]
        return spans + [1] * (evidence.width - len(spans))

    def _given(self, texts: Sequence[Sequence[str]]) -> _Given:
        most = self.fitted.recipe.data.max_length
        ids = Ragged.from_iterable(self.fitted.vocabulary.encode(units[:most] if most else units) for units in texts)
        ids_BT, lengths_B = ids.padded(range(len(ids)))
        figures_BTF = scores_BC = None
        if self.fitted.evidence:
            heard = self.fitted.evidence.describe(texts, most).of_batch(ids, range(len(ids)), ids_BT)
            figures_BTF, scores_BC = heard.figures_BTF, heard.scores_BC
        placed = [None if one is None else torch.from_numpy(one).to(self.device) for one in (figures_BTF, scores_BC)]
        return _Given(torch.from_numpy(ids_BT).to(self.device), torch.from_numpy(lengths_B), *placed)

    @torch.no_grad()
    def _probabilities(self, texts: Sequence[UnitText]) -> np.ndarray:
        given = self._given([text.units for text in texts])
        logits_BK = self.model(given.ids_BT, given.lengths_B, given.figures_BTF, given.scores_BC)
        return probabilities(logits_BK.double().cpu().numpy(), several=self.fitted.labels.several)

    def _text(self, text: str) -> UnitText:
        units = tuple(self.fitted.units.split(text))
        shown, gaps = shown_units(text, units)
        return UnitText(units, Pieces(shown, gaps, units))


def _by_step(change_BTI: Tensor, longest: int, gradient_BTI: Tensor) -> Tensor:
    """Products at each step, (B, P)."""
    return _filled((gradient_BTI * change_BTI).sum(-1), longest)


def _by_figure(figures_BTF: Tensor, spans: Sequence[int], longest: int, gradient_BTF: Tensor) -> Tensor:
    """Those of n-grams, each shared out among the units that it spans, (B, P)."""
    product_BTF = gradient_BTF * figures_BTF
    of_F = torch.tensor(spans, device=product_BTF.device)
    found_BT = product_BTF.new_zeros(product_BTF.shape[:2])
    for span in sorted(set(spans)):
        share_BT = product_BTF[..., of_F == span].sum(-1) / span
        for back in range(span):
            found_BT[:, : found_BT.shape[1] - back] += share_BT[:, back:]
    return _filled(found_BT, longest)


def _shared(evidence: Any, texts: Sequence[Sequence[str]], device: torch.device) -> Callable[[Tensor], Tensor]:
    """Credit for what n-grams say of whole texts."""

    def credit(gradient_BC: Tensor) -> Tensor:
        shares_BPC = torch.from_numpy(unit_shares(evidence, texts)).to(device)
        return torch.einsum("bc,bpc->bp", gradient_BC.double(), shares_BPC)

    return credit


def _filled(amounts_BT: Tensor, longest: int) -> Tensor:
    """Amounts of all pieces: 0 for those that are not read."""
    return torch.nn.functional.pad(amounts_BT, (0, longest - amounts_BT.shape[1]))
