"""The web application: what is asked over HTTP goes to the model's thread, and its rows come back as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from rnncli.errors import RunError, UserError
from rnncli.serve.bodies import Body, TooMuchError, question
from rnncli.serve.model_thread import BusyError, ModelThread, Question, Result
from rnncli.serve.openapi import document
from rnncli.serve.page import page
from rnncli.serve.served import Answered, Served

LARGEST_DRAINED = 1 << 30
"""Bytes of a body that is too large that are read and forgotten, so that the client hears why."""
WORKS = (
    "POST /predict, with several models /predict/NAME; GET /health, /card, /openapi.json, or / in a browser to try it"
)


@dataclass(frozen=True)
class Limits:
    """Of a request: bytes, inputs, seconds until it is answered; and how many inputs may wait in all."""

    size: int = 4 << 20
    inputs: int = 1000
    seconds: float = 30.0
    waiting: int = 10_000


class RefusedError(Exception):
    """A request that is not answered: the status, one sentence, what to do instead."""

    def __init__(self, status: int, sentence: str, hint: str = "", *, close: bool = False) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.hint, self.close = status, sentence, hint, close


class Application:
    """Serves models by their names; ``complain`` hears of defects, which clients are told of in a sentence."""

    def __init__(self, models: Sequence[Served], limits: Limits, complain: Callable[[BaseException], Any]) -> None:
        self.models = {model.name: model for model in models}
        self.limits, self.complain = limits, complain
        self.answered = self.refused = 0
        self.begun = time.monotonic()
        self.thread = ModelThread(self._deliver, limits.waiting)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._aside = ThreadPoolExecutor(1)
        self.asgi = Starlette(
            routes=[
                Route("/predict", self._predict, methods=["POST"]),
                Route("/predict/{name}", self._predict, methods=["POST"]),
                Route("/health", self._health),
                Route("/card", self._card),
                Route("/card/{name}", self._card),
                Route("/openapi.json", self._openapi),
                Route("/", self._page),
            ],
            exception_handlers={HTTPException: self._not_found, RefusedError: self._refusal, Exception: self._defect},
        )

    def start(self) -> None:
        """Begin to answer, inside of the loop that serves."""
        self.loop = asyncio.get_running_loop()
        self.thread.start()

    def stop(self, seconds: float) -> None:
        """End the model's thread, which has so long to end what it does."""
        self.thread.close(seconds)
        self._aside.shutdown(wait=False)

    async def _predict(self, request: Request) -> Response:
        model = self._model(request)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = Body(await self._body(request), media, request.query_params.get("type", ""))
        try:
            asked, as_json = question(model, body, self.limits.inputs)
            found = await self._ask(asked)
        except TooMuchError as error:
            raise RefusedError(413, error.message, error.hint) from error
        except BusyError as error:
            raise RefusedError(503, error.message, error.hint) from error
        except UserError as error:
            raise RefusedError(400, error.message, error.hint) from error
        self.answered += 1
        return _written(found, as_json)

    async def _ask(self, asked: Question) -> Answered:
        """The answer, as soon as its turn has come; raises what went wrong with it."""
        assert self.loop is not None
        future = self.loop.create_future()
        asked.ticket = future
        self.thread.ask(asked)
        late = self.loop.call_later(self.limits.seconds, _expire, asked)
        try:
            found = await future
        finally:
            late.cancel()
            asked.dropped = True
        if isinstance(found, BaseException):
            raise found
        return found

    def _deliver(self, results: list[tuple[Question, Result]]) -> None:
        assert self.loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self.loop.call_soon_threadsafe(_settle, results)

    async def _body(self, request: Request) -> bytes:
        """The body; RefusedError for one that is too large, which is read to its end, or that does not come."""
        said = request.headers.get("content-length", "")
        large = said.isdecimal() and int(said) > self.limits.size
        pieces, size = [], 0
        try:
            async with asyncio.timeout(self.limits.seconds):
                if not (large and request.headers.get("expect")):
                    async for piece in request.stream():
                        size += len(piece)
                        large = large or size > self.limits.size
                        if large:
                            pieces.clear()
                        else:
                            pieces.append(piece)
                        if size > LARGEST_DRAINED:
                            break
        except ClientDisconnect:
            raise RefusedError(400, "the client left before the end of its request", close=True) from None
        except TimeoutError:
            if not large:
                what = f"the request did not come to its end within {self.limits.seconds:g} seconds"
                raise RefusedError(408, what, close=True) from None
        if large:
            what = f"the body is larger than {self.limits.size:,} bytes"
            raise RefusedError(413, what, "send it in parts; --max-size allows more", close=True)
        return b"".join(pieces)

    def _model(self, request: Request) -> Served:
        """The model that a request names, which it need not where there is one."""
        name = request.path_params.get("name") or request.query_params.get("model", "")
        if not name and len(self.models) == 1:
            return next(iter(self.models.values()))
        known = ", ".join(self.models)
        if not name:
            raise RefusedError(400, f"there are {len(self.models)} models: which one?", f"/predict/NAME: {known}")
        if name not in self.models:
            raise RefusedError(404, f"there is no model {name[:60]!r}", f"there are: {known}")
        return self.models[name]

    async def _health(self, request: Request) -> Response:
        models = {
            name: {"task": one.task, "takes": one.kind, "predicted": one.answers} for name, one in self.models.items()
        }
        status = {
            "status": "ok" if self.thread.alive else "the thread of the models has ended",
            "models": models,
            "answered": self.answered,
            "refused": self.refused,
            "waiting": self.thread.waiting,
            "seconds": round(time.monotonic() - self.begun, 3),
        }
        return _json(status, 200 if self.thread.alive else 503)

    async def _card(self, request: Request) -> Response:
        model = self._model(request)
        try:
            card = await asyncio.get_running_loop().run_in_executor(self._aside, lambda: model.card)
        except RunError as error:
            raise RefusedError(404, f"{model.name}: no model card: the run has no report", "") from error
        return PlainTextResponse(card, media_type="text/markdown")

    async def _openapi(self, request: Request) -> Response:
        return _json(document(list(self.models.values()), self.limits.inputs, self.limits.size))

    async def _page(self, request: Request) -> Response:
        content, policy = page(list(self.models.values()))
        return HTMLResponse(content, headers={"content-security-policy": policy, "x-content-type-options": "nosniff"})

    def _not_found(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        method, path = request.method, request.url.path[:60]
        sentence = f"{method} {path}: there is no such way in" if error.status_code in (404, 405) else error.detail
        response = self._refusal(request, RefusedError(error.status_code, sentence, WORKS))
        response.headers.update(error.headers or {})
        return response

    def _defect(self, request: Request, error: Exception) -> Response:
        """What a client hears of an error that is none of its own; who serves hears more."""
        self.complain(error)
        said = f"this is a defect of rnncli: {type(error).__name__}"
        return self._refusal(request, RefusedError(500, said, "the server says more where it runs with --debug"))

    def _refusal(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        self.refused += 1
        headers = {"connection": "close"} if error.close else {}
        headers |= {"retry-after": "1"} if error.status == 503 else {}
        said = {"error": error.sentence} | ({"try": error.hint} if error.hint else {})
        return _json(said, error.status, headers)


def _expire(asked: Question) -> None:
    if not asked.ticket.done():
        asked.dropped = True
        asked.ticket.set_result(RefusedError(503, "the model did not come to it in time", "try again in a moment"))


def _settle(results: list[tuple[Question, Result]]) -> None:
    for asked, found in results:
        if not asked.ticket.done():
            asked.ticket.set_result(found)


def _written(found: Answered, as_json: bool) -> Response:
    if not as_json:
        return Response("".join(f"{line}\n" for line in found.lines), media_type="application/x-ndjson")
    notes = f', "notes": {json.dumps(found.notes.splitlines(), ensure_ascii=False)}' if found.notes else ""
    return Response(f'{{"predictions": [{", ".join(found.lines)}]{notes}}}\n', media_type="application/json")


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"
    return Response(text, status, headers, media_type="application/json")
