"""Where examples come from, by the stated rule."""

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnncli.data.tables.sources import read
from rnncli.errors import DataError


def texts(found):
    return {split: list(table.texts("text")) for split, table in found.items()}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_a_file_is_one_table_called_all(tmp_path):
    write(tmp_path / "a.csv", "text,label\na,b\n")
    assert texts(read(tmp_path / "a.csv")) == {"all": ["a"]}


def test_a_folder_of_files_named_after_splits_is_read_by_split(tmp_path):
    write(tmp_path / "train.csv", "text\na\n")
    write(tmp_path / "valid.jsonl", '{"text": "b"}\n')
    write(tmp_path / "notes.csv", "x\n1\n")
    assert texts(read(tmp_path)) == {"train": ["a"], "dev": ["b"]}
    assert texts(read(tmp_path, splits={"train": "train", "test": "valid.jsonl"})) == {"train": ["a"], "test": ["b"]}
    write(tmp_path / "dev.csv", "text\nc\n")
    with pytest.raises(DataError, match="two sources for the split dev"):
        read(tmp_path)


def test_a_folder_per_class_gives_text_and_label_and_each_rows_file(tmp_path):
    write(tmp_path / "pos" / "1.txt", "good\nfilm\n")
    write(tmp_path / "pos" / "2.txt", "")
    write(tmp_path / "neg" / "1.txt", "bad film")
    write(tmp_path / "unsup" / "1.txt", "some film")
    found = read(tmp_path)["all"]
    assert [found.row(i) for i in range(2)] == [
        {"text": "bad film", "label": "neg"},
        {"text": "good\nfilm", "label": "pos"},
    ]
    assert found.place(1) == str(tmp_path / "pos" / "1.txt")
    assert found.dropped == {"empty row": 1}
    assert "without labels" in found.notes[0]


def test_a_folder_per_class_may_have_splits_above_the_classes(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / split / "pos" / "1.txt", f"{split} text")
    assert texts(read(tmp_path)) == {"test": ["test text"], "train": ["train text"]}
    assert texts(read(tmp_path, splits={"dev": "test"})) == {"dev": ["test text"]}


def test_faults_of_a_class_folder_name_the_file(tmp_path):
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "1.txt").write_bytes(b"one\ntwo\0")
    with pytest.raises(DataError, match=r"1\.txt:2: a NUL byte"):
        read(tmp_path)
    write(tmp_path / "pos" / "1.txt", "")
    with pytest.raises(DataError, match="all 1 files are empty"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"no folder here holds \.txt files"):
        read(tmp_path / "pos", source="folder")


def test_a_missing_file_is_an_error_with_the_nearest_name(tmp_path):
    write(tmp_path / "reviews.csv", "text\na\n")
    with pytest.raises(DataError, match=r'no such file or folder \(did you mean "reviews\.csv"\?\)') as caught:
        read(tmp_path / "review.csv")
    assert "holds reviews.csv" in caught.value.hint
    with pytest.raises(DataError, match="no such file or folder"):
        read(tmp_path / "nowhere" / "a.csv")
    with pytest.raises(DataError, match="a file where a folder is expected"):
        read(tmp_path / "reviews.csv", source="folder")


@pytest.fixture
def repository(tmp_path):
    features = {
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
        "text": {"dtype": "string", "_type": "Value"},
    }
    features["tags"] = {"feature": {"names": ["O", "B"], "_type": "ClassLabel"}, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema([("text", pa.string()), ("label", pa.int64()), ("tags", pa.list_(pa.int64()))], metadata)
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    for split in ("train", "test"):
        columns = {"text": [f"{split} a", f"{split} b", "c"], "label": [1, 0, -1], "tags": [[0, 1], [], None]}
        pq.write_table(pa.table(columns, schema), folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.fixture
def datasets_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.usefixtures("datasets_cache")
@pytest.mark.filterwarnings("default")
def test_a_local_repository_gives_its_splits_with_classes_by_name(repository):
    found = read(repository)
    assert list(found) == ["train", "test"]
    assert list(found["train"].texts("text")) == ["train a", "train b", "c"]
    assert list(found["train"].values("label")) == ["pos", "neg", None]
    assert list(found["test"].values("tags")) == [["O", "B"], [], None]
    assert found["test"].place(1) == f"{repository}[test]:2"
    sliced = read(repository, splits={"train": "train[:1]", "dev": "test[1:]"})
    assert texts(sliced) == {"train": ["train a"], "dev": ["test b", "c"]}
    with pytest.raises(DataError, match="split"):
        read(repository, splits={"train": "nothing"})


def test_a_parquet_file_of_a_repository_has_its_classes_by_name_too(repository):
    found = read(repository / "data" / "train-00000-of-00001.parquet")["all"]
    assert list(found.values("label")) == ["pos", "neg", None]
    assert list(found.values("tags")) == [["O", "B"], [], None]


def test_a_hub_name_without_a_network_is_a_data_error_with_a_hint(tmp_path):
    script = (
        "from rnncli.data.tables.sources import read\nfrom rnncli.errors import DataError\n"
        "try:\n    read('owner/name')\nexcept DataError as error:\n    print(error.message, '|', error.hint)\n"
    )
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    environment = {**os.environ, **offline, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("owner/name: ")
    assert "network" in done.stdout
    assert len(done.stdout.splitlines()) == 1
