import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, IOBES, Entities

from rnncli.data.text.tagschemes import SCHEMES, OddTagsError, Span, named, read_spans, recognise
from rnncli.errors import DataError


@st.composite
def sentences(draw):
    """A length and spans in it, in order, that do not overlap."""
    spans, at = [], 0
    for _ in range(draw(st.integers(0, 4))):
        start = at + draw(st.integers(0, 2))
        at = start + draw(st.integers(1, 3))
        spans.append(Span(draw(st.sampled_from(["A", "B-C", ""])), start, at))
    return at + draw(st.integers(0, 2)), spans


@pytest.mark.parametrize("name", SCHEMES)
@given(sentence=sentences())
def test_spans_written_in_a_scheme_are_read_back_without_repairs(name, sentence):
    length, spans = sentence
    tags = SCHEMES[name].write(spans, length)
    assert len(tags) == length
    assert read_spans(tags, SCHEMES[name]) == (spans, 0)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("IOB2", "B-A I-A B-A O B-B"),
        ("IOB1", "I-A I-A B-A O I-B"),
        ("BIOES", "B-A E-A S-A O S-B"),
        ("BILOU", "B-A L-A U-A O U-B"),
        ("BMES", "B-A E-A S-A O S-B B-A M-A E-A"),
        (None, "NOUN VERB O"),
        (None, "O O"),
    ],
)
def test_a_scheme_is_recognised_by_its_prefixes(name, tags):
    found = recognise([tags.split()])
    assert (found and found.name) == name


def test_a_few_broken_tags_do_not_turn_one_scheme_into_another():
    right, broken = ["B-A", "I-A", "O", "B-B"], ["I-A", "O"]
    found = recognise([right] * 9 + [broken])
    assert found is not None
    assert found.name == "IOB2"


def test_a_foreign_prefix_is_a_mistake_and_no_other_scheme():
    right, foreign = ["B-A", "I-A", "O", "B-B"], ["S-A", "O", "B-A", "E-A"]
    found = recognise([right] * 9 + [foreign])
    assert found is not None
    assert found.name == "IOB2"
    assert read_spans(foreign, found) == ([Span("A", 0, 1), Span("A", 2, 4)], 2)


def test_the_separator_and_bare_prefixes_are_recognised():
    found = recognise([["B_A", "I_A"]])
    assert found is not None
    assert found.write([Span("A", 0, 2)], 2) == ["B_A", "I_A"]
    assert read_spans(["B", "M", "E", "S"], SCHEMES["BMES"]) == ([Span("", 0, 3), Span("", 3, 4)], 0)


@pytest.mark.parametrize(
    ("name", "tags", "spans", "repaired"),
    [
        ("IOB2", "I-A I-A O", [("A", 0, 2)], 1),
        ("IOB2", "B-A I-B", [("A", 0, 1), ("B", 1, 2)], 1),
        ("BIOES", "B-A O", [("A", 0, 1)], 1),
        ("BIOES", "E-A O", [("A", 0, 1)], 1),
        ("BIOES", "B-A S-A", [("A", 0, 1), ("A", 1, 2)], 1),
        ("IOB1", "I-A B-A I-B", [("A", 0, 1), ("A", 1, 2), ("B", 2, 3)], 0),
    ],
)
def test_invalid_tags_are_read_as_conlleval_does_and_counted(name, tags, spans, repaired):
    assert read_spans(tags.split(), SCHEMES[name]) == ([Span(*span) for span in spans], repaired)


@pytest.mark.parametrize(("name", "theirs"), [("IOB2", IOB2), ("BIOES", IOBES)])
@given(sentence=st.data())
def test_read_strictly_spans_are_those_of_seqeval(name, theirs, sentence):
    prefixes = "BI" if name == "IOB2" else "BIES"
    tags = ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in "AB")]
    drawn = sentence.draw(st.lists(st.sampled_from(tags), max_size=9))
    wanted = [Span(found.tag, found.start, found.end) for found in Entities([drawn], theirs).entities[0]]
    assert read_spans(drawn, SCHEMES[name], strict=True)[0] == wanted


def test_other_names_of_schemes_are_known_and_wrong_ones_refused():
    assert named("bio").name == "IOB2"
    assert named("BMEO").name == "BMES"
    with pytest.raises(DataError, match="no tag scheme"):
        named("XYZ")


SENTENCES = {
    "IOB2": "B-A I-A O O B-B O O",
    "IOB1": "I-A I-A O O I-B O O",
    "BIOES": "B-A I-A E-A O O S-B O O",
    "BILOU": "B-A I-A L-A O O U-B O O",
    "BMES": "B-A M-A E-A O O S-B O O",
}


@pytest.mark.parametrize("name", SENTENCES)
@pytest.mark.parametrize("odd", ["0", "o", "Tag", "b-A", "B\u2013A", "\u041e", "L-A", "S-A", "M-A", "U-B", "E-B"])
def test_one_odd_tag_among_many_does_not_change_the_scheme(name, odd):
    right = SENTENCES[name].split()
    for at in (0, 2, len(right) - 1):
        found = recognise([[*right[:at], odd, *right[at + 1 :]], *[right] * 20])
        assert found is not None
        assert found.name == name


def test_odd_tags_are_read_as_outside_and_are_no_repairs():
    for odd in ("0", "Tag", "X-A", "", "nothing"):
        assert read_spans(["B-A", odd, "B-A"], SCHEMES["IOB2"]) == ([Span("A", 0, 1), Span("A", 2, 3)], 0)


@pytest.mark.parametrize(
    "tags",
    ["B-A I-A 0 0 0", "B-A I-A O PERSON", "B-A E-A S-A x y O O O", "B_A I_A o o o o o", "U-A B-A L-A none"],
)
def test_spans_among_many_other_tags_are_refused(tags):
    with pytest.raises(OddTagsError):
        recognise([tags.split()] * 20)


@pytest.mark.parametrize("tags", ["NN M VV NN P", "N B V N", "1 2 0 0 3", "E-X N V D N P", "O PER LOC O"])
def test_other_tags_stay_no_spans_though_some_read_like_prefixes(tags):
    assert recognise([tags.split()] * 20) is None
