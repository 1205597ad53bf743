"""The way of a request to the thread of the models and back, which is as short as it can be: most requests take it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from rnncli.errors import UserError
from rnncli.serve.bodies import Body, TooMuchError, question
from rnncli.serve.incoming import Incoming, Receive
from rnncli.serve.model_thread import BusyError, ModelThread, Question, Result
from rnncli.serve.replies import LINES, RefusedError, Reply
from rnncli.serve.served import Answered, Served

PREDICT = "/predict"


@dataclass(frozen=True)
class Limits:
    """Of a request: bytes, inputs, seconds until it is answered; and how many inputs may wait in all."""

    size: int = 4 << 20
    inputs: int = 1000
    seconds: float = 30.0
    waiting: int = 10_000


class Asking:
    """Asks models by their names what clients ask of them."""

    def __init__(self, models: Sequence[Served], limits: Limits) -> None:
        self.models = {model.name: model for model in models}
        self.limits = limits
        self.thread = ModelThread(self._deliver, limits.waiting)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._waking = False

    def start(self) -> None:
        """Begin to answer, inside of the loop that serves."""
        self.loop = asyncio.get_running_loop()
        self.thread.start()

    def model(self, name: str) -> Served:
        """The model that a request names, which it need not where there is one."""
        if not name and len(self.models) == 1:
            return next(iter(self.models.values()))
        known = ", ".join(self.models)
        if not name:
            raise RefusedError(400, f"there are {len(self.models)} models: which one?", f"{PREDICT}/NAME: {known}")
        if name not in self.models:
            raise RefusedError(404, f"there is no model {name[:60]!r}", f"there are: {known}")
        return self.models[name]

    async def answer(self, name: str, scope: Mapping[str, Any], receive: Receive) -> Reply:
        """The answer of the model of this name, empty for what the request says; raises RefusedError."""
        given = {key: values[-1] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        model = self.model(name or given.get("model", ""))
        headers = dict(scope["headers"])
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        incoming = Incoming(headers, self.limits.size)
        try:
            async with asyncio.timeout(self.limits.seconds):
                body = Body(await incoming.read(receive), media, given.get("type", ""))
                asked, as_json = question(model, body, self.limits.inputs)
                return _written(await self._ask(asked), as_json)
        except TimeoutError:
            raise incoming.late(self.limits.seconds) from None
        except TooMuchError as error:
            raise RefusedError(413, error.message, error.hint) from error
        except BusyError as error:
            raise RefusedError(503, error.message, error.hint) from error
        except UserError as error:
            raise RefusedError(400, error.message, error.hint) from error

    async def _ask(self, asked: Question) -> Answered:
        """The answer, as soon as its turn has come; raises what went wrong with it."""
        assert self.loop is not None
        asked.ticket = self.loop.create_future()
        self.thread.ask(asked)
        if not self._waking:
            # What came at the same time is asked before the thread takes what there is.
            self._waking = True
            self.loop.call_soon(self._wake)
        try:
            found = await asked.ticket
        finally:
            asked.dropped = True
        if isinstance(found, BaseException):
            raise found
        return found

    def _wake(self) -> None:
        self._waking = False
        self.thread.wake()

    def _deliver(self, results: list[tuple[Question, Result]]) -> None:
        assert self.loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self.loop.call_soon_threadsafe(_settle, results)


def model_of(path: str) -> str | None:
    """The name of the model that a path asks, empty where it names none; None where it is another way in.

    >>> model_of("/predict"), model_of("/predict/one"), model_of("/predict/one/two")
    ('', 'one', None)
    """
    if path == PREDICT:
        return ""
    before, _, name = path.rpartition("/")
    return name if before == PREDICT and name else None


def _settle(results: list[tuple[Question, Result]]) -> None:
    for asked, found in results:
        if not asked.ticket.done():
            asked.ticket.set_result(found)


def _written(found: Answered, as_json: bool) -> Reply:
    if not as_json:
        return Reply("".join(f"{line}\n" for line in found.lines).encode(), LINES)
    notes = f', "notes": {json.dumps(found.notes.splitlines(), ensure_ascii=False)}' if found.notes else ""
    return Reply(f'{{"predictions": [{", ".join(found.lines)}]{notes}}}\n'.encode())
