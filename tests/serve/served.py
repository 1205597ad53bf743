"""A server in a thread of this process, with a predictor that needs no model."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnncli.errors import DataError
from rnncli.serve.app import Application
from rnncli.serve.asking import Limits
from rnncli.serve.served import Served
from rnncli.serve.server import open_socket, serve


class Shouting:
    """Says each text in capitals, and with how many others it was said."""

    example = "be quiet"
    formats = ("jsonl",)
    together = 8

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.may = threading.Event()
        self.may.set()
        self.entered = threading.Event()

    def parse(self, text: str) -> str:
        if text.startswith("{"):
            text = json.loads(text).get("text")
        if not text:
            raise DataError("nothing to say", "say something")
        return text

    def predict(self, examples: Sequence[str]) -> list[dict[str, Any]]:
        self.entered.set()
        self.may.wait(20)
        self.batches.append(len(examples))
        if "defect" in examples:
            raise KeyError("broken")
        return [{"text": text, "said": text.upper()} for text in examples]

    def text(self, example: str, row: dict[str, Any], form: str = "") -> str:
        return json.dumps(row) + "\n"


class Files:
    """Says how long a file is; none of the name is looked at."""

    example, formats, together = "clip.mp4", ("jsonl",), 4

    def expand(self, text: str) -> list[str]:
        return [text]

    def parse(self, text: str) -> Path:
        return Path(text)

    def predict(self, examples: Sequence[Path]) -> list[dict[str, Any]]:
        return [{"file": str(path), "bytes": path.stat().st_size, "ending": path.suffix} for path in examples]

    def text(self, example: Path, row: dict[str, Any], form: str = "") -> str:
        return json.dumps(row) + "\n"


class Counting:
    """Goes on counting behind the last number of a history, in steps of ``step``."""

    example, formats, together = "n\n1\n2", ("csv",), 2

    def __init__(self, step: int = 1) -> None:
        self.step = step

    def parse(self, text: str) -> int:
        return int(text)

    def given(self, future: Any, levels: Sequence[float]) -> Counting:
        return Counting(int(100 * levels[0]) if levels else self.step)

    def behind(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[int]:
        if not rows:
            raise DataError("the history: no rows")
        last = int(rows[-1]["n"])
        return iter(range(last + self.step, last + 3 * self.step + 1, self.step))

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[int]:
        return self.behind([{"n": line} for line in list(lines)[1:]])

    def predict(self, examples: Sequence[int]) -> list[dict[str, Any]]:
        return [{"n": number} for number in examples]

    def text(self, example: int, row: dict[str, Any], form: str = "") -> str:
        return json.dumps(row) + "\n"

    def read(self, path: Path, form: str = "") -> Iterator[int]:
        raise NotImplementedError

    def table(self, rows: Sequence[dict[str, Any]]) -> Any:
        raise NotImplementedError


class Client:
    """Asks a server; every answer is a status and JSON, or text where it is none."""

    def __init__(self, application: Application, address: tuple[str, int]) -> None:
        self.application, self.address = application, address

    def ask(self, method: str, path: str, body: Any = None, media: str = "application/json", **headers: str) -> Any:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path, content, {"content-type": media} | headers)
            response = connection.getresponse()
            text = response.read().decode()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def post(self, body: Any, path: str = "/predict", media: str = "application/json") -> Any:
        return self.ask("POST", path, body, media)

    def raw(self, sent: bytes, *, close: bool = False) -> bytes:
        """What comes back for bytes; all until the connection is closed."""
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall(sent)
            if close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(1 << 16):
                received += piece
            return received


@contextmanager
def serving(*models: Served, limits: Limits | None = None, complaints: list[Any] | None = None) -> Iterator[Client]:
    """A server of models on a free port, ended afterwards."""
    heard = [] if complaints is None else complaints
    application = Application(models, limits or Limits(), heard.append)
    ready, ended = threading.Event(), threading.Event()
    opened = open_socket("127.0.0.1", 0)
    address = opened.getsockname()
    thread = threading.Thread(target=serve, args=(application, opened, ended, ready.set))
    thread.start()
    try:
        assert ready.wait(20)
        yield Client(application, address)
    finally:
        ended.set()
        thread.join(20)
        assert not thread.is_alive()


def shouting(name: str = "loud") -> Served:
    return Served(name, Path("runs") / name, "shout", Shouting())
