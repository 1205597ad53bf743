"""Texts kept in a file, against Python's own strings."""

import gc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncli.data import temporary
from rnncli.data.temporary import Spool
from rnncli.data.text import documents as module
from rnncli.data.text.documents import Document, Documents, FilePlaces, TextStore, running

TEXTS = st.text(st.sampled_from("ab\n é漢😀"), max_size=30)
PLAIN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def small(monkeypatch):
    """Pieces of a few bytes, and files for what is longer than that."""
    monkeypatch.setattr(module, "PIECE", 5)
    monkeypatch.setattr(temporary, "IN_MEMORY", 16)
    monkeypatch.setattr(temporary, "WRITTEN_AT_ONCE", 7)


def stored(texts):
    store = TextStore("texts")
    bounds = np.array([store.append(text) for text in texts], dtype=np.int64).reshape(-1, 2)
    numbers = np.arange(len(texts))
    return Documents(store, bounds[:, 0], bounds[:, 1], FilePlaces(["texts"], numbers * 0, numbers + 1))


@PLAIN
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_what_was_put_in_comes_out(small, texts):
    documents = stored(texts)
    assert list(documents.texts()) == texts == [one.text() for one in documents]
    assert documents.characters_D.tolist() == list(map(len, texts)) == [one.characters for one in documents]
    assert documents.bytes == sum(len(text.encode()) for text in texts)
    assert "".join(running(documents)) == "".join(texts) == "".join(running(list(documents)))
    some = documents.take(np.arange(0, len(texts), 2))
    assert "".join(running(some)) == "".join(texts[::2])
    assert [one.place for one in some] == [f"texts:{n}" for n in range(1, len(texts) + 1, 2)]


@PLAIN
@given(st.lists(TEXTS, min_size=2, max_size=4), st.integers(0, 40), st.integers(0, 40))
def test_a_slice_is_counted_in_characters(small, texts, begin, length):
    document = stored(texts)[0]
    assert document.slice(begin, begin + length).text() == texts[0][begin : begin + length]


def test_pieces_are_whole_characters_and_not_too_long(small):
    pieces = list(Document.of("漢字" * 20).pieces())
    assert "".join(pieces) == "漢字" * 20
    assert max(len(piece.encode()) for piece in pieces) < 10


def test_bytes_are_read_while_they_are_still_written(small):
    spool, content = Spool(), b""
    for n in range(40):
        more = bytes([n]) * (n % 5)
        spool.append(more)
        content += more
        assert spool.read(max(0, n - 9), len(content)) == content[max(0, n - 9) :]
    assert isinstance(spool.array(np.dtype(np.uint8)), np.memmap)
    assert spool.array(np.dtype(np.uint8)).tobytes() == content


def test_a_mapped_array_outlives_its_file(small):
    spool = Spool()
    spool.append(bytes(range(100)))
    array = spool.array(np.dtype(np.uint8))
    del spool
    gc.collect()
    assert array.tolist() == list(range(100))


def test_a_document_beyond_the_last_is_an_error():
    with pytest.raises(IndexError, match="document 2 of 2"):
        stored(["a", "b"])[2]
    assert stored(["a", "b"])[-1].text() == "b"
