"""The server process: a socket, uvicorn, an end that is clean."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from rnncli.errors import UsageError
from rnncli.serve.app import Application

PATIENCE = 30.0
"""Seconds without a request after which a connection is closed."""
GRACE = 10.0
"""Seconds in which what was begun is answered when the server is to end."""
CONNECTIONS = 1000
TICKS = 10
"""Of a tenth of a second, after which connections are looked at again."""
LATE = b'{"error": "no request came within %d seconds"}\n' % PATIENCE


def open_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket bound to an address, of which port 0 is any that is free; raises UsageError, for one in use, say.

    Of processes whose sockets are ``shared`` several can be bound to one address, and the system deals connections out.
    """
    if shared and not hasattr(socket, "SO_REUSEPORT"):
        raise UsageError("--share-port: this system lets no two processes have one port", "leave it away")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"--host {host}: {getattr(error, 'strerror', None) or error}", "--host 127.0.0.1") from error
    try:
        if os.name == "posix":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(address)
        opened.listen(1)  # or two could be bound to one address, of which one fails later
    except (OSError, OverflowError) as error:
        opened.close()
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{host} port {port}: {why[:1].lower()}{why[1:]}", "name another: --port 0 takes any"
        ) from error
    return opened


def address_of(opened: socket.socket) -> str:
    """The address that reaches a socket, such as http://127.0.0.1:8000."""
    host, port = opened.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(application: Application, opened: socket.socket, ended: threading.Event, ready: Callable[[], Any]) -> None:
    """Answer until ``ended`` is set; ``ready`` is called as soon as requests are taken."""
    config = uvicorn.Config(
        application,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=int(PATIENCE),
        timeout_graceful_shutdown=int(GRACE),
    )
    server = _Server(config, application, ended, ready)
    try:
        server.run([opened])
    finally:
        application.stop(GRACE)


class _Server(uvicorn.Server):
    """Ends when an event is set, and closes connections on which nothing comes to an end."""

    def __init__(
        self, config: uvicorn.Config, application: Application, ended: threading.Event, ready: Callable[[], Any]
    ) -> None:
        super().__init__(config)
        self.application, self.ended, self.ready = application, ended, ready
        self._idle: dict[Any, tuple[Any, float]] = {}

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are whose that started it: they set the event."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As of the base; then the models begin to answer."""
        await super().startup(sockets)
        self.application.start()
        self.ready()

    async def on_tick(self, counter: int) -> bool:
        """Whether to end; called ten times a second."""
        if counter % TICKS == 0:
            self._close_idle(time.monotonic())
        return await super().on_tick(counter) or self.ended.is_set()

    def _close_idle(self, now: float) -> None:
        """Close connections whose next request has not come for too long, in part or at all."""
        idle: dict[Any, tuple[Any, float]] = {}
        connections: list[Any] = list(self.server_state.connections)
        for connection in connections:
            cycle = connection.cycle
            if cycle is not None and not cycle.response_complete:
                continue
            seen, since = self._idle.get(connection, (cycle, now))
            idle[connection] = (cycle, now if seen is not cycle else since)
            if seen is cycle and now - since > PATIENCE:
                _close(connection, answer=now - since <= PATIENCE + 2)
        self._idle = idle


def _close(connection: Any, *, answer: bool) -> None:
    """Close a connection with a sentence, or at once where even that does not get through."""
    if not answer:
        connection.transport.abort()
        return
    head = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n"
    connection.transport.write(head + b"content-length: %d\r\n\r\n" % len(LATE) + LATE)
    connection.transport.close()
