"""``rnncli serve`` as a person or a script starts and ends it."""

from __future__ import annotations

import http.client
import json
import signal
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.commands import rnncli, start_rnncli

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")


@contextmanager
def started(*arguments, cwd):
    """A server in a process of its own: what it says in JSON when it is ready, and the process."""
    process = start_rnncli("serve", *arguments, "--port", 0, "--json", cwd=cwd)
    try:
        yield json.loads(process.stdout.readline()), process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def ask(address, method="GET", path="/", body=None):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request(method, path, body, {"content-type": "text/plain"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_a_run_is_served_until_a_signal_ends_it_and_answers_as_predict_does(trained, here):
    texts = ["good film number 7", "", "bad, bad"]
    (here / "texts.txt").write_text("\n".join(texts) + "\n")
    predicted = rnncli("predict", trained, "texts.txt").out
    with started(trained, cwd=here) as (told, process):
        assert told["models"] == [{"name": "run", "task": "sentiment", "path": str(trained)}]
        address = told["address"]
        assert ask(address, "POST", "/predict", "\n".join(texts)) == (200, predicted)
        status, card = ask(address, path="/card")
        assert (status, card) == (200, rnncli("report", trained, "--markdown").out)
        assert json.loads(ask(address, path="/health")[1])["models"]["run"]["predicted"] == 3
        taken = rnncli("serve", trained, "--port", urlsplit(address).port)
        assert (taken.code, "address already in use" in taken.err) == (2, True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
        assert "stopped; 1 requests answered, 0 refused" in process.stderr.read()


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (("none",), 4, "none: there is no such run"),
        (("RUN", "RUN"), 2, "two of the runs are called run"),
        (("RUN", "--host", "300.1.1.1"), 2, "--host 300.1.1.1"),
        (("RUN", "--port", "70000"), 2, "--port"),
        ((), 2, "RUN"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(trained, here, typed, code, said):
    done = rnncli("serve", *(trained if one == "RUN" else one for one in typed))
    assert done.code == code, done.err
    assert said in done.err


def test_a_missing_library_is_one_sentence_with_what_to_install(trained, monkeypatch):
    monkeypatch.setattr("rnncli.cli.serve.find_spec", lambda name: None)
    done = rnncli("serve", trained)
    assert (done.code, 'pip install "rnncli[serve]"' in done.err) == (2, True)
