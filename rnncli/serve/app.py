"""The web application: what is asked of the models goes straight to them, all other ways in through Starlette."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from rnncli.errors import RunError
from rnncli.serve.asking import PREDICT, Asking, Limits, model_of
from rnncli.serve.incoming import Receive
from rnncli.serve.openapi import document
from rnncli.serve.page import page
from rnncli.serve.replies import RefusedError, Reply, Send, json_reply, refusal
from rnncli.serve.served import Served

WORKS = (
    "POST /predict, with several models /predict/NAME; GET /health, /card, /openapi.json, or / in a browser to try it"
)


class Application:
    """Serves models by their names; ``complain`` hears of defects, which clients are told of in a sentence."""

    def __init__(self, models: Sequence[Served], limits: Limits, complain: Callable[[BaseException], Any]) -> None:
        self.asking, self.limits, self.complain = Asking(models, limits), limits, complain
        self.answered = self.refused = 0
        self.begun = time.monotonic()
        self._aside = ThreadPoolExecutor(1)
        handlers: dict[Any, Any] = {HTTPException: self._not_found, RefusedError: self._refused}
        handlers[Exception] = self._broken
        self._others = Starlette(
            routes=[
                Route(PREDICT, self, methods=["POST"]),
                Route(f"{PREDICT}/{{name}}", self, methods=["POST"]),
                Route("/health", self._health),
                Route("/card", self._card),
                Route("/card/{name}", self._card),
                Route("/openapi.json", self._openapi),
                Route("/", self._page),
            ],
            exception_handlers=handlers,
        )

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request, as an application of ASGI."""
        name = model_of(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if name is None:
            await self._others(scope, receive, send)
            return
        try:
            reply = await self.asking.answer(name, scope, receive)
            self.answered += 1
        except RefusedError as error:
            reply = self._refusal(error)
        except Exception as error:
            reply = self._defect(error)
        await reply(scope, receive, send)

    @property
    def models(self) -> dict[str, Served]:
        """Those that are served, by their names."""
        return self.asking.models

    def start(self) -> None:
        """Begin to answer, inside of the loop that serves."""
        self.asking.start()

    def stop(self, seconds: float) -> None:
        """End the model's thread, which has so long to end what it does."""
        self.asking.thread.close(seconds)
        self._aside.shutdown(wait=False)

    async def _health(self, request: Request) -> Reply:
        thread = self.asking.thread
        models = {
            name: {"task": one.task, "takes": one.kind, "predicted": one.answers} for name, one in self.models.items()
        }
        status = {
            "status": "ok" if thread.alive else "the thread of the models has ended",
            "models": models,
            "answered": self.answered,
            "refused": self.refused,
            "waiting": thread.waiting,
            "seconds": round(time.monotonic() - self.begun, 3),
        }
        return json_reply(status, 200 if thread.alive else 503)

    async def _card(self, request: Request) -> Reply:
        model = self.asking.model(request.path_params.get("name") or request.query_params.get("model", ""))
        try:
            card = await asyncio.get_running_loop().run_in_executor(self._aside, lambda: model.card)
        except RunError as error:
            raise RefusedError(404, f"{model.name}: no model card: the run has no report", "") from error
        return Reply(card.encode(), b"text/markdown; charset=utf-8")

    async def _openapi(self, request: Request) -> Reply:
        return json_reply(document(list(self.models.values()), self.limits.inputs, self.limits.size))

    async def _page(self, request: Request) -> Reply:
        content, policy = page(list(self.models.values()))
        headers = {b"content-security-policy": policy.encode(), b"x-content-type-options": b"nosniff"}
        return Reply(content.encode(), b"text/html; charset=utf-8", headers=headers)

    def _not_found(self, request: Request, error: HTTPException) -> Reply:
        method, path = request.method, request.url.path[:60]
        sentence = f"{method} {path}: there is no such way in" if error.status_code in (404, 405) else error.detail
        more = {name.lower().encode(): value.encode() for name, value in (error.headers or {}).items()}
        return self._refusal(RefusedError(error.status_code, sentence, WORKS), more)

    def _refused(self, request: Request, error: RefusedError) -> Reply:
        return self._refusal(error)

    def _broken(self, request: Request, error: Exception) -> Reply:
        return self._defect(error)

    def _defect(self, error: Exception) -> Reply:
        """What a client hears of an error that is none of its own; who serves hears more."""
        self.complain(error)
        said = f"this is a defect of rnncli: {type(error).__name__}"
        return self._refusal(RefusedError(500, said, "the server says more where it runs with --debug"))

    def _refusal(self, error: RefusedError, more: Any = None) -> Reply:
        self.refused += 1
        return refusal(error, more or {})
