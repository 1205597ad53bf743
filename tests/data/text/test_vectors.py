"""Word vectors from text files."""

import gzip

import numpy as np
import pytest

from rnncli.data.text.vectors import read_vectors
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import DataError

VOCABULARY = Vocabulary(("the", "好", ". . .", "missing"))
PLAIN = "the 0.5 -1 2e-1\nother 9 9 9\n好 1 2 3\n. . . 4 5 6\nthe 7 7 7\n"


@pytest.mark.parametrize("content", [PLAIN, "5 3\n" + PLAIN.replace("\n", " \n")], ids=["glove", "vec"])
@pytest.mark.parametrize("packed", [False, True])
def test_vectors_of_the_vocabulary_are_found_and_others_drawn(tmp_path, content, packed):
    path = tmp_path / ("v.txt.gz" if packed else "v.txt")
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    got = read_vectors(path, VOCABULARY, seed=3, scale=0.01)
    assert got.matrix.dtype == np.float32
    assert got.matrix[2:5] == pytest.approx(np.array([[0.5, -1, 0.2], [1, 2, 3], [4, 5, 6]]))
    assert got.found.tolist() == [False, False, True, True, True, False]
    assert (got.matrix[0] == 0).all()
    assert 0 < np.abs(got.matrix[5]).max() < 0.1
    assert (read_vectors(path, VOCABULARY, seed=3, scale=0.01).matrix == got.matrix).all()


@pytest.mark.parametrize(
    ("content", "place", "says"),
    [
        ("the 1 2 3\n好 1 2\n", ":2", "2 numbers where the first line has 3"),
        ("the 1 2 3\n好 1 2 3 4\n", ":2", "4 numbers where the first line has 3"),
        ("the 1 2 x\n", ":1", '"x" is not a number'),
        ("cat 1 2 3\nthe 1 2 x3\n", ":2", '"x3" is not a number'),
        ("cat 1 2 3\nthe 1 nan 3\n", ":2", "nan"),
        ("cat 1 2 3\nthe 1 inf 3\n", ":2", "infinite"),
        ("the\n", ":1", "no numbers"),
        ("9 3\nthe 1 2 3\n", "", "1 vectors where its first line says 9"),
        ("", "", "no vectors"),
        ("the 1 2\n", ":1", "vectors of 2 numbers, but the model's embedding has 3"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path, content, place, says):
    path = tmp_path / "v.txt"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_vectors(path, VOCABULARY, dimension=3)
    assert caught.value.message.startswith(f"{path}{place}: ")
    assert says in caught.value.message


def test_a_missing_or_broken_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(tmp_path / "none.vec", VOCABULARY)
    (tmp_path / "v.vec.gz").write_bytes(b"not packed")
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(tmp_path / "v.vec.gz", VOCABULARY)
