"""The body of a request as it comes in: of a bounded size, and whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rnncli.serve.replies import RefusedError

LARGEST_DRAINED = 1 << 30
"""Bytes of a body that is too large that are read and forgotten, so that the client hears why."""

Receive = Callable[[], Awaitable[Any]]
"""As ASGI has it."""


class Incoming:
    """A body of no more than ``most`` bytes, of which the ``headers`` may say the length."""

    def __init__(self, headers: Mapping[bytes, bytes], most: int) -> None:
        self.most = most
        said = headers.get(b"content-length", b"")
        self.is_large = said.isdigit() and int(said) > most
        self.is_awaited = b"expect" in headers
        self.is_whole = False

    async def read(self, receive: Receive) -> bytes:
        """The body; RefusedError for one that is too large, which is read to its end, or that breaks off."""
        if self.is_large and self.is_awaited:
            raise self._too_large()
        pieces, size = [], 0
        while not self.is_whole and size <= LARGEST_DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusedError(400, "the client left before the end of its request", close=True)
            piece = message.get("body", b"")
            size += len(piece)
            self.is_large = self.is_large or size > self.most
            if not self.is_large:
                pieces.append(piece)
            self.is_whole = not message.get("more_body", False)
        if self.is_large:
            raise self._too_large()
        return b"".join(pieces)

    def late(self, seconds: float) -> RefusedError:
        """What is to be said of a request that is not answered after so many seconds."""
        if self.is_large:
            return self._too_large()
        if self.is_whole:
            return RefusedError(503, "the model did not come to it in time", "try again in a moment")
        return RefusedError(408, f"the request did not come to its end within {seconds:g} seconds", close=True)

    def _too_large(self) -> RefusedError:
        what = f"the body is larger than {self.most:,} bytes"
        return RefusedError(413, what, "send it in parts; --max-size allows more", close=True)
