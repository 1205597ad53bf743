"""Separated text that comes line by line: what is a header and what a text."""

import pytest

from rnncli.data.tables.live import cut_header, find_header, records
from rnncli.errors import DataError

TEXTS = ("body", "text", "review")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("id,text,label\n", ("id", "text", "label")),
        ("Text,Label\r\n", ("Text", "Label")),
        ("id;review\n", ("id", "review")),
        ("id\ttext\n", ("id", "text")),
        ("stars|body|written by\n", ("stars", "body", "written by")),
        ('"id","text"\n', ("id", "text")),
        ("id, text, label\n", ("id", "text", "label")),
        ("id,headline,label\n", ("id", "headline", "label")),
        ("class;headline\n", ("class", "headline")),
        ("Sentence #,text,Tag\n", ("Sentence #", "text", "Tag")),
    ],
)
def test_a_header_is_known_by_its_names(line, names):
    found = find_header(line, TEXTS)
    assert found is not None
    assert found.names == names


@pytest.mark.parametrize(
    "line",
    [
        "good,bad\n",
        "Hello, world\n",
        "text, sentence and review of a film\n",
        "a fine film , and no text\n",
        "text\n",
        "\n",
        "id and label, well chosen\n",
        "the text; it was good\n",
        "10,000 reviews\n",
        "id?,label?\n",
    ],
)
def test_a_text_is_no_header(line):
    assert find_header(line, TEXTS) is None


def test_records_come_as_they_are_read():
    taken = []

    def lines():
        for line in ("1,fine\n", '2,"fine,\n', 'or ""not"""\n', "3,bad\n"):
            taken.append(line)
            yield line

    rows = records(lines(), cut_header("id,text"), "stdin")
    assert next(rows) == (2, ["1", "fine"])
    assert len(taken) == 1
    assert list(rows) == [(3, ["2", 'fine,\nor "not"']), (5, ["3", "bad"])]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["1,a\n", "2,b,c\n"], "stdin:3: 3 fields where the header has 2"),
        (["1,a\n", "2\n"], "stdin:3: 1 field where the header has 2"),
        (["1,a\n", '2,"b\n'], "stdin:3: not csv"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(lines, says):
    with pytest.raises(DataError, match=says):
        list(records(lines, cut_header("id,text"), "stdin"))


def test_the_column_is_the_first_of_those_wanted_in_any_case():
    header = cut_header("ID;Text;Review")
    assert header.delimiter == ";"
    assert header.index(["body", "review", "text"]) == 2
    assert header.index(["body"]) == -1
