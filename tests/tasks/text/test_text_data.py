"""What is read of running texts: documents, parts, and files that end in a sentence."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from rnncli.data.text.codec import Codec
from rnncli.data.text.encoded import encode
from rnncli.errors import DataError, RecipeError
from rnncli.tasks.text.data import read_corpus, read_part
from rnncli.tasks.text.schema import RECIPE

LINES = [f"line {i} says that {i * i} is its square" for i in range(300)]
BOOK = "".join(f"{line}\n" for line in LINES)


def read(folder, files=None, **data):
    for name, content in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_corpus(RECIPE(data={"root": str(folder), "train": "book.txt"} | data))


def texts(part):
    return list(part.documents.texts())


def test_one_text_is_cut_by_place(tmp_path):
    corpus = read(tmp_path, {"book.txt": BOOK}, dev_fraction=0.05, test_fraction=0.1)
    parts = {name: texts(part) for name, part in corpus.parts.items()}
    assert "".join(one for part in parts.values() for one in part) == BOOK
    assert {name: len(part) for name, part in parts.items()} == {"train": 1, "dev": 1, "test": 1}
    begin = [int(len(BOOK) * share + 1e-6) for share in (0.85, 0.9)]
    assert [len(parts["train"][0]), len(parts["train"][0] + parts["dev"][0])] == begin
    assert corpus.headline == f"book.txt: 1 document, {len(BOOK):,} characters"
    assert corpus.chosen == {"data.source": "file", "data.document": "file", "data.split": "place"}
    assert f"test {len(BOOK) - begin[1]:,} characters" in corpus.notes[-1]
    line = BOOK.count("\n", 0, begin[1]) + 1
    assert corpus.parts["test"].place(0) == f"book.txt:{line}"


def test_words_are_cut_at_line_ends_or_blanks(tmp_path):
    parts = read(tmp_path, {"book.txt": BOOK}, unit="word").parts
    for part in parts.values():
        assert texts(part)[0].startswith("line")
        assert texts(part)[0].endswith("\n")
    one_line = BOOK.replace("\n", " ")
    parts = read(tmp_path, {"book.txt": one_line}, unit="whitespace").parts
    assert [word for part in parts.values() for word in texts(part)[0].split()] == one_line.split()


def test_several_texts_are_cut_as_one(tmp_path):
    files = {f"{name}.txt": BOOK[at : at + 3000] for name, at in (("a", 0), ("b", 3000), ("c", 6000))}
    corpus = read(tmp_path, files, train="*.txt")
    assert "".join(one for part in corpus.parts.values() for one in texts(part)) == BOOK[:9000]
    assert [len(part) for part in corpus.parts.values()] == [3, 1, 1]
    assert corpus.headline.startswith("a.txt and 2 more: 3 documents, 9,000 characters")
    assert corpus.parts["dev"].place(0).startswith("c.txt:")


def test_many_documents_are_drawn(tmp_path):
    corpus = read(tmp_path, {"book.txt": BOOK}, document="line")
    drawn = {name: texts(part) for name, part in corpus.parts.items()}
    assert sorted(one for part in drawn.values() for one in part) == sorted(f"{line}\n" for line in LINES)
    assert [len(part) for part in drawn.values()] == [240, 30, 30]
    assert corpus.chosen["data.split"] == "documents"
    for part in corpus.parts.values():
        for row, text in enumerate(texts(part)):
            assert part.place(row) == f"book.txt:{LINES.index(text.rstrip()) + 1}"
    by_place = read(tmp_path, document="line", split="place").parts
    assert texts(by_place["test"])[-1] == f"{LINES[-1]}\n"
    assert "".join(one for part in by_place.values() for one in texts(part)) == BOOK


def test_blank_lines_part_paragraphs_and_are_no_documents(tmp_path):
    text = "\n\none\ntwo\n\n \nthree\n" + "".join(f"\npar {i}\n" for i in range(20))
    corpus = read(tmp_path, {"book.txt": text}, document="paragraph", split="place")
    found = [one for part in corpus.parts.values() for one in texts(part)]
    assert found[:3] == ["one\ntwo\n\n \n", "three\n\n", "par 0\n\n"]
    assert corpus.parts["train"].place(1) == "book.txt:7"
    lines = read(tmp_path, {"book.txt": text}, document="line")
    assert lines.dropped == {"blank line": 24}
    assert sum(len(part) for part in lines.parts.values()) == 23


@pytest.mark.parametrize(("unit", "instead"), [("character", ""), ("whitespace", " ")])
def test_line_ends_can_be_left_out(tmp_path, unit, instead):
    crlf = BOOK.replace("\n", "\r\n")
    corpus = read(tmp_path, {"book.txt": crlf}, unit=unit, line_ends="drop")
    assert "".join(one for part in corpus.parts.values() for one in texts(part)) == BOOK.replace("\n", instead)
    assert any("Windows" in note for note in corpus.notes)
    lower = read(tmp_path, {"book.txt": "ÄB c\n" * 50}, lower=True)
    assert texts(lower.parts["train"])[0].startswith("äb c\n")


@pytest.mark.parametrize(
    "names", [("train.txt", "valid.txt", "test.txt"), ("wiki.train.tokens", "wiki.dev.raw", "t-test")]
)
def test_files_of_a_folder_named_after_splits_are_those(tmp_path, names):
    files = {f"data/{name}": f"{BOOK}{name}\n" for name in names} | {"data/README.md": "words"}
    corpus = read(tmp_path, files, train="data")
    assert {name: texts(part)[0].split()[-1] for name, part in corpus.parts.items()} == dict(
        zip(("train", "dev", "test"), names, strict=True)
    )
    assert any("left out: README.md" in note for note in corpus.notes)


def test_folders_named_after_splits_and_folders_of_texts(tmp_path):
    files = {
        f"d/{split}/{n}.txt": f"{split} {n} and so on, and so on\n" for split in ("train", "test") for n in range(12)
    }
    corpus = read(tmp_path, files, train="d")
    assert {name: len(part) for name, part in corpus.parts.items()} == {"train": 11, "dev": 1, "test": 12}
    assert all(text.startswith("test ") for text in texts(corpus.parts["test"]))
    assert len(texts(read(tmp_path, {"e/x/y.md": BOOK, "e/.git/z.txt": "no"}, train="e").parts["train"])) == 1


def test_a_column_of_a_table_is_read(tmp_path):
    rows = [{"id": i, "content": f"text {i}\nof two lines", "who": f"p{i % 3}"} for i in range(20)]
    files = {"rows.jsonl": "\n".join(map(json.dumps, [*rows, {"id": 20, "content": "  "}]))}
    corpus = read(tmp_path, files, train="rows.jsonl")
    assert corpus.headline.startswith("rows.jsonl: 20 documents, ")
    assert 'text column "content" (guessed by name)' in corpus.headline
    assert corpus.chosen["data.text_column"] == "content"
    assert corpus.dropped == {"empty text": 1}
    part = corpus.parts["train"]
    first = texts(part)[0]
    assert first.endswith("of two lines\n")
    number = int(first.split()[1])
    assert part.place(0) == f"rows.jsonl:{number + 1}"
    assert next(part.column("who", "evaluation.groups")) == f"p{number % 3}"
    with pytest.raises(DataError, match="texts of files have no columns"):
        next(read(tmp_path, {"book.txt": BOOK}).parts["train"].column("who", "evaluation.groups"))


def test_splits_and_folds_by_column(tmp_path):
    rows = [{"text": f"text {i}", "part": ("train", "train", "dev", "test")[i % 4], "fold": i % 5} for i in range(20)]
    files = {"rows.jsonl": "\n".join(map(json.dumps, rows))}
    corpus = read(tmp_path, files, train="rows.jsonl", split_column="part")
    assert [len(part) for part in corpus.parts.values()] == [10, 5, 5]
    corpus = read(tmp_path, train="rows.jsonl", folds=5, fold=2, fold_column="fold")
    assert {int(text.split()[1]) % 5 for text in texts(corpus.parts["test"])} == {2}


def test_further_texts_are_one_part(tmp_path):
    (tmp_path / "other.txt").write_text("other text\n")
    (tmp_path / "other.csv").write_text("review\nanother text\n")
    recipe = RECIPE(data={"train": "rows.csv", "text_column": "body"})
    corpus = read_part(recipe, tmp_path / "other.txt")
    assert texts(corpus.parts["test"]) == ["other text\n"]
    assert texts(read_part(recipe, tmp_path / "other.csv").parts["test"]) == ["another text\n"]


def test_packed_and_foreign_texts_are_read(tmp_path):
    assert texts(read(tmp_path, {"b.txt.gz": gzip.compress(BOOK.encode())}, train="b.txt.gz").parts["train"])[0] in BOOK
    corpus = read(tmp_path, {"g.txt": ("今天天气很好，我们去公园玩吧。\n" * 50).encode("gb18030")}, train="g.txt")
    assert "read as gb18030" in corpus.notes[0]
    assert texts(read(tmp_path, {"u.txt": BOOK.encode("utf-16")}, train="u.txt").parts["train"])[0] in BOOK


GOOD = {"book.txt": BOOK}
BAD = [
    ({"book.txt": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"}, {}, r"book\.txt:\d+: a NUL byte: this is a binary file"),
    ({"book.txt": ""}, {}, "the file is empty"),
    ({"book.txt": " \n\n\t"}, {}, "nothing but blanks"),
    ({"book.txt": ("Müßig\n" * 50).encode("latin-1")}, {}, "book.txt:1: not utf-8"),
    (
        {"book.txt": f"{BOOK}Müßig schön für Käse\n".encode() + "Müßig\n".encode("latin-1")},
        {},
        "302: lines in utf-8 and",
    ),
    (GOOD, {"encoding": "latin-11"}, "no encoding called"),
    ({"book.txt": "hello world"}, {}, "11 characters are too few to cut train, dev, test"),
    (GOOD, {"split": "documents"}, "1 document cannot be dealt out to train, dev and test"),
    (GOOD, {"folds": 5, "fold": 0}, "1 document cannot be dealt out to 5 folds"),
    (GOOD, {"dev_fraction": 0}, "nothing to choose the best epoch by"),
    (GOOD, {"dev_fraction": 0.6, "test_fraction": 0.6}, "leave nothing to train on"),
    (GOOD, {"split_column": "part"}, "texts of files have no columns"),
    (GOOD, {"text_column": "body"}, "a text without columns"),
    (GOOD, {"train": "bok.txt"}, 'no such file or folder .did you mean "book.txt"'),
    (GOOD, {"train": "books/moby.txt"}, "no such file or folder"),
    (GOOD, {"train": "*.log"}, "no file matches this pattern"),
    (GOOD, {"dev": "dev.txt"}, "no such file or folder"),
    ({"t.csv": "text\nhello\n"}, {"train": "*.csv"}, "a table among the files of a pattern"),
    ({"d/a.py": "x = 1\n"}, {"train": "d"}, "no text in this folder, only .py"),
    ({"d/.hidden": ""}, {"train": "d"}, "holds no file"),
    ({"d/dev.txt": BOOK, "d/test.txt": BOOK}, {"train": "d"}, "no train part, only dev, test"),
    ({"d/a.train": BOOK, "d/b.train": BOOK, "d/test": BOOK}, {"train": "d"}, "two sources for the split train"),
    ({"d/a.txt": BOOK}, {"train": "d", "splits": {"train": "a.txt", "dev": "c.txt"}}, "c.txt: cannot be read"),
    ({"n.csv": "id,score\n1,2\n1,3\n"}, {"train": "n.csv"}, "no column of texts by its name"),
    ({"n.csv": "text,score\n,2\n,3\n"}, {"train": "n.csv"}, 'no row has a text in column "text"'),
    ({"n.jsonl": '{"text": "a"}\n{"text": \n'}, {"train": "n.jsonl"}, "n.jsonl:2: not JSON"),
    ({"b.txt.gz": gzip.compress(BOOK.encode())[:99]}, {"train": "b.txt.gz"}, "b.txt.gz: cannot be read"),
]


@pytest.mark.parametrize(("files", "data", "says"), BAD)
def test_what_is_of_no_use_ends_in_a_sentence(tmp_path, files, data, says):
    with pytest.raises(DataError, match=says) as caught:
        read(tmp_path, files, **data)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("files", "data", "says"),
    [
        ({"n.csv": "text,score\nhello there,2\n"}, {"train": "n.csv", "document": "line"}, "n.csv is a table"),
        (GOOD, {"unit": "subword", "vocabulary": 9}, "the unit is subword"),
        (GOOD, {"unit": "byte", "vocabulary": 9}, "the unit is byte"),
        (GOOD, {"split": "place", "folds": 5, "fold": 0}, "data.folds deals out documents"),
        (GOOD, {"train": "", "source": "own"}, "names no data"),
    ],
)
def test_what_makes_no_sense_together_is_refused(tmp_path, files, data, says):
    with pytest.raises(RecipeError, match=says):
        read(tmp_path, files, **data)


def test_the_built_in_text_is_lines_that_agree_with_themselves():
    corpus = read_corpus(RECIPE())
    text = "".join(one for part in corpus.parts.values() for one in texts(part))
    assert text.count("\n") == 3000
    for line in text.splitlines():
        assert line.count("(") == line.count(")")
        assert line.count('"') % 2 == 0
    assert corpus.chosen["data.source"] == "builtin"
    assert text == "".join(one for part in read_corpus(RECIPE()).parts.values() for one in texts(part))


def _own_memory():
    with open("/proc/self/statm") as stream:
        _, resident, shared = stream.read().split()[:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="wants /proc")
def test_a_text_larger_than_what_is_held_is_read_in_flat_memory(tmp_path):
    piece = "".join(f"{line}, naïve\n" for line in LINES) * 75
    with (tmp_path / "book.txt").open("w") as stream:
        for _ in range(100):
            stream.write(piece)
    before = _own_memory()
    recipe = RECIPE(data={"root": str(tmp_path), "train": "book.txt"})
    corpus = read_corpus(recipe)
    codec, _ = Codec.learn(recipe.data, corpus.parts["train"].documents)
    encoded = {name: encode(codec, part.documents) for name, part in corpus.parts.items()}
    assert corpus.parts["train"].documents.bytes > 80_000_000
    assert isinstance(encoded["train"].steps.values, np.memmap)
    assert _own_memory() - before < 150_000_000


@pytest.mark.slow
def test_the_penn_treebank_has_the_sizes_that_are_published(real_data):
    files = {"root": str(real_data / "generate" / "ptb"), "train": "train.txt", "dev": "valid.txt", "test": "test.txt"}
    words = RECIPE(data={**files, "unit": "whitespace", "min_count": 1})
    parts = read_corpus(words).parts
    codec, _ = Codec.learn(words.data, parts["train"].documents)
    assert codec.size == 10_000
    sizes = [len(encode(codec, part.documents).steps.values) for part in parts.values()]
    assert sizes == [929_589, 73_760, 82_430]
    characters = RECIPE(data={**files, "line_ends": "drop"})
    parts = read_corpus(characters).parts
    assert [part.characters for part in parts.values()] == [5_059_550, 396_412, 446_184]
    assert Codec.learn(characters.data, parts["train"].documents)[0].size == 50


@pytest.mark.slow
def test_the_last_tenth_of_tiny_shakespeare_is_the_test(real_data):
    data = {"root": str(real_data / "generate" / "tiny-shakespeare"), "train": "input.txt", "min_count": 1}
    recipe = RECIPE(data={**data, "dev_fraction": 0.05, "test_fraction": 0.1})
    parts = read_corpus(recipe).parts
    assert [part.characters for part in parts.values()] == [948_084, 55_770, 111_540]
    codec, _ = Codec.learn(recipe.data, parts["train"].documents)
    assert codec.size == 66
    assert all((encode(codec, part.documents).steps.values > 0).all() for part in parts.values())
