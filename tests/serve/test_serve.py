"""Requests of all kinds: what is asked rightly is answered, what is not gets a sentence, and nobody is harmed."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from rnncli.errors import UsageError
from rnncli.serve import server
from rnncli.serve.asking import Limits
from rnncli.serve.openapi import document
from rnncli.serve.served import PADDED_CHARACTERS, Served, chunks
from tests.serve.served import Counting, Files, serving, shouting

LIMITS = Limits(size=2000, inputs=20, seconds=3, waiting=30)


@pytest.fixture(scope="module")
def client():
    with serving(shouting(), limits=LIMITS) as found:
        yield found


def until(true) -> None:
    """Wait for something that is soon true."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


SAID = [{"text": "be", "said": "BE"}, {"text": "quiet", "said": "QUIET"}]


@pytest.mark.parametrize("body", [{"inputs": ["be", "quiet"]}, ["be", "quiet"], {"inputs": ["be", {"text": "quiet"}]}])
def test_a_list_is_answered_in_order(client, body):
    assert client.post(body) == (200, {"predictions": SAID})


@pytest.mark.parametrize("body", ["be", {"text": "be"}, {"inputs": "be"}, ["be"], {"inputs": {"text": "be"}}])
def test_a_single_text_may_come_in_any_form(client, body):
    assert client.post(body) == (200, {"predictions": SAID[:1]})


def test_no_inputs_have_no_predictions(client):
    assert client.post([]) == (200, {"predictions": []})


@pytest.mark.parametrize("media", ["text/plain", "text/plain; charset=utf-8", "application/x-ndjson"])
def test_lines_are_answered_with_lines_as_on_the_command_line(client, media):
    status, text = client.post(b'be\r\n{"text": "quiet"}\n', media=media)
    assert (status, list(map(json.loads, text.splitlines()))) == (200, SAID)


def test_what_curl_sends_is_known_by_its_begin(client):
    media = "application/x-www-form-urlencoded"
    assert client.post(b' ["be"]', media=media) == (200, {"predictions": SAID[:1]})
    assert json.loads(client.post(b"be", media=media)[1]) == SAID[0]


WRONG = [
    (b"", 400, "the body is empty"),
    (b"[1", 400, "the body is no JSON: Expecting"),
    (b"\xff\xfe{", 400, "the body is not UTF-8: invalid start byte at byte 0"),
    (b"[" * 1500, 400, "the body is no JSON"),
    (b'{"inputs": ["a", 1]}', 400, "input 2: a number, where a text is wanted"),
    (b'{"inputs": null}', 400, "inputs: null, where a text is wanted"),
    (b"[[]]", 400, "input 1: a list, where a text is wanted"),
    (b"true", 400, "input"),
    (b'{"inputs": ["a"], "model": "x"}', 400, '"model": there is no such key beside "inputs"'),
    (b'["a", ""]', 400, "input 2: nothing to say"),
    (json.dumps(["a"] * 21).encode(), 413, "21 inputs in a request"),
    (b'["' + b"a" * 3000 + b'"]', 413, "the body is larger than 2,000 bytes"),
]


@pytest.mark.parametrize(("body", "status", "said"), WRONG, ids=[said for *_, said in WRONG])
def test_a_bad_request_gets_one_sentence(client, body, status, said):
    found, answer = client.post(body)
    assert found == status
    assert said in answer["error"]
    assert "\n" not in answer["error"]
    assert client.post("be")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/predict", 405), ("DELETE", "/", 405), ("GET", "/../../etc/passwd", 404), ("POST", "/predict/none", 404)],
)
def test_ways_in_that_are_not_there_are_refused_with_those_that_are(client, method, path, status):
    found, answer = client.ask(method, path, "be")
    assert found == status
    assert "/predict" in answer["try"] or "there are: loud" in answer["try"]


def test_a_text_that_is_too_long_for_a_model_is_refused():
    with serving(shouting()) as client:
        status, answer = client.post("a" * 100_001)
        assert (status, answer["error"]) == (413, "an input of 100,001 characters")


def test_garbage_half_a_request_and_no_request_are_answered_or_closed(monkeypatch):
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    monkeypatch.setattr(server, "TICKS", 1)
    with serving(shouting(), limits=Limits(seconds=0.5)) as client:
        assert client.raw(b"\x16\x03\x01 garbage \r\n\r\n").startswith(b"HTTP/1.1 400")
        slow = client.raw(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n[")
        assert slow.startswith(b"HTTP/1.1 408")
        assert b"did not come to its end within 0.5 seconds" in slow
        for sent in (b"", b"POST /predict HTT"):
            assert client.raw(sent).startswith(b"HTTP/1.1 408")
        assert client.raw(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n[", close=True) is not None
        assert client.post("be") == (200, {"predictions": SAID[:1]})


def test_a_body_that_is_far_too_large_is_not_kept_and_is_told_why(client):
    assert client.post(b"a" * 20_000_000)[0] == 413
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\nexpect: 100-continue\r\n\r\n"
    assert client.raw(head).startswith(b"HTTP/1.1 413")
    chunks = b"1000\r\n%b\r\n" % (b"a" * 4096) * 3 + b"0\r\n\r\n"
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert client.raw(head + chunks).startswith(b"HTTP/1.1 413")


def test_requests_that_wait_are_answered_together_and_no_more_wait_than_may():
    model = shouting()
    with serving(model, limits=Limits(waiting=12)) as client, ThreadPoolExecutor(16) as pool:
        model.predictor.may.clear()
        first = pool.submit(client.post, "first")
        until(lambda: model.predictor.entered.is_set())
        others = [pool.submit(client.post, f"text {n}") for n in range(10)]
        until(lambda: client.application.asking.thread.waiting == 10)
        status, answer = client.post(["a"] * 3)
        assert (status, answer) == (503, {"error": "10 inputs wait already", "try": "try again in a moment"})
        model.predictor.may.set()
        assert first.result()[0] == 200
        assert [one.result()[1]["predictions"][0]["text"] for one in others] == [f"text {n}" for n in range(10)]
        assert model.predictor.batches == [1, 8, 2]


def test_a_model_that_takes_too_long_is_not_waited_for():
    model = shouting()
    with serving(model, limits=Limits(seconds=0.2, waiting=3)) as client, ThreadPoolExecutor(4) as pool:
        model.predictor.may.clear()
        late = [pool.submit(client.post, "late") for _ in range(2)]
        assert {one.result()[0] for one in late} == {503}
        with ThreadPoolExecutor(4) as more:
            busy = [more.submit(client.post, ["a", "b"]) for _ in range(3)]
            assert any("wait already" in one.result()[1]["error"] for one in busy)
        model.predictor.may.set()
        assert client.post("be")[0] == 200
        assert sum(model.predictor.batches) <= 3  # nobody waited for the others any more


def test_what_is_wrong_with_one_request_does_those_beside_it_no_harm():
    model, complaints = shouting(), []
    with serving(model, complaints=complaints) as client, ThreadPoolExecutor(8) as pool:
        model.predictor.may.clear()
        pool.submit(client.post, "first")
        until(lambda: model.predictor.entered.is_set())
        asked = [pool.submit(client.post, text) for text in ("one", "defect", "", "two")]
        until(lambda: client.application.asking.thread.waiting == 4)
        model.predictor.may.set()
        found = [one.result() for one in asked]
        assert [status for status, _ in found] == [200, 500, 400, 200]
        assert found[1][1]["error"] == "this is a defect of rnncli: KeyError"
        assert [type(one) for one in complaints] == [KeyError]
        health = client.ask("GET", "/health")[1]
        assert (health["status"], health["answered"], health["refused"]) == ("ok", 3, 2)


def test_several_models_are_told_apart():
    with serving(shouting("one"), shouting("two")) as client:
        assert client.post("be", "/predict/two")[0] == client.post("be", "/predict?model=one")[0] == 200
        assert client.post("be") == (400, {"error": "there are 2 models: which one?", "try": "/predict/NAME: one, two"})
        models = client.ask("GET", "/health")[1]["models"]
        assert [one["predicted"] for one in models.values()] == [1, 1]


def test_a_file_is_sent_and_never_named():
    model = Served("clips", Path("runs/clips"), "film", Files())
    with serving(model) as client:
        octets = "application/octet-stream"
        assert client.post(b"\0" * 10, media=octets)[1]["predictions"] == [
            {"file": "upload", "bytes": 10, "ending": ".mp4"}
        ]
        assert client.post(b"\1", "/predict?type=AVI", octets)[1]["predictions"][0]["ending"] == ".avi"
        for wrong in ("../x", "a/b", ".", "toolong"):
            assert client.post(b"\1", f"/predict?type={wrong}", octets)[0] == 400
        for body, media in (("/etc/passwd", "application/json"), (b"/etc/passwd", "text/plain")):
            status, answer = client.post(body, media=media)
            assert (status, answer["error"]) == (
                400,
                "the content of a file is wanted: none is opened here by its name",
            )


def test_a_history_goes_on_from_json_and_from_a_table():
    with serving(Served("count", Path("runs/count"), "forecast", Counting())) as client:
        history = [{"n": 1}, {"n": 2}]
        ahead = [{"n": 3}, {"n": 4}, {"n": 5}]
        for body in (history, {"inputs": history}):
            assert client.post(body) == (200, {"predictions": ahead})
        assert client.post({"inputs": history, "quantiles": [0.1]})[1]["predictions"][0] == {"n": 12}
        status, lines = client.post(b"n\n1\n2\n", media="text/csv")
        assert (status, list(map(json.loads, lines.splitlines()))) == (200, ahead)
        for body, said in (
            ([], "the history: no rows"),
            ([1], "inputs: a list of rows as objects is wanted"),
            ({"inputs": history, "quantiles": ["a"]}, "quantiles: a list of numbers is wanted"),
            ({"inputs": history, "quantiles": [2]}, "2"),
            ({"inputs": history, "last": 1}, '"last": there is no such key beside "inputs"'),
        ):
            status, answer = client.post(body)
            assert status == 400
            assert said in answer["error"]


def test_the_document_describes_the_ways_in(client):
    models = list(client.application.models.values())
    found = client.ask("GET", "/openapi.json")[1]
    assert found == document(models, LIMITS.inputs, LIMITS.size)
    check_openapi(found)
    check_openapi(document([Served("clips", Path("c"), "film", Files()), *models], 5, 5))


def check_openapi(found: dict) -> None:
    """What OpenAPI 3.1 asks of a document, as far as this one goes."""
    assert re.fullmatch(r"3\.1\.\d", found["openapi"])
    assert {"title", "version"} <= found["info"].keys()
    operations = [one for path, ways in found["paths"].items() if path.startswith("/") for one in ways.items()]
    assert len(operations) >= len(found["paths"]) > 4
    assert {method for method, _ in operations} == {"get", "post"}
    names = [operation["operationId"] for _, operation in operations]
    assert len(set(names)) == len(names)
    for method, operation in operations:
        assert (method == "post") == ("requestBody" in operation)
        contents = [one.get("content", {}) for one in operation["responses"].values()]
        assert all(re.fullmatch(r"[2-5]\d\d", status) for status in operation["responses"])
        assert all(one["description"] for one in operation["responses"].values())
        for content in [*contents, operation.get("requestBody", {}).get("content", {})]:
            assert all("/" in media and isinstance(form["schema"], dict) for media, form in content.items())
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(found)):
        place = found
        for key in reference.split("/"):
            place = place[key]


def test_schemas_of_the_document_take_what_is_sent_and_given(client):
    jsonschema = pytest.importorskip("jsonschema")
    found = client.ask("GET", "/openapi.json")[1]["paths"]["/predict"]["post"]
    schema = found["requestBody"]["content"]["application/json"]
    for body in (schema["example"], ["a"], "a", {"inputs": "a"}):
        jsonschema.validate(body, schema["schema"])
        answer = found["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(client.post(body)[1], answer)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([1], schema["schema"])


def test_requests_leave_nothing_behind(client):
    """Also those that are refused, or that the client leaves."""
    for _ in range(30):
        client.post("be")
        client.post(b"[1")
        with socket.create_connection(client.address) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n[")
    time.sleep(0.2)
    assert client.application.asking.thread.waiting == 0
    assert threading.active_count() < 12


def test_a_port_in_use_and_a_host_that_is_not_there_are_said():
    with server.open_socket("127.0.0.1", 0) as opened:
        with pytest.raises(UsageError, match=r"127\.0\.0\.1 port \d+: address already in use"):
            server.open_socket("127.0.0.1", opened.getsockname()[1])
        assert server.address_of(opened) == f"http://127.0.0.1:{opened.getsockname()[1]}"
    with pytest.raises(UsageError, match=r"--host 300\.1\.1\.1"):
        server.open_socket("300.1.1.1", 0)


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="no such option of sockets here")
def test_a_port_is_shared_by_those_alone_that_all_say_so():
    with server.open_socket("127.0.0.1", 0, shared=True) as opened:
        port = opened.getsockname()[1]
        with server.open_socket("127.0.0.1", port, shared=True) as other:
            assert other.getsockname() == opened.getsockname()
        with pytest.raises(UsageError, match="address already in use"):
            server.open_socket("127.0.0.1", port)


def test_inputs_of_like_length_are_predicted_together_and_padding_is_bounded():
    sizes = [5, PADDED_CHARACTERS, 7, 9, PADDED_CHARACTERS // 3, 8, 6]
    found = list(chunks(sizes, 3))
    assert sorted(place for chunk in found for place in chunk) == list(range(7))
    for chunk in found:
        assert len(chunk) <= 3
        assert len(chunk) == 1 or len(chunk) * max(sizes[at] for at in chunk) <= PADDED_CHARACTERS
    assert list(chunks([], 3)) == []
