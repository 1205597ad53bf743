"""The one thread in which models work: questions that wait for the same model are answered together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.errors import UserError
from rnncli.serve.served import Answered, Served, Sized

Reader = Callable[[], "list[Sized] | Answered"]
Result = Answered | BaseException


LINGER = 0.001
"""Seconds in which those that were answered together may ask again, before the first of them is answered alone."""


class BusyError(UserError):
    """More waits than will be answered in time."""


@dataclass(eq=False)
class Question:
    """What a client asks of a model.

    ``read`` gives its examples when the thread is ready for them, or the answer itself where it is had in another way;
    ``inputs`` are how many there are, ``alone`` that no others are answered with it. ``ticket`` tells whose it is; one
    that nobody waits for any more is ``dropped``.
    """

    model: Served
    read: Reader
    inputs: int
    alone: bool = False
    ticket: Any = None
    dropped: bool = False


class ModelThread:
    """Answers questions in the order in which they come, as many at once as a model takes together.

    ``deliver`` is called in the thread with the outcomes of some questions: an answer, or what went wrong.
    """

    def __init__(self, deliver: Callable[[list[tuple[Question, Result]]], Any], most_waiting: int) -> None:
        self.deliver, self.most_waiting = deliver, most_waiting
        self._waiting: deque[Question] = deque()
        self._inputs = self._taken = 0
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Inputs that wait."""
        return self._inputs

    @property
    def alive(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive()

    def ask(self, question: Question) -> None:
        """Let a question wait for its turn, which begins with :meth:`wake`; BusyError where too many inputs wait."""
        with self._ready:
            if self._inputs and self._inputs + question.inputs > self.most_waiting:
                raise BusyError(f"{self._inputs:,} inputs wait already", "try again in a moment")
            self._inputs += question.inputs
            self._waiting.append(question)

    def wake(self) -> None:
        """Begin with what waits, if nothing is being answered; else it is taken when that is done."""
        with self._ready:
            self._ready.notify()

    def close(self, seconds: float) -> None:
        """Answer nothing more, and wait so long for what is being answered."""
        with self._ready:
            self._closed = True
            self._waiting.clear()
            self._ready.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while questions := self._take():
            self.deliver(answered(questions))
            del questions  # what was asked and answered goes before the next is waited for

    def _take(self) -> list[Question]:
        """The question that has waited longest, and those for the same model that go with it; none at the end."""
        with self._ready:
            self._await()
            if self._closed:
                return []
            first = self._waiting.popleft()
            taken, left, inputs = [first], deque[Question](), first.inputs
            while self._waiting and not first.alone and inputs < first.model.together:
                other = self._waiting.popleft()
                fits = other.model is first.model and not other.alone and not other.dropped
                if fits and inputs + other.inputs <= first.model.together:
                    taken.append(other)
                    inputs += other.inputs
                elif not other.dropped:
                    left.append(other)
                else:
                    self._inputs -= other.inputs
            self._waiting.extendleft(reversed(left))
            self._inputs -= inputs
            self._taken = len(taken)
            return taken

    def _await(self) -> None:
        """Wait until there is something to answer, and a moment for more where there was more before.

        Clients that were answered together ask again one after the other, and few questions cost hardly less than many.
        """
        while not self._waiting and not self._closed:
            self._ready.wait()
        end = time.monotonic() + LINGER
        while not self._closed and len(self._waiting) * 2 < self._taken and (left := end - time.monotonic()) > 0:
            self._ready.wait(left)


def answered(questions: Sequence[Question]) -> list[tuple[Question, Result]]:
    """Each question with its answer or with what went wrong; what is wrong with one does the others no harm."""
    found: dict[Question, Result] = {}
    read: list[tuple[Question, list[Sized]]] = []
    for question in questions:
        try:
            what = question.read() if not question.dropped else Answered([])
        except Exception as error:
            found[question] = error
        else:
            if isinstance(what, Answered):
                found[question] = what
            else:
                read.append((question, what))
    if read:
        found |= _predicted(read)
    return [(question, found[question]) for question in questions]


def _predicted(read: Sequence[tuple[Question, list[Sized]]]) -> dict[Question, Result]:
    """The answers to questions of one model; one by one where not all can be answered."""
    try:
        lines = iter(read[0][0].model.lines([one for _, examples in read for one in examples]))
        return {question: Answered([next(lines) for _ in examples]) for question, examples in read}
    except Exception as error:
        if len(read) == 1:
            return {read[0][0]: error}
        return {question: outcome for one in read for question, outcome in _predicted([one]).items()}
