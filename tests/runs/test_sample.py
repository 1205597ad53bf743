"""Layouts of submissions: ids, order, columns, types and values exactly as a sample wants them, or one question."""

from __future__ import annotations

import csv
import io

import pytest

from rnncli.data.tables.sources import read_file
from rnncli.errors import DataError, UsageError
from rnncli.runs.sample import Choices, Predicted, SampleFile, filling, layout

TWO = Predicted(("negative", "positive"), False, [[0.9, 0.1], [0.2, 0.8], [0.25, 0.75]])
DIGITS = Predicted(("0", "1"), False, TWO.probabilities)
THREE = Predicted(("EAP", "HPL", "MWS"), False, [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0, 1, 0]])
TAGS = Predicted(("a", "b", "c"), True, [[0.9, 0.1, 0.6], [0.2, 0.1, 0.3], [0, 1, 0]])
TEST = 'id,text\n007,"first, with ""quotes""\nand a line"\n12345678901234567890,second\n1e5,third\n'
IDS = ("007", "12345678901234567890", "1e5")


def with_ids(text: str) -> str:
    """A text with the ids of TEST for @1, @2 and @3."""
    for number, one in enumerate(IDS, start=1):
        text = text.replace(f"@{number}", one)
    return text


def submission(tmp_path, test, sample, predicted, wanted=None, separator="|"):
    """The text of a submission, and what is said of it."""
    wanted = wanted or Choices()
    sample = None if sample is None else with_ids(sample)
    (tmp_path / "test.csv").write_text(test, encoding="utf-8")
    found = None
    if sample is not None:
        (tmp_path / "sample.csv").write_text(sample, encoding="utf-8")
        found = SampleFile.read(tmp_path / "sample.csv")
    made = layout(read_file(tmp_path / "test.csv"), found, wanted, ("text",), "label")
    cells, said = filling(made, predicted, wanted, separator)
    return "".join(made.lines(predicted, cells)), said


LABELS = ("id,label\n@3,negative\n@1,negative\n@2,positive\n", "id,label\n@3,positive\n@1,negative\n@2,positive\n")
NUMBERS = ("Id,target\n@1,0\n@3,0\n@2,1\n", "Id,target\n@1,0\n@3,1\n@2,1\n")
SHARES = ("id,target\n@1,0.5\n@2,0.5\n@3,0.5\n", "id,target\n@1,0.100000\n@2,0.800000\n@3,0.750000\n")
AUTHORS = (
    "id,MWS,EAP,HPL\n@1,0.4,0.3,0.3\n@2,0.4,0.3,0.3\n@3,0.4,0.3,0.3\n",
    "id,MWS,EAP,HPL\n@1,0.200000,0.500000,0.300000\n@2,0.700000,0.100000,0.200000\n@3,0.000000,0.000000,1.000000\n",
)
PREFIXED = (
    "id,is_a,is_b,is_c\n@1,0.5,0.5,0.5\n@2,0.5,0.5,0.5\n@3,0.5,0.5,0.5\n",
    "id,is_a,is_b,is_c\n@1,0.900000,0.100000,0.600000\n@2,0.200000,0.100000,0.300000\n@3,0.000000,1.000000,0.000000\n",
)
SEVERAL = ("id,tags\n@1,a b\n@2,c\n@3,a b c\n", "id,tags\n@1,a c\n@2,\n@3,b\n")
LISTS = (
    "id,tags\n@1,\"['a', 'b']\"\n@2,[]\n@3,['c']\n",
    "id,tags\n@1,\"['a', 'c']\"\n@2,[]\n@3,['b']\n",
)
QUOTED = (
    "id;text;label\n@1;x;negative\n@3;y;negative\n@2;z;negative\n",
    'id;text;label\n@1;"first, with ""quotes""\nand a line";negative\n@3;third;positive\n@2;second;positive\n',
)
LAYOUTS = {
    "labels in another order": (LABELS, TWO),
    "labels that are numbers": (NUMBERS, DIGITS),
    "probabilities": (SHARES, DIGITS),
    "a column for each label": (AUTHORS, THREE),
    "columns with a name before each label": (PREFIXED, TAGS),
    "several labels": (SEVERAL, TAGS),
    "lists of labels": (LISTS, TAGS),
    "quoted text with line ends, and semicolons": (QUOTED, TWO),
}


@pytest.mark.parametrize(("files", "predicted"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_submission_is_like_its_sample(tmp_path, files, predicted):
    assert submission(tmp_path, TEST, files[0], predicted)[0] == with_ids(files[1])


def test_without_a_sample_there_are_the_ids_of_the_rows_and_labels(tmp_path):
    text, said = submission(tmp_path, TEST, None, TWO)
    assert text == "id,label\n007,negative\n12345678901234567890,positive\n1e5,positive\n"
    assert said == "label: labels"
    text, said = submission(tmp_path, TEST, None, TAGS)
    assert list(csv.reader(io.StringIO(text)))[1] == ["007", "a|c"]


def test_what_is_asked_for_comes_before_what_is_found(tmp_path):
    sample = "id,target\n007,0\n12345678901234567890,0\n1e5,0\n"
    text, said = submission(tmp_path, TEST, sample, DIGITS, Choices(values="probabilities"))
    assert text.splitlines()[1] == "007,0.100000"
    text, said = submission(tmp_path, TEST, sample, TWO, Choices(positive="negative"))
    assert (text.splitlines()[1], said) == ("007,0.900000", 'target: the probability of "negative"')
    sample = "id,model,target\n007,x,0\n12345678901234567890,y,0\n1e5,z,0\n"
    text, _ = submission(tmp_path, TEST, sample, DIGITS, Choices(target="target"))
    assert text.splitlines()[1:] == ["007,x,0", "12345678901234567890,y,1", "1e5,z,1"]
    columns = "id,EAP,HPL,MWS\n007,1,0,0\n12345678901234567890,1,0,0\n1e5,1,0,0\n"
    text, _ = submission(tmp_path, TEST, columns, THREE, Choices(values="labels"))
    assert text.splitlines()[1:] == ["007,1,0,0", "12345678901234567890,0,0,1", "1e5,0,1,0"]


def test_a_positive_label_is_known_by_the_column_or_by_its_name(tmp_path):
    sample = "id,{}\n007,0.5\n12345678901234567890,0.5\n1e5,0.5\n"
    text, _ = submission(tmp_path, TEST, sample.format("negative"), TWO)
    assert text.splitlines()[1] == "007,0.900000"
    assert submission(tmp_path, TEST, sample.format("score"), TWO)[1] == 'score: the probability of "positive"'


def test_ids_may_have_another_name_or_count_rows(tmp_path):
    sample = "key,label\n1e5,negative\n007,negative\n12345678901234567890,positive\n"
    assert submission(tmp_path, TEST, sample, TWO)[0].splitlines()[1] == "1e5,positive"
    test = "text\nfirst\nsecond\nthird\n"
    assert submission(tmp_path, test, "id,label\n0,negative\n1,negative\n2,positive\n", TWO)[0].splitlines()[1:] == [
        "0,negative",
        "1,positive",
        "2,positive",
    ]


def test_whole_numbers_are_written_as_the_sample_has_them(tmp_path):
    sample = "id,target\n007,0.0\n12345678901234567890,1.0\n1e5,0.0\n"
    text, _ = submission(tmp_path, TEST, sample, DIGITS, Choices(values="labels"))
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["0.0", "1.0", "1.0"]


SAMPLE = SHARES[0]
MORE = SAMPLE.replace("target", "x,target").replace(",0.5", ",1,0.5")
WHOLE = "id,EAP,HPL,MWS\n@1,1,0,0\n@2,1,0,0\n@3,1,0,0\n"
MISUSE = {
    'asks for id "8", which': (TEST, SAMPLE + "8,0.5\n", DIGITS, Choices()),
    'has id "8", which': (TEST + "8,x\n", SAMPLE, DIGITS, Choices()),
    'asks for id "7", which': (TEST, SAMPLE.replace("@1", "7"), DIGITS, Choices()),
    'id "007" stands twice': (TEST, SAMPLE + "007,0.5\n", DIGITS, Choices()),
    'two rows have the id "007"': (TEST + "007,x\n", SAMPLE, DIGITS, Choices()),
    "which column holds the ids? none is in": ("text\na\nb\nc\n", SAMPLE, DIGITS, Choices()),
    "which column holds the ids? none has a name": ("text,other\na,x\nb,x\nc,x\n", None, DIGITS, Choices()),
    'holds "0": is it for labels or probabilities?': (TEST, SAMPLE.replace("0.5", "0"), TWO, Choices()),
    "holds nothing: is it for labels or": (TEST, SAMPLE.replace("0.5", ""), TWO, Choices()),
    'holds "good", which is no label of the run': (TEST, SAMPLE.replace("0.5", "good"), TWO, Choices()),
    'which label is "target" the probability of?': (TEST, SAMPLE, THREE, Choices()),
    "--positive positve: there is no such label": (TEST, SAMPLE, TWO, Choices(positive="positve")),
    "--id key: ": (TEST, SAMPLE, TWO, Choices(id="key")),
    "--target label: ": (TEST, SAMPLE, TWO, Choices(target="label")),
    '"x" is no label': (TEST, MORE, TWO, Choices()),
    "no column is left for predictions": (TEST.replace("text", "target"), SAMPLE, TWO, Choices()),
    "is 0 and 1 or are shares wanted?": (TEST, WHOLE, THREE, Choices()),
}


@pytest.mark.parametrize(("said", "given"), MISUSE.items(), ids=MISUSE)
def test_what_cannot_be_decided_is_one_sentence_and_what_to_type(tmp_path, said, given):
    with pytest.raises((DataError, UsageError)) as caught:
        submission(tmp_path, *given)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_ids_that_differ_in_form_alone_are_said_to(tmp_path):
    with pytest.raises(DataError) as caught:
        submission(tmp_path, TEST, SAMPLE.replace("@1", "7"), DIGITS)
    assert caught.value.hint == "the ids are the same but for how they are written: mend one of the files"
