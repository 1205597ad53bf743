"""Which groups a prediction belongs to."""

import numpy as np

from rnncli.runs.groups import mark


class Examples:
    """Three files, of the lengths 3, 30 and 3."""

    lengths = np.array([3, 30, 3])

    def __len__(self):
        return 3

    def batch(self, indices):
        raise AssertionError("nothing is computed")

    def place(self, index):
        return f"{'ab'[index % 2]}.txt:{index}"


def test_rows_that_are_parts_of_examples_have_the_groups_of_these():
    rows = [{"place": "x", "example": at} for at in (0, 1, 1, 2)]
    marked = mark(["source", "length"], rows, None, Examples())
    assert [row["groups"]["source"] for row in marked] == ["a.txt", "b.txt", "b.txt", "a.txt"]
    assert [row["groups"]["length"] for row in marked] == ["1-4", "20-39", "20-39", "1-4"]


def test_rows_that_are_examples_have_the_groups_of_their_place_in_the_order():
    assert [row["groups"]["source"] for row in mark(["source"], [{}, {}, {}], None, Examples())] == [
        "a.txt",
        "b.txt",
        "a.txt",
    ]
