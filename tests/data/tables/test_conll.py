import io

import pytest

from rnncli.data.tables.conll import blocks, feature, fill, read_conll
from rnncli.errors import DataError

PLAIN = "-DOCSTART- -X- O\n\n# a note\nEU NNP B-ORG\nrejects VBZ O\n\n\n# # O\nPeter\tNNP   B-PER\n"
CONLLU = (
    "# sent_id = 1\n# text = don't go\n1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tdo\tdo\tAUX\tVB\tMood=Ind|Tense=Pres\t3\taux\t_\t_\n"
    "2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_\n3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n3.1\tx\tx\tX\tX\t_\t_\t_\t_\t_\n\n"
)


def read(text):
    return list(blocks(io.StringIO(text, newline=""), "f.conll"))


def sentences(text):
    return [block.fields for block in read(text) if block.rows]


def test_sentences_are_between_blank_lines_and_comments_and_document_starts_are_no_tokens():
    assert sentences(PLAIN) == [
        [["EU", "NNP", "B-ORG"], ["rejects", "VBZ", "O"]],
        [["#", "#", "O"], ["Peter", "NNP", "B-PER"]],
    ]


def test_the_lines_of_all_blocks_are_the_file():
    for text in (PLAIN, CONLLU, "\n\n" + PLAIN.replace("\n", "\r\n"), PLAIN + "\n\n# the end\n", PLAIN[:-1]):
        assert "".join(line for block in read(text) for line in block.lines) == text


def test_ranges_and_empty_nodes_of_conll_u_are_kept_apart():
    (block,) = read(CONLLU)
    assert block.column(1) == ["do", "n't", "go"]
    assert [block.line(i) for i in range(3)] == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "column", "wanted"),
    [
        ("a  X B-P\nb\tX  O", "3", "a  X N\nb\tX  N"),
        ("a X\r\nb X\r\n\r\n", "3", "a X N\r\nb X N\r\n\r\n"),
        ("a\t\tO\n", "2", "a\tN\tO\n"),
        ("a\tb c\tO\n", "2", "a\tN\tO\n"),
        ("a\n", "4", "a N\n"),
        ("# global.columns = FORM NER\na\tO\n", "ner", "# global.columns = FORM NER\na\tN\n"),
    ],
)
def test_a_column_is_filled_and_the_rest_stays_as_it_was(text, column, wanted):
    assert "".join(fill(block, column, ["N"] * len(block.rows)) for block in read(text)) == wanted


def test_filling_conll_u_leaves_ranges_and_empty_nodes_alone():
    (block,) = read(CONLLU)
    filled = fill(block, "UPOS", ["A", "B", "C"])
    assert filled == CONLLU.replace("AUX", "A").replace("PART", "B").replace("VERB", "C")


def test_a_file_becomes_lists_of_strings_with_the_line_of_each_sentence(tmp_path):
    path = tmp_path / "f.conll"
    path.write_text(PLAIN, encoding="utf-8")
    table = read_conll(path)
    assert table.columns == ["1", "2", "3"]
    assert list(table.values("1")) == [["EU", "rejects"], ["#", "Peter"]]
    assert [table.place(i) for i in range(2)] == [f"{path}:4", f"{path}:8"]


def test_conll_u_columns_have_names_and_features_are_found_by_key(tmp_path):
    path = tmp_path / "f.conllu"
    path.write_text(CONLLU, encoding="utf-8")
    (feats,) = read_conll(path).values("feats")
    assert feature(feats, "Mood") == ["Ind", "_", "_"]
    assert next(iter(read_conll(path).values("upos"))) == ["AUX", "PART", "VERB"]


def test_ideographic_spaces_are_tokens():
    assert sentences("　 O\n中 B-X\n") == [[["　", "O"], ["中", "B-X"]]]


@pytest.mark.parametrize(
    ("text", "place"),
    [("a B-X\nb\n", "f.conll:2: 1 column where line 1 has 2"), ("a\tO\nb O\n", "f.conll:2: 1 column")],
)
def test_ragged_columns_name_file_and_line(text, place):
    with pytest.raises(DataError) as caught:
        read(text)
    assert caught.value.message.startswith(place)


def test_a_file_without_tokens_is_refused(tmp_path):
    path = tmp_path / "f.conll"
    path.write_text("\n# nothing\n", encoding="utf-8")
    with pytest.raises(DataError, match="holds no tokens"):
        read_conll(path)


def test_the_real_files_have_as_many_sentences_as_they_say(real_data):
    chunks = read_conll(real_data / "tagging/conll2000/test.txt")
    assert len(chunks) == 2012
    words = read_conll(real_data / "tagging/ewt/en_ewt-ud-test.conllu")
    assert len(words) == 2077
    assert sum(map(len, words.values("form"))) == 25094
