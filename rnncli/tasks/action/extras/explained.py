"""What the class of a clip hangs on: its frames.

A long clip is asked about a window at a time, as it is predicted. Shape letters: B clips, T frames, E encoded features,
K classes, N rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from rnncli.errors import UsageError
from rnncli.heads.rows import by_row
from rnncli.tasks.action.fitted import FittedAction
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.predictor import ActionPredictor
from rnncli.tasks.action.windows import windows
from rnncli.tasks.explaining import UNKNOWN, LabelQuestion, QuestionReading
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.examples import pad
from rnncli.tasks.frames.explained import FrameExplainer, ShownFrames


class ActionExplainer(FrameExplainer):
    """See :class:`rnncli.tasks.explaining.Explainer`."""

    of_parts = False

    def __init__(self, fitted: FittedAction, model: ActionClassifier, device: torch.device) -> None:
        super().__init__(ActionPredictor(fitted, model, device), model.encoder, device)
        self.fitted, self.model = fitted, model
        self.labels = fitted.labels.names

    def questions(self, examples: Sequence[Item], of: str = "") -> list[LabelQuestion]:
        """Why the class that a clip, or each window of a long one, is given; or what speaks for the class ``of``."""
        if of and of not in self.labels:
            raise UsageError(f"--of {of}: there is no such label", f"there are: {', '.join(self.labels[:20])}")
        asked = []
        for number, item in enumerate(examples):
            for shown in self._windows(item):
                frames, lengths_B = pad([shown.frames])
                with torch.no_grad():
                    shares_K = self.fitted.probabilities(self.model, frames.to(self.device), lengths_B)[0]
                k = self.labels.index(of) if of else int(shares_K.argmax())
                asked.append(LabelQuestion(number, shown, self.labels[k], float(shares_K[k]), k))
        return asked

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """Encoded frames, held against the encoded average frame, or against 0."""
        stream, lengths_B = self.stream(questions, against)
        target_B = torch.tensor([question.target for question in questions], device=self.device)
        return QuestionReading([stream], partial(self._score, lengths_B, target_B))

    def _score(self, lengths_B: Tensor, target_B: Tensor, values: Sequence[Tensor]) -> Tensor:
        """The log-odds of the targets, (N,)."""
        times = len(values[0]) // max(1, len(target_B))
        lengths_N, target_N1 = lengths_B.repeat(times), target_B.repeat(times)[:, None]
        y_NTE, _ = self.model.core(values[0], lengths_N, need_state=False)
        logits_NK = by_row(self.model.linear, self.model.pooling(y_NTE, lengths_N)).double()
        others_NK = logits_NK.scatter(1, target_N1, -torch.inf)
        return logits_NK.gather(1, target_N1).squeeze(1) - others_NK.logsumexp(1)

    def _windows(self, item: Item) -> Iterator[ShownFrames]:
        shown = self.shown(item)
        for start, end in windows(len(shown.frames), self.fitted.longest):
            yield replace(shown, frames=shown.frames[start:end], begin=start)
