"""What goes back to a client: bytes with a status, JSON, and a request that is refused."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Send = Callable[[Any], Awaitable[None]]
"""As ASGI has it."""
JSON, LINES = b"application/json", b"application/x-ndjson"


class RefusedError(Exception):
    """A request that is not answered: the status, one sentence, what to do instead."""

    def __init__(self, status: int, sentence: str, hint: str = "", *, close: bool = False) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.hint, self.close = status, sentence, hint, close


@dataclass(frozen=True)
class Reply:
    """A whole answer; its ``headers`` are those beside its length and its media type."""

    content: bytes
    media: bytes = JSON
    status: int = 200
    headers: Mapping[bytes, bytes] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """Send it, as an application of ASGI."""
        length = b"%d" % len(self.content)
        headers = [(b"content-length", length), (b"content-type", self.media), *self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content})


def json_reply(value: Any, status: int = 200, headers: Mapping[bytes, bytes] | None = None) -> Reply:
    """A value as JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"
    return Reply(text.encode(), JSON, status, headers or {})


def refusal(error: RefusedError, more: Mapping[bytes, bytes]) -> Reply:
    """What a client hears of a request that is refused, with ``more`` headers."""
    headers = dict(more) | ({b"connection": b"close"} if error.close else {})
    headers |= {b"retry-after": b"1"} if error.status == 503 else {}
    said = {"error": error.sentence} | ({"try": error.hint} if error.hint else {})
    return json_reply(said, error.status, headers)
