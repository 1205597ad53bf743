"""Columns, tables, JSON and plain sentences told from each other, and columns of files unlike those of training."""

import pytest

from rnncli.data.tables.conll import blocks
from rnncli.tasks.tagging.extras.forms import Ahead, Knowledge, by_name

NER = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
POS = ("DT", "NN", "VBD", "NNP", ".", ",", "TO")


def knowledge(tags=NER, *, columns=("1", "2"), token="1", tag="2", features=(), by_character=False):
    layout = {
        "columns": list(columns),
        "token": token,
        "tag": tag,
        "features": list(features),
        "by_character": by_character,
    }
    return Knowledge(layout, set(tags), tags is NER)


def form(text, known=None, *, live):
    return (known or knowledge()).form(Ahead(text.splitlines(keepends=True), live=live))


def columns(text, known=None):
    ahead = Ahead(text.splitlines(keepends=True), live=True)
    rows = ahead.rows()
    block = next(block for block in blocks(ahead, "x") if block.layout is not None)
    assert block.layout is not None
    return (known or knowledge()).columns(block.layout, rows)


COLUMNS = [
    "# id 7\tdomain=x\nRara _ _ _\nmet _ _ _\n\n# id 8\tdomain=x\nBo _ _ _\n",
    "# newdoc\nRara _\nmet _\n",
    "Rara _ _\n\nBo _ _\n",
    "Rara - - -\nmet - - -\n",
    "1 Rara _\n2 met _\n",
    "Rara NNP I-NP B-PER\nmet VBD I-VP O\n",
    "Rara NNP O\nmet VBD O\n",
    "Rara B-DISH\nmet O\n",
    "-DOCSTART- -X- -X- O\n\nRara NNP I-NP O\n",
    "Rara\t_\t_\n",
    "# sent_id = 1\nRara _ x\n",
    "Rara O\n",
]
SENTENCES = [
    "Rara met Bo\nBo met Rara .\n",
    "Good morning\n",
    "turn left\nturn right\ngo back\n",
    "Vitamin B-12\n",
    "Rara - my friend\n",
    "Rara - friend\nBo - foe\n",
    "#fun in the sun\nRara met Bo\n",
    "I like tea\nI like milk\nI like it\n",
    "One sentence .\n\nAnother one .\n\n",
    "Rara\nBo\n",
    "10,000 people, all here\n",
    "[sic] he said\n",
]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("text", COLUMNS)
def test_columns_of_whatever_width_are_columns(text, live):
    assert form(text, live=live) == "conll"


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_are_sentences(text, live):
    assert form(text, live=live) == "text"


@pytest.mark.parametrize("live", [True, False])
def test_a_full_stop_is_no_tag_where_it_ends_a_sentence(live):
    known = knowledge(POS)
    assert form("I am here .\nYou are there .\n", known, live=live) == "text"
    assert form("the DT\ndog NN\n. .\n", known, live=live) == "conll"
    assert form("the _\n. _\n", known, live=live) == "conll"


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"tokens": ["a"]}\n', "jsonl"),
        ("[\n", "json"),
        ('[{"text": "a"},\n', "json"),
        ("id,tokens\n1,Rara met\n", "csv"),
        ("text;label\na;b\n", "csv"),
        ("", "text"),
    ],
)
def test_tables_and_json_are_told_by_their_first_line(text, wanted, live):
    assert form(text, live=live) == wanted


def test_a_stream_of_sentences_is_not_waited_for():
    def lines():
        yield "Rara met Bo and left\n"
        raise AssertionError("the second line was read")

    assert knowledge().form(Ahead(lines(), live=True)) == "text"


def test_a_column_of_tags_that_ends_with_a_sentence_is_read_no_further():
    def lines():
        yield from ("Rara _ _\n", "met _ _\n", "\n")
        raise AssertionError("more than a sentence was read")

    assert knowledge().form(Ahead(lines(), live=True)) == "conll"


CONLLU = knowledge(POS, columns="abcdefghij", token="form", tag="upos")


@pytest.mark.parametrize(
    ("text", "known", "wanted"),
    [
        ("Rara _\n", None, ("1", "2")),
        ("Rara _ _ _\n", None, ("1", "4")),
        ("1 Rara _\n2 met _\n", None, ("2", "3")),
        ("Rara NNP\nmet VBD\n", knowledge(columns=("1", "2", "3", "4"), tag="4"), ("1", "3")),
        ("Rara NNP I-NP B-PER\nmet VBD I-VP O\n", None, ("1", "4")),
        ("Rara NNP B-PER\nmet VBD O\n", knowledge(POS), ("1", "2")),
        ("Rara NNP B-NP _\nmet VBD B-VP _\n", None, ("1", "4")),
        ("Rara NNP B-DISH\nmet VBD O\n", None, ("1", "3")),
        ("Rara\n", None, ("1", "2")),
        ("Rara lemma extra\nmet meet more\n", None, ("1", "4")),
        ("1\tRara" + "\t_" * 8 + "\n", None, ("form", "11")),
        ("1\tRara\t_\tNNP" + "\t_" * 6 + "\n", knowledge(POS), ("form", "4")),
        ("Rara _ _\n", knowledge(columns=("tokens", "tags"), token="tokens", tag="tags"), ("1", "3")),
        (
            "1\tRara" + "\t_" * 8 + "\n",
            CONLLU,
            ("form", "upos"),
        ),
        ("Rara _\nmet _\n", CONLLU, ("1", "2")),
        ("Rara x B-PER y\nmet x O y\n", knowledge(columns=("1", "2", "3"), tag="2"), ("1", "3")),
        ("Rara _ _ x\n", knowledge(columns=("1", "2", "3"), tag="2"), ("1", "2")),
    ],
)
def test_words_and_tags_are_looked_for_where_a_file_has_them(text, known, wanted):
    assert columns(text, known) == wanted


def test_names_of_files_tell_their_form(tmp_path):
    names = {"a.conll": "conll", "a.CONLLU": "conll", "a.bio.gz": "conll", "a.jsonl": "jsonl", "a.csv": "csv"}
    names |= {"a.txt": "", "a": "", "a.tsv": "conll", "a.parquet": "csv", "stdin": ""}
    assert {name: by_name(tmp_path / name) for name in names} == names
